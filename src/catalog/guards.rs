//! What the object store refuses to delete on our word: the lock to a recording's deadline, and its legal hold. The
//! catalog notes what was read back; whatever is not noted yet is done again.

use sqlx::Row;

use super::recordings::parse_ids;
use super::sql::statements;
use super::{Catalog, CatalogError, Result, signed, unsigned};
use crate::clock::Timestamp;
use crate::recording::{ExpiryMonth, RecordingId};

/// That something of a recording's guards was not read back from the store yet.
macro_rules! is_unguarded {
    () => {
        "stage = 'live' AND (locked_until IS NULL OR locked_until < expires_at OR guarded_revision < hold_revision)"
    };
}

statements! {
    OF = "SELECT month, expires_at, hold_revision, guarded_revision, locked_until, \
        (SELECT count(*) FROM holds h WHERE h.recording_id = r.id AND h.released_at IS NULL) AS holds \
        FROM recordings r WHERE id = $1";
    MISSING = concat!("SELECT id FROM recordings WHERE ", is_unguarded!(), " AND id > $1 ORDER BY id LIMIT $2");
    COUNT_MISSING = concat!("SELECT count(*) FROM recordings WHERE ", is_unguarded!());
    // Holds that changed meanwhile leave it to be done again, as does a deadline that was lengthened.
    DONE = "UPDATE recordings SET locked_until = $2, guarded_revision = $3, lock_mode = $4 WHERE id = $1 AND hold_revision = $3";
    FORGET_OTHER_MODES = "UPDATE recordings SET locked_until = NULL WHERE stage = 'live' AND expires_at > $2 \
        AND locked_until IS NOT NULL AND (lock_mode IS NULL OR lock_mode <> $1)";
    FORGET_ONE = "UPDATE recordings SET locked_until = NULL WHERE id = $1";
    FORGET = "UPDATE recordings SET locked_until = NULL, guarded_revision = -1";
}

/// What a recording's objects need, and have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// The month under which its objects are.
    pub month: ExpiryMonth,
    /// Until when they have to be locked.
    pub expires_at: Timestamp,
    /// Whether they have to be on legal hold.
    pub is_held: bool,
    /// Counts the changes of its holds.
    pub hold_revision: u64,
    /// Whether any hold was ever placed on it, so that the store may have one.
    pub was_ever_held: bool,
    /// Whether all of this was read back from the store.
    pub is_in_place: bool,
}

impl Catalog {
    /// What one recording's objects need; none without its row.
    pub async fn guard_of(&self, id: RecordingId) -> Result<Option<Guard>> {
        let Some(row) = sqlx::query(OF).bind(id.to_string()).fetch_optional(&self.pool).await? else {
            return Ok(None);
        };
        let month: String = row.try_get("month")?;
        let (revision, guarded): (i64, i64) = (row.try_get("hold_revision")?, row.try_get("guarded_revision")?);
        let (holds, locked): (i64, Option<i64>) = (row.try_get("holds")?, row.try_get("locked_until")?);
        let expires_at: i64 = row.try_get("expires_at")?;
        Ok(Some(Guard {
            month: month.parse().map_err(|_| CatalogError::Corrupt("recordings.month"))?,
            expires_at: Timestamp::from_micros(expires_at),
            is_held: holds > 0,
            hold_revision: unsigned(revision)?,
            was_ever_held: revision > 0,
            is_in_place: locked.is_some_and(|until| until >= expires_at) && guarded >= revision,
        }))
    }

    /// Recordings whose lock or legal hold was not read back yet, in the order of their ids.
    pub async fn guards_missing(&self, after: Option<RecordingId>, limit: u32) -> Result<Vec<RecordingId>> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let ids: Vec<String> =
            sqlx::query_scalar(MISSING).bind(after).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        parse_ids(&ids)
    }

    /// How many those are.
    pub async fn count_guards_missing(&self) -> Result<u64> {
        unsigned(sqlx::query_scalar(COUNT_MISSING).fetch_one(&self.pool).await?)
    }

    /// Notes what the store was read to enforce: until when, in which mode, as of which change of the holds. False when they
    /// changed since, or the recording is gone.
    pub async fn guarded(
        &self,
        id: RecordingId,
        locked_until: Timestamp,
        mode: &'static str,
        hold_revision: u64,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(DONE)
            .bind(id.to_string())
            .bind(locked_until.micros())
            .bind(signed(hold_revision)?)
            .bind(mode)
            .execute(&mut *tx.inner)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets the locks that are not known to be of this mode, of recordings whose deadline is still to come. Returns how
    /// many.
    pub async fn forget_locks_of_other_modes(&self, mode: &'static str, now: Timestamp) -> Result<u64> {
        let mut tx = self.begin().await?;
        let query = sqlx::query(FORGET_OTHER_MODES).bind(mode).bind(now.micros());
        let done = query.execute(&mut *tx.inner).await?.rows_affected();
        tx.commit().await?;
        Ok(done)
    }

    /// Forgets what the store was read to enforce for one recording: it was found not to.
    pub async fn forget_guards_of(&self, id: RecordingId) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(FORGET_ONE).bind(id.to_string()).execute(&mut *tx.inner).await?;
        tx.commit().await
    }

    /// Forgets what any store was read to enforce: for objects that are in another store now. Returns how many.
    pub async fn forget_guards(&self) -> Result<u64> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(FORGET).execute(&mut *tx.inner).await?.rows_affected();
        tx.commit().await?;
        Ok(done)
    }
}
