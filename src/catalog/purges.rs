//! The purge's rows: fence, keys, rows, what is left, certificate. Each step is one idempotent transaction.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::purge_row::{
    Deleted, LOCKED_OBJECTS, LOCKED_VERSIONS, Locked, Place, PurgeRow, PurgeStage, bound, purge_columns, purge_row,
};
use super::rules::{of_account_and_period, rule_covers};
use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx, exactly_one};
use crate::clock::Timestamp;
use crate::recording::RecordingId;
use crate::retention::PurgeGround;

/// That nothing keeps a recording `r` past its deadline: no hold, and no rule that has not caught it yet.
macro_rules! nothing_holds {
    () => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM holds h WHERE h.recording_id = r.id AND h.released_at IS NULL) \
             AND NOT EXISTS (SELECT 1 FROM hold_rules u WHERE ",
            rule_covers!(),
            ")"
        )
    };
}

statements! {
    DUE = concat!("SELECT r.expires_at, r.id FROM recordings r WHERE r.stage = 'live' AND r.expires_at <= $1 \
        AND (r.expires_at > $2 OR (r.expires_at = $2 AND r.id > $3)) AND ", nothing_holds!(), " ORDER BY r.expires_at, r.id LIMIT $4");
    COUNT_DUE = concat!("SELECT count(*) FROM recordings r WHERE r.stage = 'live' AND r.expires_at <= $1 AND ", nothing_holds!());
    OLDEST_DUE = concat!("SELECT CAST(min(r.expires_at) AS BIGINT) AS oldest FROM recordings r WHERE r.expires_at <= $1 \
        AND (r.stage = 'fenced' OR (", nothing_holds!(), "))");
    NEXT_DUE = "SELECT CAST(min(r.expires_at) AS BIGINT) AS next FROM recordings r WHERE r.stage = 'live' AND r.expires_at > $1";
    FENCE = "UPDATE recordings SET stage = 'fenced' WHERE id = $1 AND stage = 'live' AND expires_at <= $2 \
        RETURNING month, rule, expires_at";
    OPEN = "INSERT INTO purges (recording_id, month, rule, expires_at, stage, fenced_at, deleted, ground, request_id) \
        VALUES ($1, $2, $3, $4, 'fenced', $5, '{}', $6, $7)";
    AT_STAGE = concat!(purge_columns!(), "WHERE stage = $1 AND (fenced_at > $2 OR (fenced_at = $2 AND recording_id > $3)) \
        ORDER BY fenced_at, recording_id LIMIT $4");
    ONE = concat!(purge_columns!(), "WHERE recording_id = $1");
    // Whatever kept it past its deadline: a hold, or a rule that had not caught it.
    LET_GO_LATE = concat!("SELECT (SELECT count(*) FROM holds h WHERE h.recording_id = $1 AND h.released_at >= $2) \
        + (SELECT count(*) FROM hold_rules u JOIN recordings r ON ", of_account_and_period!(),
        " WHERE r.id = $1 AND u.placed_at < $2 AND u.ended_at >= $2)");
    DELETE_KEYS = "DELETE FROM recording_keys WHERE recording_id = $1";
    DELETE_LOOKUPS = "DELETE FROM lookups WHERE recording_id = $1";
    DELETE_RELATED = "DELETE FROM related WHERE recording_id = $1";
    DELETE_HOLDS = "DELETE FROM holds WHERE recording_id = $1";
    DELETE_WINDOWS = "DELETE FROM access_windows WHERE recording_id = $1";
    DELETE_ROW = "DELETE FROM recordings WHERE id = $1";
    TO_KEYS = "UPDATE purges SET stage = 'keys_destroyed', keys_destroyed_at = $2, deleted = $3 WHERE recording_id = $1 AND stage = 'fenced'";
    TO_OBJECTS = "UPDATE purges SET stage = 'objects_deleted', objects_deleted_at = $2, deleted = $3, locked_until = $4 \
        WHERE recording_id = $1 AND stage = 'keys_destroyed'";
    TO_ROWS = "UPDATE purges SET stage = 'rows_deleted', rows_deleted_at = $2, deleted = $3 \
        WHERE recording_id = $1 AND stage = 'objects_deleted'";
    TO_LOOKED = "UPDATE purges SET stage = 'looked_again', looked_again_at = $2, entry_id = $3 \
        WHERE recording_id = $1 AND stage = 'rows_deleted'";
    TO_CERTIFIED = "UPDATE purges SET stage = 'certified', certified_at = $2 WHERE recording_id = $1 AND stage = 'looked_again'";
    LEFT = "SELECT (SELECT count(*) FROM recordings WHERE id = $1) + (SELECT count(*) FROM recording_keys WHERE recording_id = $1) \
        + (SELECT count(*) FROM lookups WHERE recording_id = $1) + (SELECT count(*) FROM related WHERE recording_id = $1) \
        + (SELECT count(*) FROM holds WHERE recording_id = $1) + (SELECT count(*) FROM access_windows WHERE recording_id = $1) \
        + (SELECT count(*) FROM calls WHERE recording_id = $1 OR pending_id = $1)";
    // Where a lock kept the bytes of an erased recording, a second one takes the first one's place when they are gone.
    PUT_CERTIFICATE = "INSERT INTO certificates (recording_id, month, issued_at, document) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (recording_id) DO UPDATE SET issued_at = excluded.issued_at, document = excluded.document";
    IS_PURGED = "SELECT count(*) FROM purges WHERE recording_id = $1";
    CERTIFICATE = "SELECT document FROM certificates WHERE recording_id = $1";
    RESTORE = "INSERT INTO purges (recording_id, month, rule, expires_at, stage, fenced_at, keys_destroyed_at, objects_deleted_at, \
        rows_deleted_at, looked_again_at, certified_at, deleted, ground, locked_until, bytes_deleted_at) \
        VALUES ($1, $2, $3, $4, 'certified', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
        ON CONFLICT (recording_id) DO UPDATE SET stage = 'certified', fenced_at = excluded.fenced_at, \
          keys_destroyed_at = excluded.keys_destroyed_at, objects_deleted_at = excluded.objects_deleted_at, \
          rows_deleted_at = excluded.rows_deleted_at, looked_again_at = excluded.looked_again_at, \
          certified_at = excluded.certified_at, deleted = excluded.deleted, ground = excluded.ground, \
          locked_until = excluded.locked_until, bytes_deleted_at = excluded.bytes_deleted_at";
    // What was decided says nothing of how much a day usually brings.
    FENCED_SINCE = "SELECT count(*) FROM purges WHERE fenced_at >= $1 AND ground <> 'erasure'";
    FIRST_FENCED = "SELECT CAST(min(fenced_at) AS BIGINT) AS first FROM purges WHERE fenced_at >= $1 AND ground <> 'erasure'";
    HELD_IN_MONTH = "SELECT count(*) FROM recordings WHERE month = $1";
    IN_MONTH = "SELECT count(*) FROM purges WHERE month = $1";
}

impl Catalog {
    /// Recordings that may be fenced now, longest overdue first.
    pub async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<RecordingId>> {
        Ok(self.due_after(now, None, limit).await?.into_iter().map(|(_, id)| id).collect())
    }

    /// The same with their deadlines, those that come after a place in that order.
    pub async fn due_after(&self, now: Timestamp, after: Option<Place>, limit: u32) -> Result<Vec<Place>> {
        let (at, id) = bound(after);
        let rows = sqlx::query(DUE).bind(now.micros()).bind(at).bind(id).bind(i64::from(limit));
        let place = |row: &AnyRow| -> Result<Place> {
            let id: String = row.try_get("id")?;
            let id = id.parse().map_err(|_| CatalogError::Corrupt("a recording id"))?;
            Ok((Timestamp::from_micros(row.try_get("expires_at")?), id))
        };
        rows.fetch_all(&self.pool).await?.iter().map(place).collect()
    }

    /// How many may be fenced now.
    pub async fn count_due(&self, now: Timestamp) -> Result<u64> {
        super::unsigned(sqlx::query_scalar(COUNT_DUE).bind(now.micros()).fetch_one(&self.pool).await?)
    }

    /// The oldest deadline that has passed and whose recording is still here without being held.
    pub async fn oldest_due(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let row = sqlx::query(OLDEST_DUE).bind(now.micros()).fetch_one(&self.pool).await?;
        Ok(row.try_get::<Option<i64>, _>("oldest")?.map(Timestamp::from_micros))
    }

    /// The next deadline after `now`.
    pub async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let row = sqlx::query(NEXT_DUE).bind(now.micros()).fetch_one(&self.pool).await?;
        Ok(row.try_get::<Option<i64>, _>("next")?.map(Timestamp::from_micros))
    }

    /// Purges that have come just so far, oldest fence first, those that come after a place in that order.
    pub async fn purges_after(&self, stage: PurgeStage, after: Option<Place>, limit: u32) -> Result<Vec<PurgeRow>> {
        let (at, id) = bound(after);
        let rows = sqlx::query(AT_STAGE).bind(stage.as_str()).bind(at).bind(id).bind(i64::from(limit));
        rows.fetch_all(&self.pool).await?.iter().map(purge_row).collect()
    }

    /// The purge of one recording.
    pub async fn purge_of(&self, id: RecordingId) -> Result<Option<PurgeRow>> {
        sqlx::query(ONE).bind(id.to_string()).fetch_optional(&self.pool).await?.as_ref().map(purge_row).transpose()
    }

    /// A recording's certificate.
    pub async fn certificate(&self, id: RecordingId) -> Result<Option<Vec<u8>>> {
        Ok(sqlx::query_scalar(CERTIFICATE).bind(id.to_string()).fetch_optional(&self.pool).await?)
    }

    /// How many were fenced since, and when the first of them was: what the brakes call usual.
    pub async fn fenced_since(&self, since: Timestamp) -> Result<(u64, Option<Timestamp>)> {
        let count: i64 = sqlx::query_scalar(FENCED_SINCE).bind(since.micros()).fetch_one(&self.pool).await?;
        let row = sqlx::query(FIRST_FENCED).bind(since.micros()).fetch_one(&self.pool).await?;
        let first: Option<i64> = row.try_get("first")?;
        Ok((super::unsigned(count)?, first.map(Timestamp::from_micros)))
    }

    /// How many recordings of a month that is closed live on because they are held.
    pub async fn held_in_month(&self, month: &str) -> Result<u64> {
        super::unsigned(sqlx::query_scalar(HELD_IN_MONTH).bind(month).fetch_one(&self.pool).await?)
    }

    /// How many recordings of a month were purged.
    pub async fn purged_in_month(&self, month: &str) -> Result<u64> {
        super::unsigned(sqlx::query_scalar(IN_MONTH).bind(month).fetch_one(&self.pool).await?)
    }
}

impl Tx {
    /// The fence: from here on there is no way back. None when the recording is not due, gone, fenced before, or
    /// held — holds and rules are counted after the row's lock is taken, so that one committed before always wins.
    pub async fn fence(&mut self, id: RecordingId, now: Timestamp) -> Result<Option<PurgeRow>> {
        let text = id.to_string();
        let fenced = sqlx::query(FENCE).bind(text.as_str()).bind(now.micros()).fetch_optional(&mut *self.inner).await?;
        let Some(row) = fenced else { return Ok(None) };
        if self.count_holds(&text).await? > 0 || self.count_rules(&text).await? > 0 {
            return Err(CatalogError::Unexpected("a held recording was about to be fenced"));
        }
        let expires_at: i64 = row.try_get("expires_at")?;
        let late: i64 = sqlx::query_scalar(LET_GO_LATE).bind(text).bind(expires_at).fetch_one(&mut *self.inner).await?;
        let ground = if late > 0 { PurgeGround::HoldReleased } else { PurgeGround::Deadline };
        self.open_purge(id, &row, now, ground, None).await.map(Some)
    }

    /// Opens the purge of a recording whose row was fenced a moment ago.
    pub(super) async fn open_purge(
        &mut self,
        id: RecordingId,
        fenced: &AnyRow,
        now: Timestamp,
        ground: PurgeGround,
        request: Option<Uuid>,
    ) -> Result<PurgeRow> {
        let (month, rule): (String, String) = (fenced.try_get("month")?, fenced.try_get("rule")?);
        let expires_at: i64 = fenced.try_get("expires_at")?;
        sqlx::query(OPEN)
            .bind(id.to_string())
            .bind(month)
            .bind(rule)
            .bind(expires_at)
            .bind(now.micros())
            .bind(ground.as_str())
            .bind(request.map(|request| request.to_string()))
            .execute(&mut *self.inner)
            .await?;
        purge_row(&sqlx::query(ONE).bind(id.to_string()).fetch_one(&mut *self.inner).await?)
    }

    /// Whether a recording was purged or is being purged, as this transaction sees it.
    pub async fn is_purged(&mut self, id: RecordingId) -> Result<bool> {
        let count: i64 = sqlx::query_scalar(IS_PURGED).bind(id.to_string()).fetch_one(&mut *self.inner).await?;
        Ok(count > 0)
    }

    /// Deletes the wrapped keys: from here on nothing of the recording can be opened with the catalog.
    /// `found` is what the store has of the recording, counted before anything of it is deleted.
    pub async fn destroy_keys(&mut self, purge: &PurgeRow, found: &Deleted, now: Timestamp) -> Result<()> {
        let id = purge.recording_id.to_string();
        let keys = sqlx::query(DELETE_KEYS).bind(id.as_str()).execute(&mut *self.inner).await?.rows_affected();
        let mut deleted = found.clone();
        *deleted.entry("keys".to_owned()).or_default() += keys;
        self.advance(TO_KEYS, &id, now, &deleted).await
    }

    /// Notes that the objects are gone, but for what the store's lock keeps of an erased recording.
    pub async fn objects_deleted(&mut self, purge: &PurgeRow, now: Timestamp, locked: Option<&Locked>) -> Result<()> {
        let mut deleted = purge.deleted.clone();
        if let Some(locked) = locked {
            deleted.insert(LOCKED_OBJECTS.to_owned(), locked.objects);
            deleted.insert(LOCKED_VERSIONS.to_owned(), locked.versions);
        }
        let done = sqlx::query(TO_OBJECTS)
            .bind(purge.recording_id.to_string())
            .bind(now.micros())
            .bind(counts_of(&deleted)?)
            .bind(locked.map(|locked| locked.until.micros()))
            .execute(&mut *self.inner)
            .await?;
        exactly_one(done.rows_affected(), "a purge's step was done by somebody else")
    }

    /// Deletes the rows and erases the ledger's openings.
    pub async fn delete_rows(&mut self, purge: &PurgeRow, now: Timestamp) -> Result<()> {
        let id = purge.recording_id.to_string();
        let mut deleted = purge.deleted.clone();
        let statements = [
            ("lookups", DELETE_LOOKUPS),
            ("related", DELETE_RELATED),
            ("holds", DELETE_HOLDS),
            ("access_windows", DELETE_WINDOWS),
        ];
        for (name, statement) in statements {
            let done = sqlx::query(statement).bind(id.as_str()).execute(&mut *self.inner).await?;
            deleted.insert(name.to_owned(), done.rows_affected());
        }
        deleted.insert("calls".to_owned(), self.forget_call(&id).await?);
        deleted.insert("ledger_openings".to_owned(), self.erase_openings_of(&id).await?);
        let rows = sqlx::query(DELETE_ROW).bind(id.as_str()).execute(&mut *self.inner).await?.rows_affected();
        deleted.insert("recordings".to_owned(), rows);
        self.advance(TO_ROWS, &id, now, &deleted).await
    }

    async fn advance(&mut self, statement: &'static str, id: &str, now: Timestamp, deleted: &Deleted) -> Result<()> {
        let counts = counts_of(deleted)?;
        let done = sqlx::query(statement).bind(id).bind(now.micros()).bind(counts).execute(&mut *self.inner).await?;
        exactly_one(done.rows_affected(), "a purge's step was done by somebody else")
    }

    /// How many rows of any kind still speak of a recording.
    pub async fn rows_left(&mut self, id: RecordingId) -> Result<u64> {
        let id = id.to_string();
        let rows: i64 = sqlx::query_scalar(LEFT).bind(id.as_str()).fetch_one(&mut *self.inner).await?;
        super::unsigned(rows + self.count_openings_of(&id).await?)
    }

    /// Notes that nothing was found any more, and which ledger entry says so.
    pub async fn looked_again(&mut self, id: RecordingId, now: Timestamp, entry: Uuid) -> Result<()> {
        let done = sqlx::query(TO_LOOKED)
            .bind(id.to_string())
            .bind(now.micros())
            .bind(entry.to_string())
            .execute(&mut *self.inner)
            .await?;
        exactly_one(done.rows_affected(), "a purge's step was done by somebody else")
    }

    /// Keeps the certificate and ends the purge.
    pub async fn certify(&mut self, purge: &PurgeRow, document: &[u8], now: Timestamp) -> Result<()> {
        self.put_certificate(purge.recording_id, &purge.month.to_string(), document, now).await?;
        let id = purge.recording_id.to_string();
        let done = sqlx::query(TO_CERTIFIED).bind(id).bind(now.micros()).execute(&mut *self.inner).await?;
        exactly_one(done.rows_affected(), "a purge's step was done by somebody else")
    }

    async fn put_certificate(&mut self, id: RecordingId, month: &str, document: &[u8], now: Timestamp) -> Result<()> {
        sqlx::query(PUT_CERTIFICATE)
            .bind(id.to_string())
            .bind(month)
            .bind(now.micros())
            .bind(document.to_vec())
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Re-applies a purge that the store's certificate proves: for a catalog that is brought up to date.
    pub async fn restore_purge(&mut self, purge: &PurgeRow, document: &[u8]) -> Result<u64> {
        let id = purge.recording_id.to_string();
        let mut gone = self.forget_call(&id).await? + self.erase_openings_of(&id).await?;
        let all = [DELETE_KEYS, DELETE_LOOKUPS, DELETE_RELATED, DELETE_HOLDS, DELETE_WINDOWS, DELETE_ROW];
        for statement in all {
            gone += sqlx::query(statement).bind(id.as_str()).execute(&mut *self.inner).await?.rows_affected();
        }
        sqlx::query(RESTORE)
            .bind(id.as_str())
            .bind(purge.month.to_string())
            .bind(purge.rule.as_str())
            .bind(purge.expires_at.micros())
            .bind(purge.fenced_at.micros())
            .bind(purge.keys_destroyed_at.map(Timestamp::micros))
            .bind(purge.objects_deleted_at.map(Timestamp::micros))
            .bind(purge.rows_deleted_at.map(Timestamp::micros))
            .bind(purge.looked_again_at.map(Timestamp::micros))
            .bind(purge.certified_at.unwrap_or(purge.fenced_at).micros())
            .bind(counts_of(&purge.deleted)?)
            .bind(purge.ground.as_str())
            .bind(purge.locked_until.map(Timestamp::micros))
            .bind(purge.bytes_deleted_at.map(Timestamp::micros))
            .execute(&mut *self.inner)
            .await?;
        self.put_certificate(purge.recording_id, &purge.month.to_string(), document, purge.fenced_at).await?;
        Ok(gone)
    }
}

/// Counts as their column has them.
fn counts_of(deleted: &Deleted) -> Result<String> {
    serde_json::to_string(deleted).map_err(|_| CatalogError::Corrupt("counts"))
}
