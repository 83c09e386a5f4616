//! A month closes when nothing whatever is left under it, and not before.

use std::time::Duration;

use earwitness::catalog::{Catalog, NewEntry, NewOpening, SecretState};
use uuid::Uuid;

use super::{at, insert, recording};
use crate::on_both_catalogs;
use crate::support::engines::CatalogPlace;

on_both_catalogs!(
    what_comes_while_it_closes_is_counted,
    a_month_with_anything_under_it_stays,
    an_empty_month_closes_once,
    the_first_secret_stays
);

const NOW: &str = "2031-02-01T00:00:00Z";

async fn close(catalog: &Catalog) -> bool {
    let mut tx = catalog.begin().await.expect("a transaction");
    let closed = tx.close_month("month-2031-01", "2031-01", at(NOW)).await.expect("an answer");
    tx.commit().await.expect("committed");
    closed
}

async fn a_month_with_anything_under_it_stays(place: &CatalogPlace) {
    let catalog = place.open().await;
    catalog.save_secret("month-2031-01", b"wrapped", at(NOW)).await.expect("saved");
    let new = recording("acc", "2026-01-01T10:00:00Z", "2031-01-01T10:00:00Z");
    insert(&catalog, &new).await;
    assert!(!close(&catalog).await, "a recording is left");

    let mut tx = catalog.begin().await.expect("a transaction");
    let purge = tx.fence(new.id, at(NOW)).await.expect("an answer").expect("fenced");
    tx.commit().await.expect("committed");
    assert!(!close(&catalog).await, "a purge is under way");
    let mut tx = catalog.begin().await.expect("a transaction");
    tx.restore_purge(&purge, b"certificate").await.expect("purged");
    let opening = NewOpening {
        recording_id: None,
        sealed_under: "month-2031-01".to_owned(),
        erase_at: Some(at(NOW)),
        sealed: b"sealed".to_vec(),
    };
    let entry = NewEntry {
        id: Uuid::new_v4(),
        at: at(NOW),
        kind: "search.made".to_owned(),
        commitment: [3; 32],
        opening: Some(opening),
    };
    tx.append_entry(&entry).await.expect("appended");
    tx.commit().await.expect("committed");
    assert!(!close(&catalog).await, "what a search asked for is still sealed under it");
    let mut tx = catalog.begin().await.expect("a transaction");
    assert_eq!(tx.erase_due_openings(at(NOW), 10).await.expect("erased"), 1);
    tx.commit().await.expect("committed");
    assert!(close(&catalog).await);
}

async fn what_comes_while_it_closes_is_counted(place: &CatalogPlace) {
    let (node, other) = (place.open().await, place.open().await);
    node.save_secret("month-2031-01", b"wrapped", at(NOW)).await.expect("saved");
    let mut tx = node.begin().await.expect("a transaction");
    assert!(tx.lock_live_secret("month-2031-01").await.expect("an answer"));
    let mut closing = tokio::spawn(async move { close(&other).await });
    let waiting = tokio::time::timeout(Duration::from_millis(500), &mut closing).await;
    assert!(waiting.is_err(), "it waits for whoever has the month");
    let new = recording("acc", "2026-01-01T10:00:00Z", "2031-01-01T10:00:00Z");
    tx.insert_recording(&new).await.expect("inserted");
    tx.commit().await.expect("committed");
    assert!(!closing.await.expect("an answer"), "a recording came meanwhile");
}

async fn an_empty_month_closes_once(place: &CatalogPlace) {
    let catalog = place.open().await;
    assert!(!close(&catalog).await, "there is no such month");
    catalog.save_secret("month-2031-01", b"wrapped", at(NOW)).await.expect("saved");
    let mut tx = catalog.begin().await.expect("a transaction");
    assert!(tx.lock_live_secret("month-2031-01").await.expect("an answer"));
    assert!(!tx.mark_destroyed("month-2031-01", at(NOW), Uuid::new_v4()).await.expect("an answer"), "not yet closing");
    tx.commit().await.expect("committed");
    assert!(close(&catalog).await);
    assert!(!close(&catalog).await);
    let mut tx = catalog.begin().await.expect("a transaction");
    assert!(!tx.lock_live_secret("month-2031-01").await.expect("an answer"), "nothing is put into a closing month");
    assert!(tx.mark_destroyed("month-2031-01", at(NOW), Uuid::new_v4()).await.expect("an answer"));
    assert!(!tx.mark_destroyed("month-2031-01", at(NOW), Uuid::new_v4()).await.expect("an answer"));
    tx.commit().await.expect("committed");
    let row = catalog.load_secret("month-2031-01").await.expect("an answer").expect("a row");
    assert_eq!((row.state, row.wrapped), (SecretState::Destroyed, None));
    assert!(catalog.live_months().await.expect("months").is_empty());
}

async fn the_first_secret_stays(place: &CatalogPlace) {
    let catalog = place.open().await;
    assert!(catalog.save_secret("month-2031-01", b"first", at(NOW)).await.expect("saved"));
    assert!(!catalog.save_secret("month-2031-01", b"second", at(NOW)).await.expect("kept"));
    let row = catalog.load_secret("month-2031-01").await.expect("an answer").expect("a row");
    assert_eq!(row.wrapped, Some(b"first".to_vec()));
}
