//! A store that somebody meddles with: refuses what a test says, or lets something happen before a listing.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use earwitness::archive::Archive;
use earwitness::clock::Timestamp;
use earwitness::vault::objects::{
    Cursor, HoldOutcome, ListPage, LockOutcome, ObjectKey, ObjectMeta, ObjectStore, Prefix, PutBody, PutOutcome,
    RecordingPart, StoreError, StoreFacts, StoredVersion,
};
use futures::future::BoxFuture;

type BeforeList = Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// See the module. Whatever is not meddled with is the store's own.
pub struct Meddling {
    inner: Arc<dyn ObjectStore>,
    refused: Mutex<HashSet<ObjectKey>>,
    /// What was asked of single objects.
    asked: AtomicUsize,
    keeps_what_it_deletes: AtomicBool,
    loses_audio: AtomicBool,
    before_list: Option<BeforeList>,
}

impl fmt::Debug for Meddling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Meddling({:?})", self.inner)
    }
}

impl Meddling {
    /// Puts itself before the archive's store. Nobody else may have the archive yet.
    pub fn with(archive: &mut Arc<Archive>, before_list: Option<BeforeList>) -> Arc<Self> {
        let archive = Arc::get_mut(archive).expect("nobody else has it");
        let meddling = Self {
            inner: archive.store.clone(),
            refused: Mutex::default(),
            asked: AtomicUsize::default(),
            keeps_what_it_deletes: AtomicBool::default(),
            loses_audio: AtomicBool::default(),
            before_list,
        };
        let meddling = Arc::new(meddling);
        archive.store = meddling.clone();
        meddling
    }

    /// From now on the store can neither write nor delete this object.
    pub fn refuse(&self, key: ObjectKey) {
        self.refused.lock().expect("no panic").insert(key);
    }

    /// From now on it can again.
    pub fn allow(&self, key: &ObjectKey) {
        assert!(self.refused.lock().expect("no panic").remove(key), "it was refused");
    }

    /// How often it was asked about one object, since this was asked last.
    pub fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }

    /// From now on it deletes nothing, and says that it does.
    pub fn keep_what_is_deleted(&self) {
        self.keeps_what_it_deletes.store(true, Ordering::SeqCst);
    }

    /// From now on audio that it took is gone when it is to be locked.
    pub fn lose_audio(&self) {
        self.loses_audio.store(true, Ordering::SeqCst);
    }

    fn check(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let refused = self.refused.lock().expect("no panic").contains(key);
        if refused { Err(StoreError::Unavailable(io::Error::other("something is in the way"))) } else { Ok(()) }
    }
}

#[async_trait::async_trait]
impl ObjectStore for Meddling {
    async fn put_new(&self, key: &ObjectKey, body: PutBody) -> Result<PutOutcome, StoreError> {
        self.check(key)?;
        self.inner.put_new(key, body).await
    }

    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), StoreError> {
        self.check(key)?;
        self.inner.put(key, body).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.inner.head(key).await
    }

    async fn get(&self, key: &ObjectKey, max_bytes: u64) -> Result<Bytes, StoreError> {
        self.inner.get(key, max_bytes).await
    }

    async fn get_range(&self, key: &ObjectKey, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        self.inner.get_range(key, offset, len).await
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Cursor>, limit: usize) -> Result<ListPage, StoreError> {
        if let Some(before_list) = &self.before_list {
            before_list().await;
        }
        self.inner.list(prefix, after, limit).await
    }

    async fn delete_versions(&self, versions: &[StoredVersion]) -> Vec<Result<(), StoreError>> {
        let mut results = Vec::new();
        if self.keeps_what_it_deletes.load(Ordering::SeqCst) {
            return versions.iter().map(|_| Ok(())).collect();
        }
        for version in versions {
            match version.key.as_ref().map_or(Ok(()), |key| self.check(key)) {
                Ok(()) => results.extend(self.inner.delete_versions(std::slice::from_ref(version)).await),
                Err(error) => results.push(Err(error)),
            }
        }
        results
    }

    async fn delete_erased(&self, versions: &[StoredVersion]) -> Vec<Result<(), StoreError>> {
        if versions.iter().any(|version| version.key.is_some_and(|key| self.check(&key).is_err())) {
            return self.delete_versions(versions).await;
        }
        self.inner.delete_erased(versions).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.check(key)?;
        self.inner.delete(key).await
    }

    async fn lock(&self, key: &ObjectKey, until: Timestamp) -> Result<LockOutcome, StoreError> {
        let is_audio = matches!(key, ObjectKey::Recording { part: RecordingPart::Audio, .. });
        if is_audio && self.loses_audio.load(Ordering::SeqCst) {
            self.inner.delete(key).await?;
        }
        self.inner.lock(key, until).await
    }

    async fn set_legal_hold(&self, key: &ObjectKey, on: bool) -> Result<HoldOutcome, StoreError> {
        self.inner.set_legal_hold(key, on).await
    }

    async fn identity(&self) -> Result<String, StoreError> {
        self.inner.identity().await
    }

    async fn probe(&self) -> Result<StoreFacts, StoreError> {
        self.inner.probe().await
    }
}
