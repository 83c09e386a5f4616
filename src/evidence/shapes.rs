//! The files of a package, as they are written and read back.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::recipient::Recipient;
use crate::audio::{Facts, Finding};
use crate::clock::Timestamp;
use crate::ledger::entry::{Commitment, Entry};
use crate::ledger::kind::Kind;
use crate::ledger::shapes::{Controller, OpeningText};
use crate::recording::{Language, Metadata, RecordingId, Status};

/// The word in `type` of `package.json`.
pub const PACKAGE_TYPE: &str = "earwitness-package-v1";

/// `data/package.json`: what was handed over, to whom, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageFacts {
    /// Always `earwitness-package-v1`.
    #[serde(rename = "type")]
    pub document_type: String,
    /// The package's id: the register and the ledger know it by this.
    pub package_id: Uuid,
    /// When it was begun.
    pub made_at: Timestamp,
    /// The name of whoever made it.
    pub made_by: String,
    /// Who answers for the recordings.
    pub controller: Controller,
    /// The case.
    pub case_id: Uuid,
    /// The case's reference, as its owner wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_reference: Option<String>,
    /// Why it was handed over.
    pub purpose: String,
    /// To whom.
    pub recipient: Recipient,
    /// The language of the report.
    pub language: Language,
    /// The time zone in which the report tells times.
    pub zone: String,
    /// SHA-256 of the certificate that the package is signed with.
    pub seal: String,
    /// The authority that was asked for a timestamp; left out when none is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_authority: Option<String>,
    /// The recordings, in the order of their folders: all that the package has.
    pub recordings: Vec<PackagedRecording>,
}

/// A recording of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackagedRecording {
    /// Its folder below `data/`.
    pub folder: String,
    /// The archive's id of it.
    pub id: RecordingId,
    /// The name of the original audio in that folder.
    pub audio: String,
}

/// `recording.json`: all that the archive knows of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordingFacts {
    /// The archive's id of it.
    pub id: RecordingId,
    /// What the archive decided about it.
    pub status: Status,
    /// When the recording began, as the product reported it.
    pub recorded_at: Timestamp,
    /// When the archive had received it.
    pub received_at: Timestamp,
    /// The deadline.
    pub expires_at: Timestamp,
    /// The retention rule that gives the deadline.
    pub rule: String,
    /// Length of the original audio in bytes.
    pub byte_len: u64,
    /// How long it plays, in milliseconds; 0 when it could not be decoded.
    pub duration_ms: u64,
    /// SHA-256 of the original audio.
    pub sha256: String,
    /// What the product said about the call.
    pub metadata: Metadata,
    /// What the audio is, measured by decoding all of it.
    pub facts: Facts,
    /// What the check found.
    pub findings: Vec<Finding>,
    /// The quarantined upload of the same call whose place this one took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<RecordingId>,
    /// What legal decided while it was in quarantine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<ShownDecision>,
}

/// What the ledger's entry `evidence.begun` about a recording says of what the package tells of it, beside the package's own
/// members: whoever has the seal alone cannot tell something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// The recording.
    pub recording_id: RecordingId,
    /// SHA-256 of its `recording.json`.
    pub recording_sha256: String,
    /// How many lines its `custody.jsonl` has before the one of this entry, which is the last.
    pub custody_entries: u64,
    /// SHA-256 of these lines.
    pub custody_sha256: String,
}

/// A decision on a quarantined recording, as it is shown to outsiders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownDecision {
    /// `accept` or `reject`.
    pub verdict: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// One line of `custody.jsonl`: an entry of the ledger. What happened and when stands in its leaf; who and why in the
/// opening.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustodyLine {
    /// Its index in the ledger's tree.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: Kind,
    /// The entry's id.
    pub entry: Uuid,
    /// What its leaf commits to.
    pub commitment: Commitment,
    /// Salt and payload of the commitment. Left out where who and why is not the recipient's business: that something
    /// happened and when is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<OpeningText>,
}

impl CustodyLine {
    /// The entry, as its leaf says it.
    pub fn as_entry(&self) -> Entry {
        Entry { at: self.at, kind: self.kind.clone(), commitment: self.commitment }
    }

    /// The file of its proof, in the recording's folder.
    pub fn proof_file(&self) -> String {
        format!("custody/{}.tlog-proof", self.seq)
    }
}
