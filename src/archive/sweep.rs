//! Deleting and counting what lies below a folder of the store, in all versions.

use super::{Archive, ArchiveError};
use crate::catalog::Deleted;
use crate::vault::objects::{Prefix, StoredKind, StoredVersion};

/// Things that one listing asks for.
const PAGE: usize = 1_000;

impl Archive {
    /// Deletes everything below a folder: versions, markers, unfinished uploads, temporary files. Repeats until a
    /// listing finds nothing that is ours. Returns how many things there were.
    pub async fn delete_all(&self, prefix: &Prefix) -> Result<u64, ArchiveError> {
        let mut deleted = 0;
        loop {
            let page = self.store.list(prefix, None, PAGE).await?;
            let ours: Vec<StoredVersion> = page.found.into_iter().filter(|version| version.key.is_some()).collect();
            if ours.is_empty() {
                return Ok(deleted);
            }
            for result in self.store.delete_versions(&ours).await {
                result?;
                deleted += 1;
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
