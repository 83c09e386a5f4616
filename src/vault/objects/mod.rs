//! The object store: one contract, and what it promises. The backends are in [`disk`] and [`s3`].

mod body;
#[cfg(test)]
pub(crate) mod conformance;
pub mod disk;
mod error;
mod key;
pub mod s3;
mod tile;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;

use crate::clock::Timestamp;

pub use body::PutBody;
pub use error::StoreError;
pub use key::{ObjectKey, Prefix, RecordingPart};
pub use tile::TileKey;

/// What the store says about one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Its length in bytes, as stored (sealed).
    pub byte_len: u64,
    /// When it was stored.
    pub modified_at: Timestamp,
    /// Until when the store refuses to delete it.
    pub locked_until: Option<Timestamp>,
    /// Whether the store refuses to delete it because of a legal hold.
    pub held: bool,
}

/// A first write that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutOutcome {
    /// Bytes stored.
    pub byte_len: u64,
    /// The version that the store gave it, where it has versions.
    pub version: Option<String>,
}

/// What kind of thing a listing found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredKind {
    /// An object, or one version of it.
    Version,
    /// A marker that hides older versions.
    DeleteMarker,
    /// An upload that was begun and not completed.
    PendingUpload,
    /// A file of a write that was not completed, or was completed and not tidied up.
    Temporary,
}

/// One thing that a listing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVersion {
    /// Where it is, as the store writes it.
    pub path: String,
    /// The object that it is, or (temporary, pending) would have become. None: not ours, and never deleted by us.
    pub key: Option<ObjectKey>,
    /// The store's version or upload id, where it has them.
    pub version: Option<String>,
    /// What it is.
    pub kind: StoredKind,
    /// Its length in bytes; 0 for markers.
    pub byte_len: u64,
    /// When it was stored.
    pub modified_at: Timestamp,
}

/// Where a listing goes on. Only the store that gave it can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub(crate) String);

/// A piece of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage {
    /// What was found, in byte order of the paths.
    pub found: Vec<StoredVersion>,
    /// Where to go on; none at the end.
    pub next: Option<Cursor>,
}

/// What came of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockOutcome {
    /// The store refuses to delete the object before this instant (read back from the store).
    Locked(Timestamp),
    /// This store cannot lock.
    Unsupported,
}

/// What came of a legal hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldOutcome {
    /// Whether the store has it on hold now (read back from the store).
    ReadBack(bool),
    /// This store knows no holds.
    Unsupported,
}

/// What a store was found to enforce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreFacts {
    /// `disk` or `s3`.
    pub backend: &'static str,
    /// What was acknowledged survives a power loss.
    pub durable: bool,
    /// Of several first writes of one object exactly one succeeds.
    pub exclusive_create: bool,
    /// Old versions stay until they are deleted one by one.
    pub versions: bool,
    /// Locks are enforced by the store: a locked version was tried to be deleted, and stayed.
    pub locks: bool,
    /// The store locks what nobody asked it to: sidecars and the ledger's tiles could be neither replaced nor deleted.
    pub locks_by_default: bool,
    /// What is erased by a decision goes at once: nothing is locked, or the credential for erasures was tried out and
    /// bypasses the lock.
    pub erases_at_once: bool,
    /// What an operator should know of it, e.g. that versioning is suspended.
    pub warnings: Vec<String>,
}

/// A store of objects. All operations are safe to repeat, and safe from several processes at once.
#[async_trait]
pub trait ObjectStore: Send + Sync + fmt::Debug {
    /// Stores a new object, durably, before it returns. [`StoreError::AlreadyExists`] where there is one (which is
    /// then durable as well); of several at once exactly one succeeds. Nothing is visible of a write that failed.
    async fn put_new(&self, key: &ObjectKey, body: PutBody) -> Result<PutOutcome, StoreError>;

    /// Stores a small object in place of whatever is there, atomically and durably.
    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), StoreError>;

    /// What is known about an object; none where there is none.
    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, StoreError>;

    /// A whole small object; [`StoreError::TooLarge`] where it has more than `max_bytes`.
    async fn get(&self, key: &ObjectKey, max_bytes: u64) -> Result<Bytes, StoreError>;

    /// Exactly `len` bytes from `offset`; [`StoreError::RangeOutside`] where the object is shorter.
    async fn get_range(&self, key: &ObjectKey, offset: u64, len: usize) -> Result<Bytes, StoreError>;

    /// Everything below `prefix`, whatever it is: at most `limit` (at least 1), going on where `after` says.
    async fn list(&self, prefix: &Prefix, after: Option<&Cursor>, limit: usize) -> Result<ListPage, StoreError>;

    /// Deletes exactly these, durably; what is gone already counts as deleted. One result for each, in order;
    /// [`StoreError::NotOurs`] for what has no key.
    async fn delete_versions(&self, versions: &[StoredVersion]) -> Vec<Result<(), StoreError>>;

    /// Deletes exactly these because an erasure of them was decided, before their lock ends: by the credential for that alone,
    /// where there is one and the lock lets it. Otherwise like [`ObjectStore::delete_versions`].
    async fn delete_erased(&self, versions: &[StoredVersion]) -> Vec<Result<(), StoreError>> {
        self.delete_versions(versions).await
    }

    /// Deletes an object in all its versions, and what unfinished writes of it left, durably. A write of it that is
    /// in progress fails.
    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError>;

    /// Asks the store to refuse deletion until `until`, rounded up to what the store can keep, and reads it back.
    /// [`StoreError::LockNotKept`] where it does not read back as asked for, or later. Never shortens a lock.
    async fn lock(&self, key: &ObjectKey, until: Timestamp) -> Result<LockOutcome, StoreError>;

    /// Asks the store to refuse deletion for as long as this is on, and reads it back.
    /// [`StoreError::LockNotKept`] where it does not read back as asked for.
    async fn set_legal_hold(&self, key: &ObjectKey, on: bool) -> Result<HoldOutcome, StoreError>;

    /// Which store this is. The caller notes it once and compares at every start: an empty folder where a volume is
    /// not mounted, or another bucket, would pass for a store from which everything is purged.
    async fn identity(&self) -> Result<String, StoreError>;

    /// Tries out what the store enforces, on objects of its own that no listing shows.
    async fn probe(&self) -> Result<StoreFacts, StoreError>;
}

/// Deletes what unfinished writes left below `prefix` before `before`. Gives the number of deletions.
///
/// `before` must be longer ago than any write may last, or a write in progress is broken off.
pub async fn sweep_unfinished(
    store: &dyn ObjectStore,
    prefix: &Prefix,
    before: Timestamp,
) -> Result<usize, StoreError> {
    const PAGE: usize = 1_000;
    let (mut after, mut swept) = (None, 0);
    loop {
        let page = store.list(prefix, after.as_ref(), PAGE).await?;
        let unfinished = |v: &&StoredVersion| {
            let left_over = matches!(v.kind, StoredKind::PendingUpload | StoredKind::Temporary);
            left_over && v.key.is_some() && v.modified_at < before
        };
        let old: Vec<StoredVersion> = page.found.iter().filter(unfinished).cloned().collect();
        for result in store.delete_versions(&old).await {
            result?;
            swept += 1;
        }
        after = page.next;
        if after.is_none() {
            return Ok(swept);
        }
    }
}
