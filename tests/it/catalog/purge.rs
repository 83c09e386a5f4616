//! Fence against hold, and the order of a purge's steps.

use std::collections::BTreeMap;

use earwitness::catalog::{Catalog, HoldOutcome, HoldRow, PurgeStage};
use earwitness::recording::RecordingId;
use uuid::Uuid;

use super::{at, insert, recording};
use crate::on_both_catalogs;
use crate::support::engines::CatalogPlace;

on_both_catalogs!(
    a_hold_wins_or_is_told_that_it_came_too_late,
    nothing_is_fenced_before_its_deadline,
    a_hold_in_force_keeps_the_purge_away,
    the_steps_come_in_their_order_and_leave_nothing,
);

const DEADLINE: &str = "2031-01-01T10:00:00Z";

async fn hold(catalog: &Catalog, id: RecordingId, now: &str) -> (Uuid, HoldOutcome) {
    let (hold, case) = (Uuid::new_v4(), Uuid::new_v4());
    let mut tx = catalog.begin().await.expect("a transaction");
    tx.ensure_case(case, at(now), b"sealed").await.expect("a case");
    let outcome = tx.place_hold(&HoldRow::direct(hold, case, id, at(now))).await.expect("an answer");
    tx.commit().await.expect("committed");
    (hold, outcome)
}

async fn fence(catalog: &Catalog, id: RecordingId, now: &str) -> bool {
    let mut tx = catalog.begin().await.expect("a transaction");
    match tx.fence(id, at(now)).await {
        Ok(Some(_)) => {
            tx.commit().await.expect("committed");
            true
        }
        Ok(None) | Err(_) => {
            tx.rollback().await.expect("rolled back");
            false
        }
    }
}

/// The hold's clock is a moment before the deadline, the fence's at it: two nodes that differ by less than a second.
async fn a_hold_wins_or_is_told_that_it_came_too_late(place: &CatalogPlace) {
    let catalog = place.open().await;
    let (mut held, mut fenced) = (0, 0);
    for _ in 0..200 {
        let new = recording("acc", "2026-01-01T10:00:00Z", DEADLINE);
        insert(&catalog, &new).await;
        let (one, other) = (catalog.clone(), catalog.clone());
        let holder = tokio::spawn(async move { hold(&one, new.id, "2031-01-01T09:59:59.999Z").await.1 });
        let fencer = tokio::spawn(async move { fence(&other, new.id, DEADLINE).await });
        let (outcome, was_fenced) = (holder.await.expect("no panic"), fencer.await.expect("no panic"));
        match outcome {
            HoldOutcome::Placed => {
                assert!(!was_fenced, "fenced although a hold was acknowledged");
                held += 1;
            }
            HoldOutcome::TooLate => {
                assert!(was_fenced, "told that it came too late, and not fenced");
                fenced += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(held + fenced, 200);
}

async fn nothing_is_fenced_before_its_deadline(place: &CatalogPlace) {
    let catalog = place.open().await;
    let new = recording("acc", "2026-01-01T10:00:00Z", DEADLINE);
    insert(&catalog, &new).await;
    assert!(!fence(&catalog, new.id, "2031-01-01T09:59:59.999999Z").await);
    assert!(catalog.due(at("2031-01-01T09:59:59.999999Z"), 10).await.expect("due").is_empty());
    assert_eq!(catalog.due(at(DEADLINE), 10).await.expect("due"), [new.id]);
    assert_eq!(hold(&catalog, new.id, DEADLINE).await.1, HoldOutcome::TooLate, "at the very instant it is too late");
    assert!(fence(&catalog, new.id, DEADLINE).await);
    assert!(!fence(&catalog, new.id, DEADLINE).await, "once");
}

async fn a_hold_in_force_keeps_the_purge_away(place: &CatalogPlace) {
    let catalog = place.open().await;
    let new = recording("acc", "2026-01-01T10:00:00Z", DEADLINE);
    insert(&catalog, &new).await;
    let (first, _) = hold(&catalog, new.id, "2030-01-01T00:00:00Z").await;
    let (second, _) = hold(&catalog, new.id, "2030-02-01T00:00:00Z").await;
    let row = catalog.recording(new.id).await.expect("an answer").expect("a row");
    assert_eq!(row.held_since, Some(at("2030-01-01T00:00:00Z")));
    for released in [first, second] {
        assert!(!fence(&catalog, new.id, "2032-01-01T00:00:00Z").await, "held");
        assert_eq!(catalog.count_due(at("2032-01-01T00:00:00Z")).await.expect("a count"), 0);
        let mut tx = catalog.begin().await.expect("a transaction");
        tx.release_hold(released, at("2031-06-01T00:00:00Z")).await.expect("released");
        tx.commit().await.expect("committed");
    }
    assert_eq!(catalog.count_due(at("2032-01-01T00:00:00Z")).await.expect("a count"), 1);
    assert!(fence(&catalog, new.id, "2032-01-01T00:00:00Z").await, "no hold is left");
}

async fn the_steps_come_in_their_order_and_leave_nothing(place: &CatalogPlace) {
    let catalog = place.open().await;
    let mut new = recording("acc", "2026-01-01T10:00:00Z", DEADLINE);
    new.lookups.of_call = vec![vec![1; 32], vec![2; 32]];
    insert(&catalog, &new).await;
    assert!(fence(&catalog, new.id, DEADLINE).await);
    let purge = catalog.purge_of(new.id).await.expect("an answer").expect("a purge");
    let mut tx = catalog.begin().await.expect("a transaction");
    assert!(tx.objects_deleted(&purge, at(DEADLINE), None).await.is_err(), "not before the keys");
    tx.rollback().await.expect("rolled back");

    let mut tx = catalog.begin().await.expect("a transaction");
    tx.destroy_keys(&purge, &BTreeMap::from([("objects".to_owned(), 3)]), at(DEADLINE)).await.expect("keys");
    tx.commit().await.expect("committed");
    let purge = catalog.purge_of(new.id).await.expect("an answer").expect("a purge");
    let mut tx = catalog.begin().await.expect("a transaction");
    tx.objects_deleted(&purge, at(DEADLINE), None).await.expect("objects");
    tx.commit().await.expect("committed");
    let purge = catalog.purge_of(new.id).await.expect("an answer").expect("a purge");
    assert_eq!(purge.stage, PurgeStage::ObjectsDeleted);
    let mut tx = catalog.begin().await.expect("a transaction");
    assert!(tx.rows_left(new.id).await.expect("a count") > 0);
    tx.delete_rows(&purge, at(DEADLINE)).await.expect("rows");
    assert_eq!(tx.rows_left(new.id).await.expect("a count"), 0);
    tx.commit().await.expect("committed");
    let purge = catalog.purge_of(new.id).await.expect("an answer").expect("a purge");
    assert_eq!(purge.deleted.get("lookups"), Some(&2));
    assert_eq!(purge.deleted.get("objects"), Some(&3));
    assert!(catalog.recording(new.id).await.expect("an answer").is_none());
}
