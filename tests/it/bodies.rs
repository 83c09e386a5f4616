//! Bodies that look right and are not, and members that must always or never be there.

use earwitness::access::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_stacks;
use crate::support::archive::Running;
use crate::support::stack::Place;

on_both_stacks!(in Locked: an_array_is_no_object, the_last_page_says_so);

/// serde would take `[false, "because"]` for `{"dry_run": false, "confirm_reason": "because"}`.
async fn an_array_is_no_object(place: &Place) {
    let running = Running::start(place).await;
    let legal = running.token(Role::Legal, &[], None).await;
    let operator = running.token(Role::Operator, &[], None).await;
    let id = uuid::Uuid::nil();
    for (someone, path, body) in [
        (&legal, "/v1/recordings/search".to_owned(), json!([])),
        (&legal, "/v1/recordings/search".to_owned(), json!(["agency-7"])),
        (&legal, format!("/v1/recordings/{id}/quarantine"), json!(["accept", "because"])),
        (&operator, "/v1/purge-runs".to_owned(), json!([false, "because"])),
    ] {
        let request = running.request(someone, Method::POST, &path).json(&body);
        let answer = running.send(request).await;
        assert_eq!(answer.told(), (422, "invalid-body".to_owned()), "{path} {body}");
    }
}

async fn the_last_page_says_so(place: &Place) {
    let running = Running::start(place).await;
    let legal = running.token(Role::Legal, &[], None).await;
    let page = running.send(running.request(&legal, Method::GET, "/v1/recordings")).await.json();
    assert_eq!(page, json!({"recordings": [], "next_cursor": Value::Null}));
}
