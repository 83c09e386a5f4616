//! Every object's row. An object that a sidecar can still explain brings its row back; what nothing explains is
//! deleted once no upload can be behind it. Before anything is deleted it is asked again who may answer for it; what is
//! deleted because of its age is left where the clock is in doubt.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::clock;
use super::report::{Action, Problem, Report};
use crate::archive::{Adoption, Archive, ArchiveError, GUARDED};
use crate::catalog::Stage;
use crate::recording::{ExpiryMonth, RecordingId};
use crate::vault::VaultError;
use crate::vault::objects::{ObjectKey, Prefix, RecordingPart, StoreError, StoredKind, StoredVersion};

/// Things that one listing asks for.
const PAGE: usize = 1_000;
/// Younger than this, an object may belong to something that is under way on another node.
const YOUNG: Duration = Duration::from_secs(3600);
/// Older than any write may last.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// What may be done.
#[derive(Clone, Copy)]
struct May {
    /// Mend what can be mended.
    repair: bool,
    /// Delete what is left over because it is old. Never under a clock that is in doubt.
    delete_old: bool,
}

/// Walks over all objects of recordings.
pub(super) async fn check(archive: &Archive, repair: bool, report: &mut Report) -> Result<(), ArchiveError> {
    let mut after = None;
    // Listings come in the order of paths, so that a recording's objects stand together but for a page's border.
    let mut groups: BTreeMap<(ExpiryMonth, RecordingId), Vec<StoredVersion>> = BTreeMap::new();
    loop {
        let page = archive.store.list(&Prefix::recordings(), after.as_ref(), PAGE).await?;
        for version in page.found {
            report.objects += 1;
            match version.key {
                Some(ObjectKey::Recording { month, id, .. }) => groups.entry((month, id)).or_default().push(version),
                _ => report.add(Problem::Foreign, Action::Reported, version.path),
            }
        }
        after = page.next;
        let open = if after.is_some() { groups.last_key_value().map(|(key, _)| *key) } else { None };
        let done: Vec<_> = groups.keys().copied().filter(|key| Some(*key) != open).collect();
        let may = May { repair, delete_old: repair && clock::is_trusted(archive).await? };
        for key in done {
            if let Some(found) = groups.remove(&key) {
                check_one(archive, key, &found, may, report).await?;
            }
        }
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn check_one(
    archive: &Archive,
    (month, id): (ExpiryMonth, RecordingId),
    found: &[StoredVersion],
    may: May,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    let row = archive.catalog.recording(id).await?;
    if row.is_some_and(|row| row.stage == Stage::Live && row.month == month) {
        sweep_temporaries(archive, found, may, report).await?;
        bring_to_light(archive, found, may, report).await?;
        check_versions(archive, id, found, may, report).await?;
        return check_related(archive, id, found, may, report).await;
    }
    // Asked after the listing: an upload notes its id before it writes its first object, so none is missed.
    if archive.catalog.is_pending(id).await? {
        return Ok(());
    }
    sweep_temporaries(archive, found, may, report).await?;
    if is_answered_for(archive, month, id).await? {
        return Ok(());
    }
    if archive.catalog.purge_of(id).await?.is_some_and(|purge| purge.has_remains()) {
        return check_locked(archive, found, may, report).await;
    }
    if !may.repair {
        report.add(Problem::RowMissing, Action::Reported, id);
        return Ok(());
    }
    // What is hidden would pass for what was never there.
    bring_to_light(archive, found, may, report).await?;
    let adoption = archive.adopt(month, id, None).await;
    settle(archive, (month, id), found, adoption, may, report).await
}

/// An erased recording whose bytes a lock keeps: they are where they have to be, and anything else is not.
async fn check_locked(
    archive: &Archive,
    found: &[StoredVersion],
    may: May,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    let is_lockable = |version: &StoredVersion| {
        let part = version.key.map(|key| matches!(key, ObjectKey::Recording { part, .. } if GUARDED.contains(&part)));
        version.kind == StoredKind::Version && part == Some(true)
    };
    for version in found.iter().filter(|version| !is_lockable(version)) {
        if may.repair {
            for result in archive.store.delete_versions(std::slice::from_ref(version)).await {
                result?;
            }
        }
        let action = if may.repair { Action::Deleted } else { Action::Reported };
        report.add(Problem::PurgeRemains, action, &version.path);
    }
    Ok(())
}

/// Whether a row or a purge answers for these objects. To be asked after [`crate::catalog::Catalog::is_pending`]: an
/// upload that came to its end in between has its row.
async fn is_answered_for(archive: &Archive, month: ExpiryMonth, id: RecordingId) -> Result<bool, ArchiveError> {
    // Its month can only be another one after a move that was broken off; then these are the old copies.
    let row = archive.catalog.recording(id).await?;
    if row.is_some_and(|row| row.stage == Stage::Fenced || row.month == month) {
        return Ok(true);
    }
    Ok(archive.catalog.purge_of(id).await?.is_some_and(|purge| purge.certified_at.is_none()))
}

/// Whether nothing has come up meanwhile that answers for these objects: an upload, a row, a purge.
async fn is_still_orphaned(archive: &Archive, month: ExpiryMonth, id: RecordingId) -> Result<bool, ArchiveError> {
    Ok(!archive.catalog.is_pending(id).await? && !is_answered_for(archive, month, id).await?)
}

async fn settle(
    archive: &Archive,
    (month, id): (ExpiryMonth, RecordingId),
    found: &[StoredVersion],
    adoption: Result<Adoption, ArchiveError>,
    may: May,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    match adoption {
        Ok(Adoption::Adopted) => {
            report.brought_back += 1;
            report.add(Problem::RowMissing, Action::Repaired, id);
        }
        // Being uploaded: whoever has the claim brings it to its end.
        Ok(Adoption::Known | Adoption::Pending) => {}
        Ok(Adoption::Conflict) => report.add(Problem::CallTaken, Action::Reported, id),
        Ok(Adoption::Purged) => {
            discard(archive, (month, id), Problem::PurgeRemains, report).await?;
        }
        // From here on what was found may have changed since.
        Ok(Adoption::Duplicate | Adoption::NotWhole) | Err(_) if !is_still_orphaned(archive, month, id).await? => {}
        Ok(Adoption::Duplicate) => {
            discard(archive, (month, id), Problem::CallTaken, report).await?;
        }
        Ok(Adoption::NotWhole) => {
            if may.delete_old && is_older(archive, found, YOUNG) {
                discard(archive, (month, id), Problem::UnfinishedUpload, report).await?;
            } else {
                report.add(Problem::UnfinishedUpload, Action::Reported, id);
            }
        }
        // A sidecar that does not open is looked at by people, never deleted by a program.
        Err(error) => {
            report.unless_unreadable(Err::<(), _>(error), id)?;
        }
    }
    Ok(())
}

/// Deletes what is left of a recording. What the store has locked stays, and keeps no other from being mended.
async fn discard(
    archive: &Archive,
    (month, id): (ExpiryMonth, RecordingId),
    problem: Problem,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    let action = match archive.delete_all(&Prefix::recording(month, id)).await {
        Ok(_) => Action::Deleted,
        Err(ArchiveError::Vault(VaultError::Store(StoreError::Locked))) => Action::Reported,
        Err(error) => return Err(error),
    };
    report.add(problem, action, id);
    Ok(())
}

/// Takes away the markers with which somebody hid objects: a plain DELETE in a bucket with versions. We delete version by
/// version and leave none.
async fn bring_to_light(
    archive: &Archive,
    found: &[StoredVersion],
    may: May,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    for marker in found.iter().filter(|version| version.kind == StoredKind::DeleteMarker) {
        if may.repair {
            for result in archive.store.delete_versions(std::slice::from_ref(marker)).await {
                result?;
            }
        }
        let action = if may.repair { Action::Repaired } else { Action::Reported };
        report.add(Problem::Hidden, action, &marker.path);
    }
    Ok(())
}

/// Every object of a recording has one version. A second one of a sidecar is what a writer left that died or was
/// overtaken, and may hold the wrap of a case that is over; of anything else it is somebody else's, for people to look at.
async fn check_versions(
    archive: &Archive,
    id: RecordingId,
    found: &[StoredVersion],
    may: May,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    let versions = found.iter().filter(|version| version.kind == StoredKind::Version);
    let mut by_key: BTreeMap<ObjectKey, Vec<StoredVersion>> = BTreeMap::new();
    for (key, version) in versions.filter_map(|version| version.key.map(|key| (key, version))) {
        by_key.entry(key).or_default().push(version.clone());
    }
    for (key, versions) in by_key.into_iter().filter(|(_, versions)| versions.len() > 1) {
        if !key.is_sidecar() {
            report.add(Problem::Overwritten, Action::Reported, key);
        } else if is_older(archive, &versions, YOUNG) {
            // Written anew, and then alone.
            let mended = may.repair && report.unless_unreadable(archive.refresh_sidecar(id).await, id)?.is_some();
            report.add(Problem::OldVersions, if mended { Action::Repaired } else { Action::Reported }, key);
        }
    }
    Ok(())
}

fn is_older(archive: &Archive, found: &[StoredVersion], than: Duration) -> bool {
    let before = archive.clock.now().minus(than);
    found.iter().all(|version| version.modified_at < before)
}

async fn sweep_temporaries(
    archive: &Archive,
    found: &[StoredVersion],
    may: May,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    let unfinished = |v: &&StoredVersion| matches!(v.kind, StoredKind::Temporary | StoredKind::PendingUpload);
    for version in found.iter().filter(unfinished) {
        let stale = is_older(archive, std::slice::from_ref(version), STALE);
        if stale && may.delete_old {
            for result in archive.store.delete_versions(std::slice::from_ref(version)).await {
                result?;
            }
            report.add(Problem::Temporary, Action::Deleted, &version.path);
        } else if stale {
            report.add(Problem::Temporary, Action::Reported, &version.path);
        }
    }
    Ok(())
}

/// Related data that was stored by a request which never committed.
async fn check_related(
    archive: &Archive,
    id: RecordingId,
    found: &[StoredVersion],
    may: May,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    let known: HashSet<uuid::Uuid> = archive.catalog.related(id).await?.iter().map(|r| r.object_id).collect();
    for version in found {
        let Some(key @ ObjectKey::Recording { part: RecordingPart::Related(object), .. }) = version.key else {
            continue;
        };
        if known.contains(&object) || !is_older(archive, std::slice::from_ref(version), YOUNG) {
            continue;
        }
        if may.delete_old {
            archive.store.delete(&key).await?;
        }
        let action = if may.delete_old { Action::Deleted } else { Action::Reported };
        report.add(Problem::RelatedOrphan, action, &version.path);
    }
    Ok(())
}
