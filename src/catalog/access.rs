//! Noting accesses: only to what is live, and the ranges of one playback count once.

use super::sql::statements;
use super::{Result, Tx};
use crate::clock::Timestamp;
use crate::recording::RecordingId;

statements! {
    // Only while the recording is live, so that no window outlives its recording.
    NOTE = "INSERT INTO access_windows (actor, recording_id, action, window_at) \
        SELECT $1, r.id, $3, $4 FROM recordings r WHERE r.id = $2 AND r.stage = 'live' \
        ON CONFLICT (actor, recording_id, action, window_at) DO NOTHING";
    // Changes nothing, and takes the row's lock: the purge cannot fence the recording before this transaction ends, so
    // no entry about it comes after its erasure.
    KEEP_LIVE = "UPDATE recordings SET stage = 'live' WHERE id = $1 AND stage = 'live'";
    SWEEP = "DELETE FROM access_windows WHERE window_at < $1";
}

impl Tx {
    /// Keeps the purge from fencing a recording until this transaction ends; false when it has been fenced.
    pub async fn keep_live(&mut self, recording: RecordingId) -> Result<bool> {
        Ok(sqlx::query(KEEP_LIVE).bind(recording.to_string()).execute(&mut *self.inner).await?.rows_affected() == 1)
    }

    /// True when this is the first access of its kind in the window that begins at `window_at`.
    pub async fn first_access(
        &mut self,
        actor: &str,
        recording: RecordingId,
        action: &str,
        window_at: Timestamp,
    ) -> Result<bool> {
        let done = sqlx::query(NOTE)
            .bind(actor)
            .bind(recording.to_string())
            .bind(action)
            .bind(window_at.micros())
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets windows that are over.
    pub async fn sweep_access_windows(&mut self, before: Timestamp) -> Result<u64> {
        Ok(sqlx::query(SWEEP).bind(before.micros()).execute(&mut *self.inner).await?.rows_affected())
    }
}
