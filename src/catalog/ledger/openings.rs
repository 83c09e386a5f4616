//! Entries as the transactions that they are about append them, and their openings.

use sqlx::any::AnyRow;

use super::*;
use crate::catalog::sql::statements;

statements! {
    APPEND = "INSERT INTO ledger_entries (id, at, kind, commitment) VALUES ($1, $2, $3, $4)";
    APPEND_MISSING = "INSERT INTO ledger_entries (id, at, kind, commitment) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING";
    // A leaf that came back from the tiles got a new id; its own comes back with its opening.
    RENAME = "UPDATE ledger_entries SET id = $1 WHERE commitment = $2 AND kind = $3 AND at = $4 AND id <> $1 AND seq IS NOT NULL \
        AND NOT EXISTS (SELECT 1 FROM ledger_openings o WHERE o.entry_id = ledger_entries.id) \
        AND NOT EXISTS (SELECT 1 FROM ledger_entries e WHERE e.id = $1)";
    OPENING = "INSERT INTO ledger_openings (entry_id, recording_id, sealed_under, erase_at, sealed) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (entry_id) DO NOTHING";
    // In the tree's order, what has no place yet last: a page once given out does not shift.
    OF_RECORDING = "SELECT e.id, e.seq, e.at, e.kind, e.commitment, o.sealed_under, o.sealed FROM ledger_openings o \
        JOIN ledger_entries e ON e.id = o.entry_id WHERE o.recording_id = $1 \
        ORDER BY COALESCE(e.seq, 9223372036854775807), e.at, e.id LIMIT $2 OFFSET $3";
    CHANGES_OF = "SELECT e.id, e.seq, e.at, e.kind, e.commitment, o.sealed_under, o.sealed FROM ledger_openings o \
        JOIN ledger_entries e ON e.id = o.entry_id WHERE o.recording_id = $1 AND e.kind <> $2 ORDER BY e.at DESC, e.id DESC LIMIT $3";
    FIRST_OF = "SELECT e.id, e.seq, e.at, e.kind, e.commitment, o.sealed_under, o.sealed FROM ledger_openings o \
        JOIN ledger_entries e ON e.id = o.entry_id WHERE o.recording_id = $1 AND e.kind = $2 ORDER BY e.at, e.id LIMIT 1";
    OPENING_OF = "SELECT e.id, e.seq, e.at, e.kind, e.commitment, o.sealed_under, o.sealed FROM ledger_openings o \
        JOIN ledger_entries e ON e.id = o.entry_id WHERE e.id = $1";
    ERASE_DUE = "DELETE FROM ledger_openings WHERE entry_id IN \
        (SELECT entry_id FROM ledger_openings WHERE erase_at IS NOT NULL AND erase_at <= $1 LIMIT $2)";
    ERASE_OF = "DELETE FROM ledger_openings WHERE recording_id = $1";
    COUNT_OF = "SELECT count(*) FROM ledger_openings WHERE recording_id = $1";
    ERASE_UNDER = "DELETE FROM ledger_openings WHERE sealed_under = $1";
    UNDER = "SELECT e.id, e.seq, e.at, e.kind, e.commitment, o.sealed_under, o.sealed FROM ledger_openings o \
        JOIN ledger_entries e ON e.id = o.entry_id WHERE o.sealed_under = $1 AND e.kind <> $2 ORDER BY e.at DESC, e.id DESC LIMIT $3";
}

impl Catalog {
    /// What happened to a recording, in the ledger's order, a page at a time.
    pub async fn custody(&self, id: RecordingId, limit: u32, offset: u64) -> Result<Vec<OpeningRow>> {
        let rows = sqlx::query(OF_RECORDING)
            .bind(id.to_string())
            .bind(i64::from(limit))
            .bind(signed(offset)?)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(opening_row).collect()
    }

    /// The newest `limit` without those of kind `but`, oldest first: for the sidecar, which carries no accesses.
    pub async fn custody_of_changes(&self, id: RecordingId, but: &str, limit: u32) -> Result<Vec<OpeningRow>> {
        let rows =
            sqlx::query(CHANGES_OF).bind(id.to_string()).bind(but).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().rev().map(opening_row).collect()
    }

    /// The first entry of one kind about a recording.
    pub async fn first_of_kind(&self, id: RecordingId, kind: &str) -> Result<Option<OpeningRow>> {
        let row = sqlx::query(FIRST_OF).bind(id.to_string()).bind(kind).fetch_optional(&self.pool).await?;
        row.as_ref().map(opening_row).transpose()
    }

    /// The newest `limit` entries sealed under one secret without those of kind `but`, oldest first.
    pub async fn entries_under(&self, secret: &str, but: &str, limit: u32) -> Result<Vec<OpeningRow>> {
        let query = sqlx::query(UNDER).bind(secret).bind(but).bind(i64::from(limit));
        query.fetch_all(&self.pool).await?.iter().rev().map(opening_row).collect()
    }

    /// An entry with its opening, while that is kept.
    pub async fn opening(&self, entry: Uuid) -> Result<Option<OpeningRow>> {
        let row = sqlx::query(OPENING_OF).bind(entry.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(opening_row).transpose()
    }
}

fn opening_row(row: &AnyRow) -> Result<OpeningRow> {
    Ok(OpeningRow {
        entry: sequenced_row(row)?,
        sealed_under: row.try_get("sealed_under")?,
        sealed: row.try_get("sealed")?,
    })
}

impl Tx {
    /// Appends an entry and its opening, in this transaction, without a place yet.
    pub async fn append_entry(&mut self, entry: &NewEntry) -> Result<()> {
        self.append(APPEND, entry).await
    }

    /// The same for an entry that may be there already: for bringing a catalog up to date.
    pub async fn append_missing_entry(&mut self, entry: &NewEntry) -> Result<()> {
        sqlx::query(RENAME)
            .bind(entry.id.to_string())
            .bind(entry.commitment.to_vec())
            .bind(entry.kind.as_str())
            .bind(entry.at.micros())
            .execute(&mut *self.inner)
            .await?;
        self.append(APPEND_MISSING, entry).await
    }

    async fn append(&mut self, statement: &'static str, entry: &NewEntry) -> Result<()> {
        sqlx::query(statement)
            .bind(entry.id.to_string())
            .bind(entry.at.micros())
            .bind(entry.kind.as_str())
            .bind(entry.commitment.to_vec())
            .execute(&mut *self.inner)
            .await?;
        let Some(opening) = &entry.opening else { return Ok(()) };
        self.put_opening(entry.id, opening).await
    }

    /// Keeps the opening of an entry, unless there is one.
    pub async fn put_opening(&mut self, entry: Uuid, opening: &NewOpening) -> Result<()> {
        sqlx::query(OPENING)
            .bind(entry.to_string())
            .bind(opening.recording_id.map(|id| id.to_string()))
            .bind(opening.sealed_under.as_str())
            .bind(opening.erase_at.map(Timestamp::micros))
            .bind(opening.sealed.clone())
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Erases openings whose own time has come, at most `limit`.
    pub async fn erase_due_openings(&mut self, now: Timestamp, limit: u32) -> Result<u64> {
        let done = sqlx::query(ERASE_DUE).bind(now.micros()).bind(i64::from(limit)).execute(&mut *self.inner).await?;
        Ok(done.rows_affected())
    }

    /// Erases every opening about a recording.
    pub(in crate::catalog) async fn erase_openings_of(&mut self, id: &str) -> Result<u64> {
        Ok(sqlx::query(ERASE_OF).bind(id).execute(&mut *self.inner).await?.rows_affected())
    }

    /// Erases every opening that is sealed under one secret.
    pub(in crate::catalog) async fn erase_openings_under(&mut self, secret: &str) -> Result<u64> {
        Ok(sqlx::query(ERASE_UNDER).bind(secret).execute(&mut *self.inner).await?.rows_affected())
    }

    /// How many openings about a recording are left.
    pub(in crate::catalog) async fn count_openings_of(&mut self, id: &str) -> Result<i64> {
        Ok(sqlx::query_scalar(COUNT_OF).bind(id).fetch_one(&mut *self.inner).await?)
    }
}
