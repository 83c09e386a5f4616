//! Erasures before the deadline: their fence, and the tombstone that keeps the call from coming back until its month is
//! over. A tombstone's hash is keyed by the month's secret: it ends with that.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::cases::time;
use super::purge_row::PurgeRow;
use super::recordings::parse_ids;
use super::sql::{marks, statements};
use super::{Catalog, CatalogError, Result, Tx};
use crate::clock::Timestamp;
use crate::recording::{ExpiryMonth, RecordingId};
use crate::retention::PurgeGround;

statements! {
    // Changes nothing, and takes the call's row: an upload of the call settles before this transaction, or after it.
    TAKE_CALL = "UPDATE calls SET recording_id = recording_id WHERE mac = $1";
    FENCE = "UPDATE recordings SET stage = 'fenced' WHERE id = $1 AND stage = 'live' AND expires_at > $2 \
        RETURNING month, rule, expires_at";
    KEEP = "INSERT INTO erasures (recording_id, month, mac, erased_at) VALUES ($1, $2, $3, $4) ON CONFLICT (recording_id) DO NOTHING";
    MONTHS = "SELECT month FROM erasures GROUP BY month ORDER BY month";
    ONE = "SELECT recording_id, month, mac, erased_at FROM erasures WHERE recording_id = $1";
    IDS_AFTER = "SELECT recording_id FROM erasures WHERE recording_id > $1 ORDER BY recording_id LIMIT $2";
    FORGET = "DELETE FROM erasures WHERE month = $1";
    // From the store, whatever an old catalog has.
    FENCE_AGAIN = "UPDATE recordings SET stage = 'fenced' WHERE id = $1 AND stage = 'live'";
    OPEN_AGAIN = "INSERT INTO purges (recording_id, month, rule, expires_at, stage, fenced_at, deleted, ground, request_id) \
        VALUES ($1, $2, $3, $4, 'fenced', $5, '{}', 'erasure', $6) \
        ON CONFLICT (recording_id) DO NOTHING";
    // A certificate does not say it.
    NAME_REQUEST = "UPDATE purges SET request_id = $2 WHERE recording_id = $1 AND ground = 'erasure' AND request_id IS NULL";
}

/// That a call was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureRow {
    /// The recording that was erased.
    pub recording_id: RecordingId,
    /// The month in which its deadline would have been.
    pub month: ExpiryMonth,
    /// The hash of its call, keyed by that month's secret.
    pub mac: Vec<u8>,
    /// When it was fenced.
    pub erased_at: Timestamp,
}

/// What became of a fence before the deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EarlyFence {
    /// It is fenced.
    Fenced(Box<PurgeRow>),
    /// A hold, or a rule in force, keeps it. To be rolled back.
    Held,
    /// There is no such recording before its deadline any more.
    NotLive,
}

fn erasure_row(row: &AnyRow) -> Result<ErasureRow> {
    let text = |name| -> Result<String> { Ok(row.try_get(name)?) };
    Ok(ErasureRow {
        recording_id: text("recording_id")?.parse().map_err(|_| CatalogError::Corrupt("erasures.recording_id"))?,
        month: text("month")?.parse().map_err(|_| CatalogError::Corrupt("erasures.month"))?,
        mac: row.try_get("mac")?,
        erased_at: time(row, "erased_at")?,
    })
}

/// When a call of one of so many hashes was erased last.
pub(super) fn of_calls(count: usize) -> String {
    format!("SELECT CAST(max(erased_at) AS BIGINT) AS at FROM erasures WHERE mac IN ({})", marks(count))
}

fn parse_months(months: &[String]) -> Result<Vec<ExpiryMonth>> {
    months.iter().map(|month| month.parse().map_err(|_| CatalogError::Corrupt("erasures.month"))).collect()
}

async fn erased_last<'e>(
    executor: impl sqlx::Executor<'e, Database = sqlx::Any>,
    macs: &[(ExpiryMonth, Vec<u8>)],
) -> Result<Option<Timestamp>> {
    if macs.is_empty() {
        return Ok(None);
    }
    let mut query = sqlx::query(sqlx::AssertSqlSafe(of_calls(macs.len())));
    for (_, mac) in macs {
        query = query.bind(mac.clone());
    }
    let row = query.fetch_one(executor).await?;
    Ok(row.try_get::<Option<i64>, _>("at")?.map(Timestamp::from_micros))
}

impl Catalog {
    /// The months of which anything was erased before its deadline.
    pub async fn erased_months(&self) -> Result<Vec<ExpiryMonth>> {
        let months: Vec<String> = sqlx::query_scalar(MONTHS).fetch_all(&self.pool).await?;
        parse_months(&months)
    }

    /// When a call of one of these hashes was erased last.
    pub async fn erased_at(&self, macs: &[(ExpiryMonth, Vec<u8>)]) -> Result<Option<Timestamp>> {
        erased_last(&self.pool, macs).await
    }

    /// The tombstone of one recording.
    pub async fn erasure(&self, id: RecordingId) -> Result<Option<ErasureRow>> {
        let row = sqlx::query(ONE).bind(id.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(erasure_row).transpose()
    }

    /// Recordings with a tombstone, in the order of their ids, after `after`.
    pub async fn erasure_ids_after(&self, after: Option<RecordingId>, limit: u32) -> Result<Vec<RecordingId>> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let ids: Vec<String> =
            sqlx::query_scalar(IDS_AFTER).bind(after).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        parse_ids(&ids)
    }
}

impl Tx {
    /// Takes the row of a call that is to be erased; see [`Tx::call_is_erased`].
    pub async fn take_call(&mut self, call: &[u8]) -> Result<()> {
        sqlx::query(TAKE_CALL).bind(call.to_vec()).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// The fence of a decided erasure. Like [`Tx::fence`] it has the recording's row before it counts holds and rules, so
    /// that one committed before always wins.
    pub async fn fence_early(&mut self, id: RecordingId, request: Uuid, now: Timestamp) -> Result<EarlyFence> {
        let text = id.to_string();
        let fenced = sqlx::query(FENCE).bind(text.as_str()).bind(now.micros()).fetch_optional(&mut *self.inner).await?;
        let Some(row) = fenced else { return Ok(EarlyFence::NotLive) };
        if self.count_holds(&text).await? > 0 || self.count_rules(&text).await? > 0 {
            return Ok(EarlyFence::Held);
        }
        let purge = self.open_purge(id, &row, now, PurgeGround::Erasure, Some(request)).await?;
        Ok(EarlyFence::Fenced(Box::new(purge)))
    }

    /// Keeps a tombstone, unless there is one.
    pub async fn keep_erasure(&mut self, erasure: &ErasureRow) -> Result<()> {
        sqlx::query(KEEP)
            .bind(erasure.recording_id.to_string())
            .bind(erasure.month.to_string())
            .bind(erasure.mac.clone())
            .bind(erasure.erased_at.micros())
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Whether a call whose row this transaction has was erased: it is asked for by its hash of each month. None when there
    /// is a month by now of which the caller has no hash.
    pub async fn call_is_erased(&mut self, macs: &[(ExpiryMonth, Vec<u8>)]) -> Result<Option<bool>> {
        let months: Vec<String> = sqlx::query_scalar(MONTHS).fetch_all(&mut *self.inner).await?;
        let unknown = |month: &ExpiryMonth| !macs.iter().any(|(known, _)| known == month);
        if parse_months(&months)?.iter().any(unknown) {
            return Ok(None);
        }
        Ok(Some(erased_last(&mut *self.inner, macs).await?.is_some()))
    }

    /// Forgets the tombstones of a month that is over. Returns how many there were.
    pub async fn forget_erasures(&mut self, month: ExpiryMonth) -> Result<u64> {
        Ok(sqlx::query(FORGET).bind(month.to_string()).execute(&mut *self.inner).await?.rows_affected())
    }

    /// Re-applies an erasure that the store's tombstone tells of, for a catalog that is brought up to date: the recording
    /// is fenced, and the purge goes on from there. False when the catalog knew of its purge.
    pub async fn restore_erasure(&mut self, erasure: &ErasureRow, purge: &PurgeRow) -> Result<bool> {
        let id = erasure.recording_id.to_string();
        let live = sqlx::query(FENCE_AGAIN).bind(id.as_str()).execute(&mut *self.inner).await?.rows_affected() == 1;
        let opened = sqlx::query(OPEN_AGAIN)
            .bind(id.as_str())
            .bind(purge.month.to_string())
            .bind(purge.rule.as_str())
            .bind(purge.expires_at.micros())
            .bind(purge.fenced_at.micros())
            .bind(purge.request_id.map(|request| request.to_string()))
            .execute(&mut *self.inner)
            .await?;
        if let Some(request) = purge.request_id {
            sqlx::query(NAME_REQUEST).bind(id.as_str()).bind(request.to_string()).execute(&mut *self.inner).await?;
        }
        self.keep_erasure(erasure).await?;
        Ok(live || opened.rows_affected() == 1)
    }
}
