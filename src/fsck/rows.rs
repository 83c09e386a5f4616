//! Every row's objects: audio, waveform, sidecar, related data.

use super::report::{Action, Problem, Report};
use super::{Options, hidden};
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{RecordingRow, Stage};
use crate::recording::RecordingId;
use crate::vault::objects::{ObjectKey, RecordingPart};

/// Rows that are read at a time.
const PAGE: u32 = 1_000;

/// Walks over all recordings. What the purge has begun with is its own business.
pub(super) async fn check(archive: &Archive, options: Options, report: &mut Report) -> Result<(), ArchiveError> {
    let mut after: Option<RecordingId> = None;
    loop {
        let ids = archive.catalog.recording_ids_after(after, PAGE).await?;
        for id in &ids {
            if let Some(row) = archive.catalog.recording(*id).await?
                && row.stage == Stage::Live
            {
                report.recordings += 1;
                check_one(archive, &row, options, report).await?;
            }
        }
        after = ids.last().copied();
        if ids.len() < PAGE as usize {
            return Ok(());
        }
    }
}

async fn check_one(
    archive: &Archive,
    row: &RecordingRow,
    options: Options,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    let mend = options.repair || options.rebuild;
    let mut missing = not_shown(archive, row).await?;
    // The purge may have taken it between the look at the row and the look at the store.
    if !missing.is_empty() && !is_still_live(archive, row.id).await? {
        return Ok(());
    }
    if !missing.is_empty() && hidden::check(archive, (row.month, row.id), mend, report).await? {
        missing = not_shown(archive, row).await?;
    }
    check_guards(archive, row, options, report).await?;
    if missing.is_empty() || !is_still_live(archive, row.id).await? {
        return Ok(());
    }
    for problem in missing {
        // A row that does not open keeps no other from getting its sidecar back.
        let mended = mend
            && problem == Problem::MissingSidecar
            && report.unless_unreadable(archive.refresh_sidecar(row.id).await, row.id)?.is_some();
        report.add(problem, if mended { Action::Repaired } else { Action::Reported }, row.id);
    }
    Ok(())
}

/// Which of its objects the store does not show.
async fn not_shown(archive: &Archive, row: &RecordingRow) -> Result<Vec<Problem>, ArchiveError> {
    let mut parts = vec![
        (RecordingPart::Audio, Problem::MissingAudio),
        (RecordingPart::Waveform, Problem::MissingWaveform),
        (RecordingPart::Sidecar, Problem::MissingSidecar),
    ];
    let related = archive.catalog.related(row.id).await?;
    parts.extend(related.iter().map(|piece| (RecordingPart::Related(piece.object_id), Problem::MissingRelated)));
    let mut missing = Vec::new();
    for (part, problem) in parts {
        let key = ObjectKey::Recording { month: row.month, id: row.id, part };
        if archive.store.head(&key).await?.is_none() {
            missing.push(problem);
        }
    }
    Ok(missing)
}

/// What the store refuses to delete, against what it has to: a lock that was shortened, or a hold that was taken off, by
/// somebody with rights in the bucket.
async fn check_guards(
    archive: &Archive,
    row: &RecordingRow,
    options: Options,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    if !archive.store_facts().await?.locks || !is_unguarded(archive, row).await? {
        return Ok(());
    }
    let mended = if options.repair || options.rebuild {
        archive.catalog.forget_guards_of(row.id).await?;
        report.unless_unreadable(archive.guard(row.id).await, row.id)?.is_some() && !is_unguarded(archive, row).await?
    } else {
        false
    };
    let action = if mended { Action::Repaired } else { Action::Reported };
    report.add(Problem::LockMissing, action, row.id);
    Ok(())
}

/// Whether an object of a recording that is there could be deleted although it must not.
async fn is_unguarded(archive: &Archive, row: &RecordingRow) -> Result<bool, ArchiveError> {
    let must_be_locked = archive.clock.now() < row.expires_at;
    for part in [RecordingPart::Audio, RecordingPart::Waveform] {
        let key = ObjectKey::Recording { month: row.month, id: row.id, part };
        let Some(meta) = archive.store.head(&key).await? else { continue };
        let locked = meta.locked_until.is_some_and(|until| until >= row.expires_at);
        if (must_be_locked && !locked) || (row.held_since.is_some() && !meta.held) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn is_still_live(archive: &Archive, id: RecordingId) -> Result<bool, ArchiveError> {
    Ok(archive.catalog.recording(id).await?.is_some_and(|row| row.stage == Stage::Live))
}
