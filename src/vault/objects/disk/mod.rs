//! Objects as files below one folder.
//!
//! A write goes to a temporary file in the object's own folder, is fsynced, and gets its name by a hard link (which
//! never overwrites) or, for [`ObjectStore::put`], by a rename. Then every folder up to the root is fsynced: one of
//! them may have been made a moment ago by somebody who has not come to that yet. Deleting takes emptied folders
//! away, under a file lock (flock on the id file) that keeps them from going while a writer makes its file in them.
//! Paths are made from [`ObjectKey`]s only, so none leads outside.
//! The root has an id file. Without it the folder is an unmounted one, where nothing is stored and nothing "gone".

mod list;
mod names;
mod write;

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use rustix::fs::FlockOperation;

use super::{
    Cursor, HoldOutcome, ListPage, LockOutcome, ObjectKey, ObjectMeta, ObjectStore, Prefix, PutBody, PutOutcome,
    StoreError, StoreFacts, StoredVersion,
};
use crate::clock::Timestamp;
use crate::failpoint;
use crate::vault::files::{
    blocking, link_new, make_root, open_no_follow, read_id, remove_file, sync_folder, timestamp,
};
use names::Place;
use uuid::Uuid;

/// Says which store this is. Not an object, and not listed.
const ID_FILE: &str = ".store-id";

/// A store in a folder.
#[derive(Debug, Clone)]
pub struct DiskStore {
    root: PathBuf,
    id: Uuid,
}

impl DiskStore {
    /// Opens the store in `root`, making the folder (0700) where there is none. Blocking.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        make_root(&root)?;
        let root = root.canonicalize()?;
        if read_id(&root.join(ID_FILE))?.is_none() {
            link_new(&root, ID_FILE, format!("{}\n", Uuid::new_v4().as_hyphenated()).as_bytes())?;
        }
        let id = read_id(&root.join(ID_FILE))?.ok_or_else(away)?;
        Ok(Self { root, id })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn place(&self, key: &ObjectKey) -> Place {
        Place::of(&self.root, key)
    }

    /// Blocking work, once it is sure that the store is there.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (id_file, id) = (self.root.join(ID_FILE), self.id);
        blocking(move || if read_id(&id_file)? == Some(id) { work() } else { Err(away().into()) }).await
    }
}

#[async_trait]
impl ObjectStore for DiskStore {
    async fn put_new(&self, key: &ObjectKey, body: PutBody) -> Result<PutOutcome, StoreError> {
        let byte_len = body.byte_len();
        let place = self.place(key);
        let unfinished = self.on_disk(move || write::begin(&place)).await?;
        write::stream(unfinished, body).await?;
        Ok(PutOutcome { byte_len, version: None })
    }

    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), StoreError> {
        let place = self.place(key);
        self.on_disk(move || write::replace(&place, &body)).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, StoreError> {
        let path = self.place(key).path();
        self.on_disk(move || match std::fs::symlink_metadata(path) {
            Ok(meta) => Ok(Some(ObjectMeta {
                byte_len: meta.len(),
                modified_at: timestamp(meta.modified()?),
                locked_until: None,
                held: false,
            })),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        })
        .await
    }

    async fn get(&self, key: &ObjectKey, max_bytes: u64) -> Result<Bytes, StoreError> {
        let path = self.place(key).path();
        self.on_disk(move || {
            let file = open_no_follow(&path)?;
            let len = file.metadata()?.len();
            if len > max_bytes {
                return Err(StoreError::TooLarge { max_bytes });
            }
            read_at(&file, 0, usize::try_from(len).map_err(|_| StoreError::TooLarge { max_bytes })?)
        })
        .await
    }

    async fn get_range(&self, key: &ObjectKey, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        let path = self.place(key).path();
        self.on_disk(move || {
            let file = open_no_follow(&path)?;
            // Asked before memory is taken: `len` may come from a lying length elsewhere.
            let end = offset.checked_add(len as u64).ok_or(StoreError::RangeOutside)?;
            if end > file.metadata()?.len() {
                return Err(StoreError::RangeOutside);
            }
            read_at(&file, offset, len)
        })
        .await
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Cursor>, limit: usize) -> Result<ListPage, StoreError> {
        let (root, prefix, after) = (self.root.clone(), prefix.as_str().to_owned(), after.map(|c| c.0.clone()));
        self.on_disk(move || list::page(&root, &prefix, after.as_deref(), limit)).await
    }

    async fn delete_versions(&self, versions: &[StoredVersion]) -> Vec<Result<(), StoreError>> {
        let mut results = Vec::with_capacity(versions.len());
        for version in versions {
            let target = version.key.ok_or(StoreError::NotOurs).and_then(|key| {
                let place = self.place(&key);
                let name = place.file_for(version).ok_or(StoreError::NotOurs)?;
                Ok((place, name))
            });
            results.push(match target {
                Ok((place, name)) => self.on_disk(move || remove(&place, &[name])).await,
                Err(error) => Err(error),
            });
        }
        results
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let place = self.place(key);
        self.on_disk(move || {
            let mut names = place.temporaries()?;
            names.push(place.name().to_owned());
            remove(&place, &names)
        })
        .await
    }

    async fn lock(&self, _key: &ObjectKey, _until: Timestamp) -> Result<LockOutcome, StoreError> {
        Ok(LockOutcome::Unsupported)
    }

    async fn set_legal_hold(&self, _key: &ObjectKey, _on: bool) -> Result<HoldOutcome, StoreError> {
        Ok(HoldOutcome::Unsupported)
    }

    async fn identity(&self) -> Result<String, StoreError> {
        self.on_disk(|| Ok(())).await?;
        Ok(self.id.to_string())
    }

    async fn probe(&self) -> Result<StoreFacts, StoreError> {
        let root = self.root.clone();
        let exclusive_create = self.on_disk(move || write::links_are_exclusive(&root)).await?;
        Ok(StoreFacts {
            backend: "disk",
            durable: true,
            exclusive_create,
            versions: false,
            locks: false,
            locks_by_default: false,
            erases_at_once: true,
            warnings: Vec::new(),
        })
    }
}

fn away() -> io::Error {
    io::Error::other("the folder of the store is not there")
}

fn read_at(file: &File, offset: u64, len: usize) -> Result<Bytes, StoreError> {
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, offset).map_err(|e| match e.kind() {
        ErrorKind::UnexpectedEof => StoreError::RangeOutside,
        _ => e.into(),
    })?;
    Ok(bytes.into())
}

/// Removes files from one folder, and the folders that are thereby empty.
fn remove(place: &Place, names: &[String]) -> Result<(), StoreError> {
    for name in names {
        remove_file(&place.folder().join(name)).map_err(StoreError::from)?;
        failpoint::hit("object-unlinked");
    }
    sync_nearest(place.folder())?;
    Ok(prune(place)?)
}

/// fsync of a folder or, where others took it away and may not have come to that yet, of the next one above it.
fn sync_nearest(folder: &Path) -> io::Result<()> {
    for folder in folder.ancestors() {
        match sync_folder(folder) {
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            other => return other,
        }
    }
    Ok(())
}

/// Takes away empty folders from an object's own upwards, and makes that durable. Stops at one that is in use.
fn prune(place: &Place) -> io::Result<()> {
    let no_writer_begins = place.lock(FlockOperation::LockExclusive)?;
    let mut topmost = None;
    for folder in place.folders_upwards() {
        match std::fs::remove_dir(folder) {
            Ok(()) => topmost = folder.parent(),
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) if e.kind() == ErrorKind::DirectoryNotEmpty => break,
            Err(e) => return Err(e),
        }
        failpoint::hit("object-folder-removed");
    }
    drop(no_writer_begins);
    topmost.map_or(Ok(()), sync_nearest)
}

#[cfg(test)]
mod tests;
