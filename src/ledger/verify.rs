//! Checking what the archive handed out, offline: bytes in, a report out. No I/O, and no panic whatever the bytes.

mod checks;
mod report;
mod trust;

pub(crate) use report::CheckKind;
pub use report::{Check, KeyTrust, Outcome, Report, Subject, UsedKey};
pub use trust::TrustedKey;

use super::cosignature::WitnessKey;
use super::document::{self, DocumentKind};
use super::signing::{PublicKey, sha256};
use super::{LedgerError, checkpoint, cosignature};
use crate::timestamp::{self, Roots};

/// Tells by its content what `bytes` is, and checks all that can be checked about it.
///
/// Without `trust` a document is checked against the key that it carries, and the report says that nobody vouches
/// for that key. A checkpoint carries no key: without `trust`, or with a fingerprint alone, its check is
/// [`Outcome::NotMade`].
pub fn verify(bytes: &[u8], trust: Option<&TrustedKey>) -> Report {
    inspect(bytes, None, trust)
}

/// The same for a receipt together with the C2SP tlog-proof of its entry, which the archive gives out later: checks
/// in addition that the promised entry is in the tree.
pub fn verify_with_proof(bytes: &[u8], proof: &str, trust: Option<&TrustedKey>) -> Report {
    inspect(bytes, Some(proof), trust)
}

/// What others say of a checkpoint, as far as whoever checks wants to see it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attestations<'a> {
    /// A timestamp (RFC 3161) on the checkpoint's text.
    pub timestamp: Option<&'a [u8]>,
    /// Who has to vouch for the timestamp's certificate.
    pub roots: Option<&'a Roots>,
    /// Witnesses that have to have cosigned.
    pub witnesses: &'a [WitnessKey],
}

/// The same for a checkpoint together with what others say of it: checks in addition that they do.
pub fn verify_attested(bytes: &[u8], trust: Option<&TrustedKey>, others: &Attestations<'_>) -> Report {
    let mut report = inspect(bytes, None, trust);
    let text = checkpoint::text(bytes);
    if report.subject != Subject::Checkpoint {
        report.add(checks::ATTESTED, false, "only checkpoints are attested");
        return report;
    }
    if let (Some(timestamp), Ok(text)) = (others.timestamp, &text) {
        let stamped = timestamp::check(timestamp, &sha256(text), others.roots);
        let vouched = if others.roots.is_some() { "" } else { "; nobody was named who has to vouch for it" };
        let found = stamped.map(|stamped| format!("{} by {}{vouched}", stamped.at, stamped.authority));
        report.add(checks::TIMESTAMP, found.is_ok(), &found.unwrap_or_else(|error| error.to_string()));
    }
    for witness in others.witnesses {
        let found = match cosignature::find(bytes, witness) {
            Ok(Some(said)) => Ok(format!("{} at {}", said.witness, said.at)),
            Ok(None) => Err(format!("{} has not cosigned", witness.name())),
            Err(error) => Err(format!("{}: {error}", witness.name())),
        };
        report.add(checks::WITNESS, found.is_ok(), &found.unwrap_or_else(|error| error));
    }
    report
}

fn inspect(bytes: &[u8], proof: Option<&str>, trust: Option<&TrustedKey>) -> Report {
    // Each kind of thing begins differently; a package (ZIP) begins with `PK`.
    match bytes.first() {
        Some(b'{') => a_document(bytes, proof, trust),
        _ if checkpoint::parse_unverified(bytes).is_ok() => a_checkpoint(bytes, trust),
        _ => {
            let mut report = Report::new(Subject::Unknown);
            report.add(checks::RECOGNISED, false, "neither a signed document nor a checkpoint");
            report
        }
    }
}

fn a_document(bytes: &[u8], proof: Option<&str>, trust: Option<&TrustedKey>) -> Report {
    let document = match document::parse(bytes) {
        Ok(document) => document,
        Err(error) => {
            let mut report = Report::new(Subject::Unknown);
            report.add(checks::WELL_FORMED, false, &error.to_string());
            return report;
        }
    };
    let mut report = Report::new(match document.kind() {
        DocumentKind::Receipt => Subject::Receipt,
        DocumentKind::Certificate => Subject::Certificate,
        DocumentKind::AccountCertificate => Subject::AccountCertificate,
        DocumentKind::DestructionRecord => Subject::DestructionRecord,
        DocumentKind::Statistics => Subject::Statistics,
    });
    report.add(checks::WELL_FORMED, true, document.kind().as_str());
    report.add(checks::SIGNATURE, document.signature_holds(), &format!("by {}", document.key().fingerprint()));
    check_trust(&mut report, document.key(), trust);
    let origin = match document.kind() {
        DocumentKind::Receipt => checks::receipt(&mut report, &document, proof),
        DocumentKind::Certificate => checks::certificate(&mut report, &document),
        DocumentKind::AccountCertificate => checks::account_certificate(&mut report, &document),
        DocumentKind::DestructionRecord => checks::destruction(&mut report, &document),
        DocumentKind::Statistics => checks::statistics(&mut report, &document),
    };
    if let (Some(trusted), Some(origin)) = (trust.and_then(TrustedKey::origin), origin) {
        report.add(checks::ORIGIN, origin == trusted, &origin);
    }
    if proof.is_some() && document.kind() != DocumentKind::Receipt {
        report.add(checks::INCLUDED, false, "this document carries its own proof, and takes no other");
    }
    report
}

fn a_checkpoint(bytes: &[u8], trust: Option<&TrustedKey>) -> Report {
    let mut report = Report::new(Subject::Checkpoint);
    let Some(key) = trust.and_then(TrustedKey::key) else {
        let given = if trust.is_some() { "only a fingerprint was given" } else { "none was given" };
        report.not_made(checks::KEY_GIVEN, given);
        return report;
    };
    let found = checkpoint::verify(bytes, key);
    let right_name = |name: &str| trust.and_then(TrustedKey::origin).is_none_or(|origin| origin == name);
    match &found {
        Ok(checkpoint) => {
            let detail =
                format!("{}: {} entries, root {}", checkpoint.origin, checkpoint.head.size, checkpoint.head.root);
            report.add(checks::SIGNATURE, true, &detail);
            report.add(checks::ORIGIN, right_name(&checkpoint.origin), &checkpoint.origin);
        }
        Err(error) => report.add(checks::SIGNATURE, false, &error.to_string()),
    }
    check_trust(&mut report, key, trust);
    report
}

fn check_trust(report: &mut Report, key: &PublicKey, trust: Option<&TrustedKey>) {
    report.key = Some(UsedKey {
        fingerprint: key.fingerprint(),
        trust: match trust {
            None => KeyTrust::SelfStated,
            Some(trusted) if trusted.is(key) => KeyTrust::Pinned,
            Some(_) => KeyTrust::Other,
        },
    });
    if let Some(trusted) = trust {
        report.add(checks::TRUSTED, trusted.is(key), &format!("trusted is {}", trusted.fingerprint()));
    }
}

/// A short word for an error, for the detail of a check.
fn detail<T>(result: &Result<T, LedgerError>) -> String {
    result.as_ref().err().map(ToString::to_string).unwrap_or_default()
}
