//! `kill -9` at every step of ingest and purge, then a restart: nothing acknowledged is lost, nothing is deleted early,
//! nothing is left over.

use std::os::unix::process::ExitStatusExt as _;

use earwitness::catalog::Catalog;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::engines::Engine;
use crate::support::world::{Server, World, call, five_years_less, tone, upload};

/// Longer than a claim or a lease lasts, so that those of the dead process are over after the restart.
const PAST_THE_CLAIM_S: i64 = 120;

pub(crate) const INGEST_POINTS: &[&str] = &[
    "key-published",
    "keyring-key-ensured",
    "keyring-copy-stored",
    "keyring-shelved",
    "object-temp-created",
    "object-temp-synced",
    "object-linked",
    "object-temp-unlinked",
    "object-folders-synced",
    "object-renamed",
    "receive.claimed",
    "receive.audio_stored",
    "receive.waveform_stored",
    "receive.stored",
    "receive.sidecar_stored",
    "receive.before_commit",
    "receive.committed",
];

pub(crate) const PURGE_POINTS: &[&str] = &[
    "purge.fenced",
    "purge.sidecar_deleted",
    "purge.keys_destroyed",
    "object-unlinked",
    "object-folder-removed",
    "purge.objects_gone",
    "purge.objects_deleted",
    "purge.rows_deleted",
    "purge.looked_again",
    "purge.certificate_stored",
    "purge.certified",
];

pub(crate) const MONTH_POINTS: &[&str] = &[
    "month.closed",
    "file-temp-synced",
    "file-linked",
    "key-destruction-noted",
    "key-removed",
    "keyring-key-destroyed",
    "keyring-copy-deleted",
    "month.key_destroyed",
    "month.destroyed",
];

pub(crate) const DECISION_POINT: &str = "decide.committed";

/// With whether what was sent is there after the restart.
pub(crate) const RELATED_POINTS: &[(&str, bool)] = &[("related.object_stored", false), ("related.committed", true)];

const REASON: &str = "the half that there is suffices";
const TRANSCRIPT: &str = "de makelaar belooft een bezichtiging op vrijdagmiddag";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ingest_on_sqlite() {
    for point in INGEST_POINTS {
        ingest_dies_at(Engine::Sqlite, point).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ingest_on_postgres() {
    for point in INGEST_POINTS {
        ingest_dies_at(Engine::Postgres, point).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn purge_on_sqlite() {
    for point in PURGE_POINTS {
        purge_dies_at(Engine::Sqlite, point).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn purge_on_postgres() {
    for point in PURGE_POINTS {
        purge_dies_at(Engine::Postgres, point).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_month_on_sqlite() {
    for point in MONTH_POINTS {
        month_end_dies_at(Engine::Sqlite, point).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_month_on_postgres() {
    for point in MONTH_POINTS {
        month_end_dies_at(Engine::Postgres, point).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_on_sqlite() {
    decision_dies(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_on_postgres() {
    decision_dies(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn related_data_on_sqlite() {
    for (point, is_kept) in RELATED_POINTS {
        related_dies_at(Engine::Sqlite, point, *is_kept).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn related_data_on_postgres() {
    for (point, is_kept) in RELATED_POINTS {
        related_dies_at(Engine::Postgres, point, *is_kept).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_on_sqlite() {
    killed_under_load(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_on_postgres() {
    killed_under_load(Engine::Postgres).await;
}

/// Uploads from four clients without a pause, `kill -9` in the middle of them, a restart: three times over.
async fn killed_under_load(engine: Engine) {
    let mut world = World::new(engine).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let mut kept: Vec<(String, u32)> = Vec::new();
    for round in 0..3_u32 {
        let server = world.serve(None).await;
        let (acknowledged, mut acknowledgements) = tokio::sync::mpsc::unbounded_channel();
        let clients: Vec<_> = (0..4_u32)
            .map(|client| {
                let (http, base, token) = (server.client.clone(), server.base.clone(), ingest.clone());
                let acknowledged = acknowledged.clone();
                tokio::spawn(async move {
                    for n in 0..1_000 {
                        let seed = round * 100_000 + client * 10_000 + n;
                        let form = upload(&call(&format!("call-{seed}"), 60), &tone(seed));
                        let sent = http.post(format!("{base}/v1/recordings")).bearer_auth(&token).multipart(form);
                        let Ok(answer) = sent.send().await else { return };
                        if answer.status() != StatusCode::CREATED {
                            return;
                        }
                        let Ok(receipt) = answer.json::<Value>().await else { return };
                        let _ = acknowledged.send((receipt["id"].as_str().expect("an id").to_owned(), seed));
                    }
                })
            })
            .collect();
        for _ in 0..12 {
            kept.push(acknowledgements.recv().await.expect("an acknowledgement"));
        }
        server.kill();
        for client in clients {
            client.await.expect("no panic");
        }
        drop(acknowledged);
        while let Some(late) = acknowledgements.recv().await {
            kept.push(late);
        }
        world.ahead_s += PAST_THE_CLAIM_S;
    }
    let server = world.serve(None).await;
    for (id, seed) in &kept {
        let heard = server.get(&legal, &format!("/v1/recordings/{id}/audio")).await;
        assert_eq!(heard.status(), StatusCode::OK, "acknowledged, then lost");
        assert_eq!(heard.bytes().await.expect("audio"), tone(*seed));
    }
    server.stop().await;
    let report = assert_sound(&world, "killed under load");
    let rows = report["recordings"].as_u64().expect("a count");
    assert!(rows >= kept.len() as u64);
    assert_eq!(recording_folders(&world).len() as u64, rows, "as many in the store as in the catalog");
}

/// Folders of recordings in the store.
fn recording_folders(world: &World) -> Vec<String> {
    let mut folders = Vec::new();
    let months = std::fs::read_dir(world.objects().join("rec")).into_iter().flatten().flatten();
    for month in months {
        let recordings = std::fs::read_dir(month.path()).into_iter().flatten().flatten();
        folders.extend(recordings.map(|r| r.file_name().to_string_lossy().into_owned()));
    }
    folders
}

fn assert_sound(world: &World, point: &str) -> Value {
    let report = world.run_json(&["fsck", "--rehash", "--json"]);
    assert_eq!(report["findings"], Value::Array(vec![]), "{point}: {report}");
    report
}

async fn ingest_dies_at(engine: Engine, point: &str) {
    let mut world = World::new(engine).await;
    // Under the fail point in the binary's very first steps there is no installation yet to make a token in.
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    // The tokens are in the published ledger already and the next months have their keys, so that the upload's are the
    // first writes under the fail point.
    let server = world.serve(None).await;
    server.until(&legal, "/v1/ledger/checkpoint", StatusCode::OK).await;
    world.until_months_are_ahead().await;
    server.stop().await;
    let audio = tone(1);
    let mut server = world.serve(Some(point)).await;
    assert!(server.is_alive(), "{point}: it was reached without an upload");
    // So long ago that its month's key is not among those that were made ahead.
    let metadata = call("call-1", 100 * 24 * 3_600);
    let answer = server.post(&ingest, &metadata, &audio).await;
    assert!(answer.is_err(), "{point}: answered {answer:?} and lived");
    assert_eq!(server.until_dead().await.signal(), Some(9), "{point}");

    world.ahead_s = PAST_THE_CLAIM_S;
    let server = world.serve(None).await;
    let again = server.post(&ingest, &metadata, &audio).await.expect("an answer");
    assert!([StatusCode::OK, StatusCode::CREATED].contains(&again.status()), "{point}: {}", again.status());
    let receipt: Value = again.json().await.expect("a receipt");
    let id = receipt["id"].as_str().expect("an id");
    let heard = server.get(&legal, &format!("/v1/recordings/{id}/audio")).await;
    assert_eq!(heard.status(), StatusCode::OK, "{point}");
    assert_eq!(heard.bytes().await.expect("audio"), audio, "{point}");
    server.stop().await;
    assert_eq!(recording_folders(&world), [id], "{point}: nothing of the dead upload is left");
    assert_eq!(assert_sound(&world, point)["recordings"], 1, "{point}");
}

async fn purge_dies_at(engine: Engine, point: &str) {
    let mut world = World::new(engine).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let server = world.serve(None).await;
    // The sealed key of the young one is of another month than the old one's.
    let old = server.post(&ingest, &call("old", five_years_less(3_600)), &tone(1)).await.expect("an answer");
    let young = server.post(&ingest, &call("young", 60), &tone(2)).await.expect("an answer");
    let (old, young): (Value, Value) = (old.json().await.expect("json"), young.json().await.expect("json"));
    let (old, young) = (old["id"].as_str().expect("an id"), young["id"].as_str().expect("an id"));
    server.stop().await;

    world.ahead_s = 7_200;
    let mut server = world.serve(Some(point)).await;
    assert_eq!(server.until_dead().await.signal(), Some(9), "{point}");

    world.ahead_s += PAST_THE_CLAIM_S;
    let server = world.serve(None).await;
    let certificate = format!("/v1/retention/certificates/{old}");
    let certificate = server.until(&legal, &certificate, StatusCode::OK).await;
    let file = world.folder.path().join("certificate.json");
    std::fs::write(&file, certificate.bytes().await.expect("a certificate")).expect("a file");
    assert_eq!(server.get(&legal, &format!("/v1/recordings/{old}")).await.status(), StatusCode::GONE, "{point}");
    let heard = server.get(&legal, &format!("/v1/recordings/{young}/audio")).await;
    assert_eq!(heard.bytes().await.expect("audio"), tone(2), "{point}: the other one is untouched");
    server.stop().await;
    let verified = world.run(&["verify", &file.display().to_string()]);
    assert!(verified.status.success(), "{point}: {}", String::from_utf8_lossy(&verified.stdout));
    assert_eq!(recording_folders(&world), [young], "{point}");
    assert_eq!(assert_sound(&world, point)["recordings"], 1, "{point}");
}

async fn month_end_dies_at(engine: Engine, point: &str) {
    let mut world = World::new(engine).await;
    let ingest = world.token("ingest");
    let server = world.serve(None).await;
    let old = server.post(&ingest, &call("old", five_years_less(3_600)), &tone(1)).await.expect("an answer");
    assert_eq!(old.status(), StatusCode::CREATED);
    let receipt: Value = old.json().await.expect("json");
    server.stop().await;
    let expires_at = receipt["expires_at"].as_str().expect("a deadline").parse::<chrono::DateTime<chrono::Utc>>();
    let month = expires_at.expect("a time").with_timezone(&chrono_tz::Europe::Brussels).format("%Y-%m").to_string();

    // Forty days since the last heartbeat: an operator has to say that this is right.
    world.ahead_s = 40 * 24 * 3_600;
    let refused = world.run(&["purge", "--json"]);
    assert_eq!(refused.status.code(), Some(4), "{point}: {}", String::from_utf8_lossy(&refused.stderr));
    let output =
        world.run_with(&["purge", "--confirm", "moved on purpose", "--json"], &[("EARWITNESS_FAILPOINT", point)]);
    assert_eq!(output.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&output.stderr));
    world.ahead_s += PAST_THE_CLAIM_S;
    let report = world.run_json(&["purge", "--json"]);
    assert_eq!(report["stopped_by"], serde_json::json!([]), "{point}: {report}");
    let keys = std::fs::read_dir(world.data().join("keys")).expect("the keys").flatten();
    let keys: Vec<String> = keys.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    assert!(keys.contains(&format!("month-{month}.destroyed")), "{point}: {keys:?}");
    assert!(world.objects().join(format!("months/{month}.destroyed.json")).exists(), "{point}");
    assert!(!world.objects().join(format!("secrets/month-{month}")).exists(), "{point}");
    assert_sound(&world, point);
}

/// Uploads it, to a server that is stopped again: what comes next is the first write under a fail point.
async fn stored_before(world: &World, legal: &str, ingest: &str, audio: &[u8]) -> String {
    let server = world.serve(None).await;
    let receipt = server.post(ingest, &call("call-1", 60), audio).await.expect("an answer");
    assert!(receipt.status().is_success(), "{}", receipt.status());
    let receipt: Value = receipt.json().await.expect("a receipt");
    server.until(legal, "/v1/ledger/checkpoint", StatusCode::OK).await;
    server.stop().await;
    receipt["id"].as_str().expect("an id").to_owned()
}

/// Whether the catalog knows that the sidecar in the store is older than the row.
async fn sidecar_is_stale(world: &World, id: &str) -> bool {
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    let stale = catalog.stale_sidecars(10).await.expect("an answer");
    catalog.close().await;
    stale.contains(&id.parse().expect("an id"))
}

fn decision(server: &Server, legal: &str, id: &str) -> RequestBuilder {
    let request = server.client.post(format!("{}/v1/recordings/{id}/quarantine", server.base));
    request.bearer_auth(legal).json(&json!({"decision": "accept", "reason": REASON}))
}

/// The decision is there whole: in the row, and with its reason in the recording's custody.
async fn assert_decided(server: &Server, legal: &str, id: &str, when: &str) {
    let shown = server.get(legal, &format!("/v1/recordings/{id}")).await;
    let shown: Value = shown.json().await.expect("json");
    assert_eq!(shown["status"], "accepted", "{when}: {shown}");
    let custody = server.get(legal, &format!("/v1/recordings/{id}/custody")).await.text().await.expect("custody");
    assert_eq!(custody.matches(REASON).count(), 1, "{when}: {custody}");
}

/// Nobody was told of the decision, but it is committed: it stays, also when the catalog is lost afterwards.
async fn decision_dies(engine: Engine) {
    let mut world = World::new(engine).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let whole = tone(1);
    let half = &whole[..whole.len() / 2];
    let id = stored_before(&world, &legal, &ingest, half).await;
    let mut server = world.serve(Some(DECISION_POINT)).await;
    assert!(server.is_alive(), "it was reached without a decision");
    let waiting = server.get(&legal, &format!("/v1/recordings/{id}")).await.json::<Value>().await.expect("json");
    assert_eq!(waiting["status"], "quarantined");
    let answer = decision(&server, &legal, &id).send().await;
    assert!(answer.is_err(), "answered {answer:?} and lived");
    assert_eq!(server.until_dead().await.signal(), Some(9));
    assert!(sidecar_is_stale(&world, &id).await, "it died before it wrote the sidecar");

    world.ahead_s = PAST_THE_CLAIM_S;
    let server = world.serve(None).await;
    assert_decided(&server, &legal, &id, "after the restart").await;
    let again = decision(&server, &legal, &id).send().await.expect("an answer");
    assert_eq!(again.status(), StatusCode::CONFLICT, "a decision is taken once");
    world.until_sidecars_are_fresh().await;
    server.stop().await;
    assert_sound(&world, DECISION_POINT);

    world.catalog = world.empty_catalog().await;
    let rebuilt = world.run_json(&["fsck", "--rebuild", "--rehash", "--json"]);
    assert_eq!(rebuilt["brought_back"], 1, "{rebuilt}");
    let legal = world.token("legal");
    let server = world.serve(None).await;
    assert_decided(&server, &legal, &id, "after the loss of the catalog").await;
    let heard = server.get(&legal, &format!("/v1/recordings/{id}/audio")).await;
    assert_eq!(heard.bytes().await.expect("audio"), half);
    server.stop().await;
    assert_eq!(assert_sound(&world, DECISION_POINT)["recordings"], 1);
}

async fn put_transcript(server: &Server, legal: &str, id: &str) -> reqwest::Result<Response> {
    let request = server.client.put(format!("{}/v1/recordings/{id}/related/transcript", server.base));
    request.bearer_auth(legal).header("Content-Type", "text/plain").body(TRANSCRIPT).send().await
}

/// Nobody was told of the related data: it is not there at all, or whole; and what it left in the store goes.
async fn related_dies_at(engine: Engine, point: &str, is_kept: bool) {
    let mut world = World::new(engine).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let audio = tone(1);
    let id = stored_before(&world, &legal, &ingest, &audio).await;
    let before = world.objects_of(&id);
    let mut server = world.serve(Some(point)).await;
    assert!(server.is_alive(), "{point}: it was reached without related data");
    let answer = put_transcript(&server, &legal, &id).await;
    assert!(answer.is_err(), "{point}: answered {answer:?} and lived");
    assert_eq!(server.until_dead().await.signal(), Some(9), "{point}");
    assert_eq!(world.objects_of(&id).len(), before.len() + 1, "{point}: its object is stored");
    assert_eq!(sidecar_is_stale(&world, &id).await, is_kept, "{point}");

    // So long after it that no request can be behind an object without a row.
    world.ahead_s = 2 * 3_600;
    let server = world.serve(None).await;
    let path = format!("/v1/recordings/{id}/related/transcript");
    if is_kept {
        let read = server.get(&legal, &path).await;
        assert_eq!(read.status(), StatusCode::OK, "{point}");
        assert_eq!(read.text().await.expect("a text"), TRANSCRIPT, "{point}");
    } else {
        assert_eq!(server.get(&legal, &path).await.status(), StatusCode::NOT_FOUND, "{point}");
        world.until(|world| world.objects_of(&id) == before, "the object without a row goes").await;
    }
    let again = put_transcript(&server, &legal, &id).await.expect("an answer");
    let expected = if is_kept { StatusCode::OK } else { StatusCode::CREATED };
    assert_eq!(again.status(), expected, "{point}");
    assert_eq!(server.get(&legal, &path).await.text().await.expect("a text"), TRANSCRIPT, "{point}");
    let heard = server.get(&legal, &format!("/v1/recordings/{id}/audio")).await;
    assert_eq!(heard.bytes().await.expect("audio"), audio, "{point}: the recording is untouched");
    world.until_sidecars_are_fresh().await;
    server.stop().await;
    assert_eq!(world.objects_of(&id).len(), before.len() + 1, "{point}: one object for it");
    assert_eq!(assert_sound(&world, point)["recordings"], 1, "{point}");

    world.catalog = world.empty_catalog().await;
    world.run_json(&["fsck", "--rebuild", "--rehash", "--json"]);
    let legal = world.token("legal");
    let server = world.serve(None).await;
    let read = server.get(&legal, &path).await.text().await.expect("a text");
    assert_eq!(read, TRANSCRIPT, "{point}: after the loss of the catalog");
    server.stop().await;
}
