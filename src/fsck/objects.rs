//! Every object's row. An object that a sidecar can still explain brings its row back; what nothing explains is
//! deleted once no upload can be behind it.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::report::{Action, Problem, Report};
use crate::archive::{Adoption, Archive, ArchiveError};
use crate::catalog::Stage;
use crate::recording::{ExpiryMonth, RecordingId};
use crate::vault::objects::{ObjectKey, Prefix, RecordingPart, StoredKind, StoredVersion};

/// Things that one listing asks for.
const PAGE: usize = 1_000;
/// Younger than this, an object may belong to something that is under way on another node.
const YOUNG: Duration = Duration::from_secs(3600);
/// Older than any write may last.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// Walks over all objects of recordings.
pub(super) async fn check(archive: &Archive, repair: bool, report: &mut Report) -> Result<(), ArchiveError> {
    let pending: HashSet<RecordingId> = archive.catalog.pending_recordings().await?.into_iter().collect();
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
        for key in done {
            if let Some(found) = groups.remove(&key)
                && !pending.contains(&key.1)
            {
                check_one(archive, key, &found, repair, report).await?;
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
    repair: bool,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    sweep_temporaries(archive, found, repair, report).await?;
    if let Some(row) = archive.catalog.recording(id).await? {
        // Its month can only be another one after a move that was broken off; then these are the old copies.
        if row.stage == Stage::Live && row.month == month {
            return check_related(archive, id, found, repair, report).await;
        }
        if row.stage == Stage::Fenced {
            return Ok(());
        }
    }
    if archive.catalog.purge_of(id).await?.is_some_and(|purge| purge.certified_at.is_none()) {
        return Ok(());
    }
    if !repair {
        report.add(Problem::RowMissing, Action::Reported, id);
        return Ok(());
    }
    let adoption = archive.adopt(month, id, None).await;
    settle(archive, (month, id), found, adoption, report).await
}

async fn settle(
    archive: &Archive,
    (month, id): (ExpiryMonth, RecordingId),
    found: &[StoredVersion],
    adoption: Result<Adoption, ArchiveError>,
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
        Ok(Adoption::Duplicate) => {
            archive.delete_all(&Prefix::recording(month, id)).await?;
            report.add(Problem::CallTaken, Action::Deleted, id);
        }
        Ok(Adoption::Purged) => {
            archive.delete_all(&Prefix::recording(month, id)).await?;
            report.add(Problem::PurgeRemains, Action::Deleted, id);
        }
        Ok(Adoption::NotWhole) => {
            let action = if is_older(archive, found, YOUNG) {
                archive.delete_all(&Prefix::recording(month, id)).await?;
                Action::Deleted
            } else {
                Action::Reported
            };
            report.add(Problem::UnfinishedUpload, action, id);
        }
        // A sidecar that does not open is looked at by people, never deleted by a program.
        Err(ArchiveError::Vault(error)) if !unavailable(&error) => {
            report.add(Problem::Unreadable, Action::Reported, id);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn unavailable(error: &crate::vault::VaultError) -> bool {
    matches!(error.code(), "store-unavailable" | "key-provider-unavailable" | "catalog-unavailable")
}

fn is_older(archive: &Archive, found: &[StoredVersion], than: Duration) -> bool {
    let before = archive.clock.now().minus(than);
    found.iter().all(|version| version.modified_at < before)
}

async fn sweep_temporaries(
    archive: &Archive,
    found: &[StoredVersion],
    repair: bool,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    let unfinished = |v: &&StoredVersion| matches!(v.kind, StoredKind::Temporary | StoredKind::PendingUpload);
    for version in found.iter().filter(unfinished) {
        let stale = is_older(archive, std::slice::from_ref(version), STALE);
        if stale && repair {
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
    repair: bool,
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
        if repair {
            archive.store.delete(&key).await?;
        }
        let action = if repair { Action::Deleted } else { Action::Reported };
        report.add(Problem::RelatedOrphan, action, &version.path);
    }
    Ok(())
}
