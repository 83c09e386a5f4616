//! What an operator can set, checked before anything starts.
//!
//! Defaults < `earwitness.toml` < `EARWITNESS_*` < flags. A name that is no setting is an error wherever it stands: a
//! misspelt retention period must not pass for the default one. Paths are relative to the working folder.

mod engines;
mod error;
mod explain;
mod flags;
mod layers;
mod media;
mod settings;
#[cfg(test)]
mod tests;
pub mod units;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

pub use engines::{CatalogUrl, KeysUrl, KmsUrl, LockMode, S3Url, StoreUrl, masked};
pub use error::ConfigError;
pub use explain::Setting;
pub use flags::Flags;
pub use layers::{DEFAULT_FILE, Inputs};
pub use media::MediaHost;
pub use settings::{SETTINGS, Spec};

pub use crate::telemetry::LogFormat;

use crate::retention::{BadPeriod, Period, Policy};
use values::{
    DAY, Values, address, forwarded_header, log_format, networks, number, origin, size, text, time, web_address,
    whole_seconds, witnesses, yes_or_no,
};

/// The name of the retention rule of recordings.
pub const RECORDING_RULE: &str = "call_recording";

/// All settings, checked. [`SETTINGS`] says what each means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Folder for all that is embedded.
    pub data: PathBuf,
    /// Address of `serve`.
    pub listen: SocketAddr,
    /// Address of `/metrics` alone.
    pub metrics_listen: Option<SocketAddr>,
    /// Where the catalog is.
    pub catalog: CatalogUrl,
    /// Connections to PostgreSQL.
    pub catalog_connections: u32,
    /// Where the objects are.
    pub store: StoreUrl,
    /// Whether a store without Object Lock is refused.
    pub require_lock: bool,
    /// How recordings are locked where the store can.
    pub lock_mode: LockMode,
    /// File with the credential that may bypass locks for a decided erasure.
    pub erasure_credentials: Option<PathBuf>,
    /// Where the keys are.
    pub keys: KeysUrl,
    /// Second folder of the file key provider.
    pub keys_replica: Option<PathBuf>,
    /// File with the token for OpenBao or Vault.
    pub keys_token_file: Option<PathBuf>,
    /// PEM file of certificate authorities for store and key server, beside the system's.
    pub ca_file: Option<PathBuf>,
    /// File of the key that signs receipts, certificates and checkpoints.
    pub signing_key: PathBuf,
    /// What evidence packages are signed with.
    pub seal: SealFiles,
    /// Folder for unlinked temporary files.
    pub spool: PathBuf,
    /// Time between two purge passes.
    pub sweep_interval: Duration,
    /// The retention rule of recordings.
    pub retention: Policy,
    /// How long a closed case is kept.
    pub cases_retention: Period,
    /// How long the data of an account are kept, from the end of the relation.
    pub accounts_retention: Period,
    /// Greatest age of a backup of catalog or store.
    pub backup_max_age: Duration,
    /// What one request may cost.
    pub limits: Limits,
    /// What one check of a recording may cost.
    pub decoder: DecoderLimits,
    /// Proxies whose word about the client's address is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which they say it.
    pub forwarded_header: ForwardedHeader,
    /// What is taken in as a vCon.
    pub vcon: VconConfig,
    /// Who answers for the data.
    pub controller: Controller,
    /// The ledger's name in its checkpoints (C2SP tlog-checkpoint: a URL without scheme).
    pub ledger_origin: String,
    /// Who outside says when something existed.
    pub timestamps: TimestampSettings,
    /// Who outside cosigns the ledger's checkpoints.
    pub witnesses: Vec<WitnessSettings>,
    /// Tracing filter directives.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    explained: Vec<Setting>,
}

/// Where the key and the certificates are that evidence packages are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealFiles {
    /// The organisation's own, which have to be there.
    Own {
        /// PEM of the key.
        key: PathBuf,
        /// PEM of the certificates.
        certificate: PathBuf,
    },
    /// Below this folder, made where there are none.
    SelfMade(PathBuf),
}

/// What one request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Greatest size of an upload's audio.
    pub max_upload_bytes: u64,
    /// Greatest size of an upload's metadata part.
    pub max_metadata_bytes: u64,
    /// Greatest number of parts of one upload.
    pub max_parts: u32,
    /// Time in which an upload has to arrive.
    pub upload_timeout: Duration,
    /// Requests served at once.
    pub max_requests: u32,
}

/// How a proxy tells the client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: client, proxy`.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=client` (RFC 7239).
    Forwarded,
}

/// What is taken in as a vCon.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VconConfig {
    /// Hosts from which recordings are fetched that a vCon refers to.
    pub media_hosts: Vec<MediaHost>,
    /// Networks in which these hosts may lie, beside all public ones.
    pub media_networks: Vec<IpNet>,
    /// PEM file of the certificates whose signatures count.
    pub signers: Option<PathBuf>,
}

/// What one check of a recording may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecoderLimits {
    /// Address space of the decoder process.
    pub memory_bytes: u64,
    /// Time, in whole seconds.
    pub timeout: Duration,
    /// Decoder processes at once.
    pub concurrency: u32,
}

/// The controller (GDPR art. 4(7)), as it stands on reports and exports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Controller {
    /// Its name.
    pub name: Option<String>,
    /// Its postal address.
    pub address: Option<String>,
    /// Where people write about their data.
    pub privacy_contact: Option<String>,
}

/// An authority outside that says when something existed (RFC 3161).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TimestampSettings {
    /// Its URL; none where nothing is stamped.
    pub authority: Option<String>,
    /// PEM file of the authorities that have to vouch for its certificate.
    pub ca_file: Option<PathBuf>,
}

/// A witness of the ledger (C2SP tlog-witness).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessSettings {
    /// Its verifier key.
    pub vkey: String,
    /// The prefix of its URLs.
    pub url: String,
}

impl Config {
    /// Reads and checks every setting.
    ///
    /// # Errors
    /// The first thing that is wrong, with the setting, where it was set and what would be right.
    pub fn load(inputs: &Inputs) -> Result<Self, ConfigError> {
        let (figment, file) = layers::merge(inputs)?;
        let mut values = Values { figment, file, data: String::new(), explained: Vec::new() };
        values.data = values.read("data", text)?;
        let config = Self {
            data: PathBuf::from(&values.data),
            listen: values.read("listen", address)?,
            metrics_listen: values.optional("metrics_listen", address)?,
            catalog: values.read("catalog", str::parse)?,
            catalog_connections: values.read("catalog_connections", |t| number(t, 2, 1_000))?,
            store: values.read("store", str::parse)?,
            require_lock: values.read("require_lock", yes_or_no)?,
            lock_mode: values.read("lock_mode", str::parse)?,
            erasure_credentials: values.optional("erasure_credentials_file", text)?.map(PathBuf::from),
            keys: values.read("keys", str::parse)?,
            keys_replica: values.optional("keys_replica", text)?.map(PathBuf::from),
            keys_token_file: values.optional("keys_token_file", text)?.map(PathBuf::from),
            ca_file: values.optional("ca_file", text)?.map(PathBuf::from),
            signing_key: values.read("signing_key", text).map(PathBuf::from)?,
            seal: values.seal()?,
            spool: values.optional("spool", text)?.map_or_else(std::env::temp_dir, PathBuf::from),
            sweep_interval: values.read("sweep_interval", |t| time(t, Duration::from_millis(100), DAY))?,
            retention: values.retention()?,
            cases_retention: values.read("cases_retention", |t| t.parse().map_err(|e: BadPeriod| e.to_string()))?,
            accounts_retention: values
                .read("accounts_retention", |t| t.parse().map_err(|e: BadPeriod| e.to_string()))?,
            backup_max_age: values.read("backup_max_age", |t| time(t, Duration::ZERO, 3660 * DAY))?,
            limits: Limits {
                max_upload_bytes: values.read("max_upload_bytes", |t| size(t, 1 << 10))?,
                max_metadata_bytes: values.read("max_metadata_bytes", |t| size(t, 1 << 10))?,
                max_parts: values.read("max_parts", |t| number(t, 2, 1_000))?,
                upload_timeout: values.read("upload_timeout", |t| time(t, Duration::from_secs(1), DAY))?,
                max_requests: values.read("max_requests", |t| number(t, 1, 100_000))?,
            },
            decoder: DecoderLimits {
                memory_bytes: values.read("decoder_memory_bytes", |t| size(t, 64 << 20))?,
                timeout: values.read("decoder_timeout", whole_seconds)?,
                concurrency: values.read("decoder_concurrency", |t| number(t, 1, 1_024))?,
            },
            trusted_proxies: values.optional("trusted_proxies", networks)?.unwrap_or_default(),
            forwarded_header: values.read("forwarded_header", forwarded_header)?,
            vcon: VconConfig {
                media_hosts: values.optional("vcon_media_hosts", media::media_hosts)?.unwrap_or_default(),
                media_networks: values.optional("vcon_media_networks", networks)?.unwrap_or_default(),
                signers: values.optional("vcon_signers", text)?.map(PathBuf::from),
            },
            controller: Controller {
                name: values.optional("controller_name", text)?,
                address: values.optional("controller_address", text)?,
                privacy_contact: values.optional("privacy_contact", text)?,
            },
            ledger_origin: values.read("ledger_origin", origin)?,
            timestamps: TimestampSettings {
                authority: values.optional("timestamp_authority", web_address)?,
                ca_file: values.optional("timestamp_ca_file", text)?.map(PathBuf::from),
            },
            witnesses: values.optional("witnesses", witnesses)?.unwrap_or_default(),
            log: values.read("log", crate::telemetry::check_filter)?,
            log_format: values.read("log_format", log_format)?,
            explained: Vec::new(),
        };
        Ok(Self { explained: values.explained, ..config })
    }

    /// Every setting with its value (secrets masked) and where it came from, in the order of [`SETTINGS`].
    pub fn explain(&self) -> Vec<Setting> {
        let place = |setting: &Setting| SETTINGS.iter().position(|spec| spec.name == setting.name);
        let mut all = self.explained.clone();
        all.sort_by_key(place);
        all
    }
}
