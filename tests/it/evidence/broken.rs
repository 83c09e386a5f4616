//! Packages that are not sent to their end.

use std::time::{Duration, Instant};

use earwitness::access::Role;
use earwitness::housekeeping;
use serde_json::{Value, json};

use super::{Held, asked, begun, checked, hold, made, package, registered};
use crate::cases;
use crate::on_both_stacks;
use crate::support::archive::{Running, at, call};
use crate::support::stack::Place;
use crate::support::world::tone_of;

on_both_stacks!(
    in Versioned:
    a_client_that_is_gone,
    a_deadline_that_passes_meanwhile,
    no_more_than_a_few_at_once,
);

/// Longer than all that lies between the archive and a client who does not read: 38 MB.
const LONG_S: u32 = 2_400;

async fn long(running: &Running, recorded_at: &str, is_held: bool) -> Held {
    let crm = running.token(Role::Ingest, &[], None).await;
    let legal = cases::legal(running, "An").await;
    let mut metadata = call("call-long");
    metadata["recorded_at"] = recorded_at.into();
    metadata["call_id"] = format!("call at {recorded_at}").into();
    let recordings = vec![running.post(&crm, &metadata, &tone_of(LONG_S, 1)).await.id()];
    let case = cases::open(running, &legal, "2026/7").await;
    if is_held {
        hold(running, &legal, case, &recordings).await;
    }
    Held { legal, case, recordings }
}

/// Waits until the register says how a package ended.
async fn ended(running: &Running, held: &Held, id: &str) -> Value {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let row = registered(running, &held.legal, id).await;
        if row["state"] != "begun" {
            return row;
        }
        assert!(Instant::now() < end, "nobody noticed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn kinds(running: &Running, held: &Held) -> Vec<String> {
    let told = running.custody(held.recordings[0]).await.into_iter();
    let mut kinds: Vec<String> = told.map(|(kind, _)| kind).filter(|kind| kind.starts_with("evidence.")).collect();
    kinds.sort();
    kinds
}

async fn a_client_that_is_gone(place: &Place) {
    let running = Running::start(place).await;
    let held = long(&running, "2026-11-22T09:00:00Z", true).await;
    let mut response = begun(&running, &held, &asked()).await;
    let id = response.headers()["earwitness-package"].to_str().expect("a text").to_owned();
    response.chunk().await.expect("a first piece");
    assert_eq!(registered(&running, &held.legal, &id).await["state"], "begun");
    drop(response);
    let row = ended(&running, &held, &id).await;
    assert_eq!((&row["state"], row.get("sha256")), (&json!("broken"), None));
    assert_eq!(kinds(&running, &held).await, ["evidence.begun", "evidence.broken"]);
    let told = running.custody(held.recordings[0]).await;
    let broken = told.iter().find(|(kind, _)| kind == "evidence.broken").expect("it is there");
    assert_eq!(broken.1["failure"], "client-gone");

    let again = made(&running, &held, &asked()).await;
    let report = checked(&again.body, &[]);
    assert!(report.ok(), "{report}");
    // Nothing is left for those who look after it.
    running.archive.refresh_sidecar(held.recordings[0]).await.expect("a sidecar");
    let report = housekeeping::pass(&running.archive, false).await;
    assert_eq!((report.packages_ended, report.disclosures_kept), (0, 0), "{report:?}");
}

async fn a_deadline_that_passes_meanwhile(place: &Place) {
    let running = Running::start(place).await;
    for (recorded_at, is_held) in [("2021-11-22T11:00:00Z", true), ("2021-11-22T12:00:00Z", false)] {
        running.clock.set(at(crate::support::archive::NOW));
        let held = long(&running, recorded_at, is_held).await;
        let mut body = asked();
        body["recordings"] = json!(held.recordings);
        let mut response = begun(&running, &held, &body).await;
        let id = response.headers()["earwitness-package"].to_str().expect("a text").to_owned();
        let mut bytes = response.chunk().await.expect("a first piece").expect("bytes").to_vec();
        running.clock.set(at("2026-11-22T13:00:00Z"));
        let is_whole = loop {
            match response.chunk().await {
                Ok(Some(piece)) => bytes.extend_from_slice(&piece),
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        assert_eq!(is_whole, is_held, "what is held is kept for legal");
        let report = checked(&bytes, &[]);
        assert_eq!(report.ok(), is_held, "{report}");
        assert_eq!(ended(&running, &held, &id).await["state"], if is_held { "made" } else { "broken" });
        let has_end = bytes[bytes.len() - 64..].windows(4).any(|four| four == b"PK\x05\x06");
        assert_eq!(has_end, is_held, "without its end nobody takes it for whole");
    }
}

async fn no_more_than_a_few_at_once(place: &Place) {
    let running = Running::start(place).await;
    let held = long(&running, "2026-11-22T09:00:00Z", true).await;
    let mut nothing = asked();
    nothing["recordings"] = json!([uuid::Uuid::new_v4()]);
    for _ in 0..5 {
        assert_eq!(package(&running, &held, &nothing).await.status, 404, "what is not begun keeps no place");
    }
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(begun(&running, &held, &asked()).await);
    }
    let refused = package(&running, &held, &asked()).await;
    assert_eq!(refused.told(), (429, "too-many-requests".to_owned()));
    assert_eq!(refused.header("retry-after"), "60");
    let gone = open.pop().expect("one of them");
    let id = gone.headers()["earwitness-package"].to_str().expect("a text").to_owned();
    drop(gone);
    assert_eq!(ended(&running, &held, &id).await["state"], "broken");
    // Its end is noted before its place is free.
    let end = Instant::now() + Duration::from_secs(60);
    while package(&running, &held, &asked()).await.status == 429 {
        assert!(Instant::now() < end, "its place is not given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
