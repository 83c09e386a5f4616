//! Cases and their notes. What they say is sealed under the case's own secret and goes through here as bytes.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx, signed, unsigned};
use crate::clock::Timestamp;

/// The columns of a case, and what is in force for it.
macro_rules! case_columns {
    () => {
        "SELECT c.id, c.opened_at, c.review_at, c.closed_at, c.purge_stage, c.revision, c.stored_revision, c.holds_placed, c.sealed, \
         (SELECT count(*) FROM holds h WHERE h.case_id = c.id AND h.released_at IS NULL) AS holds, \
         (SELECT count(*) FROM hold_rules u WHERE u.case_id = c.id AND u.ended_at IS NULL) AS rules, \
         (SELECT count(*) FROM releases e WHERE e.case_id = c.id \
           AND (e.state = 'asked' OR (e.state = 'approved' AND e.done_at IS NULL))) AS releases FROM cases c "
    };
}

statements! {
    OPEN = "INSERT INTO cases (id, opened_at, review_at, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING";
    // A case of which only a hold is known. Its revision is below that of any copy in the store.
    ENSURE = "INSERT INTO cases (id, opened_at, revision, sealed) VALUES ($1, $2, 0, $3) ON CONFLICT (id) DO NOTHING";
    LOAD = concat!(case_columns!(), "WHERE c.id = $1");
    PAGE = concat!(case_columns!(), "WHERE (c.opened_at < $1 OR (c.opened_at = $1 AND c.id < $2)) \
        AND ($3 = 'all' OR ($3 = 'closed' AND c.closed_at IS NOT NULL) OR ($3 = 'open' AND c.closed_at IS NULL) \
          OR ($3 = 'overdue' AND c.closed_at IS NULL AND COALESCE(c.review_at, 0) <= $4)) \
        AND c.purge_stage IS NULL ORDER BY c.opened_at DESC, c.id DESC LIMIT $5");
    CHANGE = "UPDATE cases SET review_at = $3, sealed = $4, revision = revision + 1 \
        WHERE id = $1 AND revision = $2 AND closed_at IS NULL";
    // Takes the row: whoever closes the case waits, and whoever comes after that finds it closed.
    TOUCH = "UPDATE cases SET revision = revision + 1 WHERE id = $1 AND closed_at IS NULL";
    TAKE_NUMBER = "UPDATE cases SET holds_placed = holds_placed + 1 WHERE id = $1 AND closed_at IS NULL RETURNING holds_placed";
    NUMBER_SEEN = "UPDATE cases SET holds_placed = $2 WHERE id = $1 AND holds_placed < $2";
    CLOSE = "UPDATE cases SET closed_at = $2, revision = revision + 1 WHERE id = $1 AND closed_at IS NULL";
    ADD_NOTE = "INSERT INTO case_notes (id, case_id, at, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING";
    NOTES = "SELECT id, at, sealed FROM case_notes WHERE case_id = $1 ORDER BY at, id";
    COUNT_NOTES = "SELECT count(*) FROM case_notes WHERE case_id = $1";
    NOT_STORED = "SELECT id FROM cases WHERE stored_revision < revision AND purge_stage IS NULL AND id > $1 ORDER BY id LIMIT $2";
    STORED = "UPDATE cases SET stored_revision = $2 WHERE id = $1 AND stored_revision < $2";
    AFTER = "SELECT id FROM cases WHERE id > $1 ORDER BY id LIMIT $2";
    // From the store's copy, where that is newer.
    RESTORE = "INSERT INTO cases (id, opened_at, review_at, closed_at, revision, stored_revision, holds_placed, sealed) \
        VALUES ($1, $2, $3, $4, $5, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET opened_at = excluded.opened_at, \
          review_at = excluded.review_at, closed_at = excluded.closed_at, revision = excluded.revision, \
          stored_revision = excluded.stored_revision, sealed = excluded.sealed, \
          holds_placed = CASE WHEN cases.holds_placed < excluded.holds_placed THEN excluded.holds_placed ELSE cases.holds_placed END \
        WHERE cases.revision < excluded.revision";
}

/// A case as the catalog has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseRow {
    /// Its id.
    pub id: Uuid,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When somebody has to look whether it is still needed. None where only a hold of it is known.
    pub review_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Whether its purge has begun: then it is told of to nobody.
    pub is_purging: bool,
    /// Counts its changes.
    pub revision: u64,
    /// The change of which the store has a copy.
    pub stored_revision: u64,
    /// The number of the last hold or rule that was placed for it.
    pub holds_placed: u64,
    /// What it says; empty where only a hold of it is known.
    pub sealed: Vec<u8>,
    /// Holds in force.
    pub holds: u64,
    /// Rules in force.
    pub rules: u64,
    /// Releases that wait for a decision, or are being carried out.
    pub releases: u64,
}

/// A note on a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteRow {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it and what it says.
    pub sealed: Vec<u8>,
}

/// Which cases a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CaseFilter {
    /// All.
    #[default]
    All,
    /// Those that are not closed.
    Open,
    /// Those that are.
    Closed,
    /// Open ones whose review date is over.
    Overdue,
}

impl CaseFilter {
    fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Overdue => "overdue",
        }
    }
}

pub(super) fn uuid(row: &AnyRow, name: &'static str) -> Result<Uuid> {
    let text: String = row.try_get(name)?;
    Uuid::try_parse(&text).map_err(|_| CatalogError::Corrupt(name))
}

pub(super) fn time(row: &AnyRow, name: &'static str) -> Result<Timestamp> {
    Ok(Timestamp::from_micros(row.try_get(name)?))
}

pub(super) fn time_or_none(row: &AnyRow, name: &'static str) -> Result<Option<Timestamp>> {
    Ok(row.try_get::<Option<i64>, _>(name)?.map(Timestamp::from_micros))
}

fn case_row(row: &AnyRow) -> Result<CaseRow> {
    let count = |name| -> Result<u64> { unsigned(row.try_get(name)?) };
    Ok(CaseRow {
        id: uuid(row, "id")?,
        opened_at: time(row, "opened_at")?,
        review_at: time_or_none(row, "review_at")?,
        closed_at: time_or_none(row, "closed_at")?,
        is_purging: row.try_get::<Option<String>, _>("purge_stage")?.is_some(),
        revision: count("revision")?,
        stored_revision: count("stored_revision")?,
        holds_placed: count("holds_placed")?,
        sealed: row.try_get("sealed")?,
        holds: count("holds")?,
        rules: count("rules")?,
        releases: count("releases")?,
    })
}

fn note_row(row: &AnyRow) -> Result<NoteRow> {
    Ok(NoteRow { id: uuid(row, "id")?, at: time(row, "at")?, sealed: row.try_get("sealed")? })
}

pub(super) fn parse_uuids(ids: &[String]) -> Result<Vec<Uuid>> {
    ids.iter().map(|id| Uuid::try_parse(id).map_err(|_| CatalogError::Corrupt("an id of a case"))).collect()
}

impl Catalog {
    /// One case.
    pub async fn case(&self, id: Uuid) -> Result<Option<CaseRow>> {
        let row = sqlx::query(LOAD).bind(id.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(case_row).transpose()
    }

    /// A page of cases, newest first, after the one that was opened at that time.
    pub async fn cases(
        &self,
        filter: CaseFilter,
        after: Option<(Timestamp, Uuid)>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<CaseRow>> {
        let (at, id) = after.map_or((i64::MAX, String::new()), |(at, id)| (at.micros(), id.to_string()));
        let rows = sqlx::query(PAGE)
            .bind(at)
            .bind(id)
            .bind(filter.as_str())
            .bind(now.micros())
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(case_row).collect()
    }

    /// A case's notes, oldest first.
    pub async fn case_notes(&self, case: Uuid) -> Result<Vec<NoteRow>> {
        let rows = sqlx::query(NOTES).bind(case.to_string()).fetch_all(&self.pool).await?;
        rows.iter().map(note_row).collect()
    }

    /// Cases whose copy in the store is older than their row, in the order of their ids, after `after`.
    pub async fn cases_not_stored(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<Uuid>> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let ids: Vec<String> =
            sqlx::query_scalar(NOT_STORED).bind(after).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        parse_uuids(&ids)
    }

    /// Notes that the copy of this revision is in the store.
    pub async fn case_stored(&self, case: Uuid, revision: u64) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(STORED).bind(case.to_string()).bind(signed(revision)?).execute(&mut *tx.inner).await?;
        tx.commit().await
    }

    /// Ids of cases in their order, after `after`: for walks over all.
    pub async fn case_ids_after(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<Uuid>> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let ids: Vec<String> =
            sqlx::query_scalar(AFTER).bind(after).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        parse_uuids(&ids)
    }
}

impl Tx {
    /// Makes a new case; false when there is one of that id.
    pub async fn open_case(&mut self, id: Uuid, now: Timestamp, review_at: Timestamp, sealed: &[u8]) -> Result<bool> {
        let query = sqlx::query(OPEN).bind(id.to_string()).bind(now.micros()).bind(review_at.micros());
        let done = query.bind(sealed.to_vec()).execute(&mut *self.inner).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Makes a case's row where there is none: for a hold that comes back before its case.
    pub async fn ensure_case(&mut self, case: Uuid, now: Timestamp, sealed: &[u8]) -> Result<()> {
        let query = sqlx::query(ENSURE).bind(case.to_string()).bind(now.micros()).bind(sealed.to_vec());
        query.execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Puts other content in place of revision `from`; false when somebody else changed it, or it is closed.
    pub async fn change_case(
        &mut self,
        id: Uuid,
        from: u64,
        review_at: Option<Timestamp>,
        sealed: &[u8],
    ) -> Result<bool> {
        let query = sqlx::query(CHANGE).bind(id.to_string()).bind(signed(from)?);
        let query = query.bind(review_at.map(Timestamp::micros)).bind(sealed.to_vec());
        Ok(query.execute(&mut *self.inner).await?.rows_affected() == 1)
    }

    /// Something beside the case's row changes: nobody closes it before this transaction ends. False when it is closed.
    pub async fn touch_case(&mut self, id: Uuid) -> Result<bool> {
        Ok(sqlx::query(TOUCH).bind(id.to_string()).execute(&mut *self.inner).await?.rows_affected() == 1)
    }

    /// The next number of a hold or rule, which also keeps the case open until this transaction ends. None when there
    /// is no such case, or it is closed.
    pub async fn take_place(&mut self, case: Uuid) -> Result<Option<u64>> {
        let row = sqlx::query(TAKE_NUMBER).bind(case.to_string()).fetch_optional(&mut *self.inner).await?;
        row.map(|row| unsigned(row.try_get("holds_placed")?)).transpose()
    }

    /// A hold or rule with this number came back.
    pub(super) async fn place_was_taken(&mut self, case: Uuid, number: u64) -> Result<()> {
        sqlx::query(NUMBER_SEEN).bind(case.to_string()).bind(signed(number)?).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Closes a case; false when it is closed already. What is in force is asked for afterwards, with
    /// [`Tx::case_as_of_now`]: nothing can be added any more then.
    pub async fn close_case(&mut self, id: Uuid, now: Timestamp) -> Result<bool> {
        let query = sqlx::query(CLOSE).bind(id.to_string()).bind(now.micros());
        Ok(query.execute(&mut *self.inner).await?.rows_affected() == 1)
    }

    /// A case as this transaction, which has its row, sees it.
    pub async fn case_as_of_now(&mut self, id: Uuid) -> Result<Option<CaseRow>> {
        let row = sqlx::query(LOAD).bind(id.to_string()).fetch_optional(&mut *self.inner).await?;
        row.as_ref().map(case_row).transpose()
    }

    /// Adds a note, unless it is there.
    pub async fn add_note(&mut self, case: Uuid, note: &NoteRow) -> Result<()> {
        let query = sqlx::query(ADD_NOTE).bind(note.id.to_string()).bind(case.to_string());
        query.bind(note.at.micros()).bind(note.sealed.clone()).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// How many notes a case has whose row this transaction has.
    pub async fn count_notes(&mut self, case: Uuid) -> Result<u64> {
        unsigned(sqlx::query_scalar(COUNT_NOTES).bind(case.to_string()).fetch_one(&mut *self.inner).await?)
    }

    /// Puts back a case from the store's copy; false when the row is as new.
    pub async fn restore_case(&mut self, case: &CaseRow) -> Result<bool> {
        let done = sqlx::query(RESTORE)
            .bind(case.id.to_string())
            .bind(case.opened_at.micros())
            .bind(case.review_at.map(Timestamp::micros))
            .bind(case.closed_at.map(Timestamp::micros))
            .bind(signed(case.revision)?)
            .bind(signed(case.holds_placed)?)
            .bind(case.sealed.clone())
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}
