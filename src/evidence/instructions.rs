//! `VERIFY.txt`: how anybody checks a package with ordinary tools.

use uuid::Uuid;

use super::bag::folder_of;
use super::close::{SIGNATURE, SIGNATURE_VALUE, TIMESTAMP};
use super::names::{CHECKPOINT, LEDGER_KEY, SEAL_CERTIFICATE};
use super::report::Repeat;
use super::shapes::PackageFacts;

/// What the text depends on.
#[derive(Debug, Clone, Copy)]
pub struct Signing<'a> {
    /// Whether nobody but itself vouches for the certificate.
    pub is_self_made: bool,
    /// The certificate's SHA-256.
    pub seal: &'a str,
    /// The ledger key's SHA-256.
    pub ledger_key: &'a str,
    /// The authority that was asked for a timestamp.
    pub authority: Option<&'a str>,
}

impl<'a> Signing<'a> {
    /// Of what a package says of itself.
    pub fn of(package: &'a PackageFacts, ledger_key: &'a str, is_self_made: bool) -> Self {
        Self { is_self_made, seal: &package.seal, ledger_key, authority: package.timestamp_authority.as_deref() }
    }
}

/// The commands with which an outsider checks the package of this id, one line each, for the page.
pub(super) fn commands(package: Uuid, signing: &Signing<'_>) -> Vec<(Repeat, String)> {
    let all = [
        (Repeat::Everything, everything(&folder_of(package), signing)),
        (
            Repeat::Manifest,
            "bagit.py --validate . && sha256sum -c manifest-sha256.txt tagmanifest-sha256.txt".to_owned(),
        ),
        (Repeat::Seal, cms(signing).join(" ")),
    ];
    let stamped = signing.authority.map(|_| (Repeat::Timestamp, ts()));
    all.into_iter().chain(stamped).collect()
}

/// The one command that checks all of it.
fn everything(folder: &str, signing: &Signing<'_>) -> String {
    let authority = signing.authority.map_or("", |_| " --timestamp-ca TSA.pem");
    format!("earwitness verify {folder}.zip --trust FINGERPRINT{authority}")
}

/// The certificate that the signature is checked against.
fn anchor(signing: &Signing<'_>) -> String {
    if signing.is_self_made { format!("data/{SEAL_CERTIFICATE}") } else { "ROOT.pem".to_owned() }
}

/// The command that checks the signature, in two parts.
fn cms(signing: &Signing<'_>) -> [String; 2] {
    [
        format!("openssl cms -verify -cades -binary -inform DER -in signature/{SIGNATURE}"),
        format!("-content tagmanifest-sha256.txt -CAfile {} -out /dev/null", anchor(signing)),
    ]
}

/// The command that checks the timestamp.
fn ts() -> String {
    format!("openssl ts -verify -token_in -in signature/{TIMESTAMP} -data signature/{SIGNATURE_VALUE} -CAfile TSA.pem")
}

/// The text. In English: the commands are what matters, and they are the same everywhere.
pub fn text(folder: &str, signing: &Signing<'_>) -> String {
    [
        begin(folder, signing),
        lists(),
        signature(signing),
        signing.authority.map(timestamp).unwrap_or_default(),
        ledger(signing),
    ]
    .concat()
}

fn begin(folder: &str, signing: &Signing<'_>) -> String {
    let command = everything(folder, signing);
    format!(
        "HOW TO CHECK THIS PACKAGE\n\
         =========================\n\n\
         With one command, offline, and without the archive that made it:\n\n\
         \x20   {command}\n\n\
         FINGERPRINT is that of the seal or of the ledger's key (both stand below), as it reached you another way: by post, by\n\
         telephone, in a contract. What stands in this file proves nothing by itself. With the ledger's key alone it says what\n\
         only the seal vouches for; with both (--trust twice) nothing is left open.\n\n\
         Everything can be checked with ordinary tools as well. Unpack it and go into its folder first:\n\n\
         \x20   unzip {folder}.zip\n\
         \x20   cd {folder}\n\n"
    )
}

fn lists() -> String {
    "1. NOTHING IS MISSING, ADDED OR CHANGED (RFC 8493, BagIt)\n\n\
     \x20   bagit.py --validate .\n\
     \x20   sha256sum -c manifest-sha256.txt\n\
     \x20   sha256sum -c tagmanifest-sha256.txt\n\n\
     manifest-sha256.txt lists all that is below data/, tagmanifest-sha256.txt lists that list and what stands beside it. Of\n\
     files beside the lists these tools say nothing. This prints such files, and must print nothing:\n\n\
     \x20   comm -13 <(cut -c67- manifest-sha256.txt tagmanifest-sha256.txt | sort) <(find * -type f | sort) \\\n\
     \x20     | grep -v -e '^signature/' -e '^tagmanifest-sha256.txt$'\n\n"
        .to_owned()
}

fn signature(signing: &Signing<'_>) -> String {
    let [first, second] = cms(signing);
    let about = if signing.is_self_made {
        "The certificate was made by the archive itself. A reader will never call it \"trusted\", and that is right: only the\n\
         fingerprint, compared with one that you have from elsewhere, says whose it is. An archive whose operator has a\n\
         certificate for electronic seals from a (qualified) trust service provider signs with that one instead: settings\n\
         seal_key and seal_certificate.\n\n"
    } else {
        "The certificate was issued by a certification authority; ROOT.pem is the certificate of its root, which you have from\n\
         that authority or from your system.\n\n"
    };
    format!(
        "2. IT IS SIGNED (CMS, RFC 5652, with the attributes of CAdES, ETSI EN 319 122-1)\n\n\
         \x20   {first} \\\n\
         \x20     {second}\n\n\
         must say \"CAdES Verification successful\". Without -binary it fails on intact files. And whose signature it is:\n\n\
         \x20   openssl x509 -in data/{SEAL_CERTIFICATE} -noout -subject -issuer -fingerprint -sha256\n\n\
         must show this fingerprint, and you must have it from elsewhere:\n\n\
         \x20   {}\n\n\
         {about}",
        with_colons(signing.seal)
    )
}

fn timestamp(authority: &str) -> String {
    format!(
        "3. WHEN IT WAS THERE (RFC 3161)\n\n\
         \x20   {}\n\n\
         must say \"Verification: OK\". TSA.pem is the root certificate of the timestamp authority, which was asked at\n\
         {authority}\n\
         This shows the time and the authority's certificates:\n\n\
         \x20   openssl ts -reply -token_in -in signature/{TIMESTAMP} -token_out -text\n\
         \x20   openssl pkcs7 -inform DER -in signature/{TIMESTAMP} -print_certs -noout\n\n\
         {SIGNATURE_VALUE} is the bare signature out of {SIGNATURE}, which carries the same timestamp (CAdES-T).\n\
         Without TSA.pem from elsewhere a timestamp is worth nothing: the certificate in it vouches for itself, and so earwitness\n\
         verify notes, without --timestamp-ca TSA.pem, that it was not checked.\n\n",
        ts()
    )
}

fn ledger(signing: &Signing<'_>) -> String {
    format!(
        "4. WHAT HAPPENED TO EACH RECORDING (RFC 6962; C2SP signed-note, tlog-checkpoint, tlog-proof)\n\n\
         data/*/receipt.json is what the archive signed (Ed25519) when it received the recording, with the SHA-256 of the\n\
         audio; data/*/custody.jsonl has a line for each entry of the archive's ledger about it. An entry's leaf is the text\n\n\
         \x20   {{\"at\":\"AT\",\"commitment\":\"COMMITMENT\",\"kind\":\"KIND\",\"seq\":SEQ}}\n\n\
         and COMMITMENT is the SHA-256 of \"earwitness-ledger-v1\", a zero byte, the 32 bytes of opening.salt, and\n\
         opening.payload in canonical form (RFC 8785). An entry without opening shows what happened and when, not who did\n\
         it and why: that is not for the recipient. data/*/custody/SEQ.tlog-proof shows that the leaf is in the tree that data/{CHECKPOINT}\n\
         signs. These formats are those of the Go checksum database: golang.org/x/mod/sumdb/note opens data/{CHECKPOINT} with\n\
         the member vkey of data/{LEDGER_KEY}, and sumdb/tlog.CheckRecord checks a proof. The key's SHA-256, which you must\n\
         have from elsewhere as well:\n\n\
         \x20   {}\n\n\
         The last line of each custody.jsonl is the entry evidence.begun about this package. What its payload says must be so,\n\
         and then the ledger's key vouches for it as well:\n\n\
         \x20   sha256sum data/package.json                                      package_sha256\n\
         \x20   sha256sum data/*/recording.json                                  recording_sha256\n\
         \x20   head -n CUSTODY_ENTRIES data/*/custody.jsonl | sha256sum         custody_sha256, in each folder by itself\n\n\
         The rest stands on the seal alone: recording.vcon.json, the waveforms, report.html, this file and bag-info.txt.\n",
        signing.ledger_key
    )
}

/// As openssl prints a fingerprint.
fn with_colons(fingerprint: &str) -> String {
    let pairs: Vec<&str> = (0..fingerprint.len()).step_by(2).filter_map(|at| fingerprint.get(at..at + 2)).collect();
    pairs.join(":").to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_stands_there_as_openssl_prints_it() {
        let signing = Signing { is_self_made: true, seal: "00ab1f", ledger_key: "ff", authority: None };
        let text = text("evidence-1", &signing);
        assert!(text.contains("    00:AB:1F\n") && text.contains("never call it \"trusted\""), "{text}");
        assert!(!text.contains("RFC 3161") && text.lines().all(|line| line.chars().count() <= 130), "{text}");
    }
}
