//! A purge as the catalog knows it: how far it has come, when each step was done, what was deleted.

use std::collections::BTreeMap;

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::{CatalogError, Result};
use crate::clock::Timestamp;
use crate::recording::{ExpiryMonth, RecordingId};
use crate::retention::PurgeGround;

/// How far a purge has come. The order is the order of the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is named after the step that is done")]
pub enum PurgeStage {
    Fenced,
    KeysDestroyed,
    ObjectsDeleted,
    RowsDeleted,
    LookedAgain,
    Certified,
}

impl PurgeStage {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Fenced, "fenced"),
        (Self::KeysDestroyed, "keys_destroyed"),
        (Self::ObjectsDeleted, "objects_deleted"),
        (Self::RowsDeleted, "rows_deleted"),
        (Self::LookedAgain, "looked_again"),
        (Self::Certified, "certified"),
    ];

    pub(super) fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(stage, _)| *stage == self).map_or("", |(_, name)| name)
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text).map(|(stage, _)| *stage);
        found.ok_or(CatalogError::Corrupt("purges.stage"))
    }
}

/// The columns of a purge, as [`purge_row`] reads them.
macro_rules! purge_columns {
    () => {
        "SELECT recording_id, month, rule, expires_at, stage, fenced_at, keys_destroyed_at, objects_deleted_at, rows_deleted_at, \
         looked_again_at, certified_at, deleted, entry_id, ground, request_id, locked_until, bytes_deleted_at FROM purges "
    };
}
pub(super) use purge_columns;

/// How many of what were deleted: `objects`, `object_versions`, `pending_uploads`, `keys`, `ledger_openings`; the
/// rest are rows by table. Beside them, what the store's lock keeps: `locked_objects`, `locked_versions`.
pub type Deleted = BTreeMap<String, u64>;

/// Objects that the store's lock keeps, among the counts.
pub const LOCKED_OBJECTS: &str = "locked_objects";
/// Their versions.
pub const LOCKED_VERSIONS: &str = "locked_versions";

/// What the store's lock keeps of an erased recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locked {
    /// How many objects.
    pub objects: u64,
    /// How many versions of them.
    pub versions: u64,
    /// When the last lock ends.
    pub until: Timestamp,
}

/// A purge under way or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgeRow {
    /// The recording.
    pub recording_id: RecordingId,
    /// Why it is purged.
    pub ground: PurgeGround,
    /// The data-subject request on which its erasure was decided.
    pub request_id: Option<Uuid>,
    /// Its expiry month.
    pub month: ExpiryMonth,
    /// The policy that was stamped on it.
    pub rule: String,
    /// Its deadline.
    pub expires_at: Timestamp,
    /// How far the purge is.
    pub stage: PurgeStage,
    /// When each step was done.
    pub fenced_at: Timestamp,
    /// Wrapped keys deleted.
    pub keys_destroyed_at: Option<Timestamp>,
    /// Objects deleted.
    pub objects_deleted_at: Option<Timestamp>,
    /// Rows deleted and the ledger's openings erased.
    pub rows_deleted_at: Option<Timestamp>,
    /// Everything looked at again and found gone.
    pub looked_again_at: Option<Timestamp>,
    /// The certificate written.
    pub certified_at: Option<Timestamp>,
    /// Counts of what was deleted.
    pub deleted: Deleted,
    /// The ledger's entry that says so.
    pub entry_id: Option<Uuid>,
    /// Until when the store's lock keeps what is left of an erased one; none where nothing was locked.
    pub locked_until: Option<Timestamp>,
    /// When that was deleted.
    pub bytes_deleted_at: Option<Timestamp>,
}

impl PurgeRow {
    /// Whether the store's lock still keeps something of it, sealed under a key that is destroyed.
    pub fn has_remains(&self) -> bool {
        self.locked_until.is_some() && self.bytes_deleted_at.is_none()
    }

    /// What a lock keeps, or kept.
    pub fn locked(&self) -> Option<Locked> {
        let count = |name: &str| self.deleted.get(name).copied().unwrap_or(0);
        self.locked_until.map(|until| Locked {
            objects: count(LOCKED_OBJECTS),
            versions: count(LOCKED_VERSIONS),
            until,
        })
    }
}

/// A place in an order by time: the time, and the recording where several have the same.
pub type Place = (Timestamp, RecordingId);

/// What comes after a place, or everything, in figures: no time is as early, no id as short.
pub(super) fn bound(after: Option<Place>) -> (i64, String) {
    after.map_or((i64::MIN, String::new()), |(at, id)| (at.micros(), id.to_string()))
}

pub(super) fn purge_row(row: &AnyRow) -> Result<PurgeRow> {
    let time =
        |name| -> Result<Option<Timestamp>> { Ok(row.try_get::<Option<i64>, _>(name)?.map(Timestamp::from_micros)) };
    let text = |name| -> Result<String> { Ok(row.try_get(name)?) };
    let corrupt = CatalogError::Corrupt;
    let id = |name, what| -> Result<Option<Uuid>> {
        let text: Option<String> = row.try_get(name)?;
        text.map(|id| Uuid::try_parse(&id).map_err(|_| corrupt(what))).transpose()
    };
    let ground = text("ground")?;
    Ok(PurgeRow {
        recording_id: text("recording_id")?.parse().map_err(|_| corrupt("purges.recording_id"))?,
        ground: PurgeGround::ALL.into_iter().find(|known| known.as_str() == ground).ok_or(corrupt("purges.ground"))?,
        request_id: id("request_id", "purges.request_id")?,
        month: text("month")?.parse().map_err(|_| corrupt("purges.month"))?,
        rule: text("rule")?,
        expires_at: Timestamp::from_micros(row.try_get("expires_at")?),
        stage: PurgeStage::parse(&text("stage")?)?,
        fenced_at: Timestamp::from_micros(row.try_get("fenced_at")?),
        keys_destroyed_at: time("keys_destroyed_at")?,
        objects_deleted_at: time("objects_deleted_at")?,
        rows_deleted_at: time("rows_deleted_at")?,
        looked_again_at: time("looked_again_at")?,
        certified_at: time("certified_at")?,
        deleted: serde_json::from_str(&text("deleted")?).map_err(|_| corrupt("purges.deleted"))?,
        entry_id: id("entry_id", "purges.entry_id")?,
        locked_until: time("locked_until")?,
        bytes_deleted_at: time("bytes_deleted_at")?,
    })
}
