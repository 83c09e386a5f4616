//! Rules: an account's recordings of a period are held for a case, those that arrive later as well.
//!
//! An upload does not wait to be caught, and does not learn of a rule by its answer, by how long that takes or by an error
//! of the case's key. It does not have to: the purge's fence looks at the rules in force as well as at the holds, so what
//! a rule covers is kept from the rule's commit on, and the hold (the wrap under the case's key, the store's own hold)
//! follows in the background, as of then.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::case::{record, text};
use super::many::{Outcome, place_all};
use super::place::{NewHold, Placed, place};
use super::{HoldError, case};
use crate::access::Actor;
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError, Round};
use crate::catalog::RuleRow;
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;
use crate::receive::metadata::FieldProblem;
use crate::recording::RecordingId;

/// Rules that a case has in force at the most.
pub const MAX_RULES: u64 = 200;
/// The longest account, in characters.
const MAX_ACCOUNT_CHARS: usize = 200;
/// Recordings that are held before the answer; the others follow in the background.
const AT_ONCE: u32 = 500;
/// Recordings that one look at the catalog gives.
const PAGE: u32 = 200;
/// Recordings that one pass catches.
const BATCH: u64 = 2_000;

/// A rule that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRule {
    /// The account whose recordings are to be held.
    pub account_id: String,
    /// Recorded at or after.
    pub from: Option<Timestamp>,
    /// Recorded before.
    pub to: Option<Timestamp>,
}

/// A rule, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: Uuid,
    /// What it holds.
    pub what: NewRule,
    /// Since when it is in force.
    pub placed_at: Timestamp,
    /// By whom.
    pub placed_by: String,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// What came of a rule.
#[derive(Debug)]
pub struct PlacedRule {
    /// The rule.
    pub rule: Rule,
    /// What of its account and period was here already, as far as that was looked at.
    pub outcomes: Vec<(RecordingId, Outcome)>,
    /// How many of the others are kept by the rule and get their hold in the background.
    pub left: u64,
}

/// What is sealed in a rule's row.
#[derive(Serialize, Deserialize)]
struct RuleText {
    placed_by: Actor,
}

#[derive(Serialize)]
struct RulePayload<'a> {
    actor: &'a Actor,
    case_id: Uuid,
    rule_id: Uuid,
    account_id: &'a str,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

#[derive(Serialize)]
struct RuleEndedPayload<'a> {
    actor: &'a Actor,
    case_id: Uuid,
    rule_id: Uuid,
    release_id: Uuid,
}

impl NewRule {
    /// Everything that is wrong with it. Pure.
    pub fn problems(&self) -> Vec<FieldProblem> {
        let account = FieldProblem::of_text("account", &self.account_id, MAX_ACCOUNT_CHARS, false);
        let period = match (self.from, self.to) {
            (Some(from), Some(to)) if from >= to => {
                Some(FieldProblem::new("to", "out-of-range", "must be later than `from`"))
            }
            _ => None,
        };
        account.into_iter().chain(period).collect()
    }

    fn is_of(&self, row: &RuleRow) -> bool {
        row.ended_at.is_none() && (&self.account_id, self.from, self.to) == (&row.account_id, row.from, row.to)
    }
}

fn what(rule: Uuid) -> String {
    format!("rule/{rule}")
}

async fn placed_by(archive: &Archive, row: &RuleRow) -> Result<Actor, ArchiveError> {
    let RuleText { placed_by } = text::open(archive, row.case_id, &what(row.id), &row.sealed).await?;
    Ok(placed_by)
}

async fn open(archive: &Archive, row: RuleRow) -> Result<Rule, ArchiveError> {
    let placed_by = placed_by(archive, &row).await?.name;
    let RuleRow { id, account_id, from, to, placed_at, ended_at, .. } = row;
    Ok(Rule { id, what: NewRule { account_id, from, to }, placed_at, placed_by, ended_at })
}

/// A case's rules, oldest first, those that ended as well.
pub async fn rules_of(archive: &Archive, case: Uuid) -> Result<Vec<Rule>, HoldError> {
    let mut rules = Vec::new();
    for row in archive.catalog.rules_of(case).await? {
        rules.push(open(archive, row).await?);
    }
    Ok(rules)
}

/// Places a rule and holds what is here already of its account and period. The same rule of the case, where one is in
/// force, is not placed a second time.
///
/// # Errors
/// [`HoldError::TooMany`] where the case has as many rules as it may have.
pub async fn place_rule(archive: &Archive, case: Uuid, new: &NewRule, actor: &Actor) -> Result<PlacedRule, HoldError> {
    case::open_row_only(archive, case).await?;
    let row = match archive.catalog.rules_of(case).await?.into_iter().find(|row| new.is_of(row)) {
        Some(row) => row,
        None => commit(archive, case, new, actor).await?,
    };
    // Before it is acknowledged: a lost catalog gets the rule back from there.
    record::refresh(archive, case).await?;
    let outcomes = hold_what_is_here(archive, &row).await?;
    let left = archive.catalog.count_not_caught(row.id).await?;
    archive.arrivals_nudge.notify_one();
    Ok(PlacedRule { rule: open(archive, row).await?, outcomes, left })
}

async fn commit(archive: &Archive, case: Uuid, new: &NewRule, actor: &Actor) -> Result<RuleRow, HoldError> {
    let id = Uuid::new_v4();
    let sealed = text::seal(archive, case, &what(id), &RuleText { placed_by: actor.clone() }).await?;
    let NewRule { account_id, from, to } = new.clone();
    let payload = RulePayload { actor, case_id: case, rule_id: id, account_id: &new.account_id, from, to };
    let (entry, _) = archive.entry(Kind::HOLD_RULE_PLACED, About::Case(case), &payload, archive.clock.now()).await?;
    let mut tx = archive.catalog.begin().await?;
    let Some(place_no) = tx.take_place(case).await? else { return Err(HoldError::CaseClosed) };
    // The case's row is ours now, so that nobody else places one.
    let in_force: Vec<_> = tx.rules_as_of_now(case).await?.into_iter().filter(|row| row.ended_at.is_none()).collect();
    if let Some(same) = in_force.iter().find(|row| new.is_of(row)) {
        tx.rollback().await?;
        return Ok(same.clone());
    }
    if in_force.len() as u64 >= MAX_RULES {
        tx.rollback().await?;
        return Err(HoldError::TooMany("rules", MAX_RULES));
    }
    tx.touch_case(case).await?;
    tx.append_entry(&entry).await?;
    // Last, and not before: waiting for the row takes its time, and a deadline that passed meanwhile has passed.
    let placed_at = archive.clock.now();
    let row = RuleRow { id, case_id: case, account_id, from, to, placed_at, place_no, ended_at: None, sealed };
    tx.place_rule(&row).await?;
    tx.commit().await?;
    crate::failpoint::hit("rule.placed");
    archive.ledger_nudge.notify_one();
    Ok(row)
}

async fn hold_what_is_here(archive: &Archive, rule: &RuleRow) -> Result<Vec<(RecordingId, Outcome)>, HoldError> {
    let ids = archive.catalog.of_period(rule.id, None, AT_ONCE).await?;
    let actor = placed_by(archive, rule).await?;
    place_all(archive, rule.case_id, &ids, Some((rule.id, rule.placed_at)), &actor).await
}

/// The entry of a rule that a release ends.
pub(super) async fn ended_entry(
    archive: &Archive,
    rule: &RuleRow,
    release_id: Uuid,
    actor: &Actor,
    now: Timestamp,
) -> Result<crate::catalog::NewEntry, ArchiveError> {
    let payload = RuleEndedPayload { actor, case_id: rule.case_id, rule_id: rule.id, release_id };
    Ok(archive.entry(Kind::HOLD_RULE_ENDED, About::Case(rule.case_id), &payload, now).await?.0)
}

/// Holds what rules in force cover and no hold of theirs is on yet: what arrived since, and what they did not come to. A
/// bounded number; returns how many, or the first failure, which keeps no other from being held.
pub async fn catch_arrivals(archive: &Archive) -> Result<u64, ArchiveError> {
    if !archive.catalog.has_rules().await? {
        return Ok(0);
    }
    let mut round = Round::begin(&archive.bookmarks.arrivals, BATCH);
    while round.goes_on() {
        let page = archive.catalog.not_caught(round.after(), PAGE).await?;
        round.turn(page.last().copied());
        for (rule, id) in page {
            let caught = catch_one(archive, rule, id).await.inspect_err(|error| {
                tracing::error!(recording = %id, %error, "a recording under a rule is not held yet; it is not purged");
            });
            round.count(caught.map(u64::from));
        }
    }
    round.end()
}

async fn catch_one(archive: &Archive, rule: Uuid, id: RecordingId) -> Result<bool, ArchiveError> {
    let Some(rule) = archive.catalog.rule(rule).await?.filter(|rule| rule.ended_at.is_none()) else {
        return Ok(false);
    };
    let actor = placed_by(archive, &rule).await?;
    let hold =
        NewHold { id: Uuid::new_v4(), case_id: rule.case_id, recording_id: id, rule: Some((rule.id, rule.placed_at)) };
    match place(archive, &hold, &actor).await {
        Ok(placed) => Ok(placed == Placed::Placed),
        Err(HoldError::Archive(error)) => Err(error),
        // It ended, or the recording is gone: nothing is to be held any more.
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_an_account_and_a_period_that_can_be() {
        let at = |micros| Some(Timestamp::from_micros(micros));
        let rule = |account: &str, from, to| NewRule { account_id: account.into(), from, to };
        assert_eq!(rule("A-1", None, None).problems(), []);
        assert_eq!(rule("A-1", at(1), at(2)).problems(), []);
        for (bad, field) in [(rule("", None, None), "account"), (rule("A-1", at(2), at(2)), "to")] {
            let told: Vec<_> = bad.problems().into_iter().map(|problem| problem.field).collect();
            assert_eq!(told, [field]);
        }
    }
}
