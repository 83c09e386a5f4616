//! Every setting there is: one name, spelt `sweep_interval` in `earwitness.toml`, `EARWITNESS_SWEEP_INTERVAL` in the
//! environment and `--sweep-interval` as a flag.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Its name in the file.
    pub name: &'static str,
    /// What it is when nobody says otherwise; `{data}` stands for the data folder, empty for "not set".
    pub default: &'static str,
    /// What it means, in a line.
    pub about: &'static str,
}

impl Spec {
    /// Its name in the environment.
    pub fn env(&self) -> String {
        format!("{ENV_PREFIX}{}", self.name.to_ascii_uppercase())
    }

    /// Its name as a flag, without the two hyphens.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }
}

/// What every environment variable of ours begins with.
pub const ENV_PREFIX: &str = "EARWITNESS_";
/// Names the configuration file; no setting of its own.
pub const ENV_CONFIG: &str = "EARWITNESS_CONFIG";

const fn spec(name: &'static str, default: &'static str, about: &'static str) -> Spec {
    Spec { name, default, about }
}

/// All settings, in the order in which people meet them.
pub const SETTINGS: &[Spec] = &[
    spec("data", "./data", "folder for all that is embedded"),
    spec("listen", "127.0.0.1:8080", "address and port of `serve`"),
    spec("metrics_listen", "", "address and port of /metrics alone; not set: on the main address"),
    spec("catalog", "sqlite://{data}/catalog.db", "sqlite://PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE"),
    spec("catalog_connections", "16", "connections to PostgreSQL, 2 to 1000; SQLite has its own number"),
    spec("store", "file://{data}/objects", "file://PATH or s3://BUCKET/PREFIX?endpoint=URL&region=R&path_style=true"),
    spec("require_lock", "false", "refuse to start where the store does not enforce Object Lock: true or false"),
    spec("lock_mode", "governance", "Object Lock mode of recordings: `governance` or `compliance`"),
    spec(
        "erasure_credentials_file",
        "",
        "AWS credentials file of whoever may bypass governance locks, used for decided erasures alone; not set: what is locked waits for its lock's end",
    ),
    spec("keys", "file://{data}/keys", "file://PATH, transit+https://HOST/MOUNT or aws-kms:PREFIX?region=R"),
    spec("keys_replica", "", "second folder in which the file key provider keeps every key"),
    spec(
        "keys_token_file",
        "",
        "file with the token for OpenBao or Vault, read again when it changes; not set: BAO_TOKEN, VAULT_TOKEN",
    ),
    spec(
        "ca_file",
        "",
        "PEM file of certificate authorities that store and key server are checked against, beside the system's",
    ),
    spec(
        "signing_key",
        "{data}/signing/ledger.pem",
        "file of the key that signs receipts and checkpoints; every node has the same",
    ),
    spec(
        "seal_key",
        "",
        "PEM file of the key (P-256) that signs evidence packages; not set: one of its own below <data>/signing",
    ),
    spec("seal_certificate", "", "PEM file of that key's certificate, followed by its issuers'"),
    spec("spool", "", "folder for unlinked temporary files; not set: the system's"),
    spec("sweep_interval", "60s", "time between two purge passes, 100ms to 1d"),
    spec("retention_period", "P5Y", "how long recordings are kept: an ISO 8601 duration of years, months, weeks, days"),
    spec("retention_zone", "Europe/Brussels", "time zone whose calendar counts"),
    spec("retention_end", "instant", "`instant` or `end-of-day`"),
    spec("cases_retention", "P5Y", "how long a closed case is kept, with its notes: an ISO 8601 duration"),
    spec(
        "accounts_retention",
        "P10Y",
        "how long an account's data are kept after the relation ended: an ISO 8601 duration",
    ),
    spec("backup_max_age", "30d", "greatest age of a backup of catalog or store, stated in purge certificates"),
    spec("max_upload_bytes", "1GiB", "larger uploads are refused with 413"),
    spec("max_metadata_bytes", "64KiB", "greatest size of an upload's metadata part"),
    spec("max_parts", "8", "greatest number of parts of one upload"),
    spec("upload_timeout", "10m", "time in which an upload has to arrive"),
    spec("max_requests", "256", "requests served at once"),
    spec(
        "trusted_proxies",
        "",
        "networks (10.0.0.0/8, 127.0.0.1, …) of proxies whose word about a caller's address is taken",
    ),
    spec(
        "forwarded_header",
        "x-forwarded-for",
        "the one header in which they say it: `x-forwarded-for` or `forwarded`",
    ),
    spec("decoder_memory_bytes", "512MiB", "address space of one decoder process"),
    spec("decoder_timeout", "120s", "time one recording's check may take"),
    spec("decoder_concurrency", "2", "decoder processes at once"),
    spec(
        "vcon_media_hosts",
        "",
        "hosts (media.example.com, recorder:8443, …) from which recordings are fetched that a vCon refers to",
    ),
    spec("vcon_media_networks", "", "networks in which these hosts may lie, beside all public ones: 10.0.0.0/8, …"),
    spec(
        "vcon_signers",
        "",
        "PEM file of the certificates whose signatures on vCons count; not set: whoever signed, it has to be intact. Unsigned ones are taken either way",
    ),
    spec("controller_name", "", "the controller (GDPR art. 4(7)), on reports and exports"),
    spec("controller_address", "", "the controller's postal address"),
    spec("privacy_contact", "", "where people write about their data"),
    spec("ledger_origin", "localhost/earwitness", "name of this ledger in its checkpoints: like a URL without scheme"),
    spec("timestamp_authority", "", "URL of an RFC 3161 authority that stamps checkpoints and evidence packages"),
    spec("timestamp_ca_file", "", "PEM file of the authorities that have to vouch for its certificate"),
    spec(
        "witnesses",
        "",
        "C2SP witnesses that cosign checkpoints, with commas between: each a verifier key, a space, and its URL",
    ),
    spec("log", "info", "what is logged: a level, or tracing filter directives"),
    spec("log_format", "text", "`text` or `json`"),
];

/// The setting of this name.
pub fn find(name: &str) -> Option<&'static Spec> {
    SETTINGS.iter().find(|spec| spec.name == name)
}

/// Variables that are ours but belong to tests, not to a configuration.
pub fn is_for_tests(env_name: &str) -> bool {
    env_name.starts_with("EARWITNESS_TEST_") || matches!(env_name, "EARWITNESS_FAILPOINT" | "EARWITNESS_MUTANTS")
}

/// The known setting whose name is nearest to `name`, if any is near enough to be what was meant.
pub fn nearest(name: &str) -> Option<&'static Spec> {
    let near = SETTINGS.iter().map(|spec| (distance(name, spec.name), spec)).min_by_key(|(steps, _)| *steps);
    near.filter(|(steps, spec)| *steps <= spec.name.len().max(3) / 3).map(|(_, spec)| spec)
}

/// Levenshtein distance: how many letters to insert, remove or replace.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_when_it_is_near() {
        assert_eq!(nearest("sweep_intervall").map(|s| s.name), Some("sweep_interval"));
        assert_eq!(nearest("max_upload_size").map(|s| s.name), Some("max_upload_bytes"));
        assert_eq!(nearest("zzzzzzzz").map(|s| s.name), None);
        assert_eq!((distance("", "abc"), distance("abc", "abc"), distance("kitten", "sitting")), (3, 0, 3));
    }

    #[test]
    fn names_are_unique_and_spelt_for_all_three_places() {
        for (i, spec) in SETTINGS.iter().enumerate() {
            assert!(spec.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", spec.name);
            assert!(SETTINGS[i + 1..].iter().all(|other| other.name != spec.name), "{} twice", spec.name);
            assert!(!is_for_tests(&spec.env()), "{}", spec.name);
        }
        let spec = find("sweep_interval").unwrap();
        assert_eq!((spec.env().as_str(), spec.flag().as_str()), ("EARWITNESS_SWEEP_INTERVAL", "sweep-interval"));
    }
}
