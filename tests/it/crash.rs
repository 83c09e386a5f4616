//! `kill -9` at every step of ingest and purge, then a restart: nothing acknowledged is lost, nothing is deleted early,
//! nothing is left over.

use std::os::unix::process::ExitStatusExt as _;

use reqwest::StatusCode;
use serde_json::Value;

use crate::support::engines::Engine;
use crate::support::world::{World, call, five_years_less, tone, upload};

/// Longer than a claim or a lease lasts, so that those of the dead process are over after the restart.
const PAST_THE_CLAIM_S: i64 = 120;

const INGEST_POINTS: &[&str] = &[
    "key-published",
    "keyring-key-ensured",
    "keyring-copy-stored",
    "keyring-shelved",
    "object-temp-created",
    "object-temp-synced",
    "object-linked",
    "object-temp-unlinked",
    "object-folders-synced",
    "receive.claimed",
    "receive.audio_stored",
    "receive.waveform_stored",
    "receive.stored",
    "receive.sidecar_stored",
    "receive.before_commit",
    "receive.committed",
];

const PURGE_POINTS: &[&str] = &[
    "purge.fenced",
    "purge.sidecar_deleted",
    "purge.keys_destroyed",
    "object-unlinked",
    "purge.objects_gone",
    "purge.objects_deleted",
    "purge.rows_deleted",
    "purge.looked_again",
    "purge.certificate_stored",
    "purge.certified",
];

const MONTH_POINTS: &[&str] = &[
    "month.closed",
    "key-destruction-noted",
    "key-removed",
    "keyring-key-destroyed",
    "month.key_destroyed",
    "month.destroyed",
];

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
    let audio = tone(1);
    let mut server = world.serve(Some(point)).await;
    let metadata = call("call-1", 60);
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
