//! The product's accounts: what arrives in which order, their life, who leaves, who sees what, and how their data end.

mod arriving;
mod ending;
mod leaving;
mod life;
mod merging;

use earwitness::access::Role;
use earwitness::recording::RecordingId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::archive::{Answer, Running, Someone};
use crate::support::sounds::wav;

/// What the product says of an agency with one person.
pub(crate) fn agency(name: &str) -> Value {
    json!({
        "name": name, "vat_number": "BE0644664489", "address": "Kerkstraat 1\n1000 Brussel",
        "email": "info@voorbeeld.example", "number": "+3225551234", "language": "nl", "kind": "estate-agent",
        "reps": ["ann"],
        "persons": [{"id": "p-7", "name": "Jantje Zonderland", "function": "zaakvoerder", "email": "jantje@voorbeeld.example"}],
    })
}

/// The least that metadata have, for a call with this account and person.
pub(crate) fn call_with(call_id: &str, account: &str, person: &Value) -> Value {
    json!({"call_id": call_id, "account_id": account, "recorded_at": "2026-11-22T09:00:00Z", "person": person})
}

pub(crate) async fn put(running: &Running, who: &Someone, id: &str, body: &Value) -> Answer {
    running.send(running.request(who, Method::PUT, &format!("/v1/accounts/{id}")).json(body)).await
}

/// `close`, `reopen`, `persons/p-7/left` …
pub(crate) async fn post(running: &Running, who: &Someone, id: &str, what: &str, body: &Value) -> Answer {
    running.send(running.request(who, Method::POST, &format!("/v1/accounts/{id}/{what}")).json(body)).await
}

async fn get(running: &Running, who: &Someone, id: &str) -> Answer {
    running.get(who, &format!("/v1/accounts/{id}")).await
}

async fn crm(running: &Running) -> Someone {
    running.token(Role::Ingest, &[], None).await
}

/// Posts a call with this account and person.
async fn recorded(running: &Running, crm: &Someone, call_id: &str, account: &str, person: &Value) -> RecordingId {
    let seed = call_id.bytes().fold(1, |sum: u32, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    running.post(crm, &call_with(call_id, account, person), &wav(800, seed)).await.id()
}

/// How many recordings a search finds.
async fn found(running: &Running, who: &Someone, asked: &Value) -> usize {
    let answer = running.search(who, asked).await;
    assert_eq!(answer.status, 200, "{:?}", answer.told());
    answer.json()["recordings"].as_array().expect("a list").len()
}
