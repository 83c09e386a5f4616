//! Opened, read, changed, noted upon, closed; and brought back from the store.

use earwitness::access::Role;
use earwitness::{fsck, housekeeping};
use serde_json::json;
use uuid::Uuid;

use super::{entries, kinds, legal, new_case, open, patch, post};
use crate::on_both_stacks;
use crate::support::archive::{Running, at};
use crate::support::objects::bytes_of;
use crate::support::stack::Place;
use earwitness::vault::objects::ObjectKey;

on_both_stacks!(
    in Versioned:
    a_case_is_opened_read_changed_and_closed,
    the_same_request_again_does_nothing_twice,
    what_is_no_case_is_refused,
    cases_are_listed_by_their_state,
    a_lost_catalog_gets_cases_back,
    what_a_case_says_is_readable_nowhere,
);

async fn a_case_is_opened_read_changed_and_closed(place: &Place) {
    let running = Running::start(place).await;
    let an = legal(&running, "An").await;
    let id = open(&running, &an, "2026/12").await;
    let path = format!("/v1/cases/{id}");
    let told = running.get(&an, &path).await.json();
    assert_eq!(
        (&told["reference"], &told["owner"], &told["closed_at"]),
        (&json!("2026/12"), &json!("An Peeters"), &json!(null))
    );
    assert_eq!(told["in_force"], json!({"holds": 0, "rules": 0, "releases": 0}));

    let changed = patch(&running, &an, &path, &json!({"owner": "Bo", "review_at": "2027-05-01T09:00:00Z"})).await;
    assert_eq!(changed.status, 200, "{:?}", changed.told());
    let told = changed.json();
    assert_eq!((&told["owner"], &told["ground"]), (&json!("Bo"), &json!("invoice disputed")));
    assert_eq!(told["review_at"], "2027-05-01T09:00:00Z");
    let noted = post(&running, &an, &format!("{path}/notes"), &json!({"text": "called the notary\nno answer"})).await;
    assert_eq!((noted.status, &noted.json()["by"]), (201, &json!("An")));
    let told = running.get(&an, &path).await.json();
    assert_eq!(told["notes"][0]["text"], "called the notary\nno answer");

    running.clock.set(at("2027-05-01T09:00:00Z"));
    assert_eq!(running.get(&an, &path).await.json()["overdue"], true);
    let closed = post(&running, &an, &format!("{path}/close"), &json!({"reason": "paid"})).await;
    assert_eq!((closed.status, &closed.json()["closed_at"]), (200, &json!("2027-05-01T09:00:00Z")));
    assert_eq!(closed.json()["overdue"], false);
    assert_eq!(patch(&running, &an, &path, &json!({"owner": "C"})).await.told(), (409, "case-closed".into()));
    let late = post(&running, &an, &format!("{path}/notes"), &json!({"text": "late"})).await;
    assert_eq!(late.told(), (409, "case-closed".into()));
    assert_eq!(post(&running, &an, &format!("{path}/close"), &json!({"reason": "again"})).await.status, 200);
    let expected =
        ["case.changed", "case.changed", "case.closed", "case.opened", "case.read", "case.read", "case.read"];
    assert_eq!(kinds(&running, id).await, expected);
    for (kind, payload) in entries(&running, id).await {
        assert_eq!((&payload["actor"]["name"], &payload["case_id"]), (&json!("An"), &json!(id)), "{kind}");
    }
}

async fn the_same_request_again_does_nothing_twice(place: &Place) {
    let running = Running::start(place).await;
    let an = legal(&running, "An").await;
    let mut new = new_case("2026/12");
    new["id"] = json!(Uuid::new_v4());
    assert_eq!(post(&running, &an, "/v1/cases", &new).await.status, 201);
    assert_eq!(post(&running, &an, "/v1/cases", &new).await.status, 200);
    let (one, other) = tokio::join!(post(&running, &an, "/v1/cases", &new), post(&running, &an, "/v1/cases", &new));
    assert_eq!((one.status, other.status), (200, 200));
    let id: Uuid = new["id"].as_str().expect("a text").parse().expect("an id");
    let note = json!({"id": Uuid::new_v4(), "text": "once"});
    for _ in 0..2 {
        assert_eq!(post(&running, &an, &format!("/v1/cases/{id}/notes"), &note).await.status, 201);
    }
    assert_eq!(running.get(&an, &format!("/v1/cases/{id}")).await.json()["notes"].as_array().map(Vec::len), Some(1));
    new["owner"] = json!("somebody else");
    assert_eq!(post(&running, &an, "/v1/cases", &new).await.told(), (409, "conflict".into()));

    // Several at the same instant, of an id that nobody has yet.
    let mut new = new_case("2026/13");
    new["id"] = json!(Uuid::new_v4());
    let all = futures::future::join_all((0..4).map(|_| post(&running, &an, "/v1/cases", &new))).await;
    let mut statuses: Vec<u16> = all.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 201]);
    let id: Uuid = new["id"].as_str().expect("a text").parse().expect("an id");
    assert_eq!(kinds(&running, id).await, ["case.opened"]);
}

async fn what_is_no_case_is_refused(place: &Place) {
    let running = Running::start(place).await;
    let an = legal(&running, "An").await;
    for (member, bad, code) in [
        ("reference", json!(""), "empty"),
        ("ground", json!("é".repeat(1_001)), "too-long"),
        ("owner", json!("a\tb"), "control-character"),
        ("review_at", json!("2026-11-22T10:02:00Z"), "out-of-range"),
    ] {
        let mut new = new_case("x");
        new[member] = bad;
        let answer = post(&running, &an, "/v1/cases", &new).await;
        assert_eq!(answer.told(), (422, "invalid-body".into()), "{member}");
        assert_eq!(
            answer.json()["errors"],
            json!([{"field": member, "code": code, "message": answer.json()["errors"][0]["message"]}])
        );
    }
    let mut new = new_case("x");
    new["colour"] = json!("red");
    assert_eq!(post(&running, &an, "/v1/cases", &new).await.status, 422);
    let none = format!("/v1/cases/{}", Uuid::new_v4());
    for answer in [
        running.get(&an, &none).await,
        patch(&running, &an, &none, &json!({"owner": "x"})).await,
        post(&running, &an, &format!("{none}/notes"), &json!({"text": "x"})).await,
        post(&running, &an, &format!("{none}/close"), &json!({"reason": "x"})).await,
        running.get(&an, "/v1/cases/x").await,
    ] {
        assert_eq!(answer.told(), (404, "not-found".into()));
    }
    assert_eq!(running.get(&an, "/v1/cases?state=lost").await.told(), (400, "invalid-query".into()));
    let rep = running.token(Role::Rep, &["A-1"], None).await;
    assert_eq!(running.get(&rep, &none).await.status, 403);
}

async fn cases_are_listed_by_their_state(place: &Place) {
    let running = Running::start(place).await;
    let an = legal(&running, "An").await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(open(&running, &an, &format!("case {n}")).await);
        running.clock.advance(std::time::Duration::from_secs(1));
    }
    let closed = post(&running, &an, &format!("/v1/cases/{}/close", ids[0]), &json!({"reason": "over"})).await;
    assert_eq!(closed.status, 200);
    let later = json!({"review_at": "2028-01-01T00:00:00Z"});
    patch(&running, &an, &format!("/v1/cases/{}", ids[1]), &later).await;
    running.clock.set(at("2027-03-01T00:00:00Z"));
    let listed = async |query: &str| -> Vec<Uuid> {
        let page = running.get(&an, &format!("/v1/cases{query}")).await.json();
        let cases = page["cases"].as_array().expect("cases").iter();
        cases.map(|case| case["id"].as_str().expect("an id").parse().expect("an id")).collect()
    };
    let newest_first: Vec<Uuid> = ids.iter().rev().copied().collect();
    assert_eq!(listed("").await, newest_first);
    assert_eq!(listed("?state=open").await, newest_first[..4]);
    assert_eq!(listed("?state=closed").await, [ids[0]]);
    assert_eq!(listed("?state=overdue").await, newest_first[..3]);
    let first = running.get(&an, "/v1/cases?limit=3").await.json();
    let cursor = first["next_cursor"].as_str().expect("a cursor").to_owned();
    assert_eq!(first["cases"].as_array().map(Vec::len), Some(3));
    assert!(first["cases"][0].get("notes").is_none());
    assert_eq!(listed(&format!("?limit=3&cursor={cursor}")).await, newest_first[3..]);
}

async fn a_lost_catalog_gets_cases_back(place: &Place) {
    let running = Running::start(place).await;
    let an = legal(&running, "An").await;
    let id = open(&running, &an, "2026/12").await;
    let path = format!("/v1/cases/{id}");
    post(&running, &an, &format!("{path}/notes"), &json!({"text": "a note"})).await;
    patch(&running, &an, &path, &json!({"owner": "Bo"})).await;
    running.archive.publish_ledger().await.expect("published");
    let before = earwitness::hold::case::look_up(&running.archive, id).await.expect("a case");

    let rebuilt = place.without_its_catalog().await.open(running.clock.clone(), &[]).await;
    let options = fsck::Options { rebuild: true, ..fsck::Options::default() };
    let report = fsck::run(&rebuilt, options).await.expect("rebuilt");
    assert!(report.is_sound(), "{report}");
    assert_eq!(report.cases_restored, 1);
    assert_eq!(earwitness::hold::case::look_up(&rebuilt, id).await.expect("a case"), before);
    let again = fsck::run(&rebuilt, options).await.expect("rebuilt");
    assert_eq!(again.cases_restored, 0);
    let row = rebuilt.catalog.case(id).await.expect("an answer").expect("a row");
    assert_eq!((row.revision, row.stored_revision), (3, 3));
    let kinds: Vec<String> = rebuilt
        .catalog
        .entries_under(&format!("case-{id}"), "none", 100)
        .await
        .expect("entries")
        .into_iter()
        .map(|row| row.entry.entry.kind)
        .collect();
    assert_eq!(kinds.len(), 3, "what happened to it is known again: {kinds:?}");
    assert!(housekeeping::pass(&rebuilt, true).await.failed.is_empty());
}

async fn what_a_case_says_is_readable_nowhere(place: &Place) {
    let running = Running::start(place).await;
    let an = legal(&running, "An").await;
    let id = open(&running, &an, "zeer geheime zaak").await;
    let note = json!({"text": "zeer geheime zaak"});
    post(&running, &an, &format!("/v1/cases/{id}/notes"), &note).await;
    let copy = bytes_of(running.archive.store.as_ref(), &ObjectKey::Case(id)).await;
    let row = running.archive.catalog.case(id).await.expect("an answer").expect("a row");
    let notes = running.archive.catalog.case_notes(id).await.expect("notes");
    let secret = b"geheime";
    for bytes in [&copy, &row.sealed, &notes[0].sealed] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}
