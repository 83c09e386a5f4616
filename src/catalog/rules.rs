//! Rules that hold an account's recordings of a period, those that arrive later as well.
//!
//! A rule in force keeps what it covers from being fenced, whether its hold on the recording is there yet or not: so it
//! does not matter when the recording is caught, and no upload has to wait for that or learns of it.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::cases::{time, time_or_none, uuid};
use super::sql::Bound;
use super::sql::statements;
use super::{Catalog, Result, Tx, exactly_one, signed, unsigned};
use crate::clock::Timestamp;
use crate::recording::RecordingId;

/// That a recording `r` is of the account and the period of a rule `u`.
macro_rules! of_account_and_period {
    () => {
        "u.account_id = r.account_id AND (u.from_at IS NULL OR u.from_at <= r.recorded_at) \
         AND (u.to_at IS NULL OR r.recorded_at < u.to_at)"
    };
}
pub(super) use of_account_and_period;

/// That a rule `u` covers a recording `r`: of its account and period, placed before the recording's deadline, and not let
/// go of this one recording (then there is a hold of the rule on it, which is released).
macro_rules! rule_covers {
    () => {
        concat!(
            $crate::catalog::rules::of_account_and_period!(),
            " AND u.ended_at IS NULL AND u.placed_at < r.expires_at \
             AND NOT EXISTS (SELECT 1 FROM holds x WHERE x.rule_id = u.id AND x.recording_id = r.id)"
        )
    };
}
pub(super) use rule_covers;

statements! {
    PLACE = "INSERT INTO hold_rules (id, case_id, account_id, from_at, to_at, placed_at, place_no, ended_at, sealed) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    OF_CASE = "SELECT id, case_id, account_id, from_at, to_at, placed_at, place_no, ended_at, sealed FROM hold_rules WHERE case_id = $1 ORDER BY placed_at, id";
    ONE = "SELECT id, case_id, account_id, from_at, to_at, placed_at, place_no, ended_at, sealed FROM hold_rules WHERE id = $1";
    END = "UPDATE hold_rules SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
    // Changes nothing, and takes the rule's row: it does not end before this transaction does.
    KEEP_IN_FORCE = "UPDATE hold_rules SET ended_at = NULL WHERE id = $1 AND ended_at IS NULL";
    ANY_IN_FORCE = "SELECT count(*) FROM (SELECT 1 AS one FROM hold_rules WHERE ended_at IS NULL LIMIT 1) AS rules";
    COVERS = concat!("SELECT count(*) FROM recordings r JOIN hold_rules u ON ", rule_covers!(), " WHERE r.id = $1");
    NOT_CAUGHT = concat!("SELECT u.id AS rule_id, r.id AS recording_id FROM hold_rules u JOIN recordings r ON ", rule_covers!(),
        " WHERE r.stage = 'live' AND (u.id > $1 OR (u.id = $1 AND r.id > $2)) ORDER BY u.id, r.id LIMIT $3");
    COUNT_NOT_CAUGHT = concat!("SELECT count(*) FROM hold_rules u JOIN recordings r ON ", rule_covers!(), " WHERE r.stage = 'live' AND u.id = $1");
    // Whatever of its account and period is there, covered or too late.
    OF_PERIOD = concat!("SELECT r.id FROM recordings r JOIN hold_rules u ON ", of_account_and_period!(),
        " WHERE u.id = $1 AND r.id > $2 ORDER BY r.id LIMIT $3");
    RESTORE = "INSERT INTO hold_rules (id, case_id, account_id, from_at, to_at, placed_at, place_no, ended_at, sealed) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at \
        WHERE hold_rules.ended_at IS NULL";
}

/// A rule as the catalog has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRow {
    /// Its id.
    pub id: Uuid,
    /// The case in whose name it holds.
    pub case_id: Uuid,
    /// The account whose recordings it holds.
    pub account_id: String,
    /// Recorded at or after.
    pub from: Option<Timestamp>,
    /// Recorded before.
    pub to: Option<Timestamp>,
    /// Since when it is in force.
    pub placed_at: Timestamp,
    /// Its number among the case's holds and rules; given by [`Tx::take_place`].
    pub place_no: u64,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Who placed it.
    pub sealed: Vec<u8>,
}

fn rule_row(row: &AnyRow) -> Result<RuleRow> {
    Ok(RuleRow {
        id: uuid(row, "id")?,
        case_id: uuid(row, "case_id")?,
        account_id: row.try_get("account_id")?,
        from: time_or_none(row, "from_at")?,
        to: time_or_none(row, "to_at")?,
        placed_at: time(row, "placed_at")?,
        place_no: unsigned(row.try_get("place_no")?)?,
        ended_at: time_or_none(row, "ended_at")?,
        sealed: row.try_get("sealed")?,
    })
}

fn bind_rule(statement: &'static str, rule: &RuleRow) -> Result<Bound> {
    Ok(sqlx::query(statement)
        .bind(rule.id.to_string())
        .bind(rule.case_id.to_string())
        .bind(rule.account_id.clone())
        .bind(rule.from.map(Timestamp::micros))
        .bind(rule.to.map(Timestamp::micros))
        .bind(rule.placed_at.micros())
        .bind(signed(rule.place_no)?)
        .bind(rule.ended_at.map(Timestamp::micros))
        .bind(rule.sealed.clone()))
}

fn recording_id(row: &AnyRow, name: &'static str) -> Result<RecordingId> {
    uuid(row, name).map(RecordingId)
}

impl Catalog {
    /// A case's rules, oldest first, those that ended as well.
    pub async fn rules_of(&self, case: Uuid) -> Result<Vec<RuleRow>> {
        let rows = sqlx::query(OF_CASE).bind(case.to_string()).fetch_all(&self.pool).await?;
        rows.iter().map(rule_row).collect()
    }

    /// One rule.
    pub async fn rule(&self, id: Uuid) -> Result<Option<RuleRow>> {
        let row = sqlx::query(ONE).bind(id.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(rule_row).transpose()
    }

    /// Whether any rule is in force at all.
    pub async fn has_rules(&self) -> Result<bool> {
        let count: i64 = sqlx::query_scalar(ANY_IN_FORCE).fetch_one(&self.pool).await?;
        Ok(count > 0)
    }

    /// Recordings that a rule in force covers without a hold on them yet, after that rule and recording.
    pub async fn not_caught(&self, after: Option<(Uuid, RecordingId)>, limit: u32) -> Result<Vec<(Uuid, RecordingId)>> {
        let (rule, id) = after.map(|(rule, id)| (rule.to_string(), id.to_string())).unwrap_or_default();
        let rows = sqlx::query(NOT_CAUGHT).bind(rule).bind(id).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((uuid(row, "rule_id")?, recording_id(row, "recording_id")?))).collect()
    }

    /// How many those are of one rule.
    pub async fn count_not_caught(&self, rule: Uuid) -> Result<u64> {
        unsigned(sqlx::query_scalar(COUNT_NOT_CAUGHT).bind(rule.to_string()).fetch_one(&self.pool).await?)
    }

    /// The recordings of a rule's account and period in the order of their ids, after `after`: what it holds, and for what
    /// it came too late.
    pub async fn of_period(&self, rule: Uuid, after: Option<RecordingId>, limit: u32) -> Result<Vec<RecordingId>> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let query = sqlx::query(OF_PERIOD).bind(rule.to_string()).bind(after).bind(i64::from(limit));
        query.fetch_all(&self.pool).await?.iter().map(|row| recording_id(row, "id")).collect()
    }
}

impl Tx {
    /// Places a rule. Its number is of [`Tx::take_place`], which has the case's row.
    pub async fn place_rule(&mut self, rule: &RuleRow) -> Result<()> {
        let done = bind_rule(PLACE, rule)?.execute(&mut *self.inner).await?;
        exactly_one(done.rows_affected(), "a rule was not placed")
    }

    /// The rules of a case whose row this transaction has.
    pub async fn rules_as_of_now(&mut self, case: Uuid) -> Result<Vec<RuleRow>> {
        let rows = sqlx::query(OF_CASE).bind(case.to_string()).fetch_all(&mut *self.inner).await?;
        rows.iter().map(rule_row).collect()
    }

    /// Ends a rule; false when it has ended. Its holds are released one by one afterwards.
    pub async fn end_rule(&mut self, id: Uuid, now: Timestamp) -> Result<bool> {
        let query = sqlx::query(END).bind(id.to_string()).bind(now.micros());
        Ok(query.execute(&mut *self.inner).await?.rows_affected() == 1)
    }

    /// Keeps a rule from ending until this transaction does; false when it has ended.
    pub(super) async fn keep_rule(&mut self, id: Uuid) -> Result<bool> {
        Ok(sqlx::query(KEEP_IN_FORCE).bind(id.to_string()).execute(&mut *self.inner).await?.rows_affected() == 1)
    }

    /// How many rules in force cover a recording whose row this transaction has, without a hold on it yet.
    pub(super) async fn count_rules(&mut self, id: &str) -> Result<i64> {
        Ok(sqlx::query_scalar(COVERS).bind(id).fetch_one(&mut *self.inner).await?)
    }

    /// Puts back a rule from the store's copy of its case. One that has ended stays so.
    pub async fn restore_rule(&mut self, rule: &RuleRow) -> Result<()> {
        bind_rule(RESTORE, rule)?.execute(&mut *self.inner).await?;
        self.place_was_taken(rule.case_id, rule.place_no).await
    }
}
