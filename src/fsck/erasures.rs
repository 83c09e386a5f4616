//! Tombstones of erasures in store and catalog, both ways; and after a loss, what was erased since.

use std::collections::HashSet;

use super::report::{Action, Problem, Report};
use crate::archive::{Archive, ArchiveError};
use crate::recording::{ExpiryMonth, RecordingId};
use crate::vault::objects::ObjectKey;

/// Rows that are read at a time.
const ROWS: u32 = 500;

/// Before the recordings, so that nothing erased comes back: what the store has a tombstone of is fenced, and its purge goes
/// on from there.
pub(super) async fn bring_back(archive: &Archive, report: &mut Report) -> Result<(), ArchiveError> {
    for (month, id) in archive.kept_tombstones().await? {
        if archive.is_month_over(month).await? {
            continue;
        }
        let applied = apply(archive, month, id).await;
        if report.unless_unreadable(applied, ObjectKey::Erased { month, id })? == Some(true) {
            report.erasures_applied += 1;
        }
    }
    Ok(())
}

async fn apply(archive: &Archive, month: ExpiryMonth, id: RecordingId) -> Result<bool, ArchiveError> {
    let (erasure, purge) = archive.read_tombstone(month, id).await?;
    let mut tx = archive.catalog.begin().await?;
    let applied = tx.restore_erasure(&erasure, &purge).await?;
    tx.commit().await?;
    archive.purge_nudge.notify_one();
    Ok(applied)
}

/// Looks over all tombstones.
pub(super) async fn check(archive: &Archive, repair: bool, report: &mut Report) -> Result<(), ArchiveError> {
    let kept = archive.kept_tombstones().await?;
    for (month, id) in &kept {
        check_object(archive, *month, *id, repair, report).await?;
    }
    let kept: HashSet<RecordingId> = kept.into_iter().map(|(_, id)| id).collect();
    let mut after = None;
    loop {
        let ids = archive.catalog.erasure_ids_after(after, ROWS).await?;
        for id in ids.iter().filter(|id| !kept.contains(id)) {
            check_row(archive, *id, repair, report).await?;
        }
        after = ids.last().copied();
        if ids.len() < ROWS as usize {
            return Ok(());
        }
    }
}

async fn check_object(
    archive: &Archive,
    month: ExpiryMonth,
    id: RecordingId,
    repair: bool,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    let key = ObjectKey::Erased { month, id };
    if archive.catalog.erasure(id).await?.is_some() {
        return Ok(());
    }
    if archive.is_month_over(month).await? {
        // A purge of this month that was broken off may be about to delete it as well.
        if repair {
            archive.store.delete(&key).await?;
        }
        report.add(Problem::PurgeRemains, if repair { Action::Deleted } else { Action::Reported }, key);
        return Ok(());
    }
    let applied = repair && report.unless_unreadable(apply(archive, month, id).await, key)?.is_some();
    report.add(Problem::ErasureUnknown, if applied { Action::Repaired } else { Action::Reported }, key);
    Ok(())
}

/// A tombstone that the store does not have would be lost with the catalog. What is not purged further than its fence gets
/// it from the purge.
async fn check_row(archive: &Archive, id: RecordingId, repair: bool, report: &mut Report) -> Result<(), ArchiveError> {
    let Some(erasure) = archive.catalog.erasure(id).await? else { return Ok(()) };
    let Some(purge) = archive.catalog.purge_of(id).await?.filter(|purge| purge.keys_destroyed_at.is_some()) else {
        return Ok(());
    };
    let key = ObjectKey::Erased { month: erasure.month, id };
    if archive.is_month_over(erasure.month).await? || archive.store.head(&key).await?.is_some() {
        return Ok(());
    }
    let kept = repair && report.unless_unreadable(archive.keep_tombstone(&erasure, &purge).await, key)?.is_some();
    report.add(Problem::MissingTombstone, if kept { Action::Repaired } else { Action::Reported }, key);
    Ok(())
}
