//! A decision, and related data, whose process dies.

use std::os::unix::process::ExitStatusExt as _;

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::points::DECISION;
use super::{PAST_THE_CLAIM_S, assert_sound, sidecar_is_stale, stored_before};
use crate::support::stack::Stack;
use crate::support::world::{Server, World, tone};

const REASON: &str = "the half that there is suffices";
const TRANSCRIPT: &str = "de makelaar belooft een bezichtiging op vrijdagmiddag";

fn decision(server: &Server, legal: &str, id: &str) -> RequestBuilder {
    let request = server.client.post(format!("{}/v1/recordings/{id}/quarantine", server.base));
    request.bearer_auth(legal).json(&json!({"decision": "accept", "reason": REASON}))
}

/// The decision is there whole: in the row, and with its reason in the recording's custody.
pub(super) async fn assert_decided(server: &Server, legal: &str, id: &str, when: &str) {
    let shown = server.get(legal, &format!("/v1/recordings/{id}")).await;
    let shown: Value = shown.json().await.expect("json");
    assert_eq!(shown["status"], "accepted", "{when}: {shown}");
    let custody = server.get(legal, &format!("/v1/recordings/{id}/custody")).await.text().await.expect("custody");
    assert_eq!(custody.matches(REASON).count(), 1, "{when}: {custody}");
}

/// Nobody was told of the decision, but it is committed: it stays, also when the catalog is lost afterwards.
pub(super) async fn decision_dies(stack: Stack) {
    let mut world = World::new(stack).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let whole = tone(1);
    let half = &whole[..whole.len() / 2];
    let id = stored_before(&world, &legal, &ingest, half).await;
    let mut server = world.serve(Some(DECISION)).await;
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
    assert_sound(&world, DECISION);

    world.catalog = world.empty_catalog().await;
    let rebuilt = world.run_json(&["fsck", "--rebuild", "--rehash", "--json"]);
    assert_eq!(rebuilt["brought_back"], 1, "{rebuilt}");
    let legal = world.token("legal");
    let server = world.serve(None).await;
    assert_decided(&server, &legal, &id, "after the loss of the catalog").await;
    let heard = server.get(&legal, &format!("/v1/recordings/{id}/audio")).await;
    assert_eq!(heard.bytes().await.expect("audio"), half);
    server.stop().await;
    assert_eq!(assert_sound(&world, DECISION)["recordings"], 1);
}

pub(super) async fn put_transcript(server: &Server, legal: &str, id: &str) -> reqwest::Result<Response> {
    let request = server.client.put(format!("{}/v1/recordings/{id}/related/transcript", server.base));
    request.bearer_auth(legal).header("Content-Type", "text/plain").body(TRANSCRIPT).send().await
}

/// Nobody was told of the related data: it is not there at all, or whole; and what it left in the store goes.
pub(super) async fn related_dies_at(stack: Stack, point: &str, is_kept: bool) {
    let mut world = World::new(stack).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let audio = tone(1);
    let id = stored_before(&world, &legal, &ingest, &audio).await;
    let before = world.objects_of(&id).await;
    let mut server = world.serve(Some(point)).await;
    assert!(server.is_alive(), "{point}: it was reached without related data");
    let answer = put_transcript(&server, &legal, &id).await;
    assert!(answer.is_err(), "{point}: answered {answer:?} and lived");
    assert_eq!(server.until_dead().await.signal(), Some(9), "{point}");
    assert_eq!(world.objects_of(&id).await.len(), before.len() + 1, "{point}: its object is stored");
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
        world.until(async |world| world.objects_of(&id).await == before, "the object without a row goes").await;
    }
    let again = put_transcript(&server, &legal, &id).await.expect("an answer");
    let expected = if is_kept { StatusCode::OK } else { StatusCode::CREATED };
    assert_eq!(again.status(), expected, "{point}");
    assert_eq!(server.get(&legal, &path).await.text().await.expect("a text"), TRANSCRIPT, "{point}");
    let heard = server.get(&legal, &format!("/v1/recordings/{id}/audio")).await;
    assert_eq!(heard.bytes().await.expect("audio"), audio, "{point}: the recording is untouched");
    world.until_sidecars_are_fresh().await;
    server.stop().await;
    assert_eq!(world.objects_of(&id).await.len(), before.len() + 1, "{point}: one object for it");
    assert_eq!(assert_sound(&world, point)["recordings"], 1, "{point}");

    world.catalog = world.empty_catalog().await;
    world.run_json(&["fsck", "--rebuild", "--rehash", "--json"]);
    let legal = world.token("legal");
    let server = world.serve(None).await;
    let read = server.get(&legal, &path).await.text().await.expect("a text");
    assert_eq!(read, TRANSCRIPT, "{point}: after the loss of the catalog");
    server.stop().await;
}
