//! The retention report, what is coming, certificates, and purge runs by hand.

use std::time::Duration;

use earwitness::access::Role;
use earwitness::ledger::verify::verify;
use earwitness::vault::objects::ObjectKey;
use serde_json::json;
use uuid::Uuid;

use super::{post_at, post_json, post_quarantined};
use crate::on_both_stacks;
use crate::support::archive::{Running, at};
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    the_report_follows_a_recording_to_its_certificate,
    a_real_run_is_the_operator_s,
    brakes_are_shown_and_let_go_with_a_reason,
    what_is_coming_is_told_by_month,
);

const RUNS: &str = "/v1/purge-runs";

async fn the_report_follows_a_recording_to_its_certificate(place: &Place) {
    let running = Running::start(place).await;
    let (auditor, operator) =
        (running.token(Role::Auditor, &[], None).await, running.token(Role::Operator, &[], None).await);
    let id = post_at(&running, "due", "2021-11-22T11:00:00Z").await;
    let held = post_at(&running, "held", "2021-11-22T11:00:00Z").await;
    post_quarantined(&running, "bad").await;
    running.hold(held).await;
    let certificate = format!("/v1/retention/certificates/{id}");
    let detail = async |path: &str| {
        let answer = running.get(&auditor, path).await;
        assert_eq!(answer.told(), (404, "not-found".into()));
        answer.json()["detail"].as_str().unwrap().to_owned()
    };
    let report = running.get(&auditor, "/v1/retention/report").await.json();
    let totals = json!({"live": 3, "quarantined": 1, "held": 1, "holds_overdue": 0, "cases_open": 1, "cases_overdue": 0, "releases_waiting": 0, "purging": 0, "purged": 0, "certificates": 0});
    assert_eq!(report["totals"], totals);
    assert_eq!(report["overdue"], json!({"count": 0, "oldest_expires_at": null, "oldest_overdue_s": null}));
    assert_eq!(report["policy"]["rule"], "call_recording/1 P5Y Europe/Brussels instant");
    let months: Vec<_> = report["months"].as_array().unwrap().iter().map(|m| (&m["month"], &m["recordings"])).collect();
    assert!(months.contains(&(&json!("2026-11"), &json!(2))) && months.contains(&(&json!("2031-11"), &json!(1))));
    assert!(detail(&certificate).await.contains("not reached its deadline"));

    running.clock.set(at("2026-11-22T11:00:30Z"));
    let overdue = running.get(&auditor, "/v1/retention/report").await.json()["overdue"].clone();
    assert_eq!(overdue, json!({"count": 1, "oldest_expires_at": "2026-11-22T11:00:00Z", "oldest_overdue_s": 30}));
    assert!(detail(&certificate).await.contains("waits for the next purge pass"));
    assert!(detail(&format!("/v1/retention/certificates/{held}")).await.contains("on legal hold"));

    let dry = post_json(&running, &auditor, RUNS, &json!({"dry_run": true})).await.json();
    assert_eq!((&dry["due"], &dry["recordings"]), (&json!(1), &json!([id])));
    let run = post_json(&running, &operator, RUNS, &json!({"dry_run": false})).await.json();
    assert_eq!((&run["report"]["ran"], &run["report"]["certified"]), (&json!(true), &json!(1)));

    let got = running.get(&auditor, &certificate).await;
    assert_eq!((got.status, got.header("content-type")), (200, "application/json"));
    let key = ObjectKey::Certificate { month: "2026-11".parse().unwrap(), id };
    assert_eq!(got.body, running.archive.store.get(&key, 1 << 20).await.unwrap(), "byte for byte");
    let checked = verify(&got.body, None);
    assert!(checked.checks.iter().all(|check| check.ok), "{checked:?}");
    let totals = running.get(&auditor, "/v1/retention/report").await.json()["totals"].clone();
    assert_eq!(
        totals,
        json!({"live": 1, "quarantined": 1, "held": 1, "holds_overdue": 0, "cases_open": 1, "cases_overdue": 0, "releases_waiting": 0, "purging": 0, "purged": 1, "certificates": 1})
    );
    assert_eq!(running.read(&auditor, id, "/custody").await.told(), (410, "expired".into()));
    assert!(detail(&format!("/v1/retention/certificates/{}", Uuid::new_v4())).await.contains("knows no recording"));
}

async fn a_real_run_is_the_operator_s(place: &Place) {
    let running = Running::start(place).await;
    for role in [Role::Privacy, Role::Auditor] {
        let who = running.token(role, &[], None).await;
        let answer = post_json(&running, &who, RUNS, &json!({"dry_run": false})).await;
        assert_eq!(answer.told(), (403, "forbidden".into()));
        assert_eq!(post_json(&running, &who, RUNS, &json!({"dry_run": true})).await.status, 200);
    }
    assert_eq!(running.count_entries("access.refused").await, 2);
    let operator = running.token(Role::Operator, &[], None).await;
    for bad in [
        json!({"dry_run": true, "confirm_reason": "x"}),
        json!({"dry_run": false, "confirm_reason": " "}),
        json!({"dry_run": false, "confirm_reason": "é".repeat(1_001)}),
        json!({}),
        json!({"dry_run": "yes"}),
        json!({"dry_run": true, "other": 1}),
    ] {
        assert_eq!(post_json(&running, &operator, RUNS, &bad).await.told(), (422, "invalid-body".into()), "{bad}");
    }
}

async fn brakes_are_shown_and_let_go_with_a_reason(place: &Place) {
    let running = Running::start(place).await;
    let operator = running.token(Role::Operator, &[], None).await;
    let id = post_at(&running, "due", "2021-11-22T11:00:00Z").await;
    let run = async |body| post_json(&running, &operator, RUNS, &body).await.json();
    assert_eq!(run(json!({"dry_run": false})).await["report"]["ran"], true, "the heart beats");
    running.clock.advance(Duration::from_secs(3 * 86_400));
    let stopped = run(json!({"dry_run": false})).await;
    assert_eq!((&stopped["report"]["ran"], &stopped["report"]["stopped_by"]), (&json!(false), &json!(["clock-jump"])));
    assert_eq!(run(json!({"dry_run": true})).await["stopped_by"], json!(["clock-jump"]));
    let brakes = running.get(&operator, "/v1/retention/report").await.json()["brakes"].clone();
    assert_eq!((&brakes[0]["kind"], &brakes[0]["raised_at"]), (&json!("clock-jump"), &json!("2026-11-25T10:02:00Z")));
    assert!(running.archive.catalog.recording(id).await.unwrap().is_some(), "nothing was destroyed");
    let released = run(json!({"dry_run": false, "confirm_reason": "the machine was off for three days"})).await;
    assert_eq!(released["brakes_released"], json!(["clock-jump"]));
    assert_eq!(released["report"]["certified"], 1);
    let confirmed = running.archive.catalog.ledger_leaves(0, 1_000).await.unwrap();
    assert_eq!(confirmed.iter().filter(|leaf| leaf.entry.kind == "brake.confirmed").count(), 1);
    assert_eq!(running.get(&operator, "/v1/retention/report").await.json()["brakes"], json!([]));
}

async fn what_is_coming_is_told_by_month(place: &Place) {
    let running = Running::start(place).await;
    let legal = running.token(Role::Legal, &[], None).await;
    post_at(&running, "a", "2021-11-22T11:00:00Z").await;
    post_at(&running, "b", "2021-11-30T23:30:00Z").await; // in Brussels it is December
    post_at(&running, "c", "2026-11-22T09:00:00Z").await;
    let months = async |query: &str| {
        let answer = running.get(&legal, &format!("/v1/retention/upcoming{query}")).await.json();
        let months = answer["months"].as_array().unwrap().iter();
        months.map(|month| month["month"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(months("?months=1").await, ["2026-11"]);
    assert_eq!(months("").await, ["2026-11", "2026-12"]);
    assert_eq!(months("?months=61").await, ["2026-11", "2026-12", "2031-11"]);
    let first = running.get(&legal, "/v1/retention/upcoming").await.json()["months"][0].clone();
    let wav = 44 + 2 * 16_000;
    let told = json!({"month": "2026-11", "recordings": 1, "bytes": wav, "first_expires_at": "2026-11-22T11:00:00Z"});
    assert_eq!(first, told);
    for bad in ["months=0", "months=1201", "months=x", "month=1"] {
        assert_eq!(running.get(&legal, &format!("/v1/retention/upcoming?{bad}")).await.status, 400, "{bad}");
    }
}
