//! Packages whose server dies while they are handed over.

use std::os::unix::process::ExitStatusExt as _;

use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::assert_sound;
use super::cases::{ask, new_case};
use crate::support::stack::Stack;
use crate::support::world::{Server, World, call, tone};

/// Longer than a package counts as being sent after it was last heard of.
const PAST_ALIVE_S: i64 = 20 * 60;

async fn register(server: &Server, legal: &str) -> Vec<Value> {
    let page: Value = server.get(legal, "/v1/disclosures").await.json().await.expect("JSON");
    page["disclosures"].as_array().expect("rows").clone()
}

pub(super) async fn package_dies_at(stack: Stack, point: &str, state: &str) {
    let mut world = World::new(stack).await;
    let (legal, ingest) = (world.token("legal"), world.token("ingest"));
    let mut server = world.serve_to_be_armed(point).await;
    let receipt: Value =
        server.post(&ingest, &call("call-1", 60), &tone(1)).await.expect("an answer").json().await.expect("a receipt");
    let case = Uuid::new_v4();
    ask(&server, &legal, "/v1/cases", &new_case(case)).await.expect("a case");
    let held = ask(&server, &legal, &format!("/v1/cases/{case}/holds"), &json!({"recordings": [receipt["id"]]})).await;
    assert_eq!(held.expect("an answer").0, StatusCode::OK, "{point}");
    let body = json!({"purpose": "a summons", "recipient": {"name": "A BV", "kind": "bailiff"}});
    let path = format!("{}/v1/cases/{case}/evidence", server.base);
    world.arm();
    let asked = server.client.post(&path).bearer_auth(&legal).json(&body).send().await;
    let received = match asked {
        Ok(answer) => answer.bytes().await.map(|bytes| bytes.to_vec()),
        Err(error) => Err(error),
    };
    assert!(received.is_err(), "{point}: a package that is not whole does not look so");
    assert_eq!(server.until_dead().await.signal(), Some(9), "{point}");

    world.ahead_s += PAST_ALIVE_S;
    let server = world.serve(None).await;
    world
        .until(async |_| register(&server, &legal).await.iter().all(|row| row["state"] == state), "its end is noted")
        .await;
    assert_eq!(register(&server, &legal).await.len(), 1, "{point}");
    let custody = format!("/v1/recordings/{}/custody", receipt["id"].as_str().expect("an id"));
    let custody = server.get(&legal, &custody).await.text().await.expect("custody");
    let broken = custody.matches("\"evidence.broken\"").count();
    assert_eq!(broken, usize::from(state == "broken"), "{point}: the recording's custody says so as well");
    let again = server.client.post(format!("{}/v1/cases/{case}/evidence", server.base)).bearer_auth(&legal);
    let again = again.json(&body).send().await.expect("an answer").bytes().await.expect("all of it");
    let report = earwitness::evidence::verify::verify(std::io::Cursor::new(&again[..]), &[], None);
    assert!(report.ok(), "{point}: {report}");
    world.until_sidecars_are_fresh().await;
    server.stop().await;
    assert_sound(&world, point);
}
