//! Cases: their life, what they hold, how that ends, and what is left of it when they end.

mod ending;
mod failing;
mod holding;
mod life;
pub(crate) mod races;
mod releasing;
mod secrecy;

use std::sync::Arc;

use earwitness::access::Role;
use earwitness::archive::Archive;
use earwitness::catalog::{SecretState, TokenRow};
use earwitness::clock::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::archive::{Answer, Running, Someone, at};

/// Somebody of legal, by name: two tokens of one name are one person.
pub(crate) async fn legal(running: &Running, name: &str) -> Someone {
    let someone = Someone { id: Uuid::new_v4(), token: earwitness::access::Token::generate().expect("random numbers") };
    let row = TokenRow {
        id: someone.id,
        role: Role::Legal.to_string(),
        name: name.to_owned(),
        accounts: Vec::new(),
        agent: None,
        created_at: running.clock.now(),
        expires_at: None,
        revoked_at: None,
    };
    let mut tx = running.archive.catalog.begin().await.expect("a transaction");
    tx.insert_token(&row, &someone.token.hash()).await.expect("the token is kept");
    tx.commit().await.expect("the commit holds");
    someone
}

/// A case that can be opened at the tests' beginning.
pub(crate) fn new_case(reference: &str) -> Value {
    json!({
        "reference": reference, "ground": "invoice disputed", "owner": "An Peeters", "language": "nl",
        "review_at": "2027-02-01T09:00:00Z",
    })
}

pub(crate) async fn post(running: &Running, who: &Someone, path: &str, body: &Value) -> Answer {
    running.send(running.request(who, Method::POST, path).json(body)).await
}

async fn patch(running: &Running, who: &Someone, path: &str, body: &Value) -> Answer {
    running.send(running.request(who, Method::PATCH, path).json(body)).await
}

/// Opens a case and gives its id.
pub(crate) async fn open(running: &Running, who: &Someone, reference: &str) -> Uuid {
    let opened = post(running, who, "/v1/cases", &new_case(reference)).await;
    assert_eq!(opened.status, 201, "{:?}", opened.told());
    opened.json()["id"].as_str().expect("an id").parse().expect("an id")
}

/// What the ledger has about a case, sorted by kind: with a clock that stands still, entries have no order of their own.
pub(crate) async fn entries(running: &Running, case: Uuid) -> Vec<(String, Value)> {
    let rows = running.archive.catalog.entries_under(&format!("case-{case}"), "none", 1_000).await.expect("entries");
    let mut all = Vec::new();
    for row in rows {
        let opening = running.archive.open_of_case(case, &row).await.expect("it opens");
        all.push((row.entry.entry.kind.clone(), serde_json::from_slice(&opening.payload).expect("JSON")));
    }
    all.sort_by_key(|(kind, _): &(String, Value)| kind.clone());
    all
}

async fn kinds(running: &Running, case: Uuid) -> Vec<String> {
    entries(running, case).await.into_iter().map(|(kind, _)| kind).collect()
}

/// The least that metadata have, for a call of that time.
fn call_at(call_id: &str, recorded_at: &str) -> Value {
    json!({"call_id": call_id, "account_id": "A-1", "recorded_at": recorded_at})
}

/// How many holds are in force for a case.
async fn held_of(running: &Running, case: Uuid) -> u64 {
    running.archive.catalog.case(case).await.expect("an answer").expect("a case").holds
}

/// Moves the clock, and lets the archive believe it.
pub(crate) async fn move_to(running: &Running, to: &str) {
    running.clock.set(at(to));
    running.archive.catalog.beat(at(to)).await.expect("a heartbeat");
}

async fn exhaust(archive: &Arc<Archive>) {
    for _ in 0..10 {
        let report = earwitness::purge::pass(archive).await.expect("a pass");
        assert!(report.stopped_by.is_empty(), "{report:?}");
    }
}

async fn month_secret(archive: &Archive, month: &str) -> SecretState {
    let secret = archive.catalog.load_secret(&format!("month-{month}")).await.expect("an answer");
    secret.expect("a month").state
}

/// One asks for the release of everything, the other approves.
pub(crate) async fn release_all(running: &Running, case: Uuid, one: &Someone, other: &Someone) {
    let asked = json!({"all": true, "reason": "it is over"});
    let release = post(running, one, &format!("/v1/cases/{case}/release"), &asked).await;
    assert_eq!(release.status, 201, "{:?}", release.told());
    let decision = json!({"release": release.json()["id"], "decision": "approve", "reason": "so it is"});
    let decided = post(running, other, &format!("/v1/cases/{case}/release/approve"), &decision).await;
    assert_eq!((decided.status, &decided.json()["left"]), (200, &json!(0)), "{:?}", decided.told());
}
