//! One recording for one caller: found, not theirs, or gone.

use uuid::Uuid;

use super::FindError;
use super::scope::widened;
use crate::access::View;
use crate::archive::Archive;
use crate::archive::row::SealedRow;
use crate::catalog::{RecordingRow, Stage};
use crate::clock::Timestamp;
use crate::recording::RecordingId;
use crate::retention::{HoldSpan, PurgeGround, Reading, may_read};
use crate::vault::secrets::DataKey;

/// A recording with its key and what was sealed of it.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The row.
    pub row: RecordingRow,
    /// The data key.
    pub key: DataKey,
    /// The opened part of the row.
    pub sealed: SealedRow,
}

impl Opened {
    /// The holds as the rules want them: at most the oldest, which decides.
    pub fn holds(&self) -> Vec<HoldSpan> {
        holds(&self.row)
    }
}

fn holds(row: &RecordingRow) -> Vec<HoldSpan> {
    row.held_since.map(|since| HoldSpan { since, released_at: None }).into_iter().collect()
}

/// By what right somebody looks.
#[derive(Debug, Clone, Copy)]
pub enum Sight<'a> {
    /// What a role, its accounts and its agent see.
    View(&'a View),
    /// What this token handed over itself.
    Uploaded(Uuid),
    /// Any recording, to put something beside it and read nothing.
    ToWrite,
}

impl Sight<'_> {
    /// Whether a hold lets them read beyond the deadline.
    pub fn past_deadline(&self) -> bool {
        matches!(self, Self::View(view) if view.held_past_deadline)
    }
}

/// What can be said of a row before it is opened.
enum Scope {
    Within,
    Without,
    /// Who the agent was has to be looked at.
    ByAgent,
}

/// Looks a recording up.
///
/// # Errors
/// [`FindError::Gone`] from its deadline or its fence on, for everybody who does not see it beyond that, whether it was ever
/// theirs or not: how long its rows are there after its deadline would tell whether it is held.
/// [`FindError::Erased`] from then on where that was decided before the deadline. [`FindError::OutOfScope`] before.
pub async fn look_up(archive: &Archive, id: RecordingId, sight: Sight<'_>) -> Result<Opened, FindError> {
    let Some(row) = archive.catalog.recording(id).await? else {
        let purge = archive.catalog.purge_of(id).await?;
        return Err(purge.map_or(FindError::NotFound, |purge| gone_by(purge.ground)));
    };
    if !is_readable(&row, archive.clock.now(), sight.past_deadline()) {
        return Err(why_gone(archive, &row).await?);
    }
    let view = match sight {
        Sight::View(view) => Some(widened(archive, view).await?),
        _ => None,
    };
    let scope = scope_of(&row, sight, view.as_ref());
    if matches!(scope, Scope::Without) {
        return Err(FindError::OutOfScope);
    }
    let (key, sealed) = archive.open_recording(&row).await?;
    if let (Scope::ByAgent, Some(view)) = (&scope, &view)
        && !view.scope.admits(&row.account_id, sealed.metadata.agent.as_deref())
    {
        return Err(FindError::OutOfScope);
    }
    // Opening it took its time, and the deadline does not wait.
    let readable = is_readable(&row, archive.clock.now(), sight.past_deadline());
    if readable { Ok(Opened { row, key, sealed }) } else { Err(FindError::Gone) }
}

/// Why a recording whose row is there cannot be read any more.
async fn why_gone(archive: &Archive, row: &RecordingRow) -> Result<FindError, FindError> {
    if row.stage == Stage::Live {
        return Ok(FindError::Gone);
    }
    let purge = archive.catalog.purge_of(row.id).await?;
    Ok(purge.map_or(FindError::Gone, |purge| gone_by(purge.ground)))
}

fn gone_by(ground: PurgeGround) -> FindError {
    if ground == PurgeGround::Erasure { FindError::Erased } else { FindError::Gone }
}

fn scope_of(row: &RecordingRow, sight: Sight<'_>, view: Option<&View>) -> Scope {
    let view = match (sight, view) {
        (Sight::View(_), Some(view)) => view,
        (Sight::View(_), None) => return Scope::Without,
        (Sight::Uploaded(token), _) if row.ingested_by != token.to_string() => return Scope::Without,
        (Sight::Uploaded(_) | Sight::ToWrite, _) => return Scope::Within,
    };
    if !view.statuses.contains(&row.status) {
        return Scope::Without;
    }
    if view.scope.admits(&row.account_id, None) {
        return Scope::Within;
    }
    let by_agent = matches!(view.scope, crate::access::Scope::AccountsOrAgent { .. });
    if by_agent { Scope::ByAgent } else { Scope::Without }
}

/// Whether its deadline and its stage let it be read at `now`.
pub(super) fn is_readable(row: &RecordingRow, now: Timestamp, past_deadline: bool) -> bool {
    row.stage == Stage::Live && may_read(row.expires_at, now, &holds(row), past_deadline) == Reading::Open
}
