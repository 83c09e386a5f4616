//! What waits in quarantine, and deciding on it.

use std::collections::BTreeSet;
use std::time::Duration;

use earwitness::access::Role;
use earwitness::recording::Status;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{post_at, post_json, post_quarantined};
use crate::on_both_stacks;
use crate::support::archive::Running;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    the_list_shows_each_role_what_it_may_see,
    a_decision_is_taken_once_and_kept_everywhere,
    of_many_decisions_at_once_one_wins,
    a_decision_outlives_a_client_that_hangs_up,
    a_decision_cannot_be_taken_on_what_is_not_there_or_over,
);

async fn the_list_shows_each_role_what_it_may_see(place: &Place) {
    let running = Running::start(place).await;
    let (legal, operator) =
        (running.token(Role::Legal, &[], None).await, running.token(Role::Operator, &[], None).await);
    post_at(&running, "good", "2026-11-22T09:00:00Z").await;
    let mut waiting = BTreeSet::new();
    for n in 0..3 {
        waiting.insert(post_quarantined(&running, &format!("bad-{n}")).await.to_string());
    }
    let (mut seen, mut path) = (BTreeSet::new(), "/v1/quarantine?limit=2".to_owned());
    loop {
        let page = running.get(&legal, &path).await.json();
        for recording in page["recordings"].as_array().unwrap() {
            assert_eq!(recording["metadata"]["number"], "+32470001122");
            assert_eq!(recording["findings"][0]["code"], "digest-mismatch");
            seen.insert(recording["id"].as_str().unwrap().to_owned());
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/quarantine?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, waiting);
    let page = running.get(&operator, "/v1/quarantine").await;
    let fields: BTreeSet<&str> =
        ["id", "status", "recorded_at", "received_at", "expires_at", "findings"].into_iter().collect();
    let answer = page.json();
    for recording in answer["recordings"].as_array().unwrap() {
        assert_eq!(recording.as_object().unwrap().keys().map(String::as_str).collect::<BTreeSet<_>>(), fields);
    }
    assert!(!String::from_utf8_lossy(&page.body).contains("32470001122"));
    assert_eq!(running.count_entries("search.made").await, 3, "each look is in the ledger");
    for bad in ["limit=0", "limit=201", "limit=x", "cursor=x", "other=1"] {
        assert_eq!(running.get(&legal, &format!("/v1/quarantine?{bad}")).await.status, 400, "{bad}");
    }
}

async fn a_decision_is_taken_once_and_kept_everywhere(place: &Place) {
    let running = Running::start(place).await;
    let legal = running.token(Role::Legal, &[], None).await;
    for (decision, status) in [("accept", Status::Accepted), ("reject", Status::Rejected)] {
        let id = post_quarantined(&running, decision).await;
        running.clock.advance(Duration::from_millis(1));
        let path = format!("/v1/recordings/{id}/quarantine");
        let reason = "the sender's digest was of an older export";
        let answer = post_json(&running, &legal, &path, &json!({"decision": decision, "reason": reason})).await;
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!(status.as_str())));
        assert_eq!(answer.header("sunset"), "Sat, 22 Nov 2031 09:00:00 GMT");
        let row = running.archive.catalog.recording(id).await.unwrap().unwrap();
        assert_eq!(row.status, status);
        let sidecar = running.archive.read_sidecar(row.month, id).await.unwrap().unwrap();
        assert_eq!((sidecar.body.status, sidecar.body.revision), (status, row.revision), "the store knows as well");
        assert!(sidecar.body.entries.iter().any(|entry| entry.kind == "recording.decided"));
        let (_, sealed) = running.archive.open_recording(&row).await.unwrap();
        assert_eq!(sealed.decision.unwrap().reason, reason);
        let (kind, payload) = running.custody(id).await.pop().unwrap();
        assert_eq!(
            (kind.as_str(), &payload["reason"], &payload["decision"]),
            ("recording.decided", &json!(reason), &json!(decision))
        );
        let again = post_json(&running, &legal, &path, &json!({"decision": "accept", "reason": "x"})).await;
        assert_eq!(again.told(), (409, "already-decided".into()));
    }
    assert_eq!(running.count_entries("recording.decided").await, 2);
    let page: Value = running.get(&legal, "/v1/quarantine").await.json();
    assert_eq!(page["recordings"], json!([]));
}

async fn of_many_decisions_at_once_one_wins(place: &Place) {
    let running = Running::start(place).await;
    let legal = running.token(Role::Legal, &[], None).await;
    let id = post_quarantined(&running, "c").await;
    let path = format!("/v1/recordings/{id}/quarantine");
    let tries = (0..8).map(|n| {
        let decision = if n % 2 == 0 { "accept" } else { "reject" };
        let body = json!({"decision": decision, "reason": format!("try {n}")});
        let (running, legal, path) = (&running, &legal, &path);
        async move { post_json(running, legal, path, &body).await.told() }
    });
    let answers = futures::future::join_all(tries).await;
    let lost = (409, "already-decided".to_owned());
    assert_eq!(answers.iter().filter(|answer| answer.0 == 200).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| **answer == lost).count(), 7, "{answers:?}");
    assert_eq!(running.count_entries("recording.decided").await, 1);
}

async fn a_decision_cannot_be_taken_on_what_is_not_there_or_over(place: &Place) {
    let running = Running::start(place).await;
    let legal = running.token(Role::Legal, &[], None).await;
    let id = post_quarantined(&running, "c").await;
    let good = post_at(&running, "good", "2026-11-22T09:00:00Z").await;
    let decide = async |id: String, reason: &str| {
        let body = json!({"decision": "accept", "reason": reason});
        post_json(&running, &legal, &format!("/v1/recordings/{id}/quarantine"), &body).await.told()
    };
    assert_eq!(decide(Uuid::new_v4().to_string(), "x").await, (404, "not-found".into()));
    assert_eq!(decide("no-id".into(), "x").await, (404, "not-found".into()));
    assert_eq!(decide(good.to_string(), "x").await, (409, "already-decided".into()));
    for bad in ["", " \n", "a\u{7}", &"é".repeat(1_001)] {
        assert_eq!(decide(id.to_string(), bad).await, (422, "invalid-body".into()), "{bad:?}");
    }
    running.clock.advance(Duration::from_secs(6 * 366 * 86_400));
    assert_eq!(decide(id.to_string(), "x").await, (410, "expired".into()));
    assert_eq!(running.count_entries("recording.decided").await, 0);
    let page = running.get(&legal, "/v1/quarantine").await.json();
    assert_eq!(page["recordings"], json!([]), "what is over is not listed");
}

async fn a_decision_outlives_a_client_that_hangs_up(place: &Place) {
    let running = std::sync::Arc::new(Running::start(place).await);
    let legal = running.token(Role::Legal, &[], None).await;
    let id = post_quarantined(&running, "hung-up").await;
    let mut tx = running.archive.catalog.begin().await.unwrap();
    assert!(tx.touch_recording(id, running.archive.clock.now()).await.unwrap());
    let task = running.clone();
    let client = tokio::spawn(async move {
        let path = format!("/v1/recordings/{id}/quarantine");
        post_json(&task, &legal, &path, &json!({"decision": "accept", "reason": "it is whole"})).await
    });
    tokio::time::sleep(Duration::from_millis(700)).await;
    client.abort();
    tokio::time::sleep(Duration::from_millis(300)).await;
    tx.rollback().await.unwrap();
    for _ in 0..100 {
        let row = running.archive.catalog.recording(id).await.unwrap().unwrap();
        let sidecar = running.archive.read_sidecar(row.month, id).await.unwrap().unwrap();
        if (row.status, sidecar.body.status) == (Status::Accepted, Status::Accepted) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the decision was dropped with its client");
}
