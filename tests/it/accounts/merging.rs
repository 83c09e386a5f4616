//! Two accounts become one: what was said of the first is the other's, and whoever sees the other sees the recordings of both,
//! which stay stamped as they came.

use earwitness::access::Role;
use earwitness::archive::ArchiveError;
use earwitness::purge;
use earwitness::vault::keys::KeyName;
use earwitness::vault::objects::ObjectKey;
use earwitness::{account, fsck};
use serde_json::{Value, json};

use super::{agency, crm, found, get, post, put, recorded};
use crate::cases::{legal, new_case};
use crate::on_both_stacks;
use crate::support::archive::Running;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    whoever_sees_the_other_sees_both,
    what_was_said_goes_to_the_other_and_the_key_goes,
    rules_hold_what_they_held,
    chains_and_repeats,
    a_rebuilt_catalog_knows_the_merge,
);

fn other() -> Value {
    json!({"name": "Makelaar BV", "kind": "developer", "reps": ["bob"], "persons": [{"id": "p-1", "name": "An Peeters"}]})
}

async fn whoever_sees_the_other_sees_both(place: &Place) {
    let running = Running::start(place).await;
    let (crm, legal) = (crm(&running).await, running.token(Role::Legal, &[], None).await);
    let portal = running.token(Role::Portal, &["B"], None).await;
    let (old_portal, rep) =
        (running.token(Role::Portal, &["A"], None).await, running.token(Role::Rep, &["B"], None).await);
    let (ann, bob) =
        (running.token(Role::Rep, &[], Some("ann")).await, running.token(Role::Rep, &[], Some("bob")).await);
    put(&running, &crm, "A", &agency("Immo Voorbeeld")).await;
    put(&running, &crm, "B", &other()).await;
    let a = recorded(&running, &crm, "c-1", "A", &json!({"id": "p-7"})).await;
    let b = recorded(&running, &crm, "c-2", "B", &json!({"id": "p-1"})).await;
    recorded(&running, &crm, "c-3", "C", &json!({"id": "p-1"})).await;
    let all = async || {
        let mut seen = Vec::new();
        for who in [&portal, &old_portal, &rep, &ann, &bob] {
            seen.push(found(&running, who, &json!({})).await);
        }
        seen
    };
    assert_eq!(all().await, [1, 1, 1, 1, 1]);
    let merged = post(&running, &crm, "A", "merge", &json!({"into": "B"})).await;
    assert_eq!((merged.status, &merged.json()["id"]), (200, &json!("B")), "{:?}", merged.told());
    assert_eq!(all().await, [2, 1, 2, 2, 2], "the token of the old account sees what it saw");
    assert_eq!(running.read(&portal, a, "/audio").await.status, 200);
    assert_eq!(running.read(&old_portal, b, "").await.status, 404);
    assert_eq!(found(&running, &legal, &json!({"account": "B"})).await, 2);
    assert_eq!(found(&running, &legal, &json!({"account": "A"})).await, 1);
    assert_eq!(
        running.get(&rep, "/v1/recordings?account=B").await.json()["recordings"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(running.read(&legal, a, "").await.json()["account_id"], "A", "stamped as it came");
    // What arrives with the old id is the other's as well; closing the other closes both.
    let late = recorded(&running, &crm, "c-4", "A", &json!({"id": "p-7"})).await;
    assert_eq!(running.read(&portal, late, "").await.status, 200);
    post(&running, &crm, "B", "close", &json!({})).await;
    assert_eq!(all().await, [0, 0, 3, 3, 3]);
    assert_eq!(account::family(&running.archive, "B").await.expect("an answer"), ["A", "B"]);
    assert_eq!(account::family(&running.archive, "A").await.expect("an answer"), ["A"]);
}

async fn what_was_said_goes_to_the_other_and_the_key_goes(place: &Place) {
    let running = Running::start(place).await;
    let (crm, legal) = (crm(&running).await, running.token(Role::Legal, &[], None).await);
    put(&running, &crm, "A", &agency("Immo Voorbeeld")).await;
    put(&running, &crm, "B", &other()).await;
    post(&running, &crm, "A", "persons/p-3/left", &json!({})).await;
    post(&running, &crm, "A", "persons/p-1/left", &json!({})).await;
    let old = running.archive.catalog.account("A").await.expect("an answer").expect("a row").uuid;
    recorded(&running, &crm, "c-1", "B", &json!({"id": "p-1", "name": "An Peeters"})).await;
    post(&running, &crm, "A", "merge", &json!({"into": "B"})).await;
    let told = get(&running, &legal, "B").await.json();
    assert_eq!(told["details"]["persons"], agency("x")["persons"], "sealed anew; who left the one has left the other");
    assert_eq!(
        (&told["persons_left"], &told["kind"], &told["details"]["name"]),
        (&json!(2), &json!("developer"), &json!("Makelaar BV"))
    );
    assert_eq!(told["details"]["reps"], json!(["ann", "bob"]));
    let former = &told["details"]["merged"][0];
    assert_eq!(
        (&former["id"], &former["name"], &former["email"]),
        (&json!("A"), &json!("Immo Voorbeeld"), &json!("info@voorbeeld.example"))
    );
    assert_eq!(
        found(&running, &legal, &json!({"person": "p-1"})).await,
        0,
        "nor is a recording of the other found by them"
    );
    let pointer = get(&running, &legal, "A").await.json();
    assert_eq!((&pointer["merged_into"], &pointer["details"]), (&json!("B"), &Value::Null));
    for (what, body) in [("close", json!({})), ("merge", json!({"into": "C"})), ("persons/p-9/left", json!({}))] {
        let refused = post(&running, &crm, "A", what, &body).await;
        assert_eq!((refused.told(), &refused.json()["into"]), ((409, "account-merged".into()), &json!("B")), "{what}");
    }
    assert_eq!(put(&running, &crm, "A", &agency("late")).await.told(), (409, "account-merged".into()));

    let report = purge::pass(&running.archive).await.expect("a pass");
    assert_eq!((report.accounts_purged, report.failed), (0, 0), "nothing ended that would be certified: {report:?}");
    let name = KeyName::Account(old);
    assert!(!running.archive.keyring.provider().exists(&name).await.expect("an answer"), "its own key is gone");
    let store = &running.archive.store;
    assert!(store.head(&ObjectKey::Account(old)).await.expect("an answer").is_none());
    assert!(store.head(&ObjectKey::AccountPurged(old)).await.expect("an answer").is_some());
    assert!(running.archive.catalog.entries_under(&name.to_string(), "none", 9).await.expect("entries").is_empty());
    assert_eq!(running.archive.catalog.account_purges_under_way().await.expect("an answer"), 0);
    assert_eq!(get(&running, &legal, "B").await.json()["details"]["persons"], agency("x")["persons"]);
    assert!(fsck::run(&running.archive, fsck::Options::default()).await.expect("a look").findings.is_empty());
}

async fn rules_hold_what_they_held(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (crm(&running).await, legal(&running, "An").await);
    let a = recorded(&running, &crm, "c-1", "A", &json!({"id": "p-7"})).await;
    let b = recorded(&running, &crm, "c-2", "B", &json!({"id": "p-7"})).await;
    let opened = crate::cases::post(&running, &an, "/v1/cases", &new_case("2026/1")).await.json();
    let holds = format!("/v1/cases/{}/holds", opened["id"].as_str().expect("an id"));
    assert_eq!(crate::cases::post(&running, &an, &holds, &json!({"account": "A"})).await.json()["placed"], 1);
    post(&running, &crm, "A", "merge", &json!({"into": "B"})).await;
    let held = async |id| running.archive.catalog.holds_of(id).await.expect("holds").len();
    let late = recorded(&running, &crm, "c-3", "A", &json!({"id": "p-7"})).await;
    let other = recorded(&running, &crm, "c-4", "B", &json!({"id": "p-7"})).await;
    earwitness::hold::catch_arrivals(&running.archive).await.expect("caught");
    assert_eq!((held(a).await, held(late).await, held(b).await, held(other).await), (1, 1, 0, 0));
    // A search by the other's name finds both, so a hold by a search takes both.
    let asked = json!({"search": {"account": "B"}});
    assert_eq!(
        crate::cases::post(&running, &an, &holds, &asked).await.json()["recordings"].as_array().map(Vec::len),
        Some(4)
    );
}

async fn chains_and_repeats(place: &Place) {
    let running = Running::start(place).await;
    let (crm, legal) = (crm(&running).await, running.token(Role::Legal, &[], None).await);
    for (n, account) in ["A", "B", "C"].into_iter().enumerate() {
        recorded(&running, &crm, &format!("c-{n}"), account, &json!({"id": "p-7"})).await;
    }
    put(&running, &crm, "A", &agency("First")).await;
    assert_eq!(post(&running, &crm, "A", "merge", &json!({"into": "A"})).await.told(), (409, "conflict".into()));
    // Into one of which nothing was said yet, and that again into another.
    assert_eq!(post(&running, &crm, "A", "merge", &json!({"into": "B"})).await.status, 200);
    assert_eq!(post(&running, &crm, "A", "merge", &json!({"into": "B"})).await.status, 200, "it is");
    assert_eq!(running.count_entries("account.merged").await, 1);
    assert_eq!(get(&running, &legal, "B").await.json()["details"]["name"], "First");
    assert_eq!(
        post(&running, &crm, "B", "merge", &json!({"into": "A"})).await.told(),
        (409, "account-merged".into()),
        "no circle"
    );
    assert_eq!(post(&running, &crm, "B", "merge", &json!({"into": "C"})).await.status, 200);
    assert_eq!(found(&running, &legal, &json!({"account": "C"})).await, 3);
    assert_eq!(get(&running, &legal, "A").await.json()["merged_into"], "C");
    let merged = get(&running, &legal, "C").await.json()["details"]["merged"].clone();
    let ids: Vec<_> = merged.as_array().expect("a list").iter().map(|former| former["id"].clone()).collect();
    assert_eq!(ids, [json!("A"), json!("B")]);
    assert_eq!(put(&running, &crm, "C", &other()).await.status, 200);
    let told = get(&running, &legal, "C").await.json();
    assert_eq!(told["details"]["merged"], merged, "the product's own word of the other leaves it");
    assert_eq!(told["details"]["persons"], other()["persons"], "whom it does not name is gone");
}

async fn a_rebuilt_catalog_knows_the_merge(place: &Place) {
    let running = Running::start(place).await;
    let crm = crm(&running).await;
    put(&running, &crm, "A", &agency("Immo Voorbeeld")).await;
    put(&running, &crm, "B", &other()).await;
    recorded(&running, &crm, "c-1", "A", &json!({"id": "p-7"})).await;
    post(&running, &crm, "A", "merge", &json!({"into": "B"})).await;
    // The catalog is lost before the pass that destroys the first one's key: its copy is still there.
    running.archive.publish_ledger().await.expect("published");
    let before = account::open(&running.archive, "B").await.expect("an answer").expect("an account");
    let rebuilt = place.without_its_catalog().await.open(running.clock.clone(), &[]).await;
    let report =
        fsck::run(&rebuilt, fsck::Options { rebuild: true, ..fsck::Options::default() }).await.expect("rebuilt");
    assert!(report.is_sound(), "{report}");
    let after: Result<_, ArchiveError> = account::open(&rebuilt, "B").await;
    let after = after.expect("an answer").expect("an account");
    assert_eq!((after.details, after.persons), (before.details, before.persons));
    assert_eq!(account::family(&rebuilt, "B").await.expect("an answer"), ["A", "B"]);
    let rows = rebuilt.catalog.accounts_of_rep(&mac_of(&rebuilt, "ann").await).await.expect("accounts");
    assert_eq!(rows, ["A", "B"], "the agent sees both again");
    assert_eq!(rebuilt.catalog.account_purges_under_way().await.expect("an answer"), 1, "the first one's key is to go");
    assert_eq!(purge::pass(&rebuilt).await.expect("a pass").failed, 0);
    assert_eq!(rebuilt.catalog.account_purges_under_way().await.expect("an answer"), 0);
    assert!(fsck::run(&rebuilt, fsck::Options::default()).await.expect("a look").is_sound());
}

async fn mac_of(archive: &earwitness::archive::Archive, agent: &str) -> Vec<u8> {
    let secret = archive.keyring.secret(&KeyName::Installation).await.expect("a secret");
    secret.mirrored_mac(earwitness::vault::secrets::MirroredField::Agent, agent).to_vec()
}
