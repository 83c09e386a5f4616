//! Releases: one person asks for what another decides.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::case::{record, text};
use super::{HoldError, case};
use crate::access::Actor;
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{ReleaseRow, ReleaseScope, ReleaseState};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;

/// Releases of a case that can wait, or be carried out, at the same time.
pub const MAX_WAITING: u64 = 50;
/// Of the releases with which nothing is left to do so many are told of, the newest.
const MAX_DONE: u32 = 50;

/// A release, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its id.
    pub id: Uuid,
    /// What it is to let go of. Which recordings it names is told until it is done.
    pub scope: ReleaseScope,
    /// How many recordings it names; none where it is of a rule or of all.
    pub named: Option<u64>,
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
pub(super) struct ReleaseText {
    pub asked_by: Actor,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<u64>,
    pub decision: Option<DecisionText>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DecisionText {
    pub by: Actor,
    pub reason: String,
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

pub(super) fn what(release: Uuid) -> String {
    format!("release/{release}")
}

pub(super) async fn text_of(archive: &Archive, row: &ReleaseRow) -> Result<ReleaseText, ArchiveError> {
    text::open(archive, row.case_id, &what(row.id), &row.sealed).await
}

pub(super) fn opened(row: ReleaseRow, text: ReleaseText) -> Release {
    let ReleaseText { asked_by, reason, named, decision } = text;
    let at = row.decided_at.unwrap_or(row.asked_at);
    Release {
        id: row.id,
        scope: row.scope,
        named,
        asked_at: row.asked_at,
        asked_by: asked_by.name,
        reason,
        state: row.state,
        decision: decision.map(|DecisionText { by, reason }| Decision { at, by: by.name, reason }),
        done_at: row.done_at,
    }
}

/// A case's releases, oldest first: all that wait or are being carried out, and the newest of the others.
pub async fn releases_of(archive: &Archive, case: Uuid) -> Result<Vec<Release>, HoldError> {
    let mut rows = archive.catalog.done_releases_of(case, MAX_DONE).await?;
    rows.extend(archive.catalog.open_releases_of(case).await?);
    rows.sort_by_key(|row| (row.asked_at, row.id));
    let mut releases = Vec::with_capacity(rows.len());
    for row in rows {
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
    let named = if let ReleaseScope::Recordings(ids) = &scope { Some(ids.len() as u64) } else { None };
    let text = ReleaseText { asked_by: actor.clone(), reason: reason.trim().to_owned(), named, decision: None };
    for row in archive.catalog.open_releases_of(case).await?.into_iter().filter(|row| row.state == ReleaseState::Asked)
    {
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
