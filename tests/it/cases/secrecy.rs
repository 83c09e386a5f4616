//! Who is recorded, who sells and who uploads do not learn that something is held: not by a field, a filter, an error, a
//! header, nor by what becomes of it at its deadline.

use earwitness::access::Role;
use earwitness::recording::RecordingId;
use reqwest::Method;
use serde_json::{Value, json};

use super::holding::{DUE, OVER};
use super::{call_at, exhaust, legal, move_to, open, post};
use crate::on_both_stacks;
use crate::support::archive::{Answer, Running, Someone};
use crate::support::sounds::wav;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    what_is_held_looks_like_what_is_not,
);

/// Everything of an answer that could tell something; ids and times of the two recordings are not the point.
fn seen(answer: &Answer, id: RecordingId) -> Value {
    let headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id", "etag", "repr-digest"].contains(&name.as_str()))
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).replace(&id.to_string(), "ID"))
        })
        .collect();
    let text = String::from_utf8_lossy(&answer.body).replace(&id.to_string(), "ID");
    let mut body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    for member in ["instance", "sha256", "ledger", "signature", "received_at"] {
        if let Some(members) = body.as_object_mut() {
            members.remove(member);
        }
    }
    json!({"status": answer.status, "headers": headers, "body": body})
}

async fn all_seen(running: &Running, who: &[&Someone], crm: &Someone, id: RecordingId, call_id: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for someone in who {
        for part in ["", "/audio", "/listen", "/waveform", "/waveform.svg", "/related/x", "/custody", "/receipt"] {
            let mut told = seen(&running.read(someone, id, part).await, id);
            told["part"] = json!(part);
            all.push(told);
        }
        for held in ["true", "false"] {
            all.push(seen(&running.get(someone, &format!("/v1/recordings?held={held}")).await, id));
        }
        let found = running.search(someone, &json!({"call": call_id})).await;
        let count = found.json()["recordings"].as_array().map(Vec::len);
        all.push(json!({"status": found.status, "found": count}));
    }
    let related = running.request(crm, Method::PUT, &format!("/v1/recordings/{id}/related/note"));
    let put = running.send(related.header("content-type", "text/plain").body("a note")).await;
    all.push(json!({"put": put.told()}));
    all
}

async fn what_is_held_looks_like_what_is_not(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let rep = running.token(Role::Rep, &["A-1"], None).await;
    let stranger = running.token(Role::Rep, &["A-2"], Some("x")).await;
    let portal = running.token(Role::Portal, &["A-1"], None).await;
    let who = [&rep, &stranger, &portal, &crm];
    let case = open(&running, &an, "2026/12").await;
    let held = running.post(&crm, &call_at("call-h", DUE), &wav(800, 1)).await.id();
    let free = running.post(&crm, &call_at("call-f", DUE), &wav(800, 1)).await.id();
    let placed = post(&running, &an, &format!("/v1/cases/{case}/holds"), &json!({"recordings": [held]})).await;
    assert_eq!(placed.json()["placed"], 1);

    let compare = async |when: &str| {
        let (one, other) = (
            all_seen(&running, &who, &crm, held, "call-h").await,
            all_seen(&running, &who, &crm, free, "call-f").await,
        );
        for (one, other) in one.into_iter().zip(other) {
            let text = one.to_string().replace("call-h", "call-f");
            assert_eq!(text, other.to_string(), "{when}");
        }
    };
    compare("before the deadline").await;
    move_to(&running, "2026-11-22T11:00:00Z").await;
    compare("at the deadline").await;
    move_to(&running, OVER).await;
    exhaust(&running.archive).await;
    assert!(running.archive.catalog.recording(free).await.expect("an answer").is_none(), "one is purged");
    assert!(running.archive.catalog.recording(held).await.expect("an answer").is_some(), "the other is held");
    compare("after the purge").await;
    // The call handed over once more, with a time that can still be.
    let again = |call_id: &str| call_at(call_id, "2026-11-22T10:30:00Z");
    let (one, other) = (
        running.post(&crm, &again("call-h"), &wav(800, 2)).await,
        running.post(&crm, &again("call-f"), &wav(800, 2)).await,
    );
    assert_eq!((one.status, other.status), (201, 201));
    assert_eq!(running.read(&an, held, "/audio").await.body, wav(800, 1), "legal has what it held");
    running.archive.publish_ledger().await.expect("published");
    let rebuilt = place.without_its_catalog().await.open(running.clock.clone(), &[]).await;
    let options = earwitness::fsck::Options { rebuild: true, ..Default::default() };
    let report = earwitness::fsck::run(&rebuilt, options).await.expect("rebuilt");
    assert!(report.is_sound(), "{report}");
    for id in [held, one.id(), other.id()] {
        assert!(rebuilt.catalog.recording(id).await.expect("an answer").is_some(), "both of the call come back");
    }
}
