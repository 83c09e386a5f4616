//! Accounts whose change, or whose end, dies.

use std::os::unix::process::ExitStatusExt as _;

use chrono::Months;
use earwitness::catalog::Catalog;
use earwitness::vault::keys::KeyName;
use earwitness::vault::objects::ObjectKey;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PAST_THE_CLAIM_S, assert_sound};
use crate::accounts::agency;
use crate::support::stack::Stack;
use crate::support::world::{Server, World, call, tone, unix_now};

/// Asks for something and gives the answer; none when the server died under it.
async fn ask(server: &Server, token: &str, method: Method, path: &str, body: &Value) -> Option<(StatusCode, Value)> {
    let request = server.client.request(method, format!("{}/v1/accounts/{path}", server.base)).bearer_auth(token);
    let answer = request.json(body).send().await.ok()?;
    let status = answer.status();
    Some((status, answer.json().await.ok()?))
}

async fn uuid_of(world: &World, id: &str) -> Uuid {
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    let row = catalog.account(id).await.expect("an answer").expect("a row");
    catalog.close().await;
    row.uuid
}

/// Waits until the running server has brought everything about accounts to its end.
async fn until_settled(world: &World) {
    let settled = async |world: &World| {
        let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
        let stale = catalog.accounts_not_stored(None, 9).await.expect("an answer").len();
        let left = catalog.accounts_left("", 9).await.expect("an answer").len();
        let ending = catalog.account_purges_under_way().await.expect("an answer");
        catalog.close().await;
        stale == 0 && left == 0 && ending == 0
    };
    world.until(settled, "all copies are in the store, nobody who left is found, no end is under way").await;
}

/// A word of the product whose process dies: the same again is taken in, or was.
pub(super) async fn word_dies_at(stack: Stack, point: &str) {
    let mut world = World::new(stack).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let mut server = world.serve_to_be_armed(point).await;
    world.arm();
    assert_eq!(ask(&server, &ingest, Method::PUT, "A-1", &agency("Immo")).await, None, "{point}");
    assert_eq!(server.until_dead().await.signal(), Some(9), "{point}");

    world.ahead_s += PAST_THE_CLAIM_S;
    let server = world.serve(None).await;
    let (status, _) = ask(&server, &ingest, Method::PUT, "A-1", &agency("Immo")).await.expect("an answer");
    assert!(status.is_success(), "{point}: {status}");
    until_settled(&world).await;
    let told: Value = server.get(&legal, "/v1/accounts/A-1").await.json().await.expect("JSON");
    assert_eq!(told["details"]["persons"], agency("x")["persons"], "{point}");
    server.stop().await;
    assert_sound(&world, point);
}

/// Somebody left and the process dies: they have left, and are found by nobody once it is up again.
pub(super) async fn leaving_dies_at(stack: Stack, point: &str) {
    let mut world = World::new(stack).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let mut server = world.serve(Some(point)).await;
    let metadata = call("call-1", 60);
    let account = metadata["account_id"].as_str().expect("an account").to_owned();
    let person = metadata["person"]["id"].as_str().expect("a person").to_owned();
    assert!(server.post(&ingest, &metadata, &tone(1)).await.expect("an answer").status().is_success());
    let left = format!("{account}/persons/{person}/left");
    assert_eq!(ask(&server, &ingest, Method::POST, &left, &json!({})).await, None, "{point}");
    assert_eq!(server.until_dead().await.signal(), Some(9), "{point}");

    world.ahead_s += PAST_THE_CLAIM_S;
    let server = world.serve(None).await;
    until_settled(&world).await;
    let search = server.client.post(format!("{}/v1/recordings/search", server.base)).bearer_auth(&legal);
    let found: Value =
        search.json(&json!({"person": person})).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(found["recordings"], json!([]), "{point}");
    let (_, told) = ask(&server, &ingest, Method::POST, &left, &json!({})).await.expect("an answer");
    assert_eq!(told["is_new"], false, "{point}");
    server.stop().await;
    assert_sound(&world, point);
}

/// Two accounts become one and the process dies: they are one, and the key of the first goes.
pub(super) async fn merge_dies_at(stack: Stack, point: &str) {
    let mut world = World::new(stack).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let mut server = world.serve(Some(point)).await;
    ask(&server, &ingest, Method::PUT, "A", &agency("Immo")).await.expect("an answer");
    let old = uuid_of(&world, "A").await;
    assert_eq!(ask(&server, &ingest, Method::POST, "A/merge", &json!({"into": "B"})).await, None, "{point}");
    assert_eq!(server.until_dead().await.signal(), Some(9), "{point}");

    world.ahead_s += PAST_THE_CLAIM_S;
    let server = world.serve(None).await;
    let again = ask(&server, &ingest, Method::POST, "A/merge", &json!({"into": "B"})).await.expect("an answer");
    assert_eq!(again.0, StatusCode::OK, "{point}");
    until_settled(&world).await;
    let told: Value = server.get(&legal, "/v1/accounts/B").await.json().await.expect("JSON");
    assert_eq!(told["details"]["persons"], agency("x")["persons"], "{point}");
    server.stop().await;
    assert!(!world.keys().await.exists(&KeyName::Account(old)).await.expect("an answer"), "{point}");
    assert_sound(&world, point);
}

/// A moment from which ten calendar years are over in three hours, or four where the clocks changed.
pub(crate) fn ten_years_less_three_hours() -> String {
    let over = chrono::DateTime::from_timestamp(unix_now() + 3 * 3_600, 0).expect("a time");
    over.checked_sub_months(Months::new(120)).expect("a time").to_rfc3339()
}

/// An account whose time is over is gone in the end, and certified, whatever breaks that off.
pub(super) async fn end_dies_at(stack: Stack, point: &str) {
    let mut world = World::moving_its_clock(stack).await;
    let ingest = world.token("ingest");
    let server = world.serve(None).await;
    ask(&server, &ingest, Method::PUT, "A-1", &agency("Immo")).await.expect("an answer");
    let end = json!({"ended_at": ten_years_less_three_hours()});
    let ended = ask(&server, &ingest, Method::POST, "A-1/end-relation", &end).await.expect("an answer");
    assert_eq!(ended.0, StatusCode::OK, "{}", ended.1);
    let uuid = uuid_of(&world, "A-1").await;
    server.stop().await;
    world.ahead_s = 6 * 3_600;
    let died = world.run_with(&["purge", "--json"], &[("EARWITNESS_FAILPOINT", point)]);
    assert_eq!(died.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&died.stderr));

    world.ahead_s += PAST_THE_CLAIM_S;
    let done = world.run(&["purge", "--json"]);
    assert!(done.status.success(), "{point}: {}", String::from_utf8_lossy(&done.stderr));
    let name = KeyName::Account(uuid);
    assert!(!world.keys().await.exists(&name).await.expect("an answer"), "{point}: its key is gone");
    let store = world.store().await;
    for (key, is_there) in [
        (ObjectKey::Account(uuid), false),
        (ObjectKey::Secret(name), false),
        (ObjectKey::AccountPurged(uuid), true),
        (ObjectKey::AccountCertificate(uuid), true),
    ] {
        assert_eq!(store.head(&key).await.expect("an answer").is_some(), is_there, "{point}: {key}");
    }
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    assert!(catalog.account("A-1").await.expect("an answer").is_none(), "{point}");
    let certificate = catalog.account_certificate(uuid).await.expect("an answer").expect("a certificate");
    catalog.close().await;
    let file = world.folder.path().join("certificate.json");
    std::fs::write(&file, certificate).expect("a file");
    let verified = world.run(&["verify", &file.display().to_string()]);
    assert!(verified.status.success(), "{point}: {}", String::from_utf8_lossy(&verified.stdout));
    assert_sound(&world, point);
    world.catalog = world.empty_catalog().await;
    let rebuilt = world.run_json(&["fsck", "--rebuild", "--json"]);
    assert_eq!((&rebuilt["findings"], &rebuilt["accounts_restored"]), (&json!([]), &json!(0)), "{point}: {rebuilt}");
}
