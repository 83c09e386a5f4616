//! Legal holds. A hold wins over the purge, or is told that it came too late; there is nothing between.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::cases::{time, uuid};
use super::purge_row::{Place, bound};
use super::recordings::parse_ids;
use super::sql::{Bound, statements};
use super::{Catalog, CatalogError, Result, Tx, exactly_one, signed, unsigned};
use crate::clock::Timestamp;
use crate::recording::RecordingId;

statements! {
    // Write first: this takes the row's lock, which the purge's fence needs as well.
    LOCK_LIVE = "UPDATE recordings SET hold_revision = hold_revision + 1, revision = revision + 1 \
        WHERE id = $1 AND stage = 'live' AND expires_at > $2";
    // A rule that is not known any more (its case was lost) leaves a hold that stands by itself.
    PLACE = "INSERT INTO holds (id, case_id, recording_id, placed_at, rule_id, place_no) \
        VALUES ($1, $2, $3, $4, (SELECT u.id FROM hold_rules u WHERE u.id = $5), $6)";
    // A rule places one hold on a recording, and never another once that is released; a case itself one at a time.
    HAS_DIRECT = "SELECT count(*) FROM holds WHERE recording_id = $1 AND case_id = $2 AND rule_id IS NULL AND released_at IS NULL";
    HAS_BY_RULE = "SELECT count(*) FROM holds WHERE recording_id = $1 AND rule_id = $2";
    RELEASE = "UPDATE holds SET released_at = $2 WHERE id = $1 AND released_at IS NULL";
    OF_RECORDING = "SELECT id, case_id, recording_id, placed_at, rule_id, place_no FROM holds \
        WHERE recording_id = $1 AND released_at IS NULL ORDER BY placed_at, id";
    // Of rules in force: each keeps its rule from holding the recording once more.
    RELEASED_BY_RULES = "SELECT h.id, h.case_id, h.recording_id, h.placed_at, h.rule_id, h.place_no, h.released_at FROM holds h \
        JOIN hold_rules u ON u.id = h.rule_id WHERE h.recording_id = $1 AND h.released_at IS NOT NULL AND u.ended_at IS NULL \
        ORDER BY h.placed_at, h.id";
    RESTORE_RELEASED = "INSERT INTO holds (id, case_id, recording_id, placed_at, rule_id, place_no, released_at) \
        VALUES ($1, $2, $3, $4, (SELECT u.id FROM hold_rules u WHERE u.id = $5), $6, $7) ON CONFLICT (id) DO NOTHING";
    OF_CASE = "SELECT h.id, h.case_id, h.recording_id, h.placed_at, h.rule_id, h.place_no, r.expires_at \
        FROM holds h JOIN recordings r ON r.id = h.recording_id WHERE h.case_id = $1 AND h.released_at IS NULL \
        AND (h.placed_at > $2 OR (h.placed_at = $2 AND h.id > $3)) ORDER BY h.placed_at, h.id LIMIT $4";
    RECORDINGS_OF_CASE = "SELECT DISTINCT recording_id FROM holds WHERE case_id = $1 AND released_at IS NULL \
        AND recording_id > $2 ORDER BY recording_id LIMIT $3";
    // Any change of the holds: the sidecar and the store's own holds follow it.
    CHANGE = "UPDATE recordings SET hold_revision = hold_revision + 1, revision = revision + 1 WHERE id = $1 AND stage = 'live' AND hold_revision = $2";
    CASE_HOLDS = "SELECT count(*) FROM holds WHERE recording_id = $1 AND case_id = $2 AND released_at IS NULL";
    // Only what a case's key opens as well: without one, the month's is the last there is.
    PAST_DEADLINE = "SELECT r.expires_at, r.id FROM recordings r WHERE r.stage = 'live' AND r.expires_at <= $1 \
        AND (r.expires_at > $2 OR (r.expires_at = $2 AND r.id > $3)) \
        AND EXISTS (SELECT 1 FROM recording_keys k WHERE k.recording_id = r.id AND k.holder = 'month-' || r.month) \
        AND EXISTS (SELECT 1 FROM recording_keys k WHERE k.recording_id = r.id AND k.holder LIKE 'case-%') \
        AND EXISTS (SELECT 1 FROM holds h WHERE h.recording_id = r.id AND h.released_at IS NULL) \
        ORDER BY r.expires_at, r.id LIMIT $4";
    COUNT = "SELECT count(*) FROM holds WHERE recording_id = $1 AND released_at IS NULL";
}

/// A hold on a recording, in the name of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldRow {
    /// Its id.
    pub id: Uuid,
    /// The case.
    pub case_id: Uuid,
    /// The recording.
    pub recording_id: RecordingId,
    /// Since when it keeps the recording.
    pub placed_at: Timestamp,
    /// The rule that placed it; none where somebody named the recording, or searched for it.
    pub rule_id: Option<Uuid>,
    /// Its number among the case's holds and rules; given by [`Tx::place_hold`].
    pub place_no: u64,
}

impl HoldRow {
    /// A hold that is about to be placed on a recording that somebody named.
    pub fn direct(id: Uuid, case_id: Uuid, recording_id: RecordingId, placed_at: Timestamp) -> Self {
        Self { id, case_id, recording_id, placed_at, rule_id: None, place_no: 0 }
    }
}

/// A hold in force, with the deadline of its recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldRecording {
    /// The hold.
    pub hold: HoldRow,
    /// The recording's deadline.
    pub expires_at: Timestamp,
}

/// What became of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldOutcome {
    /// Nothing will purge the recording until it is released.
    Placed,
    /// The case, or the rule, has placed one on it before.
    AlreadyHeld,
    /// The deadline has passed or the purge has fenced it.
    TooLate,
    /// There is no such case, or it is closed.
    NoCase,
    /// The rule has ended.
    RuleEnded,
}

fn hold_row(row: &AnyRow) -> Result<HoldRow> {
    let rule: Option<String> = row.try_get("rule_id")?;
    Ok(HoldRow {
        id: uuid(row, "id")?,
        case_id: uuid(row, "case_id")?,
        recording_id: uuid(row, "recording_id").map(RecordingId)?,
        placed_at: time(row, "placed_at")?,
        rule_id: rule
            .map(|rule| Uuid::try_parse(&rule).map_err(|_| CatalogError::Corrupt("holds.rule_id")))
            .transpose()?,
        place_no: unsigned(row.try_get("place_no")?)?,
    })
}

fn bind_hold(statement: &'static str, hold: &HoldRow) -> Result<Bound> {
    Ok(sqlx::query(statement)
        .bind(hold.id.to_string())
        .bind(hold.case_id.to_string())
        .bind(hold.recording_id.to_string())
        .bind(hold.placed_at.micros())
        .bind(hold.rule_id.map(|rule| rule.to_string()))
        .bind(signed(hold.place_no)?))
}

impl Catalog {
    /// The holds in force on a recording, oldest first.
    pub async fn holds_of(&self, id: RecordingId) -> Result<Vec<HoldRow>> {
        let rows = sqlx::query(OF_RECORDING).bind(id.to_string()).fetch_all(&self.pool).await?;
        rows.iter().map(hold_row).collect()
    }

    /// The holds on a recording that a rule in force placed and that were released, with when that was, oldest first.
    pub async fn released_by_rules(&self, id: RecordingId) -> Result<Vec<(HoldRow, Timestamp)>> {
        let rows = sqlx::query(RELEASED_BY_RULES).bind(id.to_string()).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((hold_row(row)?, time(row, "released_at")?))).collect()
    }

    /// The holds in force of a case, oldest first, after the one that was placed at that time.
    pub async fn holds_of_case(
        &self,
        case: Uuid,
        after: Option<(Timestamp, Uuid)>,
        limit: u32,
    ) -> Result<Vec<HeldRecording>> {
        let (at, id) = after.map_or((i64::MIN, String::new()), |(at, id)| (at.micros(), id.to_string()));
        let query = sqlx::query(OF_CASE).bind(case.to_string()).bind(at).bind(id).bind(i64::from(limit));
        let held = |row: &AnyRow| Ok(HeldRecording { hold: hold_row(row)?, expires_at: time(row, "expires_at")? });
        query.fetch_all(&self.pool).await?.iter().map(held).collect()
    }

    /// The recordings that a case holds, each once, in the order of their ids, after `after`.
    pub async fn recordings_of_case(
        &self,
        case: Uuid,
        after: Option<RecordingId>,
        limit: u32,
    ) -> Result<Vec<RecordingId>> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let query = sqlx::query_scalar(RECORDINGS_OF_CASE).bind(case.to_string()).bind(after).bind(i64::from(limit));
        let ids: Vec<String> = query.fetch_all(&self.pool).await?;
        parse_ids(&ids)
    }

    /// Held recordings that are past their deadline and still under their month's key, with their deadlines, longest
    /// overdue first, those that come after a place in that order.
    pub async fn held_past_deadline(&self, now: Timestamp, after: Option<Place>, limit: u32) -> Result<Vec<Place>> {
        let (at, id) = bound(after);
        let query = sqlx::query(PAST_DEADLINE).bind(now.micros()).bind(at).bind(id).bind(i64::from(limit));
        let place = |row: &AnyRow| Ok((time(row, "expires_at")?, uuid(row, "id").map(RecordingId)?));
        query.fetch_all(&self.pool).await?.iter().map(place).collect()
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

    /// Places a hold, unless it comes too late. With a rule, its time is the one from which on the rule kept the
    /// recording.
    ///
    /// The rows are taken in this order by everybody: recording, rule, case.
    pub async fn place_hold(&mut self, hold: &HoldRow) -> Result<HoldOutcome> {
        let id = hold.recording_id.to_string();
        let locked = sqlx::query(LOCK_LIVE).bind(id.as_str()).bind(hold.placed_at.micros());
        if locked.execute(&mut *self.inner).await?.rows_affected() == 0 {
            return Ok(HoldOutcome::TooLate);
        }
        if let Some(rule) = hold.rule_id
            && !self.keep_rule(rule).await?
        {
            return Ok(HoldOutcome::RuleEnded);
        }
        let Some(place_no) = self.take_place(hold.case_id).await? else { return Ok(HoldOutcome::NoCase) };
        let before: i64 = match hold.rule_id {
            Some(rule) => sqlx::query_scalar(HAS_BY_RULE).bind(id).bind(rule.to_string()),
            None => sqlx::query_scalar(HAS_DIRECT).bind(id).bind(hold.case_id.to_string()),
        }
        .fetch_one(&mut *self.inner)
        .await?;
        if before > 0 {
            return Ok(HoldOutcome::AlreadyHeld);
        }
        self.insert_hold(&HoldRow { place_no, ..*hold }).await?;
        Ok(HoldOutcome::Placed)
    }

    async fn insert_hold(&mut self, hold: &HoldRow) -> Result<()> {
        bind_hold(PLACE, hold)?.execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Puts back a hold: for a catalog that is brought up to date. Its case is there, or gets a row without content.
    pub async fn restore_hold(&mut self, hold: &HoldRow) -> Result<()> {
        self.ensure_case(hold.case_id, hold.placed_at, &[]).await?;
        self.insert_hold(hold).await?;
        self.place_was_taken(hold.case_id, hold.place_no).await
    }

    /// Puts back a hold that was released, unless it is there: for a catalog that is brought up to date.
    pub async fn restore_released_hold(&mut self, hold: &HoldRow, released_at: Timestamp) -> Result<()> {
        self.ensure_case(hold.case_id, hold.placed_at, &[]).await?;
        bind_hold(RESTORE_RELEASED, hold)?.bind(released_at.micros()).execute(&mut *self.inner).await?;
        self.place_was_taken(hold.case_id, hold.place_no).await
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
