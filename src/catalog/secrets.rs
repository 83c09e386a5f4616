//! The wrapped secrets of months, cases and the installation.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx};
use crate::clock::Timestamp;

statements! {
    SAVE = "INSERT INTO secrets (name, state, wrapped, created_at) VALUES ($1, 'live', $2, $3) ON CONFLICT (name) DO NOTHING";
    LOAD = "SELECT name, state, wrapped, created_at, closed_at, destroyed_at, entry_id, recorded_at FROM secrets WHERE name = $1";
    LIST = "SELECT name, state, wrapped, created_at, closed_at, destroyed_at, entry_id, recorded_at FROM secrets ORDER BY name";
    LIVE = "SELECT name FROM secrets WHERE state = 'live' AND name LIKE 'month-%' ORDER BY name";
    HOLDING = "SELECT s.name FROM secrets s WHERE s.state = 'live' AND s.name LIKE 'case-%' \
        AND EXISTS (SELECT 1 FROM recording_keys k WHERE k.holder = s.name) ORDER BY s.name";
    // Counted in the same statement: nothing may be left under a month that closes. What is held has left it: then its
    // wrap is none of the month's.
    CLOSE = "UPDATE secrets SET state = 'closing', closed_at = $3 WHERE name = $1 AND state = 'live' \
        AND NOT EXISTS (SELECT 1 FROM recordings r WHERE r.month = $2 \
          AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.recording_id = r.id AND h.released_at IS NULL)) \
        AND NOT EXISTS (SELECT 1 FROM purges WHERE month = $2 AND stage <> 'certified') \
        AND NOT EXISTS (SELECT 1 FROM calls WHERE pending_month = $2) \
        AND NOT EXISTS (SELECT 1 FROM statistics_open WHERE month = $2) \
        AND NOT EXISTS (SELECT 1 FROM recording_keys WHERE holder = $1) \
        AND NOT EXISTS (SELECT 1 FROM ledger_openings WHERE sealed_under = $1)";
    DESTROYED = "UPDATE secrets SET state = 'destroyed', wrapped = NULL, destroyed_at = $2, entry_id = $3 \
        WHERE name = $1 AND state = 'closing'";
    // Of a secret with an end of its own, which is recorded elsewhere.
    CLOSE_ONE = "UPDATE secrets SET state = 'closing', closed_at = $2 WHERE name = $1 AND state = 'live'";
    DESTROYED_ONE = "UPDATE secrets SET state = 'destroyed', wrapped = NULL, destroyed_at = $2, recorded_at = $2 \
        WHERE name = $1 AND state <> 'destroyed'";
    // Nothing comes to be under a destroyed key; this is looked at again before one that came back is destroyed.
    NOTHING_UNDER = "UPDATE secrets SET state = 'destroyed' WHERE name = $1 AND state = 'destroyed' \
        AND NOT EXISTS (SELECT 1 FROM recording_keys WHERE holder = $1) \
        AND NOT EXISTS (SELECT 1 FROM ledger_openings WHERE sealed_under = $1)";
    // From a destruction record in the store, whatever an old catalog believes.
    RESTORE_DESTROYED = "INSERT INTO secrets (name, state, created_at, closed_at, destroyed_at, recorded_at) \
        VALUES ($1, 'destroyed', $2, $2, $2, $2) ON CONFLICT (name) DO UPDATE SET state = 'destroyed', wrapped = NULL, \
          destroyed_at = excluded.destroyed_at, recorded_at = excluded.recorded_at";
    RECORDED = "UPDATE secrets SET recorded_at = $2 WHERE name = $1 AND recorded_at IS NULL";
    REWRAP = "UPDATE secrets SET wrapped = $3 WHERE name = $1 AND wrapped = $2 AND state <> 'destroyed'";
    COUNT_IN_USE = "SELECT count(*) FROM secrets WHERE state <> 'destroyed'";
    // Taken by an ingest's commit: the row lock keeps a month from closing under it.
    TOUCH_LIVE = "UPDATE secrets SET state = 'live' WHERE name = $1 AND state = 'live'";
}

/// Where the secret of a month, a case or the installation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretState {
    /// In use.
    Live,
    /// Nothing is left under it; its key is about to be destroyed.
    Closing,
    /// Its key is destroyed.
    Destroyed,
}

impl SecretState {
    fn parse(text: &str) -> Result<Self> {
        match text {
            "live" => Ok(Self::Live),
            "closing" => Ok(Self::Closing),
            "destroyed" => Ok(Self::Destroyed),
            _ => Err(CatalogError::Corrupt("secrets.state")),
        }
    }
}

/// One wrapped secret.
#[derive(Debug, Clone)]
pub struct SecretRow {
    /// The text form of the key's name: `month-2031-11`.
    pub name: String,
    /// Where it stands.
    pub state: SecretState,
    /// The secret under its provider's key; none once destroyed.
    pub wrapped: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was closed to new recordings.
    pub closed_at: Option<Timestamp>,
    /// When its key was destroyed.
    pub destroyed_at: Option<Timestamp>,
    /// The ledger's entry that says so.
    pub entry_id: Option<Uuid>,
    /// When the signed record of that was stored.
    pub recorded_at: Option<Timestamp>,
}

fn secret_row(row: &AnyRow) -> Result<SecretRow> {
    let time =
        |name| -> Result<Option<Timestamp>> { Ok(row.try_get::<Option<i64>, _>(name)?.map(Timestamp::from_micros)) };
    let entry: Option<String> = row.try_get("entry_id")?;
    Ok(SecretRow {
        name: row.try_get("name")?,
        state: SecretState::parse(row.try_get::<String, _>("state")?.as_str())?,
        wrapped: row.try_get("wrapped")?,
        created_at: Timestamp::from_micros(row.try_get("created_at")?),
        closed_at: time("closed_at")?,
        destroyed_at: time("destroyed_at")?,
        entry_id: entry
            .map(|id| Uuid::try_parse(&id).map_err(|_| CatalogError::Corrupt("secrets.entry_id")))
            .transpose()?,
        recorded_at: time("recorded_at")?,
    })
}

impl Catalog {
    /// Keeps a new wrapped secret; false when there is one of that name already.
    pub async fn save_secret(&self, name: &str, wrapped: &[u8], now: Timestamp) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(SAVE)
            .bind(name)
            .bind(wrapped.to_vec())
            .bind(now.micros())
            .execute(&mut *tx.inner)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(done == 1)
    }

    /// One secret.
    pub async fn load_secret(&self, name: &str) -> Result<Option<SecretRow>> {
        sqlx::query(LOAD).bind(name).fetch_optional(&self.pool).await?.as_ref().map(secret_row).transpose()
    }

    /// Every secret, destroyed ones as well.
    pub async fn list_secrets(&self) -> Result<Vec<SecretRow>> {
        sqlx::query(LIST).fetch_all(&self.pool).await?.iter().map(secret_row).collect()
    }

    /// The names of the months that are in use: what a search has to probe.
    pub async fn live_months(&self) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(LIVE).fetch_all(&self.pool).await?)
    }

    /// The names of the cases that hold anything: what a search beyond the deadline has to probe as well.
    pub async fn holding_cases(&self) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(HOLDING).fetch_all(&self.pool).await?)
    }
}

impl Tx {
    /// `live` → `closing`, if nothing whatever is left under it. False when something is, or it was not live.
    pub async fn close_month(&mut self, secret: &str, month: &str, at: Timestamp) -> Result<bool> {
        // The row first, in a statement of its own: PostgreSQL lets one that had to wait for a row look at the other
        // tables as they were before it waited, and what was put under the month meanwhile would not be counted.
        if !self.lock_live_secret(secret).await? {
            return Ok(false);
        }
        let done = sqlx::query(CLOSE).bind(secret).bind(month).bind(at.micros()).execute(&mut *self.inner).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Marks a closing secret as destroyed and drops its wrapped form; false when it was destroyed before.
    pub async fn mark_destroyed(&mut self, name: &str, at: Timestamp, entry: Uuid) -> Result<bool> {
        let done = sqlx::query(DESTROYED)
            .bind(name)
            .bind(at.micros())
            .bind(entry.to_string())
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// `live` → `closing`, for a secret that is one case's or one account's.
    pub(super) async fn close_secret(&mut self, name: &str, now: Timestamp) -> Result<()> {
        sqlx::query(CLOSE_ONE).bind(name).bind(now.micros()).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Notes that the key of such a secret is destroyed.
    pub(super) async fn secret_is_destroyed(&mut self, name: &str, now: Timestamp) -> Result<()> {
        sqlx::query(DESTROYED_ONE).bind(name).bind(now.micros()).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Replaces a wrapped secret by the same under another key; false when it is not the one that was read.
    pub async fn rewrap_secret(&mut self, name: &str, old: &[u8], new: &[u8]) -> Result<bool> {
        let query = sqlx::query(REWRAP).bind(name).bind(old.to_vec()).bind(new.to_vec());
        Ok(query.execute(&mut *self.inner).await?.rows_affected() == 1)
    }

    /// How many secrets there are whose keys are not destroyed.
    pub async fn count_secrets_in_use(&mut self) -> Result<u64> {
        super::unsigned(sqlx::query_scalar(COUNT_IN_USE).fetch_one(&mut *self.inner).await?)
    }

    /// Marks a secret as destroyed because the store's record proves it.
    pub async fn restore_destroyed(&mut self, name: &str, at: Timestamp) -> Result<()> {
        sqlx::query(RESTORE_DESTROYED).bind(name).bind(at.micros()).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Whether nothing is under a secret that is marked as destroyed.
    pub async fn nothing_is_under(&mut self, name: &str) -> Result<bool> {
        let done = sqlx::query(NOTHING_UNDER).bind(name).execute(&mut *self.inner).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that the signed record of a destruction is in the store.
    pub async fn destruction_recorded(&mut self, name: &str, at: Timestamp) -> Result<()> {
        sqlx::query(RECORDED).bind(name).bind(at.micros()).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Makes sure that the month is live until this transaction ends; false when it is not.
    pub async fn lock_live_secret(&mut self, name: &str) -> Result<bool> {
        let done = sqlx::query(TOUCH_LIVE).bind(name).execute(&mut *self.inner).await?;
        Ok(done.rows_affected() == 1)
    }
}
