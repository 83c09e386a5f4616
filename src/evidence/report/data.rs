//! What a report is made of.

use chrono_tz::Tz;
use serde_json::Value;
use uuid::Uuid;

use super::custody::Custody;
use crate::access::{Actor, Role};
use crate::audio::{Facts, Finding, Waveform};
use crate::clock::Timestamp;
use crate::evidence::recipient::Recipient;
use crate::ledger::kind::Kind;
use crate::ledger::shapes::Controller;
use crate::ledger::verify::Outcome;
use crate::recording::{Metadata, RecordingId, Status};

/// All that stands in one report.
#[derive(Debug, Clone)]
pub struct ReportData {
    /// The package that it is part of.
    pub package_id: Uuid,
    /// When the package was made.
    pub made_at: Timestamp,
    /// Who had it made.
    pub made_by: Actor,
    /// Who answers for the recordings.
    pub controller: Controller,
    /// The case that the package is made for.
    pub case_id: Uuid,
    /// How people call that case.
    pub case_reference: String,
    /// Why it is disclosed.
    pub purpose: String,
    /// To whom.
    pub recipient: Recipient,
    /// The zone of the local times.
    pub zone: Tz,
    /// How many recordings there are.
    pub recordings: usize,
    /// The checkpoint that every proof leads to.
    pub checkpoint: ReportedCheckpoint,
    /// Fingerprint of the key that signed it: 64 hexadecimal digits.
    pub ledger_key: String,
    /// The seal over the package.
    pub seal: Seal,
    /// What was checked while the package was made.
    pub verified: Vec<(Verified, Outcome)>,
    /// The commands with which it is checked again, one line each.
    pub commands: Vec<(Repeat, String)>,
}

/// One recording of the package.
#[derive(Debug, Clone)]
pub struct ReportedRecording {
    /// The archive's id of it.
    pub id: RecordingId,
    /// What the product said about the call.
    pub metadata: Metadata,
    /// When the archive had received it.
    pub received_at: Timestamp,
    /// Its deadline.
    pub expires_at: Timestamp,
    /// What was decided about it.
    pub status: Status,
    /// What was measured.
    pub facts: Facts,
    /// What is wrong or remarkable.
    pub findings: Vec<Finding>,
    /// How it looks; none where it could not be decoded.
    pub waveform: Option<Waveform>,
    /// Where the sound is in the package.
    pub file: String,
    /// SHA-256 of the sound, 64 hexadecimal digits.
    pub sha256: String,
    /// SHA-512 of the sound, 128 hexadecimal digits.
    pub sha512: String,
    /// What happened to it, oldest first.
    pub custody: Custody,
}

/// One entry of the ledger about a recording, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustodyEntry {
    pub(super) seq: Option<u64>,
    pub(super) at: Timestamp,
    pub(super) kind: Kind,
    pub(super) actor: Option<(String, Option<Role>)>,
    pub(super) action: Option<String>,
    pub(super) related: Option<String>,
    pub(super) decision: Option<String>,
    pub(super) recipient: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) case_id: Option<Uuid>,
    /// Whether who did it and why is told at all.
    pub(super) is_told: bool,
}

impl CustodyEntry {
    /// An entry with what its payload says, where it still has one.
    pub fn of(seq: Option<u64>, at: Timestamp, kind: &Kind, payload: Option<&Value>) -> Self {
        let member = |name: &str| payload.and_then(|payload| payload.get(name));
        let text = |name: &str| member(name).and_then(Value::as_str).map(str::to_owned);
        let actor = member("actor").and_then(|actor| {
            let role = actor.get("role").and_then(Value::as_str).and_then(|role| role.parse().ok());
            Some((actor.get("name")?.as_str()?.to_owned(), role))
        });
        let recipient = member("recipient").and_then(|to| to.get("name")).and_then(Value::as_str).map(str::to_owned);
        Self {
            seq,
            at,
            kind: kind.clone(),
            actor,
            action: text("action"),
            related: text("related").or_else(|| text("name")),
            decision: text("decision"),
            recipient,
            reason: text("purpose").or_else(|| text("reason")),
            case_id: text("case_id").and_then(|id| id.parse().ok()),
            is_told: payload.is_some(),
        }
    }
}

/// A checkpoint of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedCheckpoint {
    /// The ledger's name.
    pub origin: String,
    /// Entries in its tree.
    pub size: u64,
    /// The tree's root hash, in base64.
    pub root: String,
    /// When an authority outside stamped it, and which.
    pub stamped: Option<(Timestamp, String)>,
    /// Who outside cosigned it.
    pub witnesses: Vec<String>,
}

/// The seal over a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The subject of the certificate.
    pub subject: String,
    /// SHA-256 of the certificate, 64 hexadecimal digits.
    pub fingerprint: String,
    /// Whether the archive made the certificate itself, so that nobody vouches for it.
    pub self_made: bool,
    /// The authority that stamps the seal, where one is configured.
    pub timestamp: Option<String>,
}

/// What is checked while a package is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// The sound was read back and has the receipt's digest.
    AudioDigest,
    /// The receipt bears the archive's signature.
    ReceiptSignature,
    /// The openings are what the ledger committed to.
    Commitments,
    /// The entries are in the tree.
    Inclusion,
    /// The checkpoint bears the archive's signature.
    Checkpoint,
}

/// What an outsider can check again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// All of it, by `earwitness verify`.
    Everything,
    /// The digests of all files.
    Manifest,
    /// The signature over the package.
    Seal,
    /// Its timestamp.
    Timestamp,
    /// The custody entries and the checkpoint.
    Ledger,
}
