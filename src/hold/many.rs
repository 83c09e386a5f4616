//! Many holds at once: each recording gets an answer of its own, and one that came too late keeps no other from being held.

use std::collections::HashSet;

use futures::future::join_all;
use uuid::Uuid;

use super::place::{NewHold, Placed, place};
use super::{HoldError, case};
use crate::access::Actor;
use crate::archive::{Archive, ArchiveError};
use crate::clock::Timestamp;
use crate::find::{self, FindError, Question, Reader};
use crate::recording::RecordingId;

/// Recordings that one request can hold, named or found. An account with more is held by a rule.
pub const MAX_RECORDINGS: usize = 5_000;
/// Holds that are placed at the same time: each waits for the store several times.
const AT_A_TIME: usize = 8;

/// What became of a hold on one of many recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is held from now on.
    Placed,
    /// The case held it before.
    AlreadyHeld,
    /// Its deadline had passed, or the purge had it.
    TooLate,
    /// There is no such recording.
    NotFound,
    /// It could not be held, or not all that belongs to a hold could be done; with a stable code. The same request again
    /// tries it again.
    Failed(&'static str),
}

/// Holds recordings that somebody named; each once, in the order in which they were named.
///
/// # Errors
/// [`HoldError::TooManyFound`] above [`MAX_RECORDINGS`]. After an error of a part of the archive, which none of a row could
/// do without, some are held: the same request again tells which, and holds the others.
pub async fn hold_named(
    archive: &Archive,
    case: Uuid,
    ids: &[RecordingId],
    actor: &Actor,
) -> Result<Vec<(RecordingId, Outcome)>, HoldError> {
    case::open_row_only(archive, case).await?;
    let mut seen = HashSet::new();
    let ids: Vec<_> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
    if ids.len() > MAX_RECORDINGS {
        return Err(HoldError::TooManyFound(MAX_RECORDINGS));
    }
    place_all(archive, case, &ids, None, actor).await
}

/// Holds everything that a search finds. The search is in the ledger like any other.
///
/// # Errors
/// As of [`hold_named`]. Where too many are found, none is held.
pub async fn hold_found(
    archive: &Archive,
    case: Uuid,
    reader: &Reader,
    question: &Question,
) -> Result<Vec<(RecordingId, Outcome)>, HoldError> {
    case::open_row_only(archive, case).await?;
    let found = find::find_all(archive, reader, question, MAX_RECORDINGS).await.map_err(|error| match error {
        FindError::Archive(error) => HoldError::Archive(error),
        _ => HoldError::NotFound,
    })?;
    let ids = found.ok_or(HoldError::TooManyFound(MAX_RECORDINGS))?;
    place_all(archive, case, &ids, None, &reader.actor).await
}

/// Places a hold on each of these, a few at a time. One that fails keeps no other from being held, and whatever ends the
/// request lets those that are under way come to their end.
pub(super) async fn place_all(
    archive: &Archive,
    case_id: Uuid,
    ids: &[RecordingId],
    rule: Option<(Uuid, Timestamp)>,
    actor: &Actor,
) -> Result<Vec<(RecordingId, Outcome)>, HoldError> {
    let mut outcomes = Vec::with_capacity(ids.len());
    for some in ids.chunks(AT_A_TIME) {
        let holds = some.iter().map(|id| NewHold { id: Uuid::new_v4(), case_id, recording_id: *id, rule });
        let told = join_all(holds.map(|hold| place_one(archive, hold, actor))).await;
        // Where a whole row of them finds a part of the archive away, the others would as well.
        let is_row = some.len() == AT_A_TIME || outcomes.is_empty();
        let is_away = is_row && told.iter().all(|one| matches!(one, Err(HoldError::Archive(e)) if e.is_unavailable()));
        for (id, told) in some.iter().zip(told) {
            let outcome = match told {
                Err(HoldError::Archive(error)) if !is_away => failed(*id, &error),
                other => other?,
            };
            outcomes.push((*id, outcome));
        }
    }
    Ok(outcomes)
}

async fn place_one(archive: &Archive, hold: NewHold, actor: &Actor) -> Result<Outcome, HoldError> {
    match place(archive, &hold, actor).await {
        Ok(Placed::Placed) => Ok(Outcome::Placed),
        Ok(Placed::Already) => Ok(Outcome::AlreadyHeld),
        Err(HoldError::TooLate) => Ok(Outcome::TooLate),
        Err(HoldError::NotFound) => not_there(archive, hold.recording_id).await,
        Err(error) => Err(error),
    }
}

fn failed(id: RecordingId, error: &ArchiveError) -> Outcome {
    metrics::counter!("earwitness_hold_failures_total").increment(1);
    tracing::error!(recording = %id, %error, "a recording could not be held");
    Outcome::Failed(match error.code() {
        keys @ "key-provider-unavailable" => keys,
        _ if error.is_unavailable() => "unavailable",
        code => code,
    })
}

/// A purged recording is one for which the hold came too late.
async fn not_there(archive: &Archive, id: RecordingId) -> Result<Outcome, HoldError> {
    let purged = archive.catalog.purge_of(id).await?.is_some();
    Ok(if purged { Outcome::TooLate } else { Outcome::NotFound })
}
