//! The end of a case, whose retention period counts from its closing: fenced, its key destroyed, its objects and rows
//! deleted. Each step is one idempotent transaction.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::cases::{time, uuid};
use super::purge_row::Deleted;
use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx, exactly_one};
use crate::clock::Timestamp;

statements! {
    CLOSED = "SELECT id, closed_at, purge_stage FROM cases WHERE closed_at IS NOT NULL \
        AND (closed_at > $1 OR (closed_at = $1 AND id > $2)) ORDER BY closed_at, id LIMIT $3";
    // Write first: whoever changes the case has its row.
    FENCE = "UPDATE cases SET purge_stage = 'fenced' WHERE id = $1 AND closed_at IS NOT NULL AND purge_stage IS NULL";
    // What was let go of and not purged yet may open by this key alone.
    IN_USE = "SELECT (SELECT count(*) FROM holds WHERE case_id = $1 AND released_at IS NULL) \
        + (SELECT count(*) FROM hold_rules WHERE case_id = $1 AND ended_at IS NULL) \
        + (SELECT count(*) FROM releases WHERE case_id = $1 AND done_at IS NULL) \
        + (SELECT count(*) FROM recording_keys WHERE holder = $2)";
    // What an old catalog has in force beside these ends with the case.
    OPENS = "SELECT (SELECT count(*) FROM holds WHERE case_id = $1 AND released_at IS NULL) \
        + (SELECT count(*) FROM recording_keys WHERE holder = $2)";
    TO_KEY = "UPDATE cases SET purge_stage = 'key_destroyed' WHERE id = $1 AND purge_stage = 'fenced'";
    TO_OBJECTS = "UPDATE cases SET purge_stage = 'objects_deleted' WHERE id = $1 AND purge_stage = 'key_destroyed'";
    NAMED = "DELETE FROM release_recordings WHERE release_id IN (SELECT id FROM releases WHERE case_id = $1)";
    RELEASES = "DELETE FROM releases WHERE case_id = $1";
    HOLDS = "DELETE FROM holds WHERE case_id = $1";
    RULES = "DELETE FROM hold_rules WHERE case_id = $1";
    NOTES = "DELETE FROM case_notes WHERE case_id = $1";
    DISCLOSED = "DELETE FROM disclosure_recordings WHERE disclosure_id IN (SELECT id FROM disclosures WHERE case_id = $1)";
    DISCLOSURES = "DELETE FROM disclosures WHERE case_id = $1";
    ROW = "DELETE FROM cases WHERE id = $1";
}

/// What goes with a case, in an order in which nothing is left that refers to what is gone. Another table that belongs to
/// cases gets its line here.
const ROWS: &[(&str, &str)] = &[
    ("release_recordings", NAMED),
    ("releases", RELEASES),
    ("holds", HOLDS),
    ("hold_rules", RULES),
    ("case_notes", NOTES),
    ("disclosure_recordings", DISCLOSED),
    ("disclosures", DISCLOSURES),
];

/// How far the purge of a case has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CasePurgeStage {
    /// From here on there is no way back.
    Fenced,
    /// Nothing of it can be opened any more.
    KeyDestroyed,
    /// The store has nothing of it but that it was purged.
    ObjectsDeleted,
}

impl CasePurgeStage {
    fn parse(text: &str) -> Result<Self> {
        match text {
            "fenced" => Ok(Self::Fenced),
            "key_destroyed" => Ok(Self::KeyDestroyed),
            "objects_deleted" => Ok(Self::ObjectsDeleted),
            _ => Err(CatalogError::Corrupt("cases.purge_stage")),
        }
    }
}

/// A closed case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedCase {
    /// Its id.
    pub id: Uuid,
    /// When it was closed.
    pub closed_at: Timestamp,
    /// How far its purge has come; none before its fence.
    pub stage: Option<CasePurgeStage>,
}

fn closed_case(row: &AnyRow) -> Result<ClosedCase> {
    let stage: Option<String> = row.try_get("purge_stage")?;
    Ok(ClosedCase {
        id: uuid(row, "id")?,
        closed_at: time(row, "closed_at")?,
        stage: stage.as_deref().map(CasePurgeStage::parse).transpose()?,
    })
}

fn secret_of(case: Uuid) -> String {
    format!("case-{}", case.as_hyphenated())
}

impl Catalog {
    /// Closed cases, longest closed first, after the one that was closed at that time.
    pub async fn closed_cases(&self, after: Option<(Timestamp, Uuid)>, limit: u32) -> Result<Vec<ClosedCase>> {
        let (at, id) = after.map_or((i64::MIN, String::new()), |(at, id)| (at.micros(), id.to_string()));
        let rows = sqlx::query(CLOSED).bind(at).bind(id).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(closed_case).collect()
    }
}

impl Tx {
    /// The fence of a closed case: from here on nobody sees it, and nothing is put under its key. False when it is fenced
    /// already, or something still needs its key.
    pub async fn fence_case(&mut self, id: Uuid, now: Timestamp) -> Result<bool> {
        let fenced = sqlx::query(FENCE).bind(id.to_string()).execute(&mut *self.inner).await?.rows_affected() == 1;
        if !fenced || self.counts_any(IN_USE, id).await? {
            return Ok(false);
        }
        self.close_secret(&secret_of(id), now).await?;
        Ok(true)
    }

    async fn counts_any(&mut self, statement: &'static str, id: Uuid) -> Result<bool> {
        let query = sqlx::query_scalar(statement).bind(id.to_string()).bind(secret_of(id));
        let count: i64 = query.fetch_one(&mut *self.inner).await?;
        Ok(count > 0)
    }

    /// Notes that a fenced case's key is destroyed.
    pub async fn case_key_destroyed(&mut self, id: Uuid, now: Timestamp) -> Result<()> {
        self.secret_is_destroyed(&secret_of(id), now).await?;
        self.advance_case(TO_KEY, id).await
    }

    /// Notes that a fenced case's objects are gone.
    pub async fn case_objects_deleted(&mut self, id: Uuid) -> Result<()> {
        self.advance_case(TO_OBJECTS, id).await
    }

    async fn advance_case(&mut self, statement: &'static str, id: Uuid) -> Result<()> {
        let done = sqlx::query(statement).bind(id.to_string()).execute(&mut *self.inner).await?;
        exactly_one(done.rows_affected(), "a step of a case's purge was done by somebody else")
    }

    /// Deletes all rows of a case and erases what the ledger's entries about it say. Returns how many rows, by table.
    pub async fn delete_case(&mut self, id: Uuid) -> Result<Deleted> {
        let text = id.to_string();
        let mut deleted = Deleted::new();
        for (name, statement) in ROWS {
            let done = sqlx::query(*statement).bind(text.as_str()).execute(&mut *self.inner).await?;
            deleted.insert((*name).to_owned(), done.rows_affected());
        }
        deleted.insert("ledger_openings".to_owned(), self.erase_openings_under(&secret_of(id)).await?);
        let done = sqlx::query(ROW).bind(text.as_str()).execute(&mut *self.inner).await?;
        deleted.insert("cases".to_owned(), done.rows_affected());
        Ok(deleted)
    }

    /// Re-applies the purge of a case that the store proves: for a catalog that is brought up to date. Returns how many rows
    /// went, rules and releases that were open then among them. [`CatalogError::Unexpected`] while a recording needs its key,
    /// which then is not that of a purged case.
    pub async fn restore_case_purge(&mut self, id: Uuid) -> Result<u64> {
        if self.counts_any(OPENS, id).await? {
            return Err(CatalogError::Unexpected("a purged case that holds recordings"));
        }
        Ok(self.delete_case(id).await?.values().sum())
    }
}
