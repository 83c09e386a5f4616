//! Oversight over HTTP: quarantine, custody, retention, the ledger; who reaches what; what the API says of itself.

pub(crate) mod custody;
mod ledger;
mod openapi;
mod quarantine;
mod retention;
pub(crate) mod rfc6962;
mod roles;

use serde_json::{Value, json};

use crate::support::archive::{Running, Someone, call};
use crate::support::sounds;
use earwitness::access::Role;
use earwitness::recording::RecordingId;
use reqwest::Method;

/// An upload that says another digest than it has: it is quarantined.
async fn post_quarantined(running: &Running, call_id: &str) -> RecordingId {
    let ingest = running.token(Role::Ingest, &[], None).await;
    let mut metadata = call(call_id);
    metadata["sha256"] = json!("00".repeat(32));
    metadata["number"] = json!("+32470001122");
    let answer = running.post(&ingest, &metadata, &sounds::wav(16_000, 1)).await;
    assert_eq!(answer.status, 202, "{:?}", answer.told());
    answer.id()
}

/// A sound recording that began at `recorded_at`.
async fn post_at(running: &Running, call_id: &str, recorded_at: &str) -> RecordingId {
    let ingest = running.token(Role::Ingest, &[], None).await;
    let mut metadata = call(call_id);
    metadata["recorded_at"] = json!(recorded_at);
    let answer = running.post(&ingest, &metadata, &sounds::wav(16_000, 2)).await;
    assert_eq!(answer.status, 201, "{:?}", answer.told());
    answer.id()
}

async fn post_json(running: &Running, who: &Someone, path: &str, body: &Value) -> crate::support::archive::Answer {
    running.send(running.request(who, Method::POST, path).json(body)).await
}
