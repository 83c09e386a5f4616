//! Custody: every entry with its proof, checked by a computation of its own; the look is noted before it is answered.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use earwitness::access::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use super::rfc6962::{Hash, leaf, root_by_inclusion, sha256};
use super::{post_at, post_quarantined};
use crate::on_both_stacks;
use crate::support::archive::Running;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    every_entry_is_proven_and_the_look_is_one_of_them,
    an_auditor_sees_every_entry_and_nobody_s_name,
    paging_comes_to_an_end_though_looking_is_noted,
    the_deadline_closes_it_but_for_legal_on_what_is_held,
);

async fn page(running: &Running, who: &crate::support::archive::Someone, path: &str) -> Value {
    let answer = running.get(who, path).await;
    assert_eq!(answer.status, 200, "{:?}", answer.told());
    answer.json()
}

/// Size and root, from the checkpoint's second and third line.
fn head(checkpoint: &str) -> (usize, Hash) {
    let lines: Vec<&str> = checkpoint.lines().collect();
    (lines[1].parse().unwrap(), BASE64_STANDARD.decode(lines[2]).unwrap().try_into().unwrap())
}

/// Checks an entry's proof from the texts alone (C2SP tlog-proof).
pub(crate) fn check_proof(entry: &Value, checkpoint: &str) {
    let proof = entry["proof"].as_str().unwrap();
    let (above, below) = proof.split_once("\n\n").unwrap();
    assert_eq!(below, checkpoint, "every proof leads to the page's checkpoint");
    let mut lines = above.lines();
    assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
    assert_eq!(lines.next(), Some(format!("index {}", entry["seq"]).as_str()));
    let path: Vec<Hash> = lines.map(|line| BASE64_STANDARD.decode(line).unwrap().try_into().unwrap()).collect();
    let text = format!(
        r#"{{"at":{},"commitment":{},"kind":{},"seq":{}}}"#,
        entry["at"], entry["commitment"], entry["kind"], entry["seq"]
    );
    let (size, root) = head(checkpoint);
    let index = usize::try_from(entry["seq"].as_u64().unwrap()).unwrap();
    assert_eq!(root_by_inclusion(leaf(text.as_bytes()), index, size, &path), Some(root), "{text}");
}

/// Checks that the opening is what was committed to. The payloads here have no number that JSON writes in two ways.
fn check_opening(entry: &Value) {
    let salt = hex::decode(entry["opening"]["salt"].as_str().unwrap()).unwrap();
    let payload = serde_json_canonicalizer::to_vec(&entry["opening"]["payload"]).unwrap();
    let commitment = sha256(&[b"earwitness-ledger-v1\0", &salt, &payload]);
    assert_eq!(entry["commitment"], hex::encode(commitment));
}

async fn every_entry_is_proven_and_the_look_is_one_of_them(place: &Place) {
    let running = Running::start(place).await;
    let legal = running.token(Role::Legal, &[], None).await;
    let id = post_quarantined(&running, "c").await;
    running.clock.advance(Duration::from_millis(1));
    let path = format!("/v1/recordings/{id}/custody");
    let first = page(&running, &legal, &path).await;
    assert_eq!((&first["checkpoint"], &first["next_cursor"]), (&Value::Null, &Value::Null));
    let entries = first["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert!(
        entries.iter().all(|entry| entry["seq"].is_null() && entry.get("proof").is_none()),
        "published by nobody yet"
    );
    running.archive.publish_ledger().await.unwrap();
    running.clock.advance(Duration::from_millis(1));
    let second = page(&running, &legal, &path).await;
    let checkpoint = second["checkpoint"].as_str().unwrap();
    let entries = second["entries"].as_array().unwrap();
    let kinds: Vec<&str> = entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["recording.quarantined", "recording.read", "recording.read"]);
    for entry in &entries[..2] {
        check_proof(entry, checkpoint);
    }
    assert!(entries[2].get("proof").is_none(), "this very look is in the ledger, and not published by looking");
    for entry in entries {
        check_opening(entry);
    }
    let look = &entries[2]["opening"]["payload"];
    assert_eq!((&look["action"], &look["purpose"]), (&json!("custody"), &json!("a test")));
    assert_eq!(look["actor"], json!({"id": legal.id, "name": "the legal", "role": "legal", "address": "127.0.0.1"}));
}

async fn an_auditor_sees_every_entry_and_nobody_s_name(place: &Place) {
    let running = Running::start(place).await;
    let auditor = running.token(Role::Auditor, &[], None).await;
    let id = post_at(&running, "c", "2026-11-22T09:00:00Z").await;
    running.archive.publish_ledger().await.unwrap();
    running.clock.advance(Duration::from_millis(1));
    let answer = running.read(&auditor, id, "/custody").await;
    assert_eq!(answer.header("sunset"), "Sat, 22 Nov 2031 09:00:00 GMT");
    let page = answer.json();
    let entries = page["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|entry| entry.get("opening").is_none()));
    check_proof(&entries[0], page["checkpoint"].as_str().unwrap());
    let text = String::from_utf8(answer.body.clone()).unwrap();
    assert!(!text.contains("the auditor") && !text.contains("127.0.0.1") && !text.contains("a test"), "{text}");
    assert_eq!(running.accesses(id).await, ["custody"], "auditors are noted as well");
}

async fn paging_comes_to_an_end_though_looking_is_noted(place: &Place) {
    let running = Running::start(place).await;
    let privacy = running.token(Role::Privacy, &[], None).await;
    let id = post_at(&running, "c", "2026-11-22T09:00:00Z").await;
    for _ in 0..5 {
        running.clock.advance(Duration::from_millis(1));
        running.read(&privacy, id, "").await;
    }
    running.clock.advance(Duration::from_millis(1));
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..20 {
        let page = page(&running, &privacy, &format!("/v1/recordings/{id}/custody?limit=2{cursor}")).await;
        seen.extend(
            page["entries"].as_array().unwrap().iter().map(|entry| entry["entry"].as_str().unwrap().to_owned()),
        );
        running.clock.advance(Duration::from_millis(1));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let all = running.archive.catalog.custody(id, 100, 0).await.unwrap();
    assert_eq!(seen, all.iter().map(|row| row.entry.entry.id.to_string()).collect::<Vec<_>>());
    assert_eq!(running.accesses(id).await.iter().filter(|action| *action == "custody").count(), 2);
}

async fn the_deadline_closes_it_but_for_legal_on_what_is_held(place: &Place) {
    let running = Running::start(place).await;
    let (legal, auditor) = (running.token(Role::Legal, &[], None).await, running.token(Role::Auditor, &[], None).await);
    let free = post_at(&running, "free", "2021-11-22T11:00:00Z").await;
    let held = post_at(&running, "held", "2021-11-22T11:00:00Z").await;
    running.hold(held).await;
    assert_eq!(
        running.read(&legal, held, "/custody").await.header("sunset"),
        "",
        "held: it will not become unreachable"
    );
    running.clock.set(crate::support::archive::at("2026-11-22T11:00:00Z"));
    for (who, id, told) in [
        (&legal, free, (410, "expired")),
        (&auditor, free, (410, "expired")),
        (&auditor, held, (410, "expired")),
        (&legal, held, (200, "")),
    ] {
        let answer = running.read(who, id, "/custody").await;
        assert_eq!(answer.told(), (told.0, told.1.to_owned()), "{id}");
    }
    assert_eq!(running.read(&legal, Uuid::new_v4().to_string().parse().unwrap(), "/custody").await.status, 404);
    assert_eq!(running.accesses(free).await, Vec::<String>::new(), "what is refused is no access");
    assert_eq!(running.accesses(held).await, ["custody", "custody"]);
}
