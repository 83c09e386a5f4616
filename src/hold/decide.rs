//! A release is decided: by another person than the one who asked, once.

use serde::Serialize;
use uuid::Uuid;

use super::ask::{DecisionText, Release, ReleaseText, opened, text_of, what};
use super::carry_out::{CarriedOut, carry_out};
use super::case::{record, text};
use super::{HoldError, case, rule};
use crate::access::{Actor, Caller};
use crate::archive::Archive;
use crate::archive::journal::About;
use crate::catalog::{ReleaseRow, ReleaseState};
use crate::ledger::kind::Kind;

#[derive(Serialize)]
struct DecidedPayload<'a> {
    actor: &'a Actor,
    case_id: Uuid,
    release_id: Uuid,
    decision: &'static str,
    reason: &'a str,
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
        carry_out(archive, &row, &caller.actor()).await?
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
