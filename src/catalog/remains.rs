//! What a lock of the store keeps of erased recordings, whose purges are certified but for that.

use std::collections::HashSet;

use sqlx::Row;
use uuid::Uuid;

use super::purge_row::{Place, PurgeRow, bound, purge_columns, purge_row};
use super::recordings::parse_ids;
use super::sql::statements;
use super::{Catalog, Result, Tx, unsigned};
use crate::clock::Timestamp;
use crate::recording::RecordingId;

statements! {
    REMAINS = concat!(purge_columns!(), "WHERE locked_until IS NOT NULL AND bytes_deleted_at IS NULL AND stage = 'certified' \
        AND locked_until <= $1 AND (locked_until > $2 OR (locked_until = $2 AND recording_id > $3)) ORDER BY locked_until, recording_id LIMIT $4");
    COUNT_REMAINS = "SELECT count(*) FROM purges WHERE locked_until IS NOT NULL AND bytes_deleted_at IS NULL";
    REMAINS_IDS = "SELECT recording_id FROM purges WHERE locked_until IS NOT NULL AND bytes_deleted_at IS NULL";
    NEXT_REMAINS = "SELECT CAST(min(locked_until) AS BIGINT) AS next FROM purges WHERE locked_until > $1 AND bytes_deleted_at IS NULL";
    // It gets a certificate once more.
    BYTES_DELETED = "UPDATE purges SET stage = 'looked_again', bytes_deleted_at = $2, looked_again_at = $2, entry_id = $3 \
        WHERE recording_id = $1 AND stage = 'certified' AND locked_until IS NOT NULL AND bytes_deleted_at IS NULL";
}

impl Catalog {
    /// The next end of a lock, after `now`, that keeps something of an erased recording.
    pub async fn next_remains(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let row = sqlx::query(NEXT_REMAINS).bind(now.micros()).fetch_one(&self.pool).await?;
        Ok(row.try_get::<Option<i64>, _>("next")?.map(Timestamp::from_micros))
    }

    /// Erased recordings of which a lock that ends by then keeps something, first end first, those that come after a place in
    /// that order.
    pub async fn remains_after(&self, by: Timestamp, after: Option<Place>, limit: u32) -> Result<Vec<PurgeRow>> {
        let (at, id) = bound(after);
        let rows = sqlx::query(REMAINS).bind(by.micros()).bind(at).bind(id).bind(i64::from(limit));
        rows.fetch_all(&self.pool).await?.iter().map(purge_row).collect()
    }

    /// The ids of all those, whenever their locks end.
    pub async fn remains_ids(&self) -> Result<HashSet<RecordingId>> {
        let ids: Vec<String> = sqlx::query_scalar(REMAINS_IDS).fetch_all(&self.pool).await?;
        Ok(parse_ids(&ids)?.into_iter().collect())
    }

    /// How many those are, whenever their locks end.
    pub async fn count_remains(&self) -> Result<u64> {
        unsigned(sqlx::query_scalar(COUNT_REMAINS).fetch_one(&self.pool).await?)
    }
}

impl Tx {
    /// Notes that what a lock kept of an erased recording is gone as well, and which ledger entry says so; false when
    /// somebody else noted it.
    pub async fn bytes_deleted(&mut self, id: RecordingId, now: Timestamp, entry: Uuid) -> Result<bool> {
        let done = sqlx::query(BYTES_DELETED)
            .bind(id.to_string())
            .bind(now.micros())
            .bind(entry.to_string())
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}
