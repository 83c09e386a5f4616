//! Every row's objects: audio, waveform, sidecar, related data.

use std::time::Duration;

use futures::future::try_join_all;

use super::Options;
use super::report::{Action, Problem, Report};
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{RecordingRow, Stage};
use crate::recording::RecordingId;
use crate::vault::objects::{ObjectKey, ObjectMeta, RecordingPart};

/// Rows that are read at a time.
const PAGE: u32 = 1_000;

/// So long after a deadline a lock may end: rounded up, and no more.
const LOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// Walks over recordings in the order of their ids: those after `after`, so many at the most. Returns where the next walk
/// goes on; none at the end. What the purge has begun with is its own business.
pub(super) async fn check(
    archive: &Archive,
    options: Options,
    mut after: Option<RecordingId>,
    most: u64,
    report: &mut Report,
) -> Result<Option<RecordingId>, ArchiveError> {
    let mut looked_at = 0;
    while looked_at < most {
        let page = u32::try_from(most - looked_at).map_or(PAGE, |left| left.min(PAGE));
        let ids = archive.catalog.recording_ids_after(after, page).await?;
        for id in &ids {
            if let Some(row) = archive.catalog.recording(*id).await?
                && row.stage == Stage::Live
            {
                report.recordings += 1;
                check_one(archive, &row, options, report).await?;
            }
        }
        if ids.len() < page as usize {
            return Ok(None);
        }
        looked_at += u64::from(page);
        after = ids.last().copied();
    }
    Ok(after)
}

async fn head(archive: &Archive, row: &RecordingRow, part: RecordingPart) -> Result<Option<ObjectMeta>, ArchiveError> {
    Ok(archive.store.head(&ObjectKey::Recording { month: row.month, id: row.id, part }).await?)
}

async fn check_one(
    archive: &Archive,
    row: &RecordingRow,
    options: Options,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    // Each object is asked for once: a store bills by the question, and answers one after the other take long.
    let parts = [RecordingPart::Audio, RecordingPart::Waveform, RecordingPart::Sidecar];
    let found = try_join_all(parts.map(|part| head(archive, row, part))).await?;
    let [audio, waveform, sidecar] = found[..] else { return Err(ArchiveError::Document("three answers")) };
    let mut missing = Vec::new();
    for (found, problem) in [(audio, Problem::MissingAudio), (waveform, Problem::MissingWaveform)] {
        if found.is_none() {
            missing.push(problem);
        }
    }
    for related in archive.catalog.related(row.id).await? {
        if head(archive, row, RecordingPart::Related(related.object_id)).await?.is_none() {
            missing.push(Problem::MissingRelated);
        }
    }
    if archive.store_facts().await?.locks && is_unguarded(archive, row, [audio, waveform]) {
        mend_guards(archive, row, options, report).await?;
    }
    if is_locked_too_long(row, [audio, waveform, sidecar]) {
        // Only who may go around a lock can shorten it, and only in the governance mode.
        report.add(Problem::LockTooLong, Action::Reported, row.id);
    }
    // The purge may have taken it between the look at the row and the look at the store.
    if (missing.is_empty() && sidecar.is_some()) || !is_still_live(archive, row.id).await? {
        return Ok(());
    }
    for problem in missing {
        report.add(problem, Action::Reported, row.id);
    }
    if sidecar.is_none() {
        let mend = options.repair || options.rebuild;
        // A row that does not open keeps no other from getting its sidecar back.
        let mended = mend && report.unless_unreadable(archive.refresh_sidecar(row.id).await, row.id)?.is_some();
        let action = if mended { Action::Repaired } else { Action::Reported };
        report.add(Problem::MissingSidecar, action, row.id);
    }
    Ok(())
}

/// What the store refuses to delete, against what it has to: a lock that was shortened, or a hold that was taken off, by
/// somebody with rights in the bucket.
async fn mend_guards(
    archive: &Archive,
    row: &RecordingRow,
    options: Options,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    let mended = if options.repair || options.rebuild {
        archive.catalog.forget_guards_of(row.id).await?;
        let guarded = report.unless_unreadable(archive.guard(row.id).await, row.id)?.is_some();
        let found =
            [head(archive, row, RecordingPart::Audio).await?, head(archive, row, RecordingPart::Waveform).await?];
        guarded && !is_unguarded(archive, row, found)
    } else {
        false
    };
    let action = if mended { Action::Repaired } else { Action::Reported };
    report.add(Problem::LockMissing, action, row.id);
    Ok(())
}

/// Whether an object of a recording that is there could be deleted although it must not.
fn is_unguarded(archive: &Archive, row: &RecordingRow, found: [Option<ObjectMeta>; 2]) -> bool {
    let must_be_locked = archive.clock.now() < row.expires_at;
    found.into_iter().flatten().any(|meta| {
        let locked = meta.locked_until.is_some_and(|until| until >= row.expires_at);
        (must_be_locked && !locked) || (row.held_since.is_some() && !meta.held)
    })
}

/// Whether the store will refuse what the purge has to do: somebody prolonged a lock, or the bucket locks by default.
fn is_locked_too_long(row: &RecordingRow, found: [Option<ObjectMeta>; 3]) -> bool {
    let latest = row.expires_at.plus(LOCK_TOLERANCE);
    found.into_iter().flatten().any(|meta| meta.locked_until.is_some_and(|until| until > latest))
}

async fn is_still_live(archive: &Archive, id: RecordingId) -> Result<bool, ArchiveError> {
    Ok(archive.catalog.recording(id).await?.is_some_and(|row| row.stage == Stage::Live))
}
