//! Deleting and counting what lies below a folder of the store, in all versions.

use std::io;

use super::{Archive, ArchiveError};
use crate::catalog::Deleted;
use crate::vault::objects::{Prefix, StoreError, StoredKind, StoredVersion};

/// Things that one listing asks for.
const PAGE: usize = 1_000;
/// Listings that may find something before it is given up. An upload that is still arriving needs a second one.
const ROUNDS: u32 = 10;

/// What became of everything below a folder.
#[derive(Debug, Default)]
pub struct Swept {
    /// How many things were deleted.
    pub deleted: u64,
    /// What the store's lock keeps.
    pub locked: Vec<StoredVersion>,
}

impl Archive {
    /// Deletes everything below a folder: versions, markers, unfinished uploads, temporary files. Repeats until a
    /// listing to its end finds nothing that is ours. Returns how many things there were.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] also where something is listed again and again, whatever the store says of its
    /// deletion: whoever waits for that would wait for ever.
    pub async fn delete_all(&self, prefix: &Prefix) -> Result<u64, ArchiveError> {
        let mut deleted = 0;
        for _ in 0..ROUNDS {
            match self.delete_listed(prefix).await? {
                0 => return Ok(deleted),
                found => deleted += found,
            }
        }
        Err(StoreError::Unavailable(io::Error::other("it still lists what it says it deleted")).into())
    }

    /// Deletes what one listing finds. Others' objects may fill whole pages of it.
    async fn delete_listed(&self, prefix: &Prefix) -> Result<u64, ArchiveError> {
        let (mut deleted, mut after) = (0, None);
        loop {
            let page = self.store.list(prefix, after.as_ref(), PAGE).await?;
            let ours: Vec<StoredVersion> = page.found.into_iter().filter(|version| version.key.is_some()).collect();
            for result in self.store.delete_versions(&ours).await {
                result?;
                deleted += 1;
            }
            after = page.next;
            if after.is_none() {
                return Ok(deleted);
            }
        }
    }

    /// The same for a decided erasure: past a lock, where that can be bypassed. What the store keeps locked all the same is
    /// no error.
    pub async fn delete_erased(&self, prefix: &Prefix) -> Result<Swept, ArchiveError> {
        let mut swept = Swept::default();
        for _ in 0..ROUNDS {
            let before = swept.deleted;
            swept.locked.clear();
            self.delete_erased_once(prefix, &mut swept).await?;
            if swept.deleted == before {
                return Ok(swept);
            }
        }
        Err(StoreError::Unavailable(io::Error::other("it still lists what it says it deleted")).into())
    }

    async fn delete_erased_once(&self, prefix: &Prefix, swept: &mut Swept) -> Result<(), ArchiveError> {
        let mut after = None;
        loop {
            let page = self.store.list(prefix, after.as_ref(), PAGE).await?;
            let ours: Vec<StoredVersion> = page.found.into_iter().filter(|version| version.key.is_some()).collect();
            let results = self.store.delete_erased(&ours).await;
            for (version, result) in ours.into_iter().zip(results) {
                match result {
                    Ok(()) => swept.deleted += 1,
                    Err(StoreError::Locked) => swept.locked.push(version),
                    Err(error) => return Err(error.into()),
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Counts what lies below a folder: objects, their versions, unfinished uploads, and keys (a sidecar has one).
    pub async fn count_objects(&self, prefix: &Prefix) -> Result<Deleted, ArchiveError> {
        let mut counts = Deleted::new();
        let mut names = std::collections::BTreeSet::new();
        let mut after = None;
        loop {
            let page = self.store.list(prefix, after.as_ref(), PAGE).await?;
            for version in page.found {
                let Some(key) = version.key else { continue };
                let count = match version.kind {
                    StoredKind::Version | StoredKind::DeleteMarker => "object_versions",
                    StoredKind::PendingUpload | StoredKind::Temporary => "pending_uploads",
                };
                *counts.entry(count.to_owned()).or_default() += 1;
                names.insert(key);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let sidecars = names.iter().filter(|key| key.is_sidecar()).count();
        counts.insert("objects".to_owned(), names.len() as u64);
        counts.insert("keys".to_owned(), sidecars as u64);
        Ok(counts)
    }
}
