//! Destruction records: that the key of a month is gone, and with it all that was sealed under it, backups included.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LedgerError;
use super::document::{self, DocumentKind};
use super::shapes::{Controller, DocumentSignature, ProvenEntry};
use super::signing::SigningKey;
use crate::clock::Timestamp;
use crate::recording::ExpiryMonth;

/// A signed record that a month's key is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DestructionRecord {
    /// Always `earwitness-destruction-record-v1`.
    #[serde(rename = "type")]
    #[schema(example = "earwitness-destruction-record-v1")]
    pub document_type: String,
    /// What was destroyed: the very members of the ledger entry's payload.
    #[serde(flatten)]
    pub facts: DestructionFacts,
    /// Who answers for the recordings.
    pub controller: Controller,
    /// The entry `month.destroyed` that says the same.
    pub ledger: ProvenEntry,
    /// The archive's signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<DocumentSignature>,
}

/// What was destroyed with a month's key. It is the payload of the ledger entry `month.destroyed` as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DestructionFacts {
    /// The month whose key it was.
    #[schema(value_type = String, example = "2031-11")]
    pub month: ExpiryMonth,
    /// When the month was closed: nothing could be sealed under its key from here on.
    #[schema(value_type = String, format = DateTime)]
    pub closed_at: Timestamp,
    /// When the key provider was asked to destroy its key, and did what it does at once: nothing opens under the key
    /// any more.
    #[schema(value_type = String, format = DateTime)]
    pub destroyed_at: Timestamp,
    /// From when on nobody can get the key back. Later than `destroyed_at` where the provider waits before it destroys
    /// a key (AWS KMS: 7 to 30 days); until then those who administer its keys can call the destruction off.
    #[schema(value_type = String, format = DateTime)]
    pub effective_at: Timestamp,
    /// The kind of the key provider.
    #[schema(example = "file")]
    pub provider: String,
    /// Copies of the key that were destroyed, replicas included.
    pub key_copies_destroyed: u64,
    /// Recordings that were purged in this month's name.
    pub recordings_purged: u64,
    /// Recordings of this month that live on under the keys of the cases that hold them.
    pub recordings_held: u64,
    /// Whether keys that the archive was moved away from (`migrate-keys`) were not destroyed yet. One of them may open
    /// the month in a backup from before the move, until the entry `keys.destroyed`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub former_keys_left: bool,
}

impl DestructionFacts {
    /// Whether the provider took the destruction as an order for later.
    pub fn takes_effect_later(&self) -> bool {
        self.effective_at > self.destroyed_at
    }
}

impl DestructionRecord {
    /// Signs it. What `document_type` and `signature` hold is replaced.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, LedgerError> {
        document::sign_shape(DocumentKind::DestructionRecord, self, key)
    }
}
