//! Whether anything was written in a while: for whoever has to know that nobody writes.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::sql::statements;
use super::{Catalog, Result, Tx};
use crate::clock::Timestamp;

statements! {
    // Whatever is stored in or deleted from the object store for good leaves a trace in one of these: every state
    // change an entry of the ledger, a rewritten sidecar its revision, a purge its stage, a new or destroyed key its row.
    PULSE = "SELECT coalesce((SELECT size FROM ledger_state WHERE id = 1), 0), \
        coalesce((SELECT published_size FROM ledger_state WHERE id = 1), 0), \
        (SELECT count(*) FROM ledger_entries WHERE seq IS NULL), \
        (SELECT count(*) FROM recordings), \
        (SELECT CAST(coalesce(sum(revision + sidecar_revision + hold_revision), 0) AS BIGINT) FROM recordings), \
        (SELECT count(*) FROM related), \
        (SELECT count(*) FROM purges), \
        (SELECT count(keys_destroyed_at) + count(objects_deleted_at) + count(rows_deleted_at) + count(looked_again_at) \
          + count(certified_at) FROM purges), \
        (SELECT count(*) FROM secrets), \
        (SELECT count(closed_at) + count(destroyed_at) + count(recorded_at) FROM secrets)";
    BUSY = "SELECT count(*), CAST(coalesce(max(b.until), 0) AS BIGINT) FROM ( \
          SELECT until FROM leases WHERE until > $1 AND owner <> $2 \
          UNION ALL SELECT lease_until AS until FROM calls WHERE lease_until > $1) AS b";
    // What the old store was asked to refuse says nothing of the new one.
    UNGUARD = "UPDATE recordings SET locked_until = NULL, guarded_revision = 0";
}

/// How many counts [`PULSE`] has.
const COUNTS: usize = 10;

/// Counts that differ once something was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulse([i64; COUNTS]);

impl Pulse {
    /// Entries of the ledger that the store does not show yet.
    pub fn unpublished(&self) -> i64 {
        let [size, published, waiting, ..] = self.0;
        size - published + waiting
    }
}

/// What others are at: leases that they have, uploads that are under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    /// How many.
    pub count: i64,
    /// The latest of the instants at which they run out, in microseconds. It grows while somebody lives who renews one.
    pub until: i64,
}

fn busy_row(row: &AnyRow) -> Result<Busy> {
    Ok(Busy { count: row.try_get(0)?, until: row.try_get(1)? })
}

impl Catalog {
    /// What others than `owner` are at now: nothing when nothing is served.
    pub async fn busy(&self, owner: &str, now: Timestamp) -> Result<Busy> {
        busy_row(&sqlx::query(BUSY).bind(now.micros()).bind(owner).fetch_one(&self.pool).await?)
    }
}

impl Tx {
    /// The same within a transaction: whether others are at anything.
    pub async fn is_busy(&mut self, owner: &str, now: Timestamp) -> Result<bool> {
        let row = sqlx::query(BUSY).bind(now.micros()).bind(owner).fetch_one(&mut *self.inner).await?;
        Ok(busy_row(&row)?.count > 0)
    }

    /// The counts as they are now.
    pub async fn pulse(&mut self) -> Result<Pulse> {
        let row = sqlx::query(PULSE).fetch_one(&mut *self.inner).await?;
        let mut counts = [0; COUNTS];
        for (place, count) in counts.iter_mut().enumerate() {
            *count = row.try_get(place)?;
        }
        Ok(Pulse(counts))
    }

    /// Forgets what the store was asked to refuse, so that the background pass asks the new one.
    pub async fn forget_guards(&mut self) -> Result<()> {
        sqlx::query(UNGUARD).execute(&mut *self.inner).await?;
        Ok(())
    }
}
