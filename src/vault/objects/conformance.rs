//! What every backend of the object store must do. A backend's tests call [`all`] with an empty store.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{StreamExt, stream};
use uuid::Uuid;

use super::*;
use crate::recording::RecordingId;

/// A recording's object: months and ids as small numbers.
pub(crate) fn key(month: &str, n: u128, part: RecordingPart) -> ObjectKey {
    ObjectKey::Recording { month: month.parse().unwrap(), id: RecordingId(Uuid::from_u128(n)), part }
}

fn audio(n: u128) -> ObjectKey {
    key("2031-11", n, RecordingPart::Audio)
}

async fn list_all(store: &dyn ObjectStore, prefix: &Prefix, limit: usize) -> Vec<StoredVersion> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(prefix, after.as_ref(), limit).await.unwrap();
        assert!(page.found.len() <= limit);
        found.extend(page.found);
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

/// The whole suite.
pub(crate) async fn all(store: Arc<dyn ObjectStore>) {
    a_new_object_is_stored_once(&*store).await;
    of_many_first_writes_one_wins(&store).await;
    ranges_are_exact(&*store).await;
    overwriting_replaces_the_whole(&*store).await;
    a_body_of_the_wrong_length_stores_nothing(&*store).await;
    a_broken_body_stores_nothing(&*store).await;
    listing_is_ordered_and_complete_in_pages_of_any_size(&*store).await;
    deleting_again_is_no_error(&*store).await;
    writers_and_deleters_do_not_disturb_each_other(&store).await;
    facts_agree_with_behaviour(&*store).await;
    an_overwrite_leaves_one_version(&*store).await;
    all_who_ask_agree_on_the_identity(&store).await;
    a_lock_is_kept_or_refused(&*store).await;
    a_hold_is_kept_or_refused(&*store).await;
    assert_eq!(list_all(&*store, &Prefix::all(), 100).await, [], "the suite leaves nothing behind");
}

async fn a_new_object_is_stored_once(store: &dyn ObjectStore) {
    for body in [&b""[..], b"first"] {
        assert_eq!(store.head(&audio(1)).await.unwrap(), None);
        let outcome = store.put_new(&audio(1), PutBody::bytes(body)).await.unwrap();
        assert_eq!(outcome.byte_len, body.len() as u64);
        let again = store.put_new(&audio(1), PutBody::bytes(&b"second"[..])).await;
        assert!(matches!(again, Err(StoreError::AlreadyExists)));
        assert_eq!(store.get(&audio(1), 5).await.unwrap(), body);
        assert_eq!(store.head(&audio(1)).await.unwrap().unwrap().byte_len, body.len() as u64);
        store.delete(&audio(1)).await.unwrap();
        assert!(matches!(store.get(&audio(1), 5).await, Err(StoreError::NotFound)));
    }
}

async fn of_many_first_writes_one_wins(store: &Arc<dyn ObjectStore>) {
    let tasks: Vec<_> = (0..20_u8)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { (n, store.put_new(&audio(2), PutBody::bytes(vec![n; 100_000])).await) })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            (n, Ok(_)) => winners.push(n),
            (_, Err(error)) => assert!(matches!(error, StoreError::AlreadyExists), "{error}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(store.get(&audio(2), 100_000).await.unwrap(), vec![winners[0]; 100_000]);
    store.delete(&audio(2)).await.unwrap();
}

async fn ranges_are_exact(store: &dyn ObjectStore) {
    let body: Vec<u8> = (0..=255).collect();
    store.put_new(&audio(3), PutBody::bytes(body.clone())).await.unwrap();
    for (offset, len) in [(0, 1), (0, 256), (255, 1), (100, 50), (256, 0)] {
        let got = store.get_range(&audio(3), offset, len).await.unwrap();
        assert_eq!(got, body[offset as usize..offset as usize + len], "{offset}+{len}");
    }
    for (offset, len) in [(0, 257), (256, 1), (1000, 1), (u64::MAX, 2)] {
        let got = store.get_range(&audio(3), offset, len).await;
        assert!(matches!(got, Err(StoreError::RangeOutside)), "{offset}+{len}");
    }
    assert!(matches!(store.get(&audio(3), 255).await, Err(StoreError::TooLarge { max_bytes: 255 })));
    store.delete(&audio(3)).await.unwrap();
    assert!(matches!(store.get_range(&audio(3), 0, 1).await, Err(StoreError::NotFound)));
}

async fn overwriting_replaces_the_whole(store: &dyn ObjectStore) {
    for body in [&b"a long first text"[..], b"short", b""] {
        store.put(&ObjectKey::Checkpoint, Bytes::from_static(body)).await.unwrap();
        assert_eq!(store.get(&ObjectKey::Checkpoint, 100).await.unwrap(), body);
    }
    store.delete(&ObjectKey::Checkpoint).await.unwrap();
}

async fn a_body_of_the_wrong_length_stores_nothing(store: &dyn ObjectStore) {
    for announced in [0, 9, 11] {
        let body = PutBody::stream(announced, stream::iter([Ok(Bytes::from_static(b"0123456789"))]));
        let put = store.put_new(&audio(4), body).await;
        assert!(matches!(put, Err(StoreError::LengthMismatch)), "{announced}");
    }
    assert_eq!(list_all(store, &Prefix::all(), 100).await, []);
}

async fn a_broken_body_stores_nothing(store: &dyn ObjectStore) {
    let chunks = [Ok(Bytes::from_static(b"01234")), Err(io::Error::other("cut"))];
    let put = store.put_new(&audio(4), PutBody::stream(10, stream::iter(chunks))).await;
    assert!(matches!(put, Err(StoreError::Body(_))));
    assert_eq!(list_all(store, &Prefix::all(), 100).await, []);
}

async fn listing_is_ordered_and_complete_in_pages_of_any_size(store: &dyn ObjectStore) {
    let parts = [RecordingPart::Audio, RecordingPart::Sidecar, RecordingPart::Related(Uuid::nil())];
    let mut keys: Vec<ObjectKey> =
        (0..4).flat_map(|n| parts.map(|p| key(if n % 2 == 0 { "2031-10" } else { "2031-11" }, n, p))).collect();
    keys.extend([ObjectKey::Checkpoint, ObjectKey::CheckpointAt(7)]);
    keys.extend(["ledger/tile/0/067", "ledger/tile/0/067.p/5"].map(|t| t.parse::<ObjectKey>().unwrap()));
    for key in &keys {
        store.put_new(key, PutBody::bytes(&b"x"[..])).await.unwrap();
    }
    let mut paths: Vec<String> = keys.iter().map(ToString::to_string).collect();
    paths.sort();
    for limit in [1, 2, 3, 5, 100] {
        let found = list_all(store, &Prefix::all(), limit).await;
        assert_eq!(found.iter().map(|v| v.path.clone()).collect::<Vec<_>>(), paths, "pages of {limit}");
        assert!(found.iter().all(|v| v.key.is_some_and(|k| k.to_string() == v.path) && v.byte_len == 1));
    }
    let month = list_all(store, &Prefix::month("2031-10".parse().unwrap()), 4).await;
    assert_eq!(month.len(), 6);
    let one = list_all(store, &Prefix::recording("2031-11".parse().unwrap(), RecordingId(Uuid::from_u128(3))), 4).await;
    assert_eq!(one.iter().map(|v| v.key.unwrap()).collect::<HashSet<_>>().len(), 3);
    for result in store.delete_versions(&list_all(store, &Prefix::all(), 100).await).await {
        result.unwrap();
    }
}

async fn deleting_again_is_no_error(store: &dyn ObjectStore) {
    store.put_new(&audio(5), PutBody::bytes(&b"x"[..])).await.unwrap();
    let found = list_all(store, &Prefix::all(), 10).await;
    for _ in 0..2 {
        assert!(store.delete_versions(&found).await.iter().all(Result::is_ok));
        store.delete(&audio(5)).await.unwrap();
    }
    let foreign = StoredVersion { path: "rec/notes.txt".into(), key: None, ..found[0].clone() };
    assert!(matches!(store.delete_versions(&[foreign]).await[..], [Err(StoreError::NotOurs)]));
}

async fn writers_and_deleters_do_not_disturb_each_other(store: &Arc<dyn ObjectStore>) {
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..25 {
                    store.put_new(&audio(100 + n), PutBody::bytes(&b"x"[..])).await.unwrap();
                    assert_eq!(store.get(&audio(100 + n), 1).await.unwrap(), &b"x"[..]);
                    store.delete(&audio(100 + n)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

async fn facts_agree_with_behaviour(store: &dyn ObjectStore) {
    let facts = store.probe().await.unwrap();
    assert!(facts.durable && facts.exclusive_create);
    store.put_new(&audio(6), PutBody::bytes(&b"x"[..])).await.unwrap();
    if !facts.locks {
        let locked = store.lock(&audio(6), Timestamp::from_micros(0)).await.unwrap();
        assert_eq!(locked, LockOutcome::Unsupported);
    }
    store.delete(&audio(6)).await.unwrap();
}

async fn an_overwrite_leaves_one_version(store: &dyn ObjectStore) {
    let sidecar = key("2031-11", 8, RecordingPart::Sidecar);
    for overwritten in [sidecar, ObjectKey::Checkpoint] {
        for body in [&b"one"[..], b"two", b"three", b"four"] {
            store.put(&overwritten, Bytes::from_static(body)).await.unwrap();
            let found = list_all(store, &Prefix::all(), 10).await;
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!((found[0].key, found[0].byte_len), (Some(overwritten), body.len() as u64));
        }
        store.delete(&overwritten).await.unwrap();
        assert_eq!(store.head(&overwritten).await.unwrap(), None);
    }
}

async fn all_who_ask_agree_on_the_identity(store: &Arc<dyn ObjectStore>) {
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.identity().await.unwrap() })
        })
        .collect();
    let identity = store.identity().await.unwrap();
    assert!(Uuid::try_parse(&identity).is_ok(), "{identity}");
    for task in tasks {
        assert_eq!(task.await.unwrap(), identity);
    }
}

async fn a_lock_is_kept_or_refused(store: &dyn ObjectStore) {
    assert!(!store.probe().await.unwrap().locks || matches!(lock_of_nothing(store).await, Err(StoreError::NotFound)));
    store.put_new(&audio(9), PutBody::bytes(&b"x"[..])).await.unwrap();
    // By the store's own clock. Not a whole second, so that rounding shows.
    let stored_at = store.head(&audio(9)).await.unwrap().unwrap().modified_at;
    let until = stored_at.plus(Duration::from_millis(3_500));
    if store.lock(&audio(9), until).await.unwrap() == LockOutcome::Unsupported {
        assert!(!store.probe().await.unwrap().locks);
        return store.delete(&audio(9)).await.unwrap();
    }
    let kept = store.head(&audio(9)).await.unwrap().unwrap().locked_until.unwrap();
    assert!(kept >= until && kept < until.plus(Duration::from_secs(1)), "{kept} for {until}");
    for not_later in [until, stored_at, Timestamp::from_micros(0)] {
        assert_eq!(store.lock(&audio(9), not_later).await.unwrap(), LockOutcome::Locked(kept), "never shortened");
    }
    let longer = store.lock(&audio(9), kept.plus(Duration::from_secs(1))).await.unwrap();
    assert_eq!(longer, LockOutcome::Locked(kept.plus(Duration::from_secs(1))));
    let found = list_all(store, &Prefix::all(), 10).await;
    assert!(matches!(store.delete_versions(&found).await[..], [Err(StoreError::Locked)]));
    assert!(matches!(store.delete(&audio(9)).await, Err(StoreError::Locked)));
    assert_eq!(store.get(&audio(9), 1).await.unwrap(), &b"x"[..]);
    assert_eq!(list_all(store, &Prefix::all(), 10).await, found, "a refused deletion leaves nothing behind");
    // One that would have ended already cannot be had, and does no harm.
    store.put_new(&audio(10), PutBody::bytes(&b"x"[..])).await.unwrap();
    let past = store.lock(&audio(10), stored_at.minus(Duration::from_secs(60))).await;
    assert!(matches!(past, Err(StoreError::LockNotKept)), "{past:?}");
    store.delete(&audio(10)).await.unwrap();
    // Only the store knows when it lets go: asked again until then.
    while let Err(error) = store.delete(&audio(9)).await {
        assert!(matches!(error, StoreError::Locked), "{error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn lock_of_nothing(store: &dyn ObjectStore) -> Result<LockOutcome, StoreError> {
    store.lock(&audio(9), Timestamp::parse("2031-11-01T00:00:00Z").unwrap()).await
}

async fn a_hold_is_kept_or_refused(store: &dyn ObjectStore) {
    store.put_new(&audio(11), PutBody::bytes(&b"x"[..])).await.unwrap();
    if store.set_legal_hold(&audio(11), true).await.unwrap() == HoldOutcome::Unsupported {
        assert_eq!(store.set_legal_hold(&audio(11), false).await.unwrap(), HoldOutcome::Unsupported);
        return store.delete(&audio(11)).await.unwrap();
    }
    assert!(store.head(&audio(11)).await.unwrap().unwrap().held);
    assert_eq!(store.set_legal_hold(&audio(11), true).await.unwrap(), HoldOutcome::ReadBack(true));
    assert!(matches!(store.delete(&audio(11)).await, Err(StoreError::Locked)));
    assert_eq!(store.set_legal_hold(&audio(11), false).await.unwrap(), HoldOutcome::ReadBack(false));
    assert!(!store.head(&audio(11)).await.unwrap().unwrap().held);
    store.delete(&audio(11)).await.unwrap();
    assert!(matches!(store.set_legal_hold(&audio(11), true).await, Err(StoreError::NotFound)));
}

/// 64 MiB in chunks, of which never more than `allowed` may be alive at once. Not part of [`all`]: it is slow on
/// a distant store.
pub(crate) async fn a_big_body_is_not_gathered_in_memory(store: &dyn ObjectStore, allowed: usize) {
    const CHUNK: usize = 256 * 1024;
    struct Counted(Vec<u8>, Arc<AtomicUsize>);
    impl AsRef<[u8]> for Counted {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            self.1.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let (alive, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counter, peak) = (alive.clone(), most.clone());
    let chunks = stream::iter(0..256).map(move |n: usize| {
        peak.fetch_max(counter.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        Ok(Bytes::from_owner(Counted(vec![n as u8; CHUNK], counter.clone())))
    });
    store.put_new(&audio(7), PutBody::stream(256 * CHUNK as u64, chunks)).await.unwrap();
    assert_eq!(alive.load(Ordering::SeqCst), 0);
    assert!(most.load(Ordering::SeqCst) * CHUNK <= allowed, "{} chunks at once", most.load(Ordering::SeqCst));
    assert_eq!(store.get_range(&audio(7), 200 * CHUNK as u64, 1).await.unwrap(), [200][..]);
    store.delete(&audio(7)).await.unwrap();
}
