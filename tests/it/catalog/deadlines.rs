//! The published vectors through the catalog: not due a microsecond before its deadline, due at the very instant.

use earwitness::clock::Timestamp;
use earwitness::retention::{self, Policy};
use serde_json::Value;

use super::{at, insert, recording};
use crate::on_both_catalogs;
use crate::support::engines::CatalogPlace;

on_both_catalogs!(every_vector_falls_due_at_its_very_instant);

async fn every_vector_falls_due_at_its_very_instant(place: &CatalogPlace) {
    let catalog = place.open().await;
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/retention-vectors.json");
    let vectors: Value = serde_json::from_slice(&std::fs::read(file).expect("vectors")).expect("JSON");
    let vectors = vectors["vectors"].as_array().expect("a list");
    assert!(vectors.len() >= 40, "{}", vectors.len());
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().expect("a text").to_owned();
        let rule = format!("call_recording/1 {} {} {}", text("period"), text("zone"), text("end"));
        let policy: Policy = rule.parse().expect("a rule");
        let deadline = retention::deadline(&policy, at(&text("recorded_at"))).expect("a deadline");
        assert_eq!(deadline.expires_at, at(&text("expires_at")), "{vector}");
        let mut new = recording("acc", &text("recorded_at"), &text("expires_at"));
        new.month = deadline.month;
        new.wraps[0].holder = format!("month-{}", deadline.month);
        insert(&catalog, &new).await;
        let just_before = Timestamp::from_micros(deadline.expires_at.micros() - 1);
        assert!(!catalog.due(just_before, 1_000).await.expect("due").contains(&new.id), "{vector}");
        assert!(catalog.due(deadline.expires_at, 1_000).await.expect("due").contains(&new.id), "{vector}");
        let row = catalog.recording(new.id).await.expect("an answer").expect("a row");
        assert_eq!((row.expires_at, row.month), (deadline.expires_at, deadline.month), "{vector}");
    }
}
