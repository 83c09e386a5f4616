//! Releases: one person asks, another decides, and then the holds end one by one. What is approved and not carried out yet
//! is held still; whatever broke it off, the background pass brings it to its end.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::case::{record, text};
use super::{HoldError, case, release, rule};
use crate::access::{Actor, Caller};
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{ReleaseRow, ReleaseScope, ReleaseState};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;

/// Releases of a case that can wait at the same time.
pub const MAX_WAITING: u64 = 50;
/// Holds that end before the answer; the others follow in the background.
const AT_ONCE: u64 = 500;
/// Holds that one pass ends.
const BATCH: u64 = 2_000;
/// Holds, or releases, that one look at the catalog gives.
const PAGE: u32 = 100;

/// A release, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its id.
    pub id: Uuid,
    /// What it is to let go of.
    pub scope: ReleaseScope,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// By whom.
    pub asked_by: String,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub state: ReleaseState,
    /// What another person decided, once they did.
    pub decision: Option<Decision>,
    /// When the last of its holds had ended; at once where it was refused.
    pub done_at: Option<Timestamp>,
}

/// A decision on a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What is sealed in a release's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ReleaseText {
    asked_by: Actor,
    reason: String,
    decision: Option<DecisionText>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct DecisionText {
    by: Actor,
    reason: String,
}

#[derive(Serialize)]
struct AskedPayload<'a> {
    actor: &'a Actor,
    case_id: Uuid,
    release_id: Uuid,
    scope: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_id: Option<Uuid>,
    reason: &'a str,
}

#[derive(Serialize)]
struct DecidedPayload<'a> {
    actor: &'a Actor,
    case_id: Uuid,
    release_id: Uuid,
    decision: &'static str,
    reason: &'a str,
}

/// How far a release was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CarriedOut {
    /// Holds that ended.
    pub released: u64,
    /// Holds that end in the background.
    pub left: u64,
}

fn what(release: Uuid) -> String {
    format!("release/{release}")
}

async fn text_of(archive: &Archive, row: &ReleaseRow) -> Result<ReleaseText, ArchiveError> {
    text::open(archive, row.case_id, &what(row.id), &row.sealed).await
}

fn opened(row: ReleaseRow, text: ReleaseText) -> Release {
    let ReleaseText { asked_by, reason, decision } = text;
    let at = row.decided_at.unwrap_or(row.asked_at);
    Release {
        id: row.id,
        scope: row.scope,
        asked_at: row.asked_at,
        asked_by: asked_by.name,
        reason,
        state: row.state,
        decision: decision.map(|DecisionText { by, reason }| Decision { at, by: by.name, reason }),
        done_at: row.done_at,
    }
}

/// A case's releases, oldest first.
pub async fn releases_of(archive: &Archive, case: Uuid) -> Result<Vec<Release>, HoldError> {
    let mut releases = Vec::new();
    for row in archive.catalog.releases_of(case).await? {
        let text = text_of(archive, &row).await?;
        releases.push(opened(row, text));
    }
    Ok(releases)
}

/// Asks for a release. False when the same person waits for the same already.
///
/// # Errors
/// [`HoldError::NothingHeld`] where it would let go of nothing.
pub async fn ask(
    archive: &Archive,
    case: Uuid,
    scope: ReleaseScope,
    reason: &str,
    actor: &Actor,
) -> Result<(Release, bool), HoldError> {
    case::open_row_only(archive, case).await?;
    if let ReleaseScope::Rule(rule) = scope
        && archive.catalog.rule(rule).await?.is_none_or(|row| row.case_id != case)
    {
        return Err(HoldError::NoRelease);
    }
    let scope = in_order(scope);
    let text = ReleaseText { asked_by: actor.clone(), reason: reason.trim().to_owned(), decision: None };
    for row in archive.catalog.releases_of(case).await?.into_iter().filter(|row| row.state == ReleaseState::Asked) {
        let theirs = text_of(archive, &row).await?;
        let same_words = (theirs.asked_by.id, &theirs.reason) == (text.asked_by.id, &text.reason);
        if row.scope == scope && same_words {
            return Ok((opened(row, theirs), false));
        }
    }
    let (id, now) = (Uuid::new_v4(), archive.clock.now());
    let sealed = text::seal(archive, case, &what(id), &text).await?;
    let mut row = ReleaseRow {
        id,
        case_id: case,
        asked_at: now,
        scope,
        up_to: 0,
        state: ReleaseState::Asked,
        decided_at: None,
        done_at: None,
        sealed,
    };
    let payload = asked_payload(&row, &text);
    let (entry, _) = archive.entry(Kind::RELEASE_ASKED, About::Case(case), &payload, now).await?;
    let mut tx = archive.catalog.begin().await?;
    if !tx.touch_case(case).await? {
        tx.rollback().await?;
        return Err(HoldError::CaseClosed);
    }
    let standing = tx.case_as_of_now(case).await?.ok_or(HoldError::NoCase)?;
    if standing.releases >= MAX_WAITING {
        tx.rollback().await?;
        return Err(HoldError::TooMany("releases that wait", MAX_WAITING));
    }
    row.up_to = standing.holds_placed;
    tx.ask_release(&row).await?;
    if !tx.lets_go_of_anything(id).await? {
        tx.rollback().await?;
        return Err(HoldError::NothingHeld);
    }
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    record::keep(archive, case).await;
    Ok((opened(row, text), true))
}

/// Named recordings in one order, each once: the same request is known again.
fn in_order(scope: ReleaseScope) -> ReleaseScope {
    match scope {
        ReleaseScope::Recordings(mut ids) => {
            // As text, which is how the catalog orders them.
            ids.sort_by_key(ToString::to_string);
            ids.dedup();
            ReleaseScope::Recordings(ids)
        }
        other => other,
    }
}

fn asked_payload<'a>(row: &ReleaseRow, text: &'a ReleaseText) -> AskedPayload<'a> {
    let (scope, rule_id) = match row.scope {
        ReleaseScope::Recordings(_) => ("recordings", None),
        ReleaseScope::Rule(rule) => ("rule", Some(rule)),
        ReleaseScope::All => ("all", None),
    };
    let (actor, reason) = (&text.asked_by, text.reason.as_str());
    AskedPayload { actor, case_id: row.case_id, release_id: row.id, scope, rule_id, reason }
}

/// Decides a release, and carries it out where it is approved.
///
/// # Errors
/// [`HoldError::SecondPerson`] for whoever asked for it; [`HoldError::Decided`] where somebody decided before.
pub async fn decide(
    archive: &Archive,
    case: Uuid,
    id: Uuid,
    state: ReleaseState,
    reason: &str,
    caller: &Caller,
) -> Result<(Release, CarriedOut), HoldError> {
    case::open_row_only(archive, case).await?;
    let found = archive.catalog.release(id).await?.filter(|row| row.case_id == case);
    let row = found.ok_or(HoldError::NoRelease)?;
    let mut text = text_of(archive, &row).await?;
    // First: whoever asked learns that they cannot decide, whatever became of it.
    if caller.is_behind(&text.asked_by) {
        return Err(HoldError::SecondPerson);
    }
    if row.state != ReleaseState::Asked {
        return Err(HoldError::Decided);
    }
    text.decision = Some(DecisionText { by: caller.actor(), reason: reason.trim().to_owned() });
    commit_decision(archive, &row, state, &text).await?;
    crate::failpoint::hit("release.decided");
    archive.ledger_nudge.notify_one();
    let done = if state == ReleaseState::Approved {
        carry_out(archive, &row, &caller.actor(), AT_ONCE).await?
    } else {
        CarriedOut::default()
    };
    record::keep(archive, case).await;
    let row = archive.catalog.release(id).await?.ok_or(HoldError::NoRelease)?;
    Ok((opened(row, text), done))
}

async fn commit_decision(
    archive: &Archive,
    row: &ReleaseRow,
    state: ReleaseState,
    text: &ReleaseText,
) -> Result<(), HoldError> {
    let (case, now) = (row.case_id, archive.clock.now());
    let Some(DecisionText { by: actor, reason }) = &text.decision else { return Err(HoldError::NoRelease) };
    let sealed = text::seal(archive, case, &what(row.id), text).await?;
    let decision = if state == ReleaseState::Approved { "approve" } else { "refuse" };
    let payload = DecidedPayload { actor, case_id: case, release_id: row.id, decision, reason };
    let (entry, _) = archive.entry(Kind::RELEASE_DECIDED, About::Case(case), &payload, now).await?;
    let mut ends = Vec::new();
    if state == ReleaseState::Approved {
        for ended in archive.catalog.rules_of(case).await?.into_iter().filter(|ended| row.ends(ended)) {
            let entry = rule::ended_entry(archive, &ended, row.id, actor, now).await?;
            ends.push((ended.id, entry));
        }
    }
    let mut tx = archive.catalog.begin().await?;
    // Of several at the same instant the first has it.
    if !tx.decide_release(row.id, state, now, &sealed).await? {
        tx.rollback().await?;
        return Err(HoldError::Decided);
    }
    for (ended, entry) in &ends {
        // Another release may have ended it.
        if tx.end_rule(*ended, now).await? {
            tx.append_entry(entry).await?;
        }
    }
    tx.touch_case(case).await?;
    tx.append_entry(&entry).await?;
    Ok(tx.commit().await?)
}

/// Ends the holds of an approved release, so many at the most. One that cannot be ended keeps no other from ending.
async fn carry_out(archive: &Archive, row: &ReleaseRow, by: &Actor, most: u64) -> Result<CarriedOut, ArchiveError> {
    let (mut released, mut tried, mut after, mut first) = (0, 0, None, None);
    while tried < most {
        let page = archive.catalog.holds_to_release(row.id, after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        for (hold, recording) in &page {
            tried += 1;
            match release::release(archive, *recording, *hold, Some(row.id), by).await {
                Ok(()) => released += 1,
                // Another release, or the purge, was faster.
                Err(HoldError::NotFound) => {}
                Err(HoldError::Archive(error)) => {
                    tracing::error!(recording = %recording, %error, "an approved release is not carried out yet");
                    first.get_or_insert(error);
                }
                Err(_) => {}
            }
        }
        crate::failpoint::hit("release.carried_on");
    }
    if let Some(error) = first {
        return Err(error);
    }
    let left = archive.catalog.count_holds_to_release(row.id).await?;
    if left == 0 {
        archive.catalog.release_done(row.case_id, row.id, archive.clock.now()).await?;
        crate::failpoint::hit("release.done");
    }
    Ok(CarriedOut { released, left })
}

/// Carries on with every approved release that is not carried out; a bounded number of holds. Returns how many ended, and
/// the first failure, which keeps no other release from being carried out.
pub async fn carry_on(archive: &Archive) -> Result<u64, ArchiveError> {
    let (mut released, mut after, mut first) = (0, None, None);
    while released < BATCH {
        let page = archive.catalog.releases_to_do(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.asked_at, last.id));
        for row in &page {
            match carry_on_one(archive, row, BATCH - released.min(BATCH)).await {
                Ok(done) => released += done,
                Err(error) => {
                    first.get_or_insert(error);
                }
            }
        }
    }
    first.map_or(Ok(released), Err)
}

async fn carry_on_one(archive: &Archive, row: &ReleaseRow, most: u64) -> Result<u64, ArchiveError> {
    let text = text_of(archive, row).await?;
    let by = text.decision.ok_or(ArchiveError::Document("a release that nobody decided"))?.by;
    let done = carry_out(archive, row, &by, most).await?;
    record::keep(archive, row.case_id).await;
    Ok(done.released)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::RecordingId;

    #[test]
    fn the_same_recordings_in_another_order_are_the_same_scope() {
        let ids = |numbers: &[u128]| numbers.iter().map(|n| RecordingId(Uuid::from_u128(*n))).collect::<Vec<_>>();
        let one = in_order(ReleaseScope::Recordings(ids(&[3, 1, 3, 2])));
        assert_eq!(one, ReleaseScope::Recordings(ids(&[1, 2, 3])));
        assert_eq!(in_order(ReleaseScope::All), ReleaseScope::All);
    }
}
