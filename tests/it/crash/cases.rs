//! Cases whose opening dies.

use std::os::unix::process::ExitStatusExt as _;

use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PAST_THE_CLAIM_S, assert_sound};
use crate::support::stack::Stack;
use crate::support::world::{Server, World, unix_now};

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
                let catalog = earwitness::catalog::Catalog::open(&world.catalog).await.expect("the catalog opens");
                let stale = catalog.cases_not_stored(10).await.expect("an answer");
                catalog.close().await;
                stale.is_empty()
            },
            "its copy is in the store",
        )
        .await;
    server.stop().await;
    assert_sound(&world, point);
}
