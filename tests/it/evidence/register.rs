//! The register of disclosures: searched, as a table, for whom, and after the catalog is lost.

use std::time::Duration;

use earwitness::access::Role;
use earwitness::fsck;
use serde_json::{Value, json};

use super::{Held, asked, held, made};
use crate::cases;
use crate::on_both_stacks;
use crate::support::archive::{Running, Someone};
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    it_is_searched_and_given_as_a_table,
    it_comes_back_with_a_lost_catalog,
);

async fn rows(running: &Running, who: &Someone, query: &str) -> Vec<Value> {
    let page = running.get(who, &format!("/v1/disclosures{query}")).await;
    assert_eq!(page.status, 200, "{query}: {:?}", page.told());
    page.json()["disclosures"].as_array().expect("rows").clone()
}

/// Two packages of one case an hour apart, and one of another.
async fn three(running: &Running) -> (Held, [String; 3]) {
    let held = held(running, 2).await;
    let to = |name: &str, kind: &str, recordings: Value| json!({"purpose": "=1+1", "recipient": {"name": name, "kind": kind}, "recordings": recordings});
    let other = cases::open(running, &held.legal, "2026/2").await;
    let mut ids = Vec::new();
    for (case, body) in [
        (held.case, to("=HYPERLINK(\"x\")", "bank", json!([held.recordings[0]]))),
        (held.case, to("B, \"quoted\"", "bailiff", json!(held.recordings))),
        (other, to("C", "bailiff", json!([held.recordings[1]]))),
    ] {
        let of = Held { case, legal: held.legal.clone(), recordings: Vec::new() };
        ids.push(made(running, &of, &body).await.header("earwitness-package").to_owned());
        running.clock.advance(Duration::from_secs(3_600));
    }
    (held, ids.try_into().expect("three"))
}

async fn it_is_searched_and_given_as_a_table(place: &Place) {
    let running = Running::start(place).await;
    let (held, [a, b, c]) = three(&running).await;
    let found = async |query: &str| {
        let rows = rows(&running, &held.legal, query).await;
        rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("").await, [c.clone(), b.clone(), a.clone()], "newest first");
    assert_eq!(found(&format!("?case={}", held.case)).await, [b.clone(), a.clone()]);
    assert_eq!(found(&format!("?recording={}", held.recordings[0])).await, [b.clone(), a.clone()]);
    assert_eq!(found("?kind=bailiff").await, [c.clone(), b.clone()]);
    assert_eq!(found("?from=2026-11-22T11:00:00Z&to=2026-11-22T12:00:00Z").await, vec![b.clone()]);
    let first = running.get(&held.legal, "/v1/disclosures?limit=2").await.json();
    let cursor = first["next_cursor"].as_str().expect("a next page");
    assert_eq!(found(&format!("?limit=2&cursor={cursor}")).await, vec![a.clone()]);
    for bad in ["?kind=court", "?case=x", "?limit=0", "?order=up", "?cursor=x", "?format=xml"] {
        assert_eq!(running.get(&held.legal, &format!("/v1/disclosures{bad}")).await.status, 400, "{bad}");
    }

    let table = running.get(&held.legal, "/v1/disclosures?format=csv").await;
    assert!(table.header("content-type").starts_with("text/csv"));
    let text = String::from_utf8(table.body).expect("a text");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let read: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("a table");
    assert_eq!(read.len(), 3);
    assert_eq!((&read[2][6], &read[2][7]), ("'=HYPERLINK(\"x\")", "'=1+1"), "no formula");
    assert_eq!(&read[1][6], "B, \"quoted\"");
    let page = running.get(&held.legal, "/v1/disclosures?format=csv&limit=2").await;
    assert_eq!(page.header("earwitness-next-cursor"), cursor);

    // Who is who is not an auditor's business, and nobody else's at all.
    let auditor = running.token(Role::Auditor, &[], None).await;
    let shown = rows(&running, &auditor, "").await;
    assert!(shown.iter().all(|row| row.get("recipient_name").is_none() && row.get("purpose").is_none()));
    assert_eq!(shown[0]["recipient_kind"], "bailiff");
    let privacy = running.token(Role::Privacy, &[], None).await;
    assert_eq!(rows(&running, &privacy, "").await[0]["recipient_name"], "C");
    for role in [Role::Ingest, Role::Rep, Role::Operator, Role::Portal] {
        let someone = running.token(role, &[], None).await;
        assert_eq!(running.get(&someone, "/v1/disclosures").await.status, 403, "{role}");
    }
    assert!(running.count_entries("disclosures.read").await > 0, "each look is in the ledger");
}

async fn it_comes_back_with_a_lost_catalog(place: &Place) {
    let running = Running::start(place).await;
    let held = held(&running, 1).await;
    let id = made(&running, &held, &asked()).await.header("earwitness-package").to_owned();
    let before = super::registered(&running, &held.legal, &id).await;
    running.archive.publish_ledger().await.expect("published");
    running.archive.refresh_sidecar(held.recordings[0]).await.expect("a sidecar");

    let again = Running::start(&place.without_its_catalog().await).await;
    let options = fsck::Options { rebuild: true, ..fsck::Options::default() };
    let report = fsck::run(&again.archive, options).await.expect("rebuilt");
    assert!(report.is_sound() && report.disclosures_restored == 1, "{report}");
    let legal = cases::legal(&again, "An").await;
    assert_eq!(super::registered(&again, &legal, &id).await, before);
    let page = rows(&again, &legal, &format!("?recording={}", held.recordings[0])).await;
    assert_eq!(page.len(), 1);
}
