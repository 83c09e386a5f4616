//! What has a copy in the store from which its row comes back, and a word there once it ended: cases, accounts. Both ways, and
//! after a loss.

use std::collections::{BTreeMap, HashSet};

use async_trait::async_trait;
use uuid::Uuid;

use super::report::{Action, Problem, Report};
use crate::archive::{Archive, ArchiveError};
use crate::vault::objects::{ObjectKey, Prefix, StoredKind, StoredVersion};

/// Things that one listing asks for.
const PAGE: usize = 1_000;
/// Rows that are read at a time.
const ROWS: u32 = 500;

/// What an object is to what is kept.
pub(super) enum Role {
    /// The copy of it.
    Copy(Uuid),
    /// The word that it ended.
    Ended(Uuid),
    /// Something else of ours.
    Other,
}

/// What is kept so.
#[async_trait]
pub(super) trait Kept {
    /// A copy without a row.
    const ROW_MISSING: Problem;
    /// A row without its copy.
    const COPY_MISSING: Problem;

    /// Where its objects are.
    fn prefix() -> Prefix;
    /// What this object is.
    fn role(key: ObjectKey) -> Role;
    /// The name of a copy.
    fn copy(id: Uuid) -> ObjectKey;
    /// The name of the word that it ended.
    fn ended(id: Uuid) -> ObjectKey;
    /// Whether there is a row.
    async fn has_row(archive: &Archive, id: Uuid) -> Result<bool, ArchiveError>;
    /// Whether there is a row whose copy was stored. What was never stored waits for the background pass.
    async fn was_stored(archive: &Archive, id: Uuid) -> Result<bool, ArchiveError>;
    /// Ids of rows in their order.
    async fn ids_after(archive: &Archive, after: Option<Uuid>, limit: u32) -> Result<Vec<Uuid>, ArchiveError>;
    /// Writes the copy anew.
    async fn refresh(archive: &Archive, id: Uuid) -> Result<(), ArchiveError>;
    /// Brings the row up to the copy; true when it was missing or older.
    async fn restore(archive: &Archive, id: Uuid) -> Result<bool, ArchiveError>;
    /// Ends it again because the store has the word that it ended; true when rows went.
    async fn end_again(archive: &Archive, id: Uuid) -> Result<bool, ArchiveError>;
}

/// What the store has.
#[derive(Default)]
struct Listed {
    /// The versions of each copy, and the markers over it.
    copies: BTreeMap<Uuid, Vec<StoredVersion>>,
    ended: HashSet<Uuid>,
}

async fn list<K: Kept>(archive: &Archive, report: &mut Report) -> Result<Listed, ArchiveError> {
    let (mut listed, mut after) = (Listed::default(), None);
    loop {
        let page = archive.store.list(&K::prefix(), after.as_ref(), PAGE).await?;
        for version in page.found {
            let is_object = matches!(version.kind, StoredKind::Version | StoredKind::DeleteMarker);
            match version.key.map(K::role) {
                Some(Role::Copy(id)) if is_object => listed.copies.entry(id).or_default().push(version),
                Some(Role::Ended(id)) if is_object => drop(listed.ended.insert(id)),
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

/// What is missing, or older than the store's copy, and did not end. Returns how many.
pub(super) async fn bring_back<K: Kept>(archive: &Archive, report: &mut Report) -> Result<u64, ArchiveError> {
    let listed = list::<K>(archive, report).await?;
    let mut restored = 0;
    for id in listed.copies.keys().filter(|id| !listed.ended.contains(id)) {
        let done = K::restore(archive, *id).await;
        restored += u64::from(report.unless_unreadable(done, K::copy(*id))? == Some(true));
    }
    Ok(restored)
}

/// What ended since the backup. Returns how many.
pub(super) async fn end_again<K: Kept>(archive: &Archive, report: &mut Report) -> Result<u64, ArchiveError> {
    let listed = list::<K>(archive, report).await?;
    let mut ended = 0;
    for id in listed.ended {
        let done = K::end_again(archive, id).await;
        ended += u64::from(report.unless_unreadable(done, K::ended(id))? == Some(true));
    }
    Ok(ended)
}

/// Looks over all of them.
pub(super) async fn check<K: Kept>(archive: &Archive, repair: bool, report: &mut Report) -> Result<(), ArchiveError> {
    let listed = list::<K>(archive, report).await?;
    for (id, versions) in &listed.copies {
        check_copy::<K>(archive, *id, versions, listed.ended.contains(id), repair, report).await?;
    }
    let mut after = None;
    loop {
        let ids = K::ids_after(archive, after, ROWS).await?;
        for id in &ids {
            check_row::<K>(archive, *id, repair, report).await?;
        }
        after = ids.last().copied();
        if ids.len() < ROWS as usize {
            return Ok(());
        }
    }
}

async fn check_copy<K: Kept>(
    archive: &Archive,
    id: Uuid,
    versions: &[StoredVersion],
    has_ended: bool,
    repair: bool,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    let key = K::copy(id);
    for marker in versions.iter().filter(|version| version.kind == StoredKind::DeleteMarker) {
        if repair {
            for result in archive.store.delete_versions(std::slice::from_ref(marker)).await {
                result?;
            }
        }
        report.add(Problem::Hidden, if repair { Action::Repaired } else { Action::Reported }, &marker.path);
    }
    if K::has_row(archive, id).await? {
        // A second version is what a writer left that died or was overtaken: written anew, it is alone.
        if versions.iter().filter(|version| version.kind == StoredKind::Version).count() > 1 && repair {
            report.unless_unreadable(K::refresh(archive, id).await, key)?;
        }
    } else if has_ended {
        if repair {
            archive.store.delete(&key).await?;
        }
        report.add(Problem::PurgeRemains, if repair { Action::Deleted } else { Action::Reported }, key);
    } else {
        let restored = repair && report.unless_unreadable(K::restore(archive, id).await, key)? == Some(true);
        report.add(K::ROW_MISSING, if restored { Action::Repaired } else { Action::Reported }, key);
    }
    Ok(())
}

/// What is without its copy would be lost with the catalog.
async fn check_row<K: Kept>(
    archive: &Archive,
    id: Uuid,
    repair: bool,
    report: &mut Report,
) -> Result<(), ArchiveError> {
    let key = K::copy(id);
    if !K::was_stored(archive, id).await? || archive.store.head(&key).await?.is_some() {
        return Ok(());
    }
    // It may have ended between the two looks.
    if !K::was_stored(archive, id).await? {
        return Ok(());
    }
    let mended = repair && report.unless_unreadable(K::refresh(archive, id).await, key)?.is_some();
    report.add(K::COPY_MISSING, if mended { Action::Repaired } else { Action::Reported }, key);
    Ok(())
}
