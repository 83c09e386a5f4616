//! Cases whose opening dies.

use std::os::unix::process::ExitStatusExt as _;

use earwitness::catalog::Catalog;
use earwitness::vault::keys::KeyName;
use earwitness::vault::objects::ObjectKey;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PAST_THE_CLAIM_S, assert_sound, stored_before};
use crate::support::stack::Stack;
use crate::support::world::{Server, World, call, tone, unix_now};

/// Asks for something and gives the answer; none when the server died under it.
pub(super) async fn ask(server: &Server, token: &str, path: &str, body: &Value) -> Option<(StatusCode, Value)> {
    let request = server.client.post(format!("{}{path}", server.base)).bearer_auth(token).json(body);
    let answer = request.send().await.ok()?;
    let status = answer.status();
    Some((status, answer.json().await.ok()?))
}

/// A case that is to be looked at in two months.
pub(super) fn new_case(id: Uuid) -> Value {
    let review_at = chrono::DateTime::from_timestamp(unix_now() + 60 * 24 * 3_600, 0).expect("a time");
    json!({
        "id": id, "reference": "2026/12", "ground": "a dispute", "owner": "An", "language": "fr",
        "review_at": review_at.to_rfc3339(),
    })
}

pub(super) async fn opening_dies_at(stack: Stack, point: &str) {
    let mut world = World::new(stack).await;
    let legal = world.token("legal");
    let new = new_case(Uuid::new_v4());
    let mut server = world.serve_to_be_armed(point).await;
    world.arm();
    assert_eq!(ask(&server, &legal, "/v1/cases", &new).await, None, "{point}");
    assert_eq!(server.until_dead().await.signal(), Some(9), "{point}");

    world.ahead_s += PAST_THE_CLAIM_S;
    let server = world.serve(None).await;
    let (status, told) = ask(&server, &legal, "/v1/cases", &new).await.expect("an answer");
    assert!(status.is_success(), "{point}: {status}");
    assert_eq!(told["reference"], "2026/12");
    world
        .until(
            async |world| {
                let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
                let stale = catalog.cases_not_stored(None, 10).await.expect("an answer");
                catalog.close().await;
                stale.is_empty()
            },
            "its copy is in the store",
        )
        .await;
    server.stop().await;
    assert_sound(&world, point);
}

async fn in_force(world: &World, case: Uuid) -> (u64, u64, u64) {
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    let row = catalog.case(case).await.expect("an answer").expect("a case");
    catalog.close().await;
    (row.holds, row.rules, row.releases)
}

/// A rule is in force from its commit on, whether or not anybody was told: the same request again finds it.
pub(super) async fn rule_dies_at(stack: Stack, point: &str) {
    let mut world = World::new(stack).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let id = stored_before(&world, &legal, &ingest, &tone(1)).await;
    let case = Uuid::new_v4();
    let mut server = world.serve(Some(point)).await;
    assert_eq!(ask(&server, &legal, "/v1/cases", &new_case(case)).await.expect("an answer").0, StatusCode::CREATED);
    let (path, rule) = (format!("/v1/cases/{case}/holds"), json!({"account": call("x", 0)["account_id"]}));
    assert_eq!(ask(&server, &legal, &path, &rule).await, None, "{point}");
    assert_eq!(server.until_dead().await.signal(), Some(9), "{point}");
    assert_eq!(in_force(&world, case).await, (0, 1, 0), "{point}: nothing is held yet");

    world.ahead_s += PAST_THE_CLAIM_S;
    let server = world.serve(None).await;
    let (status, told) = ask(&server, &legal, &path, &rule).await.expect("an answer");
    assert_eq!((status, &told["recordings"][0]["id"]), (StatusCode::OK, &json!(id)), "{point}: {told}");
    assert_eq!(in_force(&world, case).await, (1, 1, 0), "{point}");
    server.stop().await;
    assert_sound(&world, point);
}

/// What two people agreed on is carried out, whatever breaks it off.
pub(super) async fn release_dies_at(stack: Stack, point: &str) {
    let mut world = World::new(stack).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let bo = world.run_json(&["token", "create", "--role", "legal", "--name", "bo", "--json"]);
    let bo = bo["token"].as_str().expect("a token").to_owned();
    let id = stored_before(&world, &legal, &ingest, &tone(1)).await;
    let case = Uuid::new_v4();
    let mut server = world.serve(Some(point)).await;
    ask(&server, &legal, "/v1/cases", &new_case(case)).await.expect("an answer");
    let holds = ask(&server, &legal, &format!("/v1/cases/{case}/holds"), &json!({"recordings": [id]})).await;
    assert_eq!(holds.expect("an answer").1["placed"], 1);
    let asked = json!({"all": true, "reason": "over"});
    let (_, release) = ask(&server, &legal, &format!("/v1/cases/{case}/release"), &asked).await.expect("an answer");
    let decision = json!({"release": release["id"], "decision": "approve", "reason": "so it is"});
    let approve = format!("/v1/cases/{case}/release/approve");
    assert_eq!(ask(&server, &bo, &approve, &decision).await, None, "{point}");
    assert_eq!(server.until_dead().await.signal(), Some(9), "{point}");

    world.ahead_s += PAST_THE_CLAIM_S;
    let server = world.serve(None).await;
    world.until(async |world| in_force(world, case).await == (0, 0, 0), "the release is carried out").await;
    let (status, told) = ask(&server, &bo, &approve, &decision).await.expect("an answer");
    assert_eq!((status, &told["code"]), (StatusCode::CONFLICT, &json!("release-decided")), "{point}");
    let custody = server.get(&legal, &format!("/v1/recordings/{id}/custody")).await.text().await.expect("custody");
    assert_eq!(custody.matches("hold.released").count(), 1, "{point}: once");
    world.until_sidecars_are_fresh().await;
    server.stop().await;
    assert_sound(&world, point);
}

/// A case that is over is gone in the end, whatever breaks its purge off.
pub(super) async fn end_dies_at(stack: Stack, point: &str) {
    let mut world = World::moving_its_clock(stack).await;
    let legal = world.token("legal");
    let case = Uuid::new_v4();
    let server = world.serve(None).await;
    ask(&server, &legal, "/v1/cases", &new_case(case)).await.expect("an answer");
    let close = format!("/v1/cases/{case}/close");
    let closed = ask(&server, &legal, &close, &json!({"reason": "over"})).await.expect("an answer");
    assert_eq!(closed.0, StatusCode::OK);
    server.stop().await;
    world.ahead_s = 3 * 24 * 3_600;
    let short = ("EARWITNESS_CASES_RETENTION", "P2D");
    assert_eq!(world.run_with(&["purge", "--json"], &[short]).status.code(), Some(4), "three days since the last pass");
    let confirm = ["purge", "--confirm", "moved on purpose", "--json"];
    let died = world.run_with(&confirm, &[short, ("EARWITNESS_FAILPOINT", point)]);
    assert_eq!(died.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&died.stderr));

    world.ahead_s += PAST_THE_CLAIM_S;
    let done = world.run_with(&["purge", "--json"], &[short]);
    assert!(done.status.success(), "{point}: {}", String::from_utf8_lossy(&done.stderr));
    let name = KeyName::Case(case);
    assert!(!world.keys().await.exists(&name).await.expect("an answer"), "{point}: its key is gone");
    let store = world.store().await;
    for gone in [ObjectKey::Case(case), ObjectKey::Secret(name)] {
        assert!(store.head(&gone).await.expect("an answer").is_none(), "{point}: {gone}");
    }
    assert!(store.head(&ObjectKey::CasePurged(case)).await.expect("an answer").is_some(), "{point}");
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    assert!(catalog.case(case).await.expect("an answer").is_none(), "{point}");
    catalog.close().await;
    assert_sound(&world, point);
    world.catalog = world.empty_catalog().await;
    let rebuilt = world.run_json(&["fsck", "--rebuild", "--json"]);
    assert_eq!((&rebuilt["findings"], &rebuilt["cases_restored"]), (&json!([]), &json!(0)), "{point}: {rebuilt}");
}
