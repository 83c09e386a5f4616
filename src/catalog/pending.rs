//! Whether somebody is uploading a recording right now.

use super::sql::statements;
use super::{Catalog, Result};
use crate::recording::RecordingId;

statements! {
    // The condition on the lease is the one of a small index; who has one has a pending id, and the other way round.
    IS_PENDING = "SELECT count(*) FROM calls WHERE lease_token IS NOT NULL AND pending_id = $1";
}

impl Catalog {
    /// Whether an upload, alive or dead, may still become this recording. It notes the id before it writes its first
    /// object and takes it back in the transaction that makes the row: ask this first, then for the row.
    pub async fn is_pending(&self, id: RecordingId) -> Result<bool> {
        let uploads: i64 = sqlx::query_scalar(IS_PENDING).bind(id.to_string()).fetch_one(&self.pool).await?;
        Ok(uploads > 0)
    }
}
