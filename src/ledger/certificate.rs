//! Certificates of deletion: what stays of a recording. No personal data, and no digest of the audio.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LedgerError;
use super::document::{self, DocumentKind};
use super::kind::Kind;
use super::shapes::{Controller, DocumentSignature, ProvenEntry};
use super::signing::SigningKey;
use crate::clock::Timestamp;
use crate::recording::{ExpiryMonth, RecordingId};
pub use crate::retention::PurgeGround;

/// A signed certificate that a recording is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// Always `earwitness-certificate-v1`.
    #[serde(rename = "type")]
    #[schema(example = "earwitness-certificate-v1")]
    pub document_type: String,
    /// What was deleted, when and by which rule: the very members of the ledger entry's payload.
    #[serde(flatten)]
    pub facts: PurgeFacts,
    /// Who answers for the recordings.
    pub controller: Controller,
    /// The entry `purge.completed` that says the same, or `purge.bytes_deleted` where a lock kept the bytes for a while.
    pub ledger: ProvenEntry,
    /// The archive's signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<DocumentSignature>,
}

/// What a purge did. It is the payload of the ledger entry `purge.completed` (or `purge.bytes_deleted`) and, word for word, most of the
/// certificate. The times must not run backwards in the order in which they stand here (but for an erasure, which
/// comes before `expires_at`): a purge that the clock went back under takes the later of two times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PurgeFacts {
    /// The archive's id of the recording that is gone.
    pub recording_id: RecordingId,
    /// Why it was deleted.
    pub ground: PurgeGround,
    /// The retention rule, and its version, that gave the deadline.
    #[schema(example = "call_recording/1 P5Y Europe/Brussels instant")]
    pub rule: String,
    /// The month of the deadline, in the policy's time zone: the key that sealed the recording is of this month.
    #[schema(value_type = String, example = "2031-11")]
    pub month: ExpiryMonth,
    /// The deadline.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// When it was fenced: no hold could be placed and nothing read from here on.
    #[schema(value_type = String, format = DateTime)]
    pub fenced_at: Timestamp,
    /// When the recording's key was destroyed in the catalog and the sidecar.
    #[schema(value_type = String, format = DateTime)]
    pub keys_destroyed_at: Timestamp,
    /// When its objects, with all versions, were deleted, but for what `locked` names.
    #[schema(value_type = String, format = DateTime)]
    pub objects_deleted_at: Timestamp,
    /// When its rows, and the openings of its ledger entries, were deleted.
    #[schema(value_type = String, format = DateTime)]
    pub rows_deleted_at: Timestamp,
    /// When all of it was looked for again.
    #[schema(value_type = String, format = DateTime)]
    pub looked_again_at: Timestamp,
    /// What was deleted.
    pub deleted: Counts,
    /// What was still found when it was looked for again, beside what `locked` names: all numbers are 0, else there would be
    /// no certificate.
    pub found_again: Counts,
    /// What the store's lock kept of an erased recording, sealed under a key that is destroyed; left out where that is
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<LockedObjects>,
    /// From when on backups of the archive do not give the recording back.
    pub backups: Backups,
}

/// Objects of an erased recording that the store's lock (Object Lock) keeps. Nothing opens them: their key is destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockedObjects {
    /// How many objects.
    pub objects: u64,
    /// How many versions of them.
    pub object_versions: u64,
    /// When the last lock ends.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// When they were deleted; left out while they are there. Then a later certificate takes this one's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deleted_at: Option<Timestamp>,
}

/// Numbers of things of a recording. A number that is 0 says that such things were looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Objects in the store.
    pub objects: u64,
    /// Versions of objects, delete markers included; equal to `objects` in a store without versions.
    pub object_versions: u64,
    /// Uploads to the store that were begun and never finished.
    pub pending_uploads: u64,
    /// Wrapped keys of the recording, in catalog and store.
    pub keys: u64,
    /// Openings of ledger entries about the recording.
    pub ledger_openings: u64,
    /// Rows in the catalog, by table.
    pub rows: BTreeMap<String, u64>,
}

/// Counts that are not rows of a table.
const NOT_TABLES: [&str; 7] = [
    "objects",
    "object_versions",
    "pending_uploads",
    "keys",
    "ledger_openings",
    // Of the objects, those that a lock of the store keeps.
    "locked_objects",
    "locked_versions",
];

impl Counts {
    /// From numbers by name: those of objects, keys and openings by these words, the rest rows by table.
    pub fn of(numbers: &BTreeMap<String, u64>) -> Self {
        let count = |name: &str| numbers.get(name).copied().unwrap_or(0);
        let tables = numbers.iter().filter(|(name, _)| !NOT_TABLES.contains(&name.as_str()));
        Self {
            objects: count("objects"),
            object_versions: count("object_versions"),
            pending_uploads: count("pending_uploads"),
            keys: count("keys"),
            ledger_openings: count("ledger_openings"),
            rows: tables.map(|(name, n)| (name.clone(), *n)).collect(),
        }
    }

    /// The same things, none of each.
    #[must_use]
    pub fn none_left(&self) -> Self {
        Self { rows: self.rows.keys().map(|name| (name.clone(), 0)).collect(), ..Self::default() }
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        let single = [self.objects, self.object_versions, self.pending_uploads, self.keys, self.ledger_openings];
        single.iter().chain(self.rows.values()).fold(0, |sum, n| sum.saturating_add(*n))
    }
}

/// What makes backups unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum BackupsEndBy {
    /// The month's key, which no backup holds, is destroyed.
    #[serde(rename = "month key destroyed")]
    MonthKeyDestroyed,
    /// The account's key, which no backup holds, is destroyed.
    #[serde(rename = "account key destroyed")]
    AccountKeyDestroyed,
    /// No backup is kept longer than the configured greatest age.
    #[serde(rename = "greatest age of a backup")]
    GreatestAge,
}

/// From when on backups do not give the recording back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Backups {
    /// The instant, at the latest; left out when neither reason sets a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub unreadable_from: Option<Timestamp>,
    /// What brings it about.
    pub by: BackupsEndBy,
}

impl PurgeFacts {
    /// The kind of the ledger's entry that says this.
    pub fn entry_kind(&self) -> Kind {
        let went_later = self.locked.as_ref().is_some_and(|locked| locked.deleted_at.is_some());
        if went_later { Kind::PURGE_BYTES_DELETED } else { Kind::PURGE_COMPLETED }
    }

    /// The first of the times that comes before the one that it should follow, by its name.
    pub fn disorder(&self) -> Option<&'static str> {
        let bytes_deleted_at =
            self.locked.as_ref().and_then(|locked| locked.deleted_at).unwrap_or(self.rows_deleted_at);
        let order = [
            ("keys_destroyed_at", self.fenced_at, self.keys_destroyed_at),
            ("objects_deleted_at", self.keys_destroyed_at, self.objects_deleted_at),
            ("rows_deleted_at", self.objects_deleted_at, self.rows_deleted_at),
            ("looked_again_at", self.rows_deleted_at, self.looked_again_at),
            ("locked.deleted_at", self.rows_deleted_at, bytes_deleted_at),
            ("looked_again_at", bytes_deleted_at, self.looked_again_at),
        ];
        let early = self.ground != PurgeGround::Erasure && self.fenced_at < self.expires_at;
        let later = order.into_iter().find(|(_, before, after)| after < before).map(|(name, ..)| name);
        early.then_some("fenced_at").or(later)
    }
}

impl Certificate {
    /// Signs it. What `document_type` and `signature` hold is replaced.
    ///
    /// Errors: [`LedgerError::Document`] when something was found again or the times are out of order: such a
    /// purge is not finished, and nothing must certify it.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, LedgerError> {
        if self.facts.found_again.total() > 0 {
            return Err(LedgerError::Document("something of the recording was found again"));
        }
        if self.facts.disorder().is_some() {
            return Err(LedgerError::Document("its times are out of order"));
        }
        document::sign_shape(DocumentKind::Certificate, self, key)
    }
}
