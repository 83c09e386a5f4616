use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::*;
use crate::clock::ManualClock;
use crate::vault::keys::file::FileKeys;
use crate::vault::objects::disk::DiskStore;
use crate::vault::secrets::LookupField;

#[derive(Default)]
struct Shelf(Mutex<HashMap<KeyName, ShelfEntry>>, AtomicBool);

#[async_trait]
impl SecretShelf for Shelf {
    async fn load(&self, name: &KeyName) -> Result<Option<ShelfEntry>, ShelfFailure> {
        Ok(self.0.lock().unwrap().get(name).cloned())
    }

    async fn check_in_force(&self) -> Result<(), ShelfFailure> {
        if self.1.load(Ordering::Relaxed) { Err("moved".into()) } else { Ok(()) }
    }

    async fn save_new(&self, name: &KeyName, wrapped: &[u8]) -> Result<bool, ShelfFailure> {
        self.check_in_force().await?;
        let mut entries = self.0.lock().unwrap();
        let free = !entries.contains_key(name);
        entries.entry(*name).or_insert(ShelfEntry { wrapped: wrapped.to_vec(), state: SecretState::Live });
        Ok(free)
    }
}

/// One installation; `ring()` is another process on it.
struct Bench {
    root: tempfile::TempDir,
    clock: Arc<ManualClock>,
    store: Arc<DiskStore>,
    shelf: Arc<Shelf>,
    /// Another provider than a keys folder.
    provider: Option<Arc<dyn KeyProvider>>,
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::parse("2026-11-22T10:00:00Z").unwrap()));
        let store = Arc::new(DiskStore::open(root.path().join("objects")).unwrap());
        Self { root, clock, store, shelf: Arc::default(), provider: None }
    }

    async fn on_transit() -> Self {
        let bench = Self::new();
        let provider = crate::vault::keys::transit::tests::without_keys(bench.clock.clone()).await;
        Self { provider: Some(provider), ..bench }
    }

    fn ring(&self) -> Keyring {
        let folder = || FileKeys::open(self.root.path().join("keys"), None, self.clock.clone()).unwrap();
        let keys = self.provider.clone().unwrap_or_else(|| Arc::new(folder()));
        Keyring::new(keys, self.store.clone(), self.shelf.clone(), self.clock.clone(), DEFAULT_KEEP)
    }

    /// Takes the keys out of reach, as an unmounted volume does.
    fn hide_keys(&self) {
        std::fs::rename(self.root.path().join("keys"), self.root.path().join("hidden")).unwrap();
    }
}

fn name() -> KeyName {
    "month-2031-11".parse().unwrap()
}

fn print(secret: &Secret) -> [u8; 32] {
    secret.lookup_mac(LookupField::Call, "c")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_processes_at_once_make_one_secret() {
    for bench in [Bench::new(), Bench::on_transit().await] {
        one_secret(Arc::new(bench)).await;
    }
}

async fn one_secret(bench: Arc<Bench>) {
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move { print(&bench.ring().ensure_secret(&name()).await.unwrap()) })
        })
        .collect();
    let mut prints = Vec::new();
    for task in tasks {
        prints.push(task.await.unwrap());
    }
    prints.dedup();
    assert_eq!(prints.len(), 1);
    assert_eq!(print(&bench.ring().secret(&name()).await.unwrap()), prints[0]);
}

#[tokio::test]
async fn a_secret_stays_in_memory_for_ten_minutes_and_no_longer() {
    let bench = Bench::new();
    let ring = bench.ring();
    let secret = Arc::downgrade(&ring.ensure_secret(&name()).await.unwrap());
    bench.hide_keys();
    bench.clock.advance(DEFAULT_KEEP - Duration::from_micros(1));
    assert!(ring.secret(&name()).await.is_ok());
    bench.clock.advance(Duration::from_micros(1));
    ring.forget_expired();
    assert!(secret.upgrade().is_none(), "wiped without being asked for");
    let error = ring.secret(&name()).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert_eq!(error.code(), "key-provider-unavailable");
}

#[tokio::test]
async fn forgetting_and_a_clock_that_went_back_end_it_too() {
    let bench = Bench::new();
    let ring = bench.ring();
    ring.ensure_secret(&name()).await.unwrap();
    ring.forget(&name()).await;
    let loaded = ring.secret(&name()).await.unwrap();
    bench.clock.set(Timestamp::from_micros(0));
    assert!(!Arc::ptr_eq(&ring.secret(&name()).await.unwrap(), &loaded));
}

#[tokio::test]
async fn either_copy_brings_the_secret_back() {
    for bench in [Bench::new(), Bench::on_transit().await] {
        comes_back(bench).await;
    }
}

async fn comes_back(bench: Bench) {
    let first = print(&bench.ring().ensure_secret(&name()).await.unwrap());
    bench.shelf.0.lock().unwrap().clear();
    assert_eq!(print(&bench.ring().secret(&name()).await.unwrap()), first, "an old catalog");
    assert!(bench.shelf.0.lock().unwrap().contains_key(&name()), "and is on the shelf again");
    bench.shelf.0.lock().unwrap().get_mut(&name()).unwrap().wrapped[20] ^= 1;
    assert_eq!(print(&bench.ring().secret(&name()).await.unwrap()), first, "a damaged row");
    bench.store.delete(&ObjectKey::Secret(name())).await.unwrap();
    assert_eq!(bench.ring().secret(&name()).await.unwrap_err().code(), "secret-corrupt");
    bench.shelf.0.lock().unwrap().clear();
    assert_eq!(bench.ring().secret(&name()).await.unwrap_err().code(), "secret-lost");
}

#[tokio::test]
async fn a_creation_that_broke_off_is_continued_with_the_same_secret() {
    let bench = Bench::new();
    let ring = bench.ring();
    ring.provider.ensure(&name()).await.unwrap();
    let wrapped = ring.provider.wrap(&name(), &aad(&name()), &[7; 32]).await.unwrap();
    bench.store.put_new(&ObjectKey::Secret(name()), PutBody::bytes(wrapped)).await.unwrap();
    let expected = Secret::from_slice(name(), &[7; 32]).unwrap();
    assert_eq!(print(&ring.ensure_secret(&name()).await.unwrap()), print(&expected));
}

#[tokio::test]
async fn who_was_left_behind_by_a_migration_leaves_no_secret_that_others_cannot_open() {
    let bench = Bench::new();
    let ring = bench.ring();
    bench.shelf.1.store(true, Ordering::Relaxed);
    ring.ensure_secret(&name()).await.unwrap_err();
    assert!(bench.store.head(&ObjectKey::Secret(name())).await.unwrap().is_none());
}

#[tokio::test]
async fn destroying_leaves_nothing_that_opens_and_can_be_repeated() {
    for bench in [Bench::new(), Bench::on_transit().await] {
        is_destroyed(bench).await;
    }
}

async fn is_destroyed(bench: Bench) {
    let ring = bench.ring();
    ring.ensure_secret(&name()).await.unwrap();
    let done = ring.destroy(&name()).await.unwrap();
    assert_eq!(done, Destruction { effective_at: bench.clock.now(), tried_to_open: true });
    assert!(bench.store.head(&ObjectKey::Secret(name())).await.unwrap().is_none());
    bench.clock.advance(Duration::from_secs(60));
    let again = ring.destroy(&name()).await.unwrap();
    assert!(again.tried_to_open, "the row is still on the shelf");
    // A keys folder has a note of it; the server has none, and says a later time rather than an earlier.
    let expected = if bench.provider.is_none() { done.effective_at } else { bench.clock.now() };
    assert_eq!(again.effective_at, expected);
    for ring in [&ring, &bench.ring()] {
        assert_eq!(ring.secret(&name()).await.unwrap_err().code(), "key-gone");
        assert_eq!(ring.ensure_secret(&name()).await.unwrap_err().code(), "key-gone");
    }
    bench.shelf.0.lock().unwrap().clear();
    assert!(!ring.destroy(&name()).await.unwrap().tried_to_open);
    assert_eq!(ring.secret(&name()).await.unwrap_err().code(), "key-gone");
}

#[tokio::test]
async fn what_cannot_be_destroyed_now_is_not_said_to_be() {
    let bench = Bench::new();
    let ring = bench.ring();
    ring.ensure_secret(&name()).await.unwrap();
    bench.hide_keys();
    assert!(ring.destroy(&name()).await.unwrap_err().is_unavailable());
    assert!(bench.store.head(&ObjectKey::Secret(name())).await.unwrap().is_some(), "key first");
    assert_eq!(ring.destroy(&KeyName::Installation).await.unwrap_err().code(), "key-kept");
}

#[tokio::test]
async fn a_row_marked_destroyed_is_gone_whatever_the_provider_has() {
    let bench = Bench::new();
    bench.ring().ensure_secret(&name()).await.unwrap();
    bench.shelf.0.lock().unwrap().get_mut(&name()).unwrap().state = SecretState::Destroyed;
    assert_eq!(bench.ring().secret(&name()).await.unwrap_err().code(), "key-gone");
}
