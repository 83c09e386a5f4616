//! The catalog's contract, on both engines.

mod calls;
mod deadlines;
mod months;
mod purge;
mod rows;
mod search;
mod tls;

use earwitness::catalog::{Catalog, Lookups, NewRecording, Wrap};
use earwitness::clock::Timestamp;
use earwitness::recording::{RecordingId, Status};

use crate::on_both_catalogs;
use crate::support::engines::CatalogPlace;

on_both_catalogs!(every_statement_can_be_prepared, opening_it_again_keeps_everything, another_store_is_noticed);

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

/// A recording of account `account`, recorded at `recorded_at`, over at `expires_at`.
pub fn recording(account: &str, recorded_at: &str, expires_at: &str) -> NewRecording {
    let expires_at = at(expires_at);
    let month = expires_at.to_string()[..7].parse().expect("a month");
    NewRecording {
        id: RecordingId::new(at(recorded_at)),
        account_id: account.to_owned(),
        product: Some("leads".to_owned()),
        language: Some("nl"),
        recorded_at: at(recorded_at),
        received_at: at(recorded_at),
        expires_at,
        month,
        rule: "call_recording/1 P5Y Europe/Brussels instant".to_owned(),
        status: Status::Accepted,
        byte_len: 64_044,
        duration_ms: 4_000,
        ingested_by: "token".to_owned(),
        revision: 1,
        sealed: b"sealed".to_vec(),
        sealed_receipt: b"receipt".to_vec(),
        wraps: vec![Wrap { holder: format!("month-{month}"), wrapped: b"wrapped".to_vec() }],
        lookups: Lookups::default(),
    }
}

pub async fn insert(catalog: &Catalog, new: &NewRecording) {
    let mut tx = catalog.begin().await.expect("a transaction");
    tx.insert_recording(new).await.expect("inserted");
    tx.commit().await.expect("committed");
}

async fn every_statement_can_be_prepared(place: &CatalogPlace) {
    let catalog = place.open().await;
    let count = earwitness::catalog::prepare_all(&catalog).await.expect("each statement is understood");
    assert!(count > 100, "{count}");
    let begin = Timestamp::from_micros(0);
    assert_eq!(catalog.totals(begin).await.expect("totals").live, 0);
    assert_eq!(catalog.ledger_state().await.expect("state").size, 0);
    assert_eq!(catalog.oldest_due(begin).await.expect("due"), None);
    assert_eq!(catalog.next_due(begin).await.expect("due"), None);
}

async fn opening_it_again_keeps_everything(place: &CatalogPlace) {
    let new = recording("acc", "2026-01-01T10:00:00Z", "2031-01-01T10:00:00Z");
    let catalog = place.open().await;
    insert(&catalog, &new).await;
    catalog.close().await;
    let row = place.open().await.recording(new.id).await.expect("a row").expect("it is there");
    assert_eq!(
        (row.account_id, row.expires_at, row.wrapped),
        ("acc".into(), new.expires_at, Some(b"wrapped".to_vec()))
    );
}

async fn another_store_is_noticed(place: &CatalogPlace) {
    let catalog = place.open().await;
    assert_eq!(catalog.pin("store", "a").await.expect("pinned"), "a");
    assert_eq!(catalog.pin("store", "b").await.expect("pinned"), "a", "the first one stays");
    assert_eq!(catalog.pin("keys", "b").await.expect("pinned"), "b");
}
