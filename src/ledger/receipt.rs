//! Receipts: what the archive signs when it has taken in a recording.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::LedgerError;
use super::document::{self, DocumentKind};
use super::entry::{Commitment, Entry, leaf_bytes};
use super::kind::Kind;
use super::shapes::{Controller, DocumentSignature, OpeningText};
use super::signing::SigningKey;
use crate::clock::Timestamp;
use crate::recording::{RecordingId, Status};

/// What the archive promises with a receipt, word for word, as [`ReceiptEntry::promise`] carries it.
pub const PROMISE: &str = "The entry named here is committed. This archive promises to include it, with this time, kind \
    and commitment, in the ledger of this origin, and to show its inclusion proof on request.";

/// A signed receipt: the recording is kept, sealed, and an entry in the ledger says so. Returned word for word on
/// every repeat of the same upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// Always `earwitness-receipt-v1`.
    #[serde(rename = "type")]
    #[schema(example = "earwitness-receipt-v1")]
    pub document_type: String,
    /// The archive's id of the recording.
    pub id: RecordingId,
    /// The product's id of the call.
    pub call_id: String,
    /// Which of the call's recordings this is, from 0.
    pub part: u32,
    /// SHA-256 of the audio as it was received, 64 hexadecimal digits.
    #[schema(min_length = 64, max_length = 64)]
    pub sha256: String,
    /// Length of the audio as it was received, in bytes.
    pub byte_len: u64,
    /// How long the recording plays, in milliseconds; left out when it could not be decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The audio's codec, by the same names as `facts.codec`; left out when it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "alaw")]
    pub codec: Option<String>,
    /// What was decided about the recording when it was received.
    pub status: Status,
    /// What the checks found, as stable codes such as `silent`; left out when they found nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// The quarantined recording of the same call whose place this one takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<RecordingId>,
    /// When the recording began, as the product reported it. The retention period counts from here.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    /// When the archive had received it.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// The deadline: from this instant on nobody can read it, and it is deleted.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// The retention rule, and its version, that gives the deadline.
    #[schema(example = "call_recording/1 P5Y Europe/Brussels instant")]
    pub rule: String,
    /// The entry in the ledger.
    pub ledger: ReceiptEntry,
    /// Who answers for the recordings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller: Option<Controller>,
    /// The archive's signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<DocumentSignature>,
}

/// The ledger entry that a receipt promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptEntry {
    /// The ledger's name, as on its checkpoints.
    #[schema(example = "recordings.example.com/ledger")]
    pub origin: String,
    /// The entry's id, by which the archive finds it before it has a sequence number.
    #[schema(value_type = String, format = "uuid")]
    pub entry: Uuid,
    /// When the entry was written.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What kind of entry it is.
    #[schema(value_type = String, example = "recording.received")]
    pub kind: Kind,
    /// What it commits to: 64 hexadecimal digits.
    #[schema(value_type = String, min_length = 64, max_length = 64)]
    pub commitment: Commitment,
    /// The opening of the commitment, for the holder of the receipt: the archive erases its own at the purge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<OpeningText>,
    /// What the archive promises.
    pub promise: String,
}

impl ReceiptEntry {
    /// The entry, as its leaf will say it.
    pub fn entry(&self) -> Entry {
        Entry { at: self.at, kind: self.kind.clone(), commitment: self.commitment }
    }

    /// The leaf's bytes once the entry has its sequence number.
    pub fn leaf(&self, seq: u64) -> Result<Vec<u8>, LedgerError> {
        leaf_bytes(seq, &self.entry())
    }
}

impl Receipt {
    /// Signs it. What `document_type` and `signature` hold is replaced.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, LedgerError> {
        document::sign_shape(DocumentKind::Receipt, self, key)
    }
}
