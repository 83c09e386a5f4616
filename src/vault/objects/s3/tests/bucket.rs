//! Real buckets: what they hold, what they enforce, how they are set up.

use std::time::Duration;

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, DefaultRetention, ExpirationStatus, LifecycleExpiration,
    LifecycleRule, LifecycleRuleFilter, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRule,
    VersioningConfiguration,
};
use futures::{StreamExt as _, stream};

use super::*;
use crate::vault::objects::conformance::key;
use crate::vault::objects::{Prefix, RecordingPart, StoredKind, sweep_unfinished};

fn audio(n: u128) -> ObjectKey {
    key("2031-11", n, RecordingPart::Audio)
}

async fn everything(store: &S3Store) -> Vec<StoredVersion> {
    store.list(&Prefix::all(), None, 10_000).await.unwrap().found
}

/// A bucket that nobody made yet.
async fn elsewhere() -> S3Store {
    let bucket = format!("test-{}", Uuid::new_v4().as_simple());
    S3Store::open(S3Settings { bucket, ..settings() }, Arc::new(SystemClock::new())).await.unwrap()
}

async fn set_versioning(store: &S3Store, status: BucketVersioningStatus) {
    let wanted = VersioningConfiguration::builder().status(status).build();
    let request = store.client.put_bucket_versioning().bucket(&*store.bucket).versioning_configuration(wanted);
    request.send().await.unwrap();
}

/// The most memory that this process ever had, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_body_goes_in_parts_of_which_two_are_in_memory() {
    const CHUNK: usize = 1 << 20;
    const CHUNKS: usize = 160;
    let store = store().await;
    conformance::a_big_body_is_not_gathered_in_memory(&store, 1 << 20).await;
    let before = peak_memory();
    let chunks = stream::iter(0..CHUNKS).map(|n| Ok(Bytes::from(vec![n as u8; CHUNK])));
    let outcome = store.put_new(&audio(1), PutBody::stream((CHUNKS * CHUNK) as u64, chunks)).await.unwrap();
    assert_eq!(outcome.byte_len, (CHUNKS * CHUNK) as u64);
    let grown = peak_memory() - before;
    assert!(grown < 48 << 20, "{} MiB", grown >> 20);
    for n in [0, 7, 8, 159] {
        let got = store.get_range(&audio(1), (n * CHUNK) as u64, CHUNK).await.unwrap();
        assert!(got.iter().all(|byte| *byte == n as u8), "{n}");
    }
    let found = read::head(&store, &store.name(audio(1)), None).await.unwrap().unwrap();
    assert_eq!((found.version, found.write_id.is_some()), (outcome.version, true));
    store.delete(&audio(1)).await.unwrap();
    assert_eq!(everything(&store).await, []);
}

#[tokio::test]
async fn a_long_body_that_is_not_as_announced_stores_nothing() {
    let store = store().await;
    let long = || (0..10).map(|_| Ok(Bytes::from(vec![1; 1 << 20])));
    for announced in [(9 << 20) + 1, 11 << 20, 20 << 20] {
        let put = store.put_new(&audio(2), PutBody::stream(announced, stream::iter(long()))).await;
        assert!(matches!(put, Err(StoreError::LengthMismatch)), "{announced}: {put:?}");
    }
    let broken = long().chain([Err(std::io::Error::other("cut"))]);
    let put = store.put_new(&audio(2), PutBody::stream(20 << 20, stream::iter(broken))).await;
    assert!(matches!(put, Err(StoreError::Body(_))), "{put:?}");
    assert_eq!(everything(&store).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_long_first_writes_one_wins() {
    let store = store().await;
    let tasks: Vec<_> = (0..4_u8)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { (n, store.put_new(&audio(3), PutBody::bytes(vec![n; 9 << 20])).await) })
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
    let found = everything(&store).await;
    assert_eq!((found.len(), found[0].kind), (1, StoredKind::Version), "{found:?}");
    assert_eq!(store.get_range(&audio(3), 9 << 19, 1).await.unwrap(), [winners[0]][..]);
    store.delete(&audio(3)).await.unwrap();
}

#[tokio::test]
async fn an_upload_whose_writer_goes_away_is_aborted() {
    let store = store().await;
    let (started, was_started) = tokio::sync::oneshot::channel();
    let mut started = Some(started);
    let first = stream::iter([Ok(Bytes::from(vec![0; PART + 1]))]);
    let rest = stream::poll_fn(move |_| {
        if let Some(started) = started.take() {
            started.send(()).unwrap();
        }
        std::task::Poll::Pending
    });
    let writer = store.clone();
    let body = PutBody::stream(PART as u64 * 3, first.chain(rest));
    let task = tokio::spawn(async move { writer.put_new(&audio(4), body).await });
    was_started.await.unwrap();
    assert_eq!(everything(&store).await[0].kind, StoredKind::PendingUpload);
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    while !everything(&store).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const PART: usize = super::super::write::PART_BYTES;

#[tokio::test]
async fn what_a_crash_leaves_is_listed_and_swept_but_not_too_soon() {
    let store = store().await;
    store.put_new(&audio(5), PutBody::bytes(&b"x"[..])).await.unwrap();
    for name in [store.name(audio(5)), store.name(audio(6)), store.name("rec/notes")] {
        store.client.create_multipart_upload().bucket(&*store.bucket).key(name).send().await.unwrap();
    }
    let found = everything(&store).await;
    let pending: Vec<_> = found.iter().filter(|found| found.kind == StoredKind::PendingUpload).collect();
    assert_eq!(pending.iter().map(|found| found.key).collect::<Vec<_>>(), [Some(audio(5)), Some(audio(6)), None]);
    let begun = pending.iter().map(|found| found.modified_at).min().unwrap();
    let all = Prefix::all();
    assert_eq!(sweep_unfinished(&store, &all, begun).await.unwrap(), 0);
    assert_eq!(sweep_unfinished(&store, &all, begun.plus(Duration::from_secs(60))).await.unwrap(), 2);
    let left = everything(&store).await;
    assert_eq!(
        left.iter().map(|found| found.key).collect::<Vec<_>>(),
        [Some(audio(5)), None],
        "what is not ours stays"
    );
    // Of one key everything goes, and of others nothing.
    store.client.create_multipart_upload().bucket(&*store.bucket).key(store.name(audio(5))).send().await.unwrap();
    store.client.delete_object().bucket(&*store.bucket).key(store.name(audio(5))).send().await.unwrap();
    assert_eq!(everything(&store).await.iter().filter(|found| found.key == Some(audio(5))).count(), 3);
    store.delete(&audio(5)).await.unwrap();
    assert_eq!(everything(&store).await, left[1..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_listing_of_several_answers_loses_nothing() {
    let store = store().await;
    let mut names = Vec::new();
    for tile in 0..6 {
        names.push(format!("ledger/tile/0/{tile:03}"));
        names.extend((1..=200).map(|width| format!("ledger/tile/0/{tile:03}.p/{width}")));
    }
    let keys: Vec<ObjectKey> = names.iter().map(|name| name.parse().unwrap()).collect();
    let puts = keys.iter().map(|key| {
        let (store, key) = (store.clone(), *key);
        async move { store.put_new(&key, PutBody::bytes(&b"x"[..])).await.unwrap() }
    });
    let puts: Vec<_> = puts.collect();
    stream::iter(puts).buffer_unordered(16).collect::<Vec<_>>().await;
    names.sort();
    for limit in [70, 1_000, 5_000] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.list(&Prefix::ledger(), after.as_ref(), limit).await.unwrap();
            assert!(page.found.len() <= limit);
            found.extend(page.found.into_iter().map(|found| found.path));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert!(found == names, "pages of {limit}: {} of {}", found.len(), names.len());
    }
    let parts = store.list(&Prefix::parts_of("0/003".parse().unwrap()), None, 1_000).await.unwrap();
    assert_eq!((parts.found.len(), parts.next), (200, None));
    let found = everything(&store).await;
    assert!(store.delete_versions(&found).await.iter().all(Result::is_ok));
    assert_eq!(everything(&store).await, [], "in batches");
}

#[tokio::test]
async fn a_bucket_that_is_missing_is_not_an_empty_one() {
    let store = elsewhere().await;
    assert!(matches!(store.head(&audio(1)).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.get(&audio(1), 1).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.list(&Prefix::all(), None, 1).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.delete(&audio(1)).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.identity().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.probe().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_bucket_without_versions_or_locks_is_noticed_and_works() {
    let store = elsewhere().await;
    store.client.create_bucket().bucket(&*store.bucket).send().await.unwrap();
    let facts = store.probe().await.unwrap();
    assert!(facts.durable && facts.exclusive_create && !facts.versions && !facts.locks, "{facts:?}");
    assert!(facts.warnings.iter().any(|text| text.contains("not enabled")), "{facts:?}");
    conformance::all(Arc::new(store.clone())).await;
    set_versioning(&store, BucketVersioningStatus::Enabled).await;
    store.put_new(&audio(1), PutBody::bytes(&b"x"[..])).await.unwrap();
    set_versioning(&store, BucketVersioningStatus::Suspended).await;
    let facts = store.probe().await.unwrap();
    assert!(facts.warnings.iter().any(|text| text.contains("suspended")), "{facts:?}");
    assert!(!facts.versions && !facts.locks, "{facts:?}");
    store.delete(&audio(1)).await.unwrap();
    conformance::all(Arc::new(store)).await;
}

#[tokio::test]
async fn a_default_retention_is_noticed() {
    let store = elsewhere().await;
    init::set_up(&store).await.unwrap();
    let day = DefaultRetention::builder().mode(ObjectLockRetentionMode::Governance).days(1).build();
    let rule = ObjectLockRule::builder().default_retention(day).build();
    let locked = ObjectLockConfiguration::builder().object_lock_enabled(ObjectLockEnabled::Enabled).rule(rule).build();
    let request = store.client.put_object_lock_configuration().bucket(&*store.bucket);
    request.object_lock_configuration(locked).send().await.unwrap();
    let facts = store.probe().await.unwrap();
    assert!(facts.locks_by_default);
    assert!(facts.warnings.iter().any(|text| text.contains("by default")), "{facts:?}");
    store.put_new(&audio(1), PutBody::bytes(&b"x"[..])).await.unwrap();
    assert!(matches!(store.delete(&audio(1)).await, Err(StoreError::Locked)));
}

#[tokio::test]
async fn a_bucket_is_made_ready_once() {
    let store = elsewhere().await;
    let done = init::set_up(&store).await.unwrap();
    assert_eq!(done.changed.len(), 2, "{done:?}");
    let facts = store.probe().await.unwrap();
    assert!(facts.durable && facts.exclusive_create && facts.versions && facts.locks, "{facts:?}");
    assert_eq!((facts.warnings, done.warnings), (vec![], vec![]));
    assert_eq!(init::set_up(&store).await.unwrap(), init::SetUp::default());
    // Beside somebody else's rules, of which a dangerous one is told.
    let all = store.client.get_bucket_lifecycle_configuration().bucket(&*store.bucket).send().await.unwrap();
    let other = LifecycleRule::builder()
        .id("others")
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .status(ExpirationStatus::Enabled)
        .expiration(LifecycleExpiration::builder().days(30).build());
    let mut rules = all.rules.unwrap();
    assert!(rules.iter().all(|rule| rule.expiration().is_none_or(|expire| expire.days().is_none())));
    rules.remove(0);
    rules.push(other.build().unwrap());
    let put = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().unwrap();
    let request = store.client.put_bucket_lifecycle_configuration().bucket(&*store.bucket);
    request.lifecycle_configuration(put).send().await.unwrap();
    let again = init::set_up(&store).await.unwrap();
    assert_eq!((again.changed.len(), again.warnings.len()), (1, 1), "{again:?}");
    let all = store.client.get_bucket_lifecycle_configuration().bucket(&*store.bucket).send().await.unwrap();
    assert_eq!(all.rules.unwrap().len(), 3);
}

#[tokio::test]
async fn a_bucket_that_is_there_gets_versions_and_locks() {
    let store = elsewhere().await;
    store.client.create_bucket().bucket(&*store.bucket).send().await.unwrap();
    let done = init::set_up(&store).await.unwrap();
    assert_eq!((done.changed.len(), done.warnings.len()), (3, 0), "{done:?}");
    assert!(store.probe().await.unwrap().locks);
}

#[tokio::test]
async fn two_stores_of_one_bucket_have_nothing_in_common() {
    let (one, other) = (store().await, store().await);
    assert_ne!(one.identity().await.unwrap(), other.identity().await.unwrap());
    assert_eq!(one.identity().await.unwrap(), one.clone().identity().await.unwrap());
    one.put_new(&audio(1), PutBody::bytes(&b"x"[..])).await.unwrap();
    assert_eq!(everything(&other).await, []);
    other.delete(&audio(1)).await.unwrap();
    assert!(one.head(&audio(1)).await.unwrap().is_some());
    one.delete(&audio(1)).await.unwrap();
}
