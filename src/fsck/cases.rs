//! Cases in store and catalog, both ways; and after a loss, their copies and the ends of those that were purged.

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

use super::report::{Action, Problem, Report};
use crate::archive::{Archive, ArchiveError};
use crate::hold::case::{record, tombstone};
use crate::vault::keys::KeyName;
use crate::vault::objects::{ObjectKey, Prefix, StoredKind, StoredVersion};

/// Things that one listing asks for.
const PAGE: usize = 1_000;
/// Rows that are read at a time.
const ROWS: u32 = 500;

/// What the store has of cases.
#[derive(Default)]
struct Listed {
    /// The versions of each copy, and the markers over it.
    copies: BTreeMap<Uuid, Vec<StoredVersion>>,
    purged: HashSet<Uuid>,
}

async fn list(archive: &Archive, report: &mut Report) -> Result<Listed, ArchiveError> {
    let (mut listed, mut after) = (Listed::default(), None);
    loop {
        let page = archive.store.list(&Prefix::cases(), after.as_ref(), PAGE).await?;
        for version in page.found {
            let is_object = matches!(version.kind, StoredKind::Version | StoredKind::DeleteMarker);
            match version.key {
                Some(ObjectKey::Case(id)) if is_object => listed.copies.entry(id).or_default().push(version),
                Some(ObjectKey::CasePurged(id)) if is_object => drop(listed.purged.insert(id)),
                // What writes left that did not come to their end is swept up with everybody else's.
                Some(_) => {}
                None => report.add(Problem::Foreign, Action::Reported, version.path),
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(listed);
        }
    }
}

/// Before the recordings, whose holds refer to them: cases that are missing, or older than the store's copy.
pub(super) async fn bring_back(archive: &Archive, report: &mut Report) -> Result<(), ArchiveError> {
    let listed = list(archive, report).await?;
    for id in listed.copies.keys().filter(|id| !listed.purged.contains(id)) {
        let restored = record::restore(archive, *id).await;
        if report.unless_unreadable(restored, ObjectKey::Case(*id))? == Some(true) {
            report.cases_restored += 1;
        }
    }
    Ok(())
}

/// Behind the recordings, which have let go of them: cases that were purged since the backup.
pub(super) async fn purge_again(archive: &Archive, report: &mut Report) -> Result<(), ArchiveError> {
    let listed = list(archive, report).await?;
    for id in listed.purged {
        let purged = purge_one_again(archive, id).await;
        if report.unless_unreadable(purged, ObjectKey::CasePurged(id))? == Some(true) {
            report.cases_purged += 1;
        }
    }
    Ok(())
}

/// Its key may have come back with a backup of the keys: it is as destroyed as the store says, and is destroyed again
/// ([`crate::purge::returned`]).
async fn purge_one_again(archive: &Archive, id: Uuid) -> Result<bool, ArchiveError> {
    let purged_at = tombstone::read(archive, id).await?;
    let mut tx = archive.catalog.begin().await?;
    let rows = tx.restore_case_purge(id).await?;
    tx.restore_destroyed(&KeyName::Case(id).to_string(), purged_at).await?;
    tx.commit().await?;
    archive.keyring.forget(&KeyName::Case(id)).await;
    archive.store.delete(&ObjectKey::Case(id)).await?;
    Ok(rows > 0)
}

/// Looks over all cases.
pub(super) async fn check(archive: &Archive, repair: bool, report: &mut Report) -> Result<(), ArchiveError> {
    let listed = list(archive, report).await?;
    for (id, versions) in &listed.copies {
        check_copy(archive, *id, versions, listed.purged.contains(id), repair, report).await?;
    }
    let mut after = None;
    loop {
        let ids = archive.catalog.case_ids_after(after, ROWS).await?;
        for id in &ids {
            check_row(archive, *id, repair, report).await?;
        }
        after = ids.last().copied();
        if ids.len() < ROWS as usize {
            return Ok(());
        }
    }
}

async fn check_copy(
    archive: &Archive,
    id: Uuid,
    versions: &[StoredVersion],
    is_purged: bool,
    repair: bool,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    let key = ObjectKey::Case(id);
    for marker in versions.iter().filter(|version| version.kind == StoredKind::DeleteMarker) {
        if repair {
            for result in archive.store.delete_versions(std::slice::from_ref(marker)).await {
                result?;
            }
        }
        report.add(Problem::Hidden, if repair { Action::Repaired } else { Action::Reported }, &marker.path);
    }
    if archive.catalog.case(id).await?.is_some() {
        // A second version is what a writer left that died or was overtaken: written anew, it is alone.
        if versions.iter().filter(|version| version.kind == StoredKind::Version).count() > 1 && repair {
            report.unless_unreadable(record::refresh(archive, id).await, key)?;
        }
    } else if is_purged {
        if repair {
            archive.store.delete(&key).await?;
        }
        report.add(Problem::PurgeRemains, if repair { Action::Deleted } else { Action::Reported }, key);
    } else {
        let restored = repair && report.unless_unreadable(record::restore(archive, id).await, key)? == Some(true);
        report.add(Problem::CaseRowMissing, if restored { Action::Repaired } else { Action::Reported }, key);
    }
    Ok(())
}

/// A case without its copy would be lost with the catalog. One of which only a hold is known has nothing to be kept.
async fn check_row(archive: &Archive, id: Uuid, repair: bool, report: &mut Report) -> Result<(), ArchiveError> {
    let key = ObjectKey::Case(id);
    let Some(row) = archive.catalog.case(id).await? else { return Ok(()) };
    // What was never stored waits for the background pass.
    let is_expected = row.stored_revision > 0 && !row.is_purging;
    if !is_expected || archive.store.head(&key).await?.is_some() {
        return Ok(());
    }
    let mended = repair && report.unless_unreadable(record::refresh(archive, id).await, key)?.is_some();
    report.add(Problem::MissingCaseCopy, if mended { Action::Repaired } else { Action::Reported }, key);
    Ok(())
}
