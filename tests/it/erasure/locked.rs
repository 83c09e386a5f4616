//! Erasures in a bucket with Object Lock, in real time, by the real binary, with credentials that may do no more than they
//! must; seen with boto3.

use std::os::unix::process::ExitStatusExt as _;

use earwitness::ledger::verify::verify;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::erased;
use crate::crash::points::LOCKED;
use crate::rebuild::post;
use crate::support::outsider::aws_key;
use crate::support::stack::Stack;
use crate::support::world::{Server, World, call, five_years_less, tone, unix_now};

/// Time enough for what has to be seen before the deadline on a busy machine.
const DUE_IN_S: i64 = 60;

fn key(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests through ./test"))
}

fn ordinary() -> String {
    key("EARWITNESS_TEST_S3_ORDINARY")
}

pub(crate) fn erasures() -> String {
    key("EARWITNESS_TEST_S3_ERASURES")
}

/// An installation whose process has the ordinary credentials.
async fn world() -> World {
    let mut world = World::new(Stack::Production).await;
    let ordinary = ordinary();
    for (name, value) in aws_key(&ordinary) {
        world.use_engine(name, value);
    }
    world
}

/// From now on it has this key for erasures.
pub(crate) fn give_key(world: &mut World, key: &str) {
    let file = world.folder.path().join("erasures");
    let (id, secret) = key.split_once(':').expect("a key and its secret");
    let text = format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    std::fs::write(&file, text).expect("a file");
    world.use_engine("EARWITNESS_ERASURE_CREDENTIALS_FILE", &file.display().to_string());
}

/// Erases it behind the running server's back, whose next pass goes on with it.
async fn erase(world: &World, id: &str) {
    let archive = world.archive().await;
    erased(&archive, id.parse().expect("an id")).await;
    archive.catalog.close().await;
}

async fn certificate(server: &Server, token: &str, id: &str) -> Value {
    let answer = server.until(token, &format!("/v1/retention/certificates/{id}"), StatusCode::OK).await;
    let document = answer.bytes().await.expect("a certificate");
    let report = verify(&document, None);
    assert!(report.ok(), "{report}");
    serde_json::from_slice(&document).expect("JSON")
}

/// The certificate that takes the place of the first one.
async fn successor(server: &Server, token: &str, id: &str) -> Value {
    for _ in 0..1_200 {
        let certificate = certificate(server, token, id).await;
        if certificate["locked"]["deleted_at"].is_string() {
            return certificate;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the bytes stay")
}

/// The folder of a recording's objects.
async fn folder_of(world: &World, id: &str) -> String {
    let objects = world.objects_of(id).await;
    objects[0].rsplit_once('/').map(|(folder, _)| format!("{folder}/")).expect("a folder")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_is_asked_who_may_bypass_its_locks() {
    let mut world = world().await;
    let facts = |world: &World| world.run_json(&["store", "check", "--json"])["facts"].clone();
    let warns = |facts: &Value, of: &str| facts["warnings"].to_string().contains(of);
    let none = facts(&world);
    assert_eq!((&none["locks"], &none["erases_at_once"], &none["warnings"]), (&json!(true), &json!(false), &json!([])));
    give_key(&mut world, &erasures());
    let good = facts(&world);
    assert_eq!((&good["erases_at_once"], &good["warnings"]), (&json!(true), &json!([])), "{good}");
    give_key(&mut world, &ordinary());
    let useless = facts(&world);
    assert_eq!(useless["erases_at_once"], false);
    assert!(warns(&useless, "cannot bypass locks"), "{useless}");
    give_key(&mut world, "unknown:nobody");
    assert_eq!(facts(&world)["erases_at_once"], false);
    give_key(&mut world, &erasures());
    let anybody = world.run_with(
        &["store", "check", "--json"],
        &[("AWS_ACCESS_KEY_ID", &key("AWS_ACCESS_KEY_ID")), ("AWS_SECRET_ACCESS_KEY", &key("AWS_SECRET_ACCESS_KEY"))],
    );
    let anybody: Value = serde_json::from_slice(&anybody.stdout).expect("JSON");
    assert!(warns(&anybody["facts"], "ordinary credentials may bypass"), "{anybody}");
    world.use_engine("EARWITNESS_ERASURE_CREDENTIALS_FILE", "/nowhere");
    assert_ne!(world.run(&["store", "check"]).status.code(), Some(0), "a file that is not there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_credential_for_erasures_and_no_other_the_bytes_go_at_once() {
    let mut world = world().await;
    give_key(&mut world, &erasures());
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let server = world.serve(None).await;
    let (id, _) = post(&server, &ingest, &call("one", 60), &tone(1)).await;
    let (other, _) = post(&server, &ingest, &call("other", 60), &tone(2)).await;
    let outsider = world.outsider().await;
    let (folder, other_folder) = (folder_of(&world, &id).await, folder_of(&world, &other).await);
    for part in ["audio", "waveform"] {
        let locked = format!("{folder}{part}");
        for what in ["delete-versions", "bypass"] {
            assert_eq!(outsider.boto_with(&ordinary(), what, &locked).await, "AccessDenied", "{what} {part}");
        }
        assert_eq!(outsider.boto_with(&erasures(), "read", &locked).await, "AccessDenied", "it reads nothing");
    }
    erase(&world, &id).await;
    let certificate = certificate(&server, &legal, &id).await;
    assert_eq!((&certificate["ground"], &certificate["locked"]), (&json!("erasure"), &Value::Null), "{certificate}");
    assert_eq!(outsider.boto("count", &folder).await, "0 0 0");
    assert_eq!(outsider.boto("count", &other_folder).await, "3 0 0", "no other is touched");
    let heard = server.get(&legal, &format!("/v1/recordings/{other}/audio")).await;
    assert_eq!(heard.bytes().await.expect("audio"), tone(2));
    server.stop().await;
    assert_eq!(world.run_json(&["fsck", "--json"])["findings"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_it_the_bytes_wait_for_the_end_of_their_lock() {
    waits(world().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_may_bypass_the_bytes_wait_as_well() {
    let mut world = world().await;
    world.use_engine("EARWITNESS_LOCK_MODE", "compliance");
    give_key(&mut world, &erasures());
    waits(world).await;
}

/// The key goes at once; the bytes, when the lock ends. The certificates say both, and no loss brings anything back.
async fn waits(mut world: World) {
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let server = world.serve(None).await;
    let (id, receipt) = post(&server, &ingest, &call("one", five_years_less(DUE_IN_S)), &tone(1)).await;
    let receipt: Value = serde_json::from_slice(&receipt).expect("JSON");
    let folder = folder_of(&world, &id).await;
    server.until(&legal, "/v1/ledger/checkpoint", StatusCode::OK).await;
    server.stop().await;
    let backup = world.back_up().await;
    erase(&world, &id).await;
    let server = world.serve(None).await;
    let first = certificate(&server, &legal, &id).await;
    let locked = &first["locked"];
    assert_eq!((&locked["objects"], &locked["object_versions"]), (&json!(2), &json!(2)), "{first}");
    assert_eq!(
        (&first["deleted"]["objects"], &locked["deleted_at"]),
        (&json!(1), &Value::Null),
        "the sidecar: {first}"
    );
    let at = |text: &Value| chrono::DateTime::parse_from_rfc3339(text.as_str().expect("a time")).expect("a time");
    let (until, expires_at) = (at(&locked["until"]), at(&receipt["expires_at"]));
    assert!(until >= expires_at && (until - expires_at).num_seconds() <= 1, "{until} {expires_at}");
    let outsider = world.outsider().await;
    assert_eq!(outsider.boto("count", &folder).await, "2 0 0");
    assert_eq!(server.get(&legal, &format!("/v1/recordings/{id}/audio")).await.status(), StatusCode::GONE);
    server.stop().await;
    // What is locked is no orphan; what somebody puts beside it is.
    assert_eq!(world.run_json(&["fsck", "--json"])["findings"], json!([]));
    outsider.write(&format!("{folder}sidecar"), b"put back".to_vec()).await;
    let found = world.run_json(&["fsck", "--repair", "--json"])["findings"].clone();
    let expected = json!([{"problem": "purge-remains", "action": "deleted", "what": format!("{folder}sidecar")}]);
    assert_eq!(found, expected);
    // An old catalog, and none, while it waits.
    let current = std::mem::replace(&mut world.catalog, backup);
    for catalog in [world.catalog.clone(), world.empty_catalog().await] {
        world.catalog = catalog;
        let restored = world.run_json(&["restore", "--json"]);
        assert_eq!((&restored["findings"], &restored["purges_applied"]), (&json!([]), &json!(1)), "{restored}");
        assert_eq!(outsider.boto("count", &folder).await, "2 0 0");
    }
    world.catalog = current;
    assert!(unix_now() < until.timestamp(), "all of it before the lock ends");

    let server = world.serve(None).await;
    let second = successor(&server, &legal, &id).await;
    assert!(unix_now() >= expires_at.timestamp());
    assert_eq!(outsider.boto("count", &folder).await, "0 0 0");
    assert_eq!((&second["deleted"]["objects"], &second["ledger"]["kind"]), (&json!(3), &json!("purge.bytes_deleted")));
    for member in ["fenced_at", "keys_destroyed_at", "objects_deleted_at", "rows_deleted_at"] {
        assert_eq!(first[member], second[member], "{member}");
    }
    server.stop().await;
    assert_eq!(world.run_json(&["fsck", "--json"])["findings"], json!([]));
    // And from nothing once more.
    world.catalog = world.empty_catalog().await;
    assert_eq!(world.run_json(&["restore", "--json"])["findings"], json!([]));
    let server = world.serve(None).await;
    let legal = world.token("legal");
    assert_eq!(certificate(&server, &legal, &id).await, second);
    server.stop().await;
}

/// A credential that comes later, and a process that dies over what it deletes with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_goes_as_soon_as_it_may() {
    for point in LOCKED {
        let mut world = world().await;
        let (ingest, legal) = (world.token("ingest"), world.token("legal"));
        let server = world.serve(None).await;
        let (id, _) = post(&server, &ingest, &call("one", 60), &tone(1)).await;
        let folder = folder_of(&world, &id).await;
        erase(&world, &id).await;
        assert_eq!(certificate(&server, &legal, &id).await["locked"]["objects"], 2, "{point}");
        server.stop().await;
        give_key(&mut world, &erasures());
        let mut server = world.serve(Some(point)).await;
        assert_eq!(server.until_dead().await.signal(), Some(9), "{point}");
        world.ahead_s += 120;
        let server = world.serve(None).await;
        let second = successor(&server, &legal, &id).await;
        assert_eq!(second["deleted"]["objects"], 3, "{point}: {second}");
        assert_eq!(world.outsider().await.boto("count", &folder).await, "0 0 0", "{point}");
        server.stop().await;
        assert_eq!(world.run_json(&["fsck", "--json"])["findings"], json!([]), "{point}");
    }
}
