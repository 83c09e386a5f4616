//! The catalog's contract, on both engines.

use crate::on_both_catalogs;
use crate::support::engines::CatalogPlace;

on_both_catalogs!(every_statement_can_be_prepared);

async fn every_statement_can_be_prepared(place: &CatalogPlace) {
    let catalog = place.open().await;
    let count = earwitness::catalog::prepare_all(&catalog).await.expect("each statement is understood");
    assert!(count > 100, "{count}");
    assert_eq!(catalog.totals(earwitness::clock::Timestamp::from_micros(0)).await.expect("totals").live, 0);
    assert_eq!(catalog.ledger_state().await.expect("state").size, 0);
    assert_eq!(catalog.oldest_due(earwitness::clock::Timestamp::from_micros(0)).await.expect("due"), None);
}
