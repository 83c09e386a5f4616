//! Writing: a temporary file, then the name.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::TryStreamExt;
use rustix::fs::FlockOperation;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::names::Place;
use super::prune;
use crate::failpoint;
use crate::vault::files::{blocking, create_private, make_folder, remove_file, sync_folder};
use crate::vault::objects::{PutBody, StoreError};

/// A file that goes away, with the folders made for it, unless its write came to its end.
pub(super) struct Temporary {
    path: PathBuf,
    place: Place,
}

impl Temporary {
    /// Makes the folders and the file.
    fn create(place: &Place) -> io::Result<(Self, File)> {
        let path = place.temporary();
        let _no_folder_goes = place.lock(FlockOperation::LockShared)?;
        place.folders_downwards().into_iter().skip(1).try_for_each(make_folder)?;
        let file = create_private(&path)?;
        Ok((Self { path, place: place.clone() }, file))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if matches!(remove_file(&self.path), Ok(true)) {
            let _ = prune(&self.place);
        }
    }
}

/// Begins to store an object.
pub(super) fn begin(place: &Place) -> Result<(Temporary, File), StoreError> {
    let begun = Temporary::create(place).map_err(unavailable);
    failpoint::hit("object-temp-created");
    begun
}

/// Stores a new object from a stream.
pub(super) async fn stream(begun: (Temporary, File), body: PutBody) -> Result<(), StoreError> {
    let (temporary, file) = begun;
    let mut file = tokio::fs::File::from_std(file);
    let (expected, mut written, mut chunks) = (body.byte_len(), 0_u64, body.into_stream());
    while let Some(chunk) = chunks.try_next().await.map_err(StoreError::Body)? {
        written += chunk.len() as u64;
        if written > expected {
            return Err(StoreError::LengthMismatch);
        }
        file.write_all(&chunk).await?;
    }
    if written != expected {
        return Err(StoreError::LengthMismatch);
    }
    file.flush().await?;
    let file = file.into_std().await;
    // One piece of blocking work, so that it comes to its end even when the caller goes away.
    blocking(move || {
        file.sync_all()?;
        failpoint::hit("object-temp-synced");
        publish_new(temporary)
    })
    .await
}

/// Gives a finished file its name, unless the name is taken.
fn publish_new(temporary: Temporary) -> Result<(), StoreError> {
    let place = temporary.place.clone();
    let linked = match std::fs::hard_link(&temporary.path, place.path()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(StoreError::AlreadyExists),
        Err(e) => return Err(unavailable(e)),
    };
    failpoint::hit("object-linked");
    remove_file(&temporary.path)?;
    failpoint::hit("object-temp-unlinked");
    // Also when it exists already: the one who made it may not have come to this yet.
    match sync_folders(&place) {
        // The object that was in the way, and its folder, are deleted meanwhile.
        Err(e) if linked.is_err() && e.kind() == ErrorKind::NotFound => {}
        other => other.map_err(unavailable)?,
    }
    failpoint::hit("object-folders-synced");
    if linked.is_err() {
        // Whoever deleted it could not take the folder away while our file was in it.
        prune(&place)?;
    }
    linked
}

/// Stores a small object in place of whatever is there.
pub(super) fn replace(place: &Place, body: &Bytes) -> Result<(), StoreError> {
    let (temporary, mut file) = Temporary::create(place).map_err(unavailable)?;
    file.write_all(body)?;
    file.sync_all()?;
    failpoint::hit("object-temp-synced");
    std::fs::rename(&temporary.path, place.path()).map_err(unavailable)?;
    failpoint::hit("object-renamed");
    sync_folders(place).map_err(unavailable)
}

/// fsync from the object's folder up to the root.
fn sync_folders(place: &Place) -> io::Result<()> {
    place.folders_downwards().into_iter().rev().try_for_each(sync_folder)
}

/// A file missing in the middle of a write is the store's trouble, not "no such object".
fn unavailable(error: io::Error) -> StoreError {
    match StoreError::from(error) {
        StoreError::NotFound => StoreError::Unavailable(io::Error::other("a write was disturbed")),
        other => other,
    }
}

/// Tries out whether a second link to a taken name fails here, as first writes need.
pub(super) fn links_are_exclusive(root: &Path) -> Result<bool, StoreError> {
    let names = [(); 2].map(|()| root.join(format!(".probe.{}.tmp", Uuid::new_v4().as_hyphenated())));
    let tried = (|| {
        create_private(&names[0])?.sync_all()?;
        std::fs::hard_link(&names[0], &names[1])?;
        let second = std::fs::hard_link(&names[0], &names[1]);
        sync_folder(root)?;
        Ok(second.is_err_and(|e| e.kind() == ErrorKind::AlreadyExists))
    })();
    for name in &names {
        remove_file(name)?;
    }
    tried.map_err(|e: io::Error| unavailable(e))
}
