//! Many holds at once: each recording gets an answer of its own, and one that came too late keeps no other from being held.

use std::collections::HashSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use uuid::Uuid;

use super::place::{NewHold, Placed, place};
use super::{HoldError, case};
use crate::access::Actor;
use crate::archive::Archive;
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
}

/// Holds recordings that somebody named; each once, in the order in which they were named.
///
/// # Errors
/// [`HoldError::TooManyFound`] above [`MAX_RECORDINGS`]. After an error of a part of the archive some are held: the same
/// request again tells which, and holds the others.
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

/// Places a hold on each of these, a few at a time.
pub(super) async fn place_all(
    archive: &Archive,
    case_id: Uuid,
    ids: &[RecordingId],
    rule: Option<(Uuid, Timestamp)>,
    actor: &Actor,
) -> Result<Vec<(RecordingId, Outcome)>, HoldError> {
    let one = async |recording_id: RecordingId| {
        let hold = NewHold { id: Uuid::new_v4(), case_id, recording_id, rule };
        let outcome = match place(archive, &hold, actor).await {
            Ok(Placed::Placed) => Outcome::Placed,
            Ok(Placed::Already) => Outcome::AlreadyHeld,
            Err(HoldError::TooLate) => Outcome::TooLate,
            Err(HoldError::NotFound) => not_there(archive, recording_id).await?,
            Err(error) => return Err(error),
        };
        Ok((recording_id, outcome))
    };
    stream::iter(ids.iter().copied().map(one)).buffered(AT_A_TIME).try_collect().await
}

/// A purged recording is one for which the hold came too late.
async fn not_there(archive: &Archive, id: RecordingId) -> Result<Outcome, HoldError> {
    let purged = archive.catalog.purge_of(id).await?.is_some();
    Ok(if purged { Outcome::TooLate } else { Outcome::NotFound })
}
