//! Stores that do not do as they are told.

use super::fake::{Fake, Fault, Ways};
use super::*;
use crate::vault::objects::conformance::key;
use crate::vault::objects::{Prefix, RecordingPart};

fn audio() -> ObjectKey {
    key("2031-11", 1, RecordingPart::Audio)
}

fn until() -> Timestamp {
    Timestamp::parse("2031-11-23T10:00:00.5Z").unwrap()
}

async fn fake(ways: Ways, faults: &[Fault]) -> (Fake, S3Store) {
    let fake = Fake::start(ways, faults).await;
    let place = S3Settings {
        bucket: "b".into(),
        endpoint: Some(fake.endpoint.clone()),
        region: None,
        path_style: true,
        ..settings()
    };
    let store = S3Store::open(place, Arc::new(SystemClock::new())).await.unwrap();
    (fake, store)
}

async fn with_object(ways: Ways) -> (Fake, S3Store) {
    let (fake, store) = fake(ways, &[]).await;
    store.put_new(&audio(), PutBody::bytes(&b"0123456789"[..])).await.unwrap();
    (fake, store)
}

#[tokio::test]
async fn a_well_behaved_one_is_found_to_be_one() {
    let (_fake, store) = with_object(Ways::default()).await;
    let facts = store.probe().await.unwrap();
    assert!(facts.durable && facts.exclusive_create && facts.versions && facts.locks);
    assert_eq!(facts.warnings, Vec::<String>::new());
    let locked = store.lock(&audio(), until()).await.unwrap();
    assert_eq!(locked, LockOutcome::Locked(Timestamp::parse("2031-11-23T10:00:01Z").unwrap()));
}

#[tokio::test]
async fn a_lock_that_is_dropped_or_shortened_is_noticed() {
    for ways in [Ways { drops_locks: true, ..Ways::default() }, Ways { shortens_locks: true, ..Ways::default() }] {
        let (_fake, store) = with_object(ways).await;
        let locked = store.lock(&audio(), until()).await;
        assert!(matches!(locked, Err(StoreError::LockNotKept)), "{ways:?}: {locked:?}");
        let facts = store.probe().await.unwrap();
        assert!(!facts.locks, "{ways:?}");
        assert!(facts.warnings.iter().any(|text| text.contains("does not keep the lock")), "{facts:?}");
    }
    let (_fake, store) = with_object(Ways { drops_locks: true, ..Ways::default() }).await;
    assert!(matches!(store.set_legal_hold(&audio(), true).await, Err(StoreError::LockNotKept)));
}

#[tokio::test]
async fn a_lock_that_only_reads_back_is_noticed() {
    let (_fake, store) = with_object(Ways { deletes_locked: true, ..Ways::default() }).await;
    assert!(matches!(store.lock(&audio(), until()).await, Ok(LockOutcome::Locked(_))));
    let facts = store.probe().await.unwrap();
    assert!(!facts.locks);
    assert!(facts.warnings.iter().any(|text| text.contains("deletes what is locked")), "{facts:?}");
}

#[tokio::test]
async fn a_store_that_overwrites_is_noticed() {
    let (_fake, store) = with_object(Ways { overwrites: true, ..Ways::default() }).await;
    let facts = store.probe().await.unwrap();
    assert!(!facts.exclusive_create);
    assert!(facts.warnings.iter().any(|text| text.contains("overwrites")), "{facts:?}");
}

#[tokio::test]
async fn errors_inside_a_good_answer_are_seen() {
    for (code, text) in [("AccessDenied", "refuses access"), ("InternalError", "InternalError")] {
        let (fake, store) = with_object(Ways { refuses_deletion: Some(code), ..Ways::default() }).await;
        let found = store.list(&Prefix::all(), None, 10).await.unwrap().found;
        let results = store.delete_versions(&found).await;
        assert!(
            matches!(&results[..], [Err(StoreError::Unavailable(e))] if e.to_string().contains(text)),
            "{results:?}"
        );
        assert!(store.delete(&audio()).await.is_err());
        assert_eq!(fake.versions(), 1);
    }
    let (fake, store) = with_object(Ways { refuses_deletion: Some("NoSuchVersion"), ..Ways::default() }).await;
    store.delete(&audio()).await.unwrap();
    assert_eq!(fake.versions(), 1, "the store said that it is gone");
}

#[tokio::test]
async fn a_store_that_is_busy_is_asked_again() {
    let busy = Fault::Refuse(503, "SlowDown");
    let (fake, store) = fake(Ways::default(), &[busy, busy]).await;
    store.put_new(&audio(), PutBody::bytes(&b"x"[..])).await.unwrap();
    assert_eq!((fake.writes(), fake.versions()), (3, 1));
}

#[tokio::test]
async fn a_store_that_stays_busy_is_not_available() {
    let (fake, store) = fake(Ways::default(), &[Fault::Refuse(503, "SlowDown"); 100]).await;
    let put = store.put_new(&audio(), PutBody::bytes(&b"x"[..])).await;
    assert!(matches!(put, Err(StoreError::Unavailable(_))), "{put:?}");
    assert_eq!((fake.writes(), fake.versions()), (5, 0));
}

#[tokio::test]
async fn a_full_store_and_missing_rights_are_told_apart() {
    let (_fake, store) = fake(Ways::default(), &[Fault::Refuse(507, "InsufficientStorage"); 5]).await;
    let put = store.put_new(&audio(), PutBody::bytes(&b"x"[..])).await;
    assert!(matches!(put, Err(StoreError::Full)), "{put:?}");
    let (_fake, store) = fake(Ways::default(), &[Fault::Refuse(403, "AccessDenied")]).await;
    let put = store.put_new(&audio(), PutBody::bytes(&b"x"[..])).await;
    assert!(matches!(&put, Err(StoreError::Unavailable(e)) if e.to_string().contains("refuses access")), "{put:?}");
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_recognised() {
    for body in [vec![0; 10], vec![0; 9 << 20]] {
        let (fake, store) = fake(Ways::default(), &[Fault::LoseAnswer]).await;
        let outcome = store.put_new(&audio(), PutBody::bytes(body)).await.unwrap();
        assert_eq!(outcome.version.as_deref(), Some("v1"));
        assert_eq!((fake.writes(), fake.versions()), (2, 1));
    }
}

#[tokio::test]
async fn another_ones_write_is_not_taken_for_our_own() {
    let (fake, store) = with_object(Ways::default()).await;
    let again = store.put_new(&audio(), PutBody::bytes(&b"0123456789"[..])).await;
    assert!(matches!(again, Err(StoreError::AlreadyExists)), "the same bytes, and not the same write");
    assert_eq!(fake.versions(), 1);
}

#[tokio::test]
async fn a_write_that_meets_another_one_tries_again() {
    let conflict = Fault::Refuse(409, "ConditionalRequestConflict");
    let (fake, store) = fake(Ways::default(), &[conflict, conflict]).await;
    store.put_new(&audio(), PutBody::bytes(&b"x"[..])).await.unwrap();
    assert_eq!((fake.writes(), fake.versions()), (3, 1));
}

#[tokio::test]
async fn a_store_that_ignores_ranges_gives_no_wrong_bytes() {
    let (_fake, store) = with_object(Ways { ignores_ranges: true, ..Ways::default() }).await;
    for (offset, len) in [(3, 4), (0, 10)] {
        let got = store.get_range(&audio(), offset, len).await;
        assert!(matches!(got, Err(StoreError::Unavailable(_))), "{got:?}");
    }
}

#[tokio::test]
async fn a_store_that_is_not_there_is_not_an_empty_one() {
    let (fake, store) = with_object(Ways::default()).await;
    drop(fake);
    // As it is while the store restarts: nobody listens.
    assert!(matches!(store.head(&audio()).await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_lock_that_is_over_by_our_clock_alone_is_still_a_lock() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let (_fake, store) = with_object(Ways::default()).await;
    store.lock(&audio(), clock.now().minus(std::time::Duration::from_secs(2))).await.unwrap();
    let deleted = store.delete(&audio()).await;
    assert!(matches!(deleted, Err(StoreError::Locked)), "{deleted:?}");
    // One that ended long ago is not why a store refuses.
    let (_fake, store) = with_object(Ways::default()).await;
    store.lock(&audio(), clock.now().minus(std::time::Duration::from_secs(3_600))).await.unwrap();
    let deleted = store.delete(&audio()).await;
    assert!(matches!(deleted, Err(StoreError::Unavailable(_))), "{deleted:?}");
}

#[tokio::test]
async fn credentials_that_are_over_do_not_pass_for_a_bucket_without_locks() {
    let ways = Ways { refuses_question: Some(("object-lock", 400, "ExpiredToken")), ..Ways::default() };
    let (_fake, store) = with_object(ways).await;
    assert!(matches!(store.probe().await, Err(StoreError::Unavailable(_))));
    let locked = store.lock(&audio(), until()).await;
    assert!(matches!(locked, Err(StoreError::Unavailable(_))), "{locked:?}");
}

#[tokio::test]
async fn a_deletion_that_fails_by_chance_proves_no_lock() {
    let (_fake, store) = fake(Ways { refuses_deletion: Some("SlowDown"), ..Ways::default() }, &[]).await;
    let tried = super::super::trial::locks(&store).await;
    assert!(matches!(tried, Err(StoreError::Unavailable(_))), "nothing is known");
}

#[tokio::test]
async fn lifecycle_rules_that_are_not_told_are_not_replaced() {
    for (status, code, kept) in [(400, "InvalidRequest", true), (404, "NoSuchLifecycleConfiguration", false)] {
        let (fake, store) =
            fake(Ways { refuses_question: Some(("lifecycle", status, code)), ..Ways::default() }, &[]).await;
        let done = init::set_up(&store).await.unwrap();
        assert_eq!((fake.rules_set(), done.warnings.len()), if kept { (0, 1) } else { (1, 0) }, "{done:?}");
    }
}
