//! Overwriting: the newest write wins, and what it replaced is deleted at once, version by version.

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use super::delete::{history, named, target};
use super::error::failed;
use super::write::sha256;
use super::{S3Store, read};
use crate::failpoint;
use crate::vault::objects::{ObjectKey, StoreError, StoredKind};

/// After so many writes all versions are listed again: a write that the SDK repeated leaves one that nobody knows of.
const SWEEP_EVERY: u32 = 256;

/// What this process knows of an object that it overwrites again and again.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// The version that it wrote last.
    version: Option<String>,
    /// Writes until all versions are listed again.
    until_sweep: u32,
}

/// Stores a small object in place of whatever is there.
pub(super) async fn put(store: &S3Store, key: &ObjectKey, body: Bytes) -> Result<(), StoreError> {
    let name = store.name(key);
    if *key != ObjectKey::Checkpoint {
        let own = write(store, &name, body).await?;
        return sweep(store, &name, own.as_deref()).await;
    }
    // The checkpoint is written several times a second: what is to be deleted is known without listing, as long as
    // nobody else writes it.
    let mut written = store.checkpoint.lock().await;
    let replaced = written.version.take();
    let known = match &replaced {
        Some(version) if written.until_sweep > 0 => {
            read::head(store, &name, None).await?.and_then(|found| found.version).as_ref() == Some(version)
        }
        _ => false,
    };
    let own = write(store, &name, body).await?;
    match replaced {
        Some(replaced) if known && own.as_ref() != Some(&replaced) => {
            named(store, &[(name, replaced)]).await.into_iter().collect::<Result<(), _>>()?;
            written.until_sweep -= 1;
        }
        _ => {
            sweep(store, &name, own.as_deref()).await?;
            written.until_sweep = SWEEP_EVERY;
        }
    }
    written.version = own;
    Ok(())
}

/// Stores without looking at what was there.
pub(super) async fn write(store: &S3Store, name: &str, body: Bytes) -> Result<Option<String>, StoreError> {
    let request = store.client.put_object().bucket(&*store.bucket).key(name).content_type("application/octet-stream");
    let request = request.checksum_sha256(sha256(&body)).body(ByteStream::from(body));
    let stored = request.send().await.map_err(|error| match failed(error) {
        StoreError::NotFound | StoreError::AlreadyExists => super::error::unavailable("a write was disturbed"),
        other => other,
    })?;
    failpoint::hit("object-overwritten");
    Ok(stored.version_id)
}

/// Deletes all that is older than our own version. What is newer is somebody else's, who sees to ours.
///
/// Only what a listing shows is deleted: SeaweedFS takes the deletion of a version that is gone already for a reason
/// to show the oldest one as the current.
async fn sweep(store: &S3Store, name: &str, own: Option<&str>) -> Result<(), StoreError> {
    let Some(own) = own else { return Ok(()) };
    let history = history(store, name).await?;
    let Some(ours) = history.iter().find(|found| found.version.as_deref() == Some(own)) else { return Ok(()) };
    let (mut old, mut is_older) = (Vec::new(), false);
    for found in &history {
        match found.kind {
            StoredKind::Version if is_older => old.push(target(name, found)),
            StoredKind::Version => is_older = found.version.as_deref() == Some(own),
            _ if found.modified_at <= ours.modified_at => old.push(target(name, found)),
            _ => {}
        }
    }
    named(store, &old).await.into_iter().collect()
}
