//! Cases, holds, rules and releases since the backup come back with the store's copies, and a case that was purged since
//! does not.

use earwitness::catalog::Catalog;
use earwitness::vault::keys::KeyName;
use earwitness::vault::objects::ObjectKey;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{due, heard};
use crate::on_each_stack;
use crate::rebuild::{checkpoint, post};
use crate::support::stack::Stack;
use crate::support::world::{Server, World, call, tone, unix_now};

on_each_stack!(what_legal_did_since_the_backup_is_done);

async fn ask(server: &Server, token: &str, method: Method, path: &str, body: &Value) -> Value {
    let request = server.client.request(method, format!("{}{path}", server.base)).bearer_auth(token).json(body);
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    let told = answer.text().await.expect("a body");
    assert!(status.is_success(), "{path}: {status} {told}");
    serde_json::from_str(&told).expect("JSON")
}

async fn open(server: &Server, token: &str, reference: &str) -> Uuid {
    let review_at = chrono::DateTime::from_timestamp(unix_now() + 60 * 24 * 3_600, 0).expect("a time").to_rfc3339();
    let new = json!({
        "id": Uuid::new_v4(), "reference": reference, "ground": "x", "owner": "An", "language": "de",
        "review_at": review_at,
    });
    let case = ask(server, token, Method::POST, "/v1/cases", &new).await;
    case["id"].as_str().expect("an id").parse().expect("an id")
}

async fn holds_of(world: &World, case: Uuid) -> u64 {
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    let holds = catalog.case(case).await.expect("an answer").expect("a case").holds;
    catalog.close().await;
    holds
}

/// Holds, and releases that are not done.
async fn in_force(world: &World, case: Uuid) -> (u64, u64) {
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    let row = catalog.case(case).await.expect("an answer").expect("a case");
    catalog.close().await;
    (row.holds, row.releases)
}

async fn key_of(world: &World, id: &str) -> ObjectKey {
    let sidecar = world.objects_of(id).await.into_iter().find(|path| path.ends_with("/sidecar")).expect("a sidecar");
    sidecar.parse().expect("a name of ours")
}

async fn sidecar_of(world: &World, id: &str) -> Vec<u8> {
    world.store().await.get(&key_of(world, id).await, 1 << 20).await.expect("a sidecar").to_vec()
}

/// Lets go of something that a case holds.
async fn release(server: &Server, (an, bo): (&str, &str), case: Uuid, mut what: Value) {
    let path = format!("/v1/cases/{case}/release");
    what["reason"] = json!("over");
    let asked = ask(server, an, Method::POST, &path, &what).await;
    let decision = json!({"release": asked["id"], "decision": "approve", "reason": "over"});
    let decided = ask(server, bo, Method::POST, &format!("{path}/approve"), &decision).await;
    assert_eq!(decided["left"], 0);
}

async fn what_legal_did_since_the_backup_is_done(stack: Stack) {
    let mut world = World::moving_its_clock(stack).await;
    let (ingest, an) = (world.token("ingest"), world.token("legal"));
    let bo = world.run_json(&["token", "create", "--role", "legal", "--name", "bo", "--json"]);
    let bo = bo["token"].as_str().expect("a token").to_owned();
    let server = world.serve(None).await;
    let (held, _) = post(&server, &ingest, &due("held"), &tone(1)).await;
    let (freed, _) = post(&server, &ingest, &call("freed", 60), &tone(2)).await;
    let mut of_another = call("stuck", 60);
    of_another["account_id"] = json!("A-another");
    let (stuck, _) = post(&server, &ingest, &of_another, &tone(4)).await;
    let (old, ended) = (open(&server, &an, "old").await, open(&server, &an, "it ends").await);
    let holds = |case: Uuid| format!("/v1/cases/{case}/holds");
    for case in [old, ended] {
        ask(&server, &an, Method::POST, &holds(case), &json!({"recordings": [freed]})).await;
    }
    ask(&server, &an, Method::POST, &holds(old), &json!({"recordings": [stuck]})).await;
    // What the backup has in force of a case that will be over.
    ask(&server, &an, Method::POST, &holds(ended), &json!({"account": "A-nobody"})).await;
    let waits = json!({"recordings": [freed], "reason": "too early"});
    let waits = ask(&server, &an, Method::POST, &format!("/v1/cases/{ended}/release"), &waits).await;
    checkpoint(&server, &an).await;
    world.until_sidecars_are_fresh().await;
    server.stop().await;
    let backup = world.back_up().await;
    let sidecar = sidecar_of(&world, &stuck).await;

    // What happened since.
    let server = world.serve(None).await;
    let new = open(&server, &an, "new").await;
    let account = call("x", 0)["account_id"].clone();
    let rule = ask(&server, &an, Method::POST, &holds(new), &json!({"account": account})).await;
    assert_eq!(rule["placed"], 2, "{rule}");
    let refused = json!({"release": waits["id"], "decision": "refuse", "reason": "it is"});
    ask(&server, &bo, Method::POST, &format!("/v1/cases/{ended}/release/approve"), &refused).await;
    for case in [old, ended] {
        release(&server, (&an, &bo), case, json!({"all": true})).await;
    }
    // One recording of a rule that stays in force.
    release(&server, (&an, &bo), new, json!({"recordings": [freed]})).await;
    ask(&server, &an, Method::POST, &format!("/v1/cases/{new}/notes"), &json!({"text": "a note"})).await;
    ask(&server, &an, Method::PATCH, &format!("/v1/cases/{old}"), &json!({"owner": "Bo"})).await;
    ask(&server, &an, Method::POST, &format!("/v1/cases/{ended}/close"), &json!({"reason": "over"})).await;
    let (late, _) = post(&server, &ingest, &call("late", 30), &tone(3)).await;
    world.until(async |world| holds_of(world, new).await == 2, "what arrived under the rule is held").await;
    let path = format!("/v1/cases/{new}");
    let before: Value = server.get(&an, &path).await.json().await.expect("JSON");
    checkpoint(&server, &an).await;
    world.until_sidecars_are_fresh().await;
    server.stop().await;
    // Of one recording the store does not know what became of its hold.
    assert_ne!(sidecar_of(&world, &stuck).await, sidecar);
    world.store().await.put(&key_of(&world, &stuck).await, sidecar.into()).await.expect("an old sidecar");
    // The case that was closed is over as well.
    world.ahead_s = 3 * 24 * 3_600;
    let short = ("EARWITNESS_CASES_RETENTION", "P2D");
    assert_eq!(world.run_with(&["purge"], &[short]).status.code(), Some(4), "the clock jumped");
    let purge = world.run_with(&["purge", "--confirm", "moved on purpose", "--json"], &[short]);
    let told: Value = serde_json::from_slice(&purge.stdout).expect("JSON");
    assert_eq!((&told["cases_purged"], &told["failed"]), (&json!(1), &json!(0)), "{told}");

    world.catalog = backup;
    let done = world.run_json(&["restore", "--json"]);
    assert_eq!(done["findings"], json!([]), "{done}");
    assert_eq!(
        (&done["cases_restored"], &done["cases_purged"]),
        (&json!(2), &json!(1)),
        "new, and old; and the one that is over: {done}"
    );
    let again = world.run_json(&["restore", "--json"]);
    assert_eq!((&again["cases_restored"], &again["cases_purged"]), (&json!(0), &json!(0)), "{again}");
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    assert!(catalog.case(ended).await.expect("an answer").is_none(), "what was purged does not come back");
    let row = catalog.case(new).await.expect("an answer").expect("a case");
    assert_eq!((row.holds, row.rules), (2, 1), "the rule holds what arrived after the backup as well");
    let row = catalog.case(old).await.expect("an answer").expect("a case");
    assert_eq!((row.holds, row.releases), (1, 1), "what the store did not know of is let go of once more");
    catalog.close().await;
    assert!(!world.keys().await.exists(&KeyName::Case(ended)).await.expect("an answer"));

    let server = world.serve(None).await;
    world.until(async |world| in_force(world, old).await == (0, 0), "what was let go of is let go of").await;
    world.until(async |world| in_force(world, new).await.1 == 0, "what was let go of by name as well").await;
    assert_eq!(in_force(&world, new).await, (2, 0), "and its rule does not hold it again");
    let mut after: Value = server.get(&an, &path).await.json().await.expect("JSON");
    let mut before = before;
    for told in [&mut before, &mut after] {
        told.as_object_mut().expect("an object").remove("in_force");
        // Of what is carried out once more.
        told["releases"][0].as_object_mut().expect("a release").remove("done_at").expect("when it was done");
    }
    assert_eq!(after, before, "the same case, with its note, rule and releases");
    let told: Value = server.get(&an, &format!("/v1/cases/{old}")).await.json().await.expect("JSON");
    assert_eq!((&told["owner"], &told["releases"][0]["state"]), (&json!("Bo"), &json!("approved")));
    assert_eq!(server.get(&an, &format!("/v1/cases/{ended}")).await.status(), StatusCode::NOT_FOUND);
    for (id, audio) in [(&held, tone(1)), (&freed, tone(2)), (&late, tone(3)), (&stuck, tone(4))] {
        assert_eq!(heard(&server, &an, id).await, (StatusCode::OK, audio));
    }
    server.stop().await;
    assert_eq!(world.run_json(&["fsck", "--rehash", "--json"])["findings"], json!([]));
}
