//! What the product says may arrive in any order, more than once, and late; and many accounts at once, from a file.

use earwitness::access::Role;
use serde_json::{Value, json};

use super::{agency, crm, get, post, put, recorded};
use crate::on_both_stacks;
use crate::support::archive::Running;
use crate::support::stack::{Place, Stack};
use crate::support::world::World;

on_both_stacks!(
    in Versioned:
    a_late_word_changes_nothing,
    whatever_comes_first_is_kept,
    two_words_at_once_are_both_taken_in,
);

fn at(body: &Value, updated_at: &str) -> Value {
    let mut body = body.clone();
    body["updated_at"] = json!(updated_at);
    body
}

async fn a_late_word_changes_nothing(place: &Place) {
    let running = Running::start(place).await;
    let (crm, legal) = (crm(&running).await, running.token(Role::Legal, &[], None).await);
    let (new, old) = (at(&agency("New"), "2026-11-20T10:00:00Z"), at(&agency("Old"), "2026-11-20T09:59:59Z"));
    assert_eq!(put(&running, &crm, "A-1", &new).await.status, 201);
    let late = put(&running, &crm, "A-1", &old).await;
    assert_eq!((late.status, &late.json()["updated_at"]), (200, &json!("2026-11-20T10:00:00Z")));
    assert_eq!(get(&running, &legal, "A-1").await.json()["details"]["name"], "New");
    assert_eq!(running.count_entries("account.changed").await, 1);
    let newer = at(&agency("Newer"), "2026-11-20T10:00:01Z");
    put(&running, &crm, "A-1", &newer).await;
    // One that does not say when it is from counts as of now.
    put(&running, &crm, "A-1", &agency("Newest")).await;
    assert_eq!(get(&running, &legal, "A-1").await.json()["details"]["name"], "Newest");
    assert_eq!(put(&running, &crm, "A-1", &new).await.json()["updated_at"], "2026-11-20T10:00:01Z");
    assert_eq!(get(&running, &legal, "A-1").await.json()["details"]["name"], "Newest");
    let mut less = agency("Newest");
    less["persons"] = json!([]);
    less.as_object_mut().expect("an object").remove("email");
    put(&running, &crm, "A-1", &less).await;
    let told = get(&running, &legal, "A-1").await.json();
    assert_eq!(
        (&told["details"]["persons"], &told["details"]["email"]),
        (&json!([]), &Value::Null),
        "what is left out goes"
    );
}

async fn whatever_comes_first_is_kept(place: &Place) {
    let running = Running::start(place).await;
    let (crm, legal) = (crm(&running).await, running.token(Role::Legal, &[], None).await);
    let id = recorded(&running, &crm, "c-1", "A-1", &json!({"id": "p-7"})).await;
    let unfilled = get(&running, &legal, "A-1").await.json();
    assert_eq!((&unfilled["details"], &unfilled["persons_left"]), (&Value::Null, &json!(0)), "only that it is there");
    // Closed and ended before anybody said who it is.
    assert_eq!(post(&running, &crm, "A-2", "close", &json!({})).await.status, 200);
    assert_eq!(
        post(&running, &crm, "A-2", "end-relation", &json!({"ended_at": "2026-01-01T00:00:00Z"})).await.status,
        200
    );
    assert_eq!(put(&running, &crm, "A-2", &agency("Late")).await.status, 201);
    let told = get(&running, &legal, "A-2").await.json();
    assert_eq!((&told["expires_at"], &told["details"]["name"]), (&json!("2036-01-01T00:00:00Z"), &json!("Late")));
    assert!(told["closed_at"].is_string());
    assert_eq!(put(&running, &crm, "A-1", &agency("x")).await.status, 201, "the recording's account is filled");
    assert_eq!(running.read(&legal, id, "").await.json()["account_id"], "A-1");
    // An id may be anything that a recording may name, and is nobody's path.
    let odd = put(&running, &crm, "a%2Fb%20%C3%A9", &agency("odd")).await;
    assert_eq!((odd.status, &odd.json()["id"]), (201, &json!("a/b é")));
    assert_eq!(post(&running, &crm, "a%2Fb%20%C3%A9", "close", &json!({})).await.status, 200);
    assert_eq!(put(&running, &crm, &"x".repeat(201), &agency("long")).await.told(), (422, "invalid-body".into()));
}

async fn two_words_at_once_are_both_taken_in(place: &Place) {
    let running = Running::start(place).await;
    let (crm, legal) = (crm(&running).await, running.token(Role::Legal, &[], None).await);
    let words = (0..8).map(|n| {
        let (running, crm) = (&running, &crm);
        async move {
            match n % 2 {
                0 => put(running, crm, "A-1", &agency(&format!("name {n}"))).await.status,
                _ => post(running, crm, "A-1", &format!("persons/p-{n}/left"), &json!({})).await.status,
            }
        }
    });
    let statuses = futures::future::join_all(words).await;
    assert!(statuses.iter().all(|status| [200, 201].contains(status)), "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    let told = get(&running, &legal, "A-1").await.json();
    assert!(told["details"]["name"].as_str().expect("a name").starts_with("name "));
    assert_eq!(told["persons_left"], 4, "with the one that was named");
    assert_eq!(told["details"]["persons"], json!([]), "who left is not named again");
}

#[tokio::test]
async fn many_are_taken_in_from_a_file() {
    let world = World::new(Stack::Embedded).await;
    let file = world.folder.path().join("accounts.jsonl");
    let with_id = |id: &str, name: &str| {
        let mut body = agency(name);
        body["id"] = json!(id);
        body.to_string()
    };
    let lines = [
        with_id("A-1", "One"),
        "{broken".to_owned(),
        with_id("A-2", ""),
        with_id("A-3", "Three"),
        String::new(),
        with_id("A-1", "Uno"),
    ];
    std::fs::write(&file, lines.join("\n")).expect("a file");
    let arguments = ["accounts", "import", &file.display().to_string(), "--json"];
    let first = world.run(&arguments);
    assert_eq!(first.status.code(), Some(3), "{}", String::from_utf8_lossy(&first.stderr));
    let told: Value = serde_json::from_slice(&first.stdout).expect("JSON");
    let counts = ["filled", "changed", "unchanged", "rejected"].map(|name| told[name].as_u64());
    assert_eq!(counts, [Some(2), Some(1), Some(0), Some(2)], "{told}");
    let ends: Vec<_> =
        told["lines"].as_array().expect("lines").iter().map(|line| (&line["line"], &line["code"])).collect();
    assert_eq!(ends[1], (&json!(2), &json!("malformed-line")));
    assert_eq!(ends[2], (&json!(3), &json!("invalid-body")));
    assert_eq!(told["lines"][2]["errors"][0]["field"], "name");
    let again: Value = serde_json::from_slice(&world.run(&arguments).stdout).expect("JSON");
    assert_eq!(
        (&again["changed"], &again["unchanged"]),
        (&json!(2), &json!(1)),
        "the last word of A-1 is the second again"
    );
    let text = world.run(&["accounts", "import", &file.display().to_string()]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("line 3: invalid-body name must not be empty"));
    assert_eq!(world.run(&["accounts", "import", "none.jsonl"]).status.code(), Some(1));
    assert_eq!(world.run_json(&["fsck", "--json"])["findings"], json!([]));
}
