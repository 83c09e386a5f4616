//! Legal holds. A hold wins over the purge, or is told that it came too late; there is nothing between.

use sqlx::Row;
use uuid::Uuid;

use super::recordings::parse_ids;
use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx, exactly_one, signed};
use crate::clock::Timestamp;
use crate::recording::RecordingId;

statements! {
    // Write first: this takes the row's lock, which the purge's fence needs as well.
    LOCK_LIVE = "UPDATE recordings SET hold_revision = hold_revision + 1, revision = revision + 1 \
        WHERE id = $1 AND stage = 'live' AND expires_at > $2";
    PLACE = "INSERT INTO holds (id, case_id, recording_id, placed_at) VALUES ($1, $2, $3, $4)";
    RELEASE = "UPDATE holds SET released_at = $2 WHERE id = $1 AND released_at IS NULL";
    ENSURE_CASE = "INSERT INTO cases (id, opened_at, sealed) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
    OF_RECORDING = "SELECT id, case_id, placed_at FROM holds WHERE recording_id = $1 AND released_at IS NULL ORDER BY placed_at, id";
    // Any change of the holds: the sidecar and the store's own holds follow it.
    CHANGE = "UPDATE recordings SET hold_revision = hold_revision + 1, revision = revision + 1 WHERE id = $1 AND stage = 'live' AND hold_revision = $2";
    CASE_HOLDS = "SELECT count(*) FROM holds WHERE recording_id = $1 AND case_id = $2 AND released_at IS NULL";
    // Only what a case's key opens as well: without one, the month's is the last there is.
    PAST_DEADLINE = "SELECT r.id FROM recordings r WHERE r.stage = 'live' AND r.expires_at <= $1 \
        AND EXISTS (SELECT 1 FROM recording_keys k WHERE k.recording_id = r.id AND k.holder = 'month-' || r.month) \
        AND EXISTS (SELECT 1 FROM recording_keys k WHERE k.recording_id = r.id AND k.holder LIKE 'case-%') \
        AND EXISTS (SELECT 1 FROM holds h WHERE h.recording_id = r.id AND h.released_at IS NULL) \
        ORDER BY r.expires_at, r.id LIMIT $2";
    COUNT = "SELECT count(*) FROM holds WHERE recording_id = $1 AND released_at IS NULL";
}

/// What became of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldOutcome {
    /// Nothing will purge the recording until it is released.
    Placed,
    /// The deadline has passed or the purge has fenced it.
    TooLate,
}

impl Catalog {
    /// The holds in force on a recording: hold, case, since when.
    pub async fn holds_of(&self, id: RecordingId) -> Result<Vec<(Uuid, Uuid, Timestamp)>> {
        let rows = sqlx::query(OF_RECORDING).bind(id.to_string()).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let uuid = |name| -> Result<Uuid> {
                    let text: String = row.try_get(name)?;
                    Uuid::try_parse(&text).map_err(|_| CatalogError::Corrupt("an id of a hold"))
                };
                Ok((uuid("id")?, uuid("case_id")?, Timestamp::from_micros(row.try_get("placed_at")?)))
            })
            .collect()
    }
}

impl Catalog {
    /// Held recordings that are past their deadline and still under their month's key.
    pub async fn held_past_deadline(&self, now: Timestamp, limit: u32) -> Result<Vec<RecordingId>> {
        let ids: Vec<String> =
            sqlx::query_scalar(PAST_DEADLINE).bind(now.micros()).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        parse_ids(&ids)
    }
}

impl Tx {
    /// Takes the recording's row in order to change its holds; false when it is no longer live, or its holds changed
    /// since `revision`: what was prepared from them (which look-ups stay, which wraps) is not so any more.
    pub async fn change_holds(&mut self, id: RecordingId, revision: u64) -> Result<bool> {
        let query = sqlx::query(CHANGE).bind(id.to_string()).bind(signed(revision)?);
        let done = query.execute(&mut *self.inner).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether any hold is in force on a recording whose row this transaction has.
    pub async fn is_held(&mut self, id: RecordingId) -> Result<bool> {
        Ok(self.count_holds(&id.to_string()).await? > 0)
    }

    /// Whether a case has a hold in force on a recording whose row this transaction has.
    pub async fn case_holds(&mut self, id: RecordingId, case: Uuid) -> Result<bool> {
        let count: i64 = sqlx::query_scalar(CASE_HOLDS)
            .bind(id.to_string())
            .bind(case.to_string())
            .fetch_one(&mut *self.inner)
            .await?;
        Ok(count > 0)
    }

    /// Makes a case's row where there is none. What a case says is sealed by the caller.
    pub async fn ensure_case(&mut self, case: Uuid, now: Timestamp, sealed: &[u8]) -> Result<()> {
        sqlx::query(ENSURE_CASE)
            .bind(case.to_string())
            .bind(now.micros())
            .bind(sealed.to_vec())
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Places a hold at `now`, unless it comes too late.
    pub async fn place_hold(&mut self, hold: Uuid, case: Uuid, id: RecordingId, now: Timestamp) -> Result<HoldOutcome> {
        let locked = sqlx::query(LOCK_LIVE).bind(id.to_string()).bind(now.micros()).execute(&mut *self.inner).await?;
        if locked.rows_affected() == 0 {
            return Ok(HoldOutcome::TooLate);
        }
        self.restore_hold(hold, case, id, now).await?;
        Ok(HoldOutcome::Placed)
    }

    /// Puts back a hold that was placed at `placed_at`: for a catalog that is brought up to date.
    pub async fn restore_hold(&mut self, hold: Uuid, case: Uuid, id: RecordingId, placed_at: Timestamp) -> Result<()> {
        sqlx::query(PLACE)
            .bind(hold.to_string())
            .bind(case.to_string())
            .bind(id.to_string())
            .bind(placed_at.micros())
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Ends a hold.
    pub async fn release_hold(&mut self, hold: Uuid, now: Timestamp) -> Result<()> {
        let done = sqlx::query(RELEASE).bind(hold.to_string()).bind(now.micros()).execute(&mut *self.inner).await?;
        exactly_one(done.rows_affected(), "the hold to release was not in force")
    }

    /// How many holds are in force on a recording whose row this transaction has locked.
    pub(super) async fn count_holds(&mut self, id: &str) -> Result<i64> {
        Ok(sqlx::query_scalar(COUNT).bind(id).fetch_one(&mut *self.inner).await?)
    }
}
