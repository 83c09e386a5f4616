//! Uploads whose process dies.

use std::os::unix::process::ExitStatusExt as _;

use reqwest::StatusCode;
use serde_json::Value;

use super::{PAST_THE_CLAIM_S, assert_sound};
use crate::support::objects::recordings;
use crate::support::stack::Stack;
use crate::support::world::{World, call, tone, upload};

/// Uploads from four clients without a pause, `kill -9` in the middle of them, a restart: three times over.
pub(super) async fn killed_under_load(stack: Stack) {
    let mut world = World::new(stack).await;
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
    assert_eq!(recordings(world.store().await).await.len() as u64, rows, "as many in the store as in the catalog");
}

pub(super) async fn dies_at(stack: Stack, point: &str, audio: &[u8]) {
    let mut world = World::new(stack).await;
    // Under the fail point in the binary's very first steps there is no installation yet to make a token in.
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    // The tokens are in the published ledger already and the next months have their keys, so that the upload's are the
    // first writes under the fail point.
    let server = world.serve(None).await;
    server.until(&legal, "/v1/ledger/checkpoint", StatusCode::OK).await;
    world.until_months_are_ahead().await;
    server.stop().await;
    let mut server = world.serve_to_be_armed(point).await;
    world.arm();
    assert!(server.is_alive(), "{point}: it was reached without an upload");
    // So long ago that its month's key is not among those that were made ahead.
    let metadata = call("call-1", 100 * 24 * 3_600);
    let answer = server.post(&ingest, &metadata, audio).await;
    assert!(answer.is_err(), "{point}: answered {answer:?} and lived");
    assert_eq!(server.until_dead().await.signal(), Some(9), "{point}");

    world.ahead_s = PAST_THE_CLAIM_S;
    let server = world.serve(None).await;
    let again = server.post(&ingest, &metadata, audio).await.expect("an answer");
    assert!([StatusCode::OK, StatusCode::CREATED].contains(&again.status()), "{point}: {}", again.status());
    let receipt: Value = again.json().await.expect("a receipt");
    let id = receipt["id"].as_str().expect("an id");
    let heard = server.get(&legal, &format!("/v1/recordings/{id}/audio")).await;
    assert_eq!(heard.status(), StatusCode::OK, "{point}");
    assert_eq!(heard.bytes().await.expect("audio"), audio, "{point}");
    server.stop().await;
    assert_eq!(recordings(world.store().await).await, [id], "{point}: nothing of the dead upload is left");
    assert_eq!(assert_sound(&world, point)["recordings"], 1, "{point}");
}
