//! An account from its first word to the end of the relation, and who sees how much of it.

use earwitness::access::Role;
use serde_json::{Value, json};

use super::{agency, crm, found, get, post, put, recorded};
use crate::on_both_stacks;
use crate::support::archive::{Running, at};
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    an_account_lives,
    each_role_sees_its_part,
    reps_see_the_accounts_that_they_are_assigned_to,
    accounts_are_listed_page_by_page,
);

async fn an_account_lives(place: &Place) {
    let running = Running::start(place).await;
    let (crm, legal) = (crm(&running).await, running.token(Role::Legal, &[], None).await);
    let portal = running.token(Role::Portal, &["A-1"], None).await;
    let id = recorded(&running, &crm, "c-1", "A-1", &json!({"id": "p-7"})).await;
    let first = put(&running, &crm, "A-1", &agency("Immo Voorbeeld")).await;
    assert_eq!(first.status, 201, "{:?}", first.told());
    assert_eq!(
        (&first.json()["id"], &first.json()["details"]),
        (&json!("A-1"), &Value::Null),
        "who changes sees no more"
    );
    assert_eq!(put(&running, &crm, "A-1", &agency("Immo Voorbeeld")).await.status, 200);
    assert_eq!(running.count_entries("account.changed").await, 1, "the same again is no change");
    let told = get(&running, &legal, "A-1").await.json();
    assert_eq!(
        (&told["kind"], &told["language"], &told["closed_at"]),
        (&json!("estate-agent"), &json!("nl"), &Value::Null)
    );
    assert_eq!(told["details"]["name"], "Immo Voorbeeld");
    assert_eq!(told["details"]["persons"], agency("x")["persons"]);
    assert_eq!(told["details"]["reps"], json!(["ann"]));

    assert_eq!(running.read(&portal, id, "").await.status, 200);
    assert_eq!(post(&running, &crm, "A-1", "close", &json!({})).await.json()["closed_at"], "2026-11-22T10:02:00Z");
    assert_eq!(running.read(&portal, id, "").await.told(), (404, "not-found".into()), "at once");
    assert_eq!(running.read(&portal, id, "/audio").await.told(), (404, "not-found".into()));
    assert_eq!(found(&running, &portal, &json!({})).await, 0);
    assert_eq!(running.read(&legal, id, "").await.status, 200, "staff goes on");
    assert_eq!(post(&running, &crm, "A-1", "reopen", &json!({})).await.json()["closed_at"], Value::Null);
    assert_eq!(found(&running, &portal, &json!({})).await, 1);

    let end = |ended_at: &str| json!({"ended_at": ended_at});
    let future = post(&running, &crm, "A-1", "end-relation", &end("2026-11-22T10:08:00Z")).await;
    assert_eq!(future.told(), (422, "invalid-body".into()));
    let ended = post(&running, &crm, "A-1", "end-relation", &end("2024-02-29T09:00:00Z")).await.json();
    assert_eq!(ended["expires_at"], "2034-02-28T09:00:00Z", "ten years on the calendar");
    assert_eq!(ended["rule"], "account/1 P10Y Europe/Brussels instant");
    assert_eq!(found(&running, &portal, &json!({})).await, 0, "an ended relation closes as well");
    assert_eq!(put(&running, &crm, "A-1", &agency("Immo Anders")).await.status, 200, "corrections go on");
    let again = post(&running, &crm, "A-1", "end-relation", &end("2025-03-01T09:00:00Z")).await.json();
    assert_eq!(again["expires_at"], "2035-03-01T09:00:00Z");
    let reopened = post(&running, &crm, "A-1", "reopen", &json!({})).await.json();
    assert_eq!((&reopened["relation_ended_at"], &reopened["expires_at"]), (&Value::Null, &Value::Null));
    assert_eq!(found(&running, &portal, &json!({})).await, 1);
    for (kind, count) in [("closed", 1), ("reopened", 2), ("relation_ended", 2), ("changed", 2), ("read", 1)] {
        assert_eq!(running.count_entries(&format!("account.{kind}")).await, count, "{kind}");
    }
    let row = running.archive.catalog.account("A-1").await.expect("an answer").expect("a row");
    assert_eq!(row.stored_revision, row.revision, "the store has a copy");
}

async fn each_role_sees_its_part(place: &Place) {
    let running = Running::start(place).await;
    let crm = crm(&running).await;
    put(&running, &crm, "A-1", &agency("Immo Voorbeeld")).await;
    put(&running, &crm, "A-2", &agency("Immo Anders")).await;
    for (role, sees_all) in [
        (Role::Legal, true),
        (Role::Privacy, true),
        (Role::Auditor, false),
        (Role::Operator, false),
        (Role::Ingest, false),
    ] {
        let someone = running.token(role, &[], None).await;
        let one = get(&running, &someone, "A-1").await;
        assert_eq!(one.status, 200, "{role}");
        assert_eq!(one.json()["details"].is_object(), sees_all, "{role}");
        let page = running.get(&someone, "/v1/accounts").await.json();
        assert_eq!(page["accounts"].as_array().map(Vec::len), Some(2), "{role}");
        assert_eq!(page["accounts"][0]["details"].is_object(), sees_all, "{role}");
        let body = String::from_utf8(one.body).expect("text");
        assert_eq!(body.contains("Zonderland"), sees_all, "{role}");
    }
    let rep = running.token(Role::Rep, &["A-1"], None).await;
    assert_eq!(get(&running, &rep, "A-1").await.json()["details"]["name"], "Immo Voorbeeld");
    assert_eq!(get(&running, &rep, "A-2").await.told(), (404, "not-found".into()));
    assert_eq!(get(&running, &rep, "none").await.told(), (404, "not-found".into()));
    let page = running.get(&rep, "/v1/accounts").await.json();
    assert_eq!(page["accounts"].as_array().map(Vec::len), Some(1));
    let legal = running.token(Role::Legal, &[], None).await;
    for nobody in ["none", "%00", "a%0Ab"] {
        assert_eq!(get(&running, &legal, nobody).await.told(), (404, "not-found".into()), "{nobody}");
    }
    let portal = running.token(Role::Portal, &["A-1"], None).await;
    assert_eq!(get(&running, &portal, "A-1").await.status, 403);
    assert_eq!(put(&running, &rep, "A-1", &agency("x")).await.status, 403);
    let bad =
        put(&running, &crm, "A-1", &json!({"name": "x", "number": "0470", "persons": [{"id": "p", "email": "x"}]}))
            .await;
    assert_eq!(bad.told(), (422, "invalid-body".into()));
    let fields: Vec<_> = bad.json()["errors"].as_array().expect("errors").iter().map(|e| e["field"].clone()).collect();
    assert_eq!(fields, [json!("number"), json!("persons[0].email")]);
}

async fn reps_see_the_accounts_that_they_are_assigned_to(place: &Place) {
    let running = Running::start(place).await;
    let (crm, ann) = (crm(&running).await, running.token(Role::Rep, &["A-3"], Some("ann")).await);
    let bob = running.token(Role::Rep, &[], Some("bob")).await;
    let mut ids = Vec::new();
    for account in ["A-1", "A-2", "A-3"] {
        ids.push(recorded(&running, &crm, account, account, &json!({"id": "p-7"})).await);
    }
    assert_eq!((found(&running, &ann, &json!({})).await, found(&running, &bob, &json!({})).await), (1, 0));
    put(&running, &crm, "A-1", &agency("Immo Voorbeeld")).await;
    assert_eq!(found(&running, &ann, &json!({})).await, 2, "like one of the token's own");
    assert_eq!(running.read(&ann, ids[0], "/audio").await.status, 200);
    assert_eq!(running.read(&bob, ids[0], "").await.status, 404);
    assert_eq!(running.read(&ann, ids[1], "").await.status, 404);
    assert_eq!(get(&running, &ann, "A-1").await.status, 200);
    let mut changed = agency("Immo Voorbeeld");
    changed["reps"] = json!(["bob"]);
    assert_eq!(put(&running, &crm, "A-1", &changed).await.status, 200);
    assert_eq!((found(&running, &ann, &json!({})).await, found(&running, &bob, &json!({})).await), (1, 1));
    assert_eq!(running.read(&ann, ids[0], "").await.status, 404);
    assert_eq!(running.read(&bob, ids[0], "").await.status, 200);
}

async fn accounts_are_listed_page_by_page(place: &Place) {
    let running = Running::start(place).await;
    let (crm, auditor) = (crm(&running).await, running.token(Role::Auditor, &[], None).await);
    for n in 0..5 {
        running.clock.set(at(&format!("2026-11-22T10:02:0{n}Z")));
        put(&running, &crm, &format!("A-{n}"), &agency("x")).await;
    }
    post(&running, &crm, "A-1", "close", &json!({})).await;
    post(&running, &crm, "A-3", "end-relation", &json!({"ended_at": "2026-01-01T00:00:00Z"})).await;
    let ids = async |query: &str| {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = running.get(&auditor, &format!("/v1/accounts?limit=2{query}{cursor}")).await.json();
            let accounts = page["accounts"].as_array().expect("a list");
            ids.extend(accounts.iter().map(|account| account["id"].as_str().expect("an id").to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { return ids };
            cursor = format!("&cursor={next}");
        }
    };
    assert_eq!(ids("").await, ["A-4", "A-3", "A-2", "A-1", "A-0"]);
    assert_eq!(ids("&state=open").await, ["A-4", "A-2", "A-0"]);
    assert_eq!(
        (ids("&state=closed").await, ids("&state=ended").await),
        (vec!["A-1".to_owned()], vec!["A-3".to_owned()])
    );
    assert_eq!(running.get(&auditor, "/v1/accounts?state=x").await.told(), (400, "invalid-query".into()));
}
