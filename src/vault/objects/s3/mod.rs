//! Objects in a bucket of any S3-compatible store.
//!
//! Nothing is believed that can be looked at: a write that seems to have failed is looked up by a mark of its own, a
//! lock is read back, what a bucket enforces is tried out ([`probe`]). All objects have their name below the
//! configured prefix. Old versions are history only where Object Lock keeps them; an overwrite deletes what it
//! replaced, because a sidecar's old versions hold wrapped keys.
//!
//! Stores differ. Where one was found to behave otherwise than AWS, the place that copes with it says so.

mod connect;
mod delete;
mod erasing;
mod error;
mod identity;
pub mod init;
mod lifecycle;
mod list;
mod lock;
mod multipart;
mod page;
mod probe;
mod read;
mod replace;
#[cfg(test)]
mod tests;
mod trial;
mod write;

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::ObjectLockRetentionMode;
use bytes::Bytes;

use super::{
    Cursor, HoldOutcome, ListPage, LockOutcome, ObjectKey, ObjectMeta, ObjectStore, Prefix, PutBody, PutOutcome,
    StoreError, StoreFacts, StoredVersion,
};
use crate::clock::{Clock, Timestamp};
pub use erasing::ErasingKey;

/// How the store is asked to lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Whoever has the right to bypass it can.
    Governance,
    /// Nobody can.
    Compliance,
}

impl LockMode {
    fn retention(self) -> ObjectLockRetentionMode {
        match self {
            Self::Governance => ObjectLockRetentionMode::Governance,
            Self::Compliance => ObjectLockRetentionMode::Compliance,
        }
    }

    /// Whether an object under `found` is locked as strictly as this asks.
    fn is_met_by(self, found: Option<&ObjectLockRetentionMode>) -> bool {
        match found {
            Some(ObjectLockRetentionMode::Compliance) => true,
            Some(ObjectLockRetentionMode::Governance) => self == Self::Governance,
            _ => false,
        }
    }
}

/// Which bucket, and how it is reached. Credentials come from the standard AWS chain.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// The bucket's name.
    pub bucket: String,
    /// What all keys begin with, without slashes at its ends; may be empty.
    pub prefix: String,
    /// The service's URL; none: AWS itself.
    pub endpoint: Option<String>,
    /// The region; none: from the standard AWS chain.
    pub region: Option<String>,
    /// The bucket is part of the path and not of the host name.
    pub path_style: bool,
    /// Certificates of authorities (PEM) that are trusted beside the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// How recordings are locked.
    pub lock_mode: LockMode,
    /// Who may delete what is locked, for a decided erasure and for nothing else.
    pub erasing: Option<ErasingKey>,
}

/// A store in a bucket. Its clones share what they know of the bucket.
#[derive(Clone)]
pub struct S3Store {
    client: Client,
    /// With the credential for erasures.
    erasing: Option<Client>,
    bucket: Arc<str>,
    /// Empty, or ending with a slash.
    prefix: Arc<str>,
    lock_mode: LockMode,
    clock: Arc<dyn Clock>,
    /// Whether the bucket has Object Lock on; none before it was asked.
    lockable: Arc<Mutex<Option<bool>>>,
    /// What this process wrote of the checkpoint, so that the next write knows what it replaces.
    checkpoint: Arc<tokio::sync::Mutex<replace::Written>>,
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3Store({}/{})", self.bucket, self.prefix)
    }
}

impl S3Store {
    /// Opens the store. Asks the bucket for nothing yet.
    pub async fn open(settings: S3Settings, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let client = connect::client(&settings, None).await?;
        let erasing = match &settings.erasing {
            Some(key) => Some(connect::client(&settings, Some(key)).await?),
            None => None,
        };
        let prefix = if settings.prefix.is_empty() { String::new() } else { format!("{}/", settings.prefix) };
        Ok(Self {
            client,
            erasing,
            bucket: settings.bucket.into(),
            prefix: prefix.into(),
            lock_mode: settings.lock_mode,
            clock,
            lockable: Arc::default(),
            checkpoint: Arc::default(),
        })
    }

    /// The name of an object in the bucket.
    fn name(&self, path: impl fmt::Display) -> String {
        format!("{}{path}", self.prefix)
    }
}

/// An instant as the service writes it.
fn timestamp(time: &DateTime) -> Timestamp {
    let micros = time.secs().saturating_mul(1_000_000).saturating_add(i64::from(time.subsec_nanos() / 1_000));
    Timestamp::from_micros(micros)
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn put_new(&self, key: &ObjectKey, body: PutBody) -> Result<PutOutcome, StoreError> {
        write::put_new(self, &self.name(key), body).await
    }

    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), StoreError> {
        replace::put(self, key, body).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, StoreError> {
        Ok(read::head(self, &self.name(key), None).await?.map(|found| found.meta))
    }

    async fn get(&self, key: &ObjectKey, max_bytes: u64) -> Result<Bytes, StoreError> {
        read::get(self, &self.name(key), max_bytes).await
    }

    async fn get_range(&self, key: &ObjectKey, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        read::get_range(self, &self.name(key), offset, len).await
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Cursor>, limit: usize) -> Result<ListPage, StoreError> {
        list::page(self, prefix.as_str(), after, limit).await
    }

    async fn delete_versions(&self, versions: &[StoredVersion]) -> Vec<Result<(), StoreError>> {
        delete::versions(self, versions).await
    }

    async fn delete_erased(&self, versions: &[StoredVersion]) -> Vec<Result<(), StoreError>> {
        erasing::versions(self, versions).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        delete::all_of(self, &self.name(key)).await
    }

    async fn lock(&self, key: &ObjectKey, until: Timestamp) -> Result<LockOutcome, StoreError> {
        lock::lock(self, &self.name(key), until).await
    }

    async fn set_legal_hold(&self, key: &ObjectKey, on: bool) -> Result<HoldOutcome, StoreError> {
        lock::set_legal_hold(self, &self.name(key), on).await
    }

    async fn identity(&self) -> Result<String, StoreError> {
        identity::of(self).await
    }

    async fn probe(&self) -> Result<StoreFacts, StoreError> {
        probe::facts(self).await
    }
}
