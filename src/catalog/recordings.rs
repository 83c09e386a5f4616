//! The rows of recordings: inserted once, revised rarely, fenced and removed by the purge.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::lookups::Lookups;
use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx, signed, unsigned};
use crate::clock::Timestamp;
use crate::recording::{ExpiryMonth, RecordingId, Status};

/// The columns of a recording with its month's wrapped key and, where it is held, since when.
macro_rules! recording_columns {
    () => {
        "SELECT r.id, r.account_id, r.product, r.language, r.recorded_at, r.received_at, r.expires_at, r.month, r.rule, \
         r.status, r.stage, r.byte_len, r.duration_ms, r.ingested_by, r.revision, r.sealed, r.sealed_receipt, k.wrapped, r.locked_until, \
         (SELECT min(h.placed_at) FROM holds h WHERE h.recording_id = r.id AND h.released_at IS NULL) AS held_since \
         FROM recordings r LEFT JOIN recording_keys k ON k.recording_id = r.id AND k.holder = 'month-' || r.month "
    };
}
pub(super) use recording_columns;

statements! {
    INSERT = "INSERT INTO recordings (id, account_id, product, language, recorded_at, received_at, expires_at, month, rule, \
        status, stage, byte_len, duration_ms, ingested_by, revision, sidecar_revision, hold_revision, sealed, sealed_receipt) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'live', $11, $12, $13, $14, $14, 0, $15, $16)";
    // A case that holds a recording twice needs one wrap.
    INSERT_KEY = "INSERT INTO recording_keys (recording_id, holder, wrapped) VALUES ($1, $2, $3) \
        ON CONFLICT (recording_id, holder) DO NOTHING";
    REMOVE_KEY = "DELETE FROM recording_keys WHERE recording_id = $1 AND holder = $2";
    KEYS = "SELECT holder, wrapped FROM recording_keys WHERE recording_id = $1 ORDER BY holder";
    LOAD = concat!(recording_columns!(), "WHERE r.id = $1");
    // The revision is the guard: two who change the same row at once cannot both win.
    REVISE = "UPDATE recordings SET status = $3, sealed = $4, revision = revision + 1 \
        WHERE id = $1 AND revision = $2 AND stage = 'live' AND expires_at > $5";
    // From a sidecar that is newer than the row.
    RESTORE_REVISION = "UPDATE recordings SET status = $3, sealed = $4, revision = $5, sidecar_revision = $5 \
        WHERE id = $1 AND revision = $2 AND stage = 'live'";
    SUPERSEDE = "UPDATE recordings SET status = 'superseded', revision = revision + 1 \
        WHERE id = $1 AND stage = 'live' AND status IN ('quarantined', 'rejected')";
    IS_LIVE = "SELECT count(*) FROM recordings WHERE id = $1 AND stage = 'live'";
    TOUCH = "UPDATE recordings SET revision = revision + 1 WHERE id = $1 AND stage = 'live' AND expires_at > $2";
    SIDECAR_WRITTEN = "UPDATE recordings SET sidecar_revision = $2 WHERE id = $1 AND sidecar_revision < $2";
    SIDECAR_STALE = "SELECT id FROM recordings WHERE sidecar_revision < revision AND stage = 'live' AND id > $1 ORDER BY id LIMIT $2";
    IDS_AFTER = "SELECT id FROM recordings WHERE id > $1 ORDER BY id LIMIT $2";
    QUARANTINED = concat!(recording_columns!(), "WHERE r.status = 'quarantined' AND r.stage = 'live' AND r.expires_at > $1 \
        AND (r.recorded_at > $2 OR (r.recorded_at = $2 AND r.id > $3)) ORDER BY r.recorded_at, r.id LIMIT $4");
}

/// Where a recording is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Kept.
    Live,
    /// The purge has it; there is no way back.
    Fenced,
}

/// A recording's data key under one secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrap {
    /// Whose secret: `month-2031-11`, `case-<uuid>`.
    pub holder: String,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
}

/// A recording about to be inserted.
#[derive(Debug, Clone)]
pub struct NewRecording {
    /// Its id.
    pub id: RecordingId,
    /// Plain columns.
    pub account_id: String,
    /// Product, plain.
    pub product: Option<String>,
    /// ISO 639-1 code, plain.
    pub language: Option<&'static str>,
    /// The beginning of the recording.
    pub recorded_at: Timestamp,
    /// When it was received here.
    pub received_at: Timestamp,
    /// The deadline.
    pub expires_at: Timestamp,
    /// The deadline's month in the policy's zone.
    pub month: ExpiryMonth,
    /// The policy as stamped.
    pub rule: String,
    /// Accepted or quarantined.
    pub status: Status,
    /// Length of the original audio in bytes.
    pub byte_len: u64,
    /// Measured duration in milliseconds.
    pub duration_ms: u64,
    /// The token that handed it over.
    pub ingested_by: String,
    /// Revision of the sealed row, and of the sidecar that is in the store already.
    pub revision: u64,
    /// Sealed row.
    pub sealed: Vec<u8>,
    /// Sealed receipt, word for word.
    pub sealed_receipt: Vec<u8>,
    /// The data key under the secret of its month and, where it is held, of each holding case.
    pub wraps: Vec<Wrap>,
    /// Keyed hashes to be found by.
    pub lookups: Lookups,
}

/// A recording as the catalog has it.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the columns of NewRecording, described there")]
pub struct RecordingRow {
    pub id: RecordingId,
    pub account_id: String,
    pub product: Option<String>,
    pub language: Option<String>,
    pub recorded_at: Timestamp,
    pub received_at: Timestamp,
    pub expires_at: Timestamp,
    pub month: ExpiryMonth,
    pub rule: String,
    pub status: Status,
    pub stage: Stage,
    pub byte_len: u64,
    pub duration_ms: u64,
    pub ingested_by: String,
    pub revision: u64,
    pub sealed: Vec<u8>,
    pub sealed_receipt: Vec<u8>,
    /// The data key under the month's secret; gone once the purge destroyed it.
    pub wrapped: Option<Vec<u8>>,
    /// Since when it is on legal hold, if it is.
    pub held_since: Option<Timestamp>,
    /// Until when the store refuses to delete it, as was read back; none where that was not done yet.
    pub locked_until: Option<Timestamp>,
}

pub(super) fn recording_row(row: &AnyRow) -> Result<RecordingRow> {
    let time = |name| -> Result<Timestamp> { Ok(Timestamp::from_micros(row.try_get(name)?)) };
    let text = |name| -> Result<String> { Ok(row.try_get(name)?) };
    let stage = match text("stage")?.as_str() {
        "live" => Stage::Live,
        "fenced" => Stage::Fenced,
        _ => return Err(CatalogError::Corrupt("recordings.stage")),
    };
    Ok(RecordingRow {
        id: text("id")?.parse().map_err(|_| CatalogError::Corrupt("recordings.id"))?,
        account_id: text("account_id")?,
        product: row.try_get("product")?,
        language: row.try_get("language")?,
        recorded_at: time("recorded_at")?,
        received_at: time("received_at")?,
        expires_at: time("expires_at")?,
        month: text("month")?.parse().map_err(|_| CatalogError::Corrupt("recordings.month"))?,
        rule: text("rule")?,
        status: text("status")?.parse().map_err(|_| CatalogError::Corrupt("recordings.status"))?,
        stage,
        byte_len: unsigned(row.try_get("byte_len")?)?,
        duration_ms: unsigned(row.try_get("duration_ms")?)?,
        ingested_by: text("ingested_by")?,
        revision: unsigned(row.try_get("revision")?)?,
        sealed: row.try_get("sealed")?,
        sealed_receipt: row.try_get("sealed_receipt")?,
        wrapped: row.try_get("wrapped")?,
        held_since: row.try_get::<Option<i64>, _>("held_since")?.map(Timestamp::from_micros),
        locked_until: row.try_get::<Option<i64>, _>("locked_until")?.map(Timestamp::from_micros),
    })
}

impl Catalog {
    /// One recording, whatever its stage.
    pub async fn recording(&self, id: RecordingId) -> Result<Option<RecordingRow>> {
        let row = sqlx::query(LOAD).bind(id.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(recording_row).transpose()
    }

    /// Whether a recording is there, and not fenced.
    pub async fn is_live(&self, id: RecordingId) -> Result<bool> {
        let count: i64 = sqlx::query_scalar(IS_LIVE).bind(id.to_string()).fetch_one(&self.pool).await?;
        Ok(count > 0)
    }

    /// Every wrap of a recording's data key.
    pub async fn recording_keys(&self, id: RecordingId) -> Result<Vec<Wrap>> {
        let rows = sqlx::query(KEYS).bind(id.to_string()).fetch_all(&self.pool).await?;
        let wrap = |row: &AnyRow| -> Result<Wrap> {
            Ok(Wrap { holder: row.try_get("holder")?, wrapped: row.try_get("wrapped")? })
        };
        rows.iter().map(wrap).collect()
    }

    /// Recordings that wait for a decision, oldest first, after `after`.
    pub async fn quarantined(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, RecordingId)>,
        limit: u32,
    ) -> Result<Vec<RecordingRow>> {
        let (recorded_at, id) =
            after.map_or((i64::MIN, String::new()), |(recorded_at, id)| (recorded_at.micros(), id.to_string()));
        let rows = sqlx::query(QUARANTINED)
            .bind(now.micros())
            .bind(recorded_at)
            .bind(id)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(recording_row).collect()
    }

    /// Ids in their order, after `after`: for walks over all recordings.
    pub async fn recording_ids_after(&self, after: Option<RecordingId>, limit: u32) -> Result<Vec<RecordingId>> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let ids: Vec<String> =
            sqlx::query_scalar(IDS_AFTER).bind(after).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        parse_ids(&ids)
    }

    /// Recordings whose sidecar in the store is older than their row.
    pub async fn stale_sidecars(&self, limit: u32) -> Result<Vec<RecordingId>> {
        self.stale_sidecars_after(None, limit).await
    }

    /// The same in the order of their ids, after `after`.
    pub async fn stale_sidecars_after(&self, after: Option<RecordingId>, limit: u32) -> Result<Vec<RecordingId>> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let ids: Vec<String> =
            sqlx::query_scalar(SIDECAR_STALE).bind(after).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        parse_ids(&ids)
    }

    /// Notes that the sidecar of this revision is in the store.
    pub async fn sidecar_written(&self, id: RecordingId, revision: u64) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(SIDECAR_WRITTEN).bind(id.to_string()).bind(signed(revision)?).execute(&mut *tx.inner).await?;
        tx.commit().await
    }
}

pub(super) fn parse_ids(ids: &[String]) -> Result<Vec<RecordingId>> {
    ids.iter().map(|id| id.parse().map_err(|_| CatalogError::Corrupt("a recording id"))).collect()
}

impl Tx {
    /// Inserts a recording with its wrapped key and its look-ups. The account's row is made where it is missing, and is
    /// taken: whoever leaves the account meanwhile waits for this, or was seen.
    pub async fn insert_recording(&mut self, new: &NewRecording) -> Result<()> {
        self.ensure_account(&new.account_id, new.received_at).await?;
        let id = new.id.to_string();
        sqlx::query(INSERT)
            .bind(id.as_str())
            .bind(new.account_id.as_str())
            .bind(new.product.clone())
            .bind(new.language.map(str::to_owned))
            .bind(new.recorded_at.micros())
            .bind(new.received_at.micros())
            .bind(new.expires_at.micros())
            .bind(new.month.to_string())
            .bind(new.rule.as_str())
            .bind(new.status.as_str())
            .bind(signed(new.byte_len)?)
            .bind(signed(new.duration_ms)?)
            .bind(new.ingested_by.as_str())
            .bind(signed(new.revision)?)
            .bind(new.sealed.clone())
            .bind(new.sealed_receipt.clone())
            .execute(&mut *self.inner)
            .await?;
        for wrap in &new.wraps {
            self.add_recording_key(new.id, wrap).await?;
        }
        self.add_lookups(new.id, &new.account_id, &new.lookups).await
    }

    /// Adds a wrap of the recording's data key, for its month or for a case that holds it.
    pub async fn add_recording_key(&mut self, id: RecordingId, wrap: &Wrap) -> Result<()> {
        sqlx::query(INSERT_KEY)
            .bind(id.to_string())
            .bind(wrap.holder.as_str())
            .bind(wrap.wrapped.clone())
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Removes a wrap of the recording's data key; one that is gone already is no error.
    pub async fn remove_recording_key(&mut self, id: RecordingId, holder: &str) -> Result<()> {
        sqlx::query(REMOVE_KEY).bind(id.to_string()).bind(holder).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Puts a changed row in place of revision `from`; false when somebody else changed it, or the deadline passed.
    pub async fn revise_recording(
        &mut self,
        id: RecordingId,
        from: u64,
        status: Status,
        sealed: &[u8],
        now: Timestamp,
    ) -> Result<bool> {
        let done = sqlx::query(REVISE)
            .bind(id.to_string())
            .bind(signed(from)?)
            .bind(status.as_str())
            .bind(sealed.to_vec())
            .bind(now.micros())
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Puts the newer state of a sidecar in place of revision `from`; false when somebody else changed the row.
    pub async fn restore_revision(
        &mut self,
        id: RecordingId,
        from: u64,
        to: u64,
        status: Status,
        sealed: &[u8],
    ) -> Result<bool> {
        let done = sqlx::query(RESTORE_REVISION)
            .bind(id.to_string())
            .bind(signed(from)?)
            .bind(status.as_str())
            .bind(sealed.to_vec())
            .bind(signed(to)?)
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// A better upload took its place; false when it is no longer in quarantine.
    pub async fn supersede(&mut self, id: RecordingId) -> Result<bool> {
        let done = sqlx::query(SUPERSEDE).bind(id.to_string()).execute(&mut *self.inner).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Something beside the row changed (related data, a hold): the sidecar has to be written anew. False when the
    /// recording is no longer live.
    pub async fn touch_recording(&mut self, id: RecordingId, now: Timestamp) -> Result<bool> {
        let done = sqlx::query(TOUCH).bind(id.to_string()).bind(now.micros()).execute(&mut *self.inner).await?;
        Ok(done.rows_affected() == 1)
    }
}
