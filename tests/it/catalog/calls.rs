//! One upload at a time per call.

use std::time::Duration;

use earwitness::catalog::{CallClaim, CallState, Catalog};
use earwitness::clock::Timestamp;
use earwitness::recording::RecordingId;

use super::{at, insert, recording};
use crate::on_both_catalogs;
use crate::support::engines::CatalogPlace;

on_both_catalogs!(
    of_twenty_at_once_one_gets_the_call,
    a_dead_upload_is_taken_over_once,
    a_lost_claim_cannot_settle,
    a_call_that_was_let_go_leaves_nothing,
);

const NOW: &str = "2026-11-22T12:00:00Z";
const LEASE: Duration = Duration::from_secs(60);

fn claim(number: u32) -> CallClaim {
    CallClaim {
        mac: vec![7; 32],
        lease_token: format!("token-{number}"),
        pending_id: RecordingId::new(at(NOW)),
        pending_month: "2031-11".to_owned(),
    }
}

async fn try_claim(catalog: &Catalog, number: u32, now: Timestamp) -> CallState {
    catalog.claim_call(&claim(number), now.plus(LEASE), now).await.expect("an answer")
}

async fn of_twenty_at_once_one_gets_the_call(place: &CatalogPlace) {
    let catalog = place.open().await;
    let tries = (0..20).map(|n| {
        let catalog = catalog.clone();
        tokio::spawn(async move { try_claim(&catalog, n, at(NOW)).await })
    });
    let mut states = Vec::new();
    for done in futures::future::join_all(tries).await {
        states.push(done.expect("no panic"));
    }
    assert_eq!(states.iter().filter(|s| **s == CallState::Claimed(None)).count(), 1);
    assert_eq!(states.iter().filter(|s| **s == CallState::Busy).count(), 19);
}

async fn a_dead_upload_is_taken_over_once(place: &CatalogPlace) {
    let catalog = place.open().await;
    assert_eq!(try_claim(&catalog, 1, at(NOW)).await, CallState::Claimed(None));
    let later = at(NOW).plus(LEASE);
    assert_eq!(try_claim(&catalog, 2, at(NOW).plus(LEASE / 2)).await, CallState::Busy);
    let state = try_claim(&catalog, 2, later).await;
    let CallState::Abandoned(dead) = state else { panic!("the lease ran out: {state:?}") };
    assert_eq!(dead.lease_token, "token-1");
    assert!(catalog.take_over_call(&dead, "mine", later.plus(LEASE), later).await.expect("an answer"));
    assert!(!catalog.take_over_call(&dead, "theirs", later.plus(LEASE), later).await.expect("an answer"));
    assert!(!catalog.renew_call(&dead, later.plus(LEASE)).await.expect("an answer"), "the dead one has no claim");
}

async fn a_lost_claim_cannot_settle(place: &CatalogPlace) {
    let catalog = place.open().await;
    try_claim(&catalog, 1, at(NOW)).await;
    let later = at(NOW).plus(LEASE);
    assert!(catalog.take_over_call(&claim(1), "other", later.plus(LEASE), later).await.expect("an answer"));
    let new = recording("acc", "2026-01-01T10:00:00Z", "2031-01-01T10:00:00Z");
    let mut tx = catalog.begin().await.expect("a transaction");
    tx.insert_recording(&new).await.expect("inserted");
    assert!(tx.settle_call(&claim(1), new.id, None).await.is_err(), "whoever lost the claim must not commit");
    tx.rollback().await.expect("rolled back");
    assert!(catalog.recording(new.id).await.expect("an answer").is_none());
}

async fn a_call_that_was_let_go_leaves_nothing(place: &CatalogPlace) {
    let catalog = place.open().await;
    try_claim(&catalog, 1, at(NOW)).await;
    catalog.release_call(&claim(1)).await.expect("released");
    assert!(catalog.abandoned_calls(at("2027-01-01T00:00:00Z"), 10).await.expect("an answer").is_empty());
    assert_eq!(try_claim(&catalog, 2, at(NOW)).await, CallState::Claimed(None));
    // A settled call names its recording to the next one.
    let new = recording("acc", "2026-01-01T10:00:00Z", "2031-01-01T10:00:00Z");
    insert(&catalog, &new).await;
    let mut tx = catalog.begin().await.expect("a transaction");
    tx.settle_call(&claim(2), new.id, None).await.expect("settled");
    tx.commit().await.expect("committed");
    assert_eq!(catalog.call_holder(&claim(1).mac).await.expect("an answer"), Some(new.id));
    assert_eq!(try_claim(&catalog, 3, at(NOW)).await, CallState::Claimed(Some(new.id)));
}
