//! An old backup of the catalog: accounts come back as they were last, and nothing comes back of those that ended since, nor of
//! who left since. And nothing anywhere has what was said of an account that ended.

use earwitness::catalog::Catalog;
use earwitness::vault::keys::KeyName;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::accounts::agency;
use crate::crash::accounts::ten_years_less_three_hours;
use crate::gone::{everything, place_with};
use crate::on_each_stack;
use crate::rebuild::{checkpoint, post};
use crate::support::stack::Stack;
use crate::support::world::{Server, World, call, tone};

on_each_stack!(a_backup_brings_no_account_back, nothing_is_left_of_an_account);

async fn ask(server: &Server, token: &str, method: Method, path: &str, body: &Value) -> Value {
    let request = server.client.request(method, format!("{}/v1/accounts/{path}", server.base)).bearer_auth(token);
    let answer = request.json(body).send().await.expect("an answer");
    let status = answer.status();
    let told = answer.text().await.expect("a body");
    assert!(status.is_success(), "{path}: {status} {told}");
    serde_json::from_str(&told).expect("JSON")
}

async fn found(server: &Server, token: &str, asked: &Value) -> usize {
    let search = server.client.post(format!("{}/v1/recordings/search", server.base)).bearer_auth(token);
    let found: Value = search.json(asked).send().await.expect("an answer").json().await.expect("JSON");
    found["recordings"].as_array().expect("a list").len()
}

async fn a_backup_brings_no_account_back(stack: Stack) {
    let mut world = World::moving_its_clock(stack).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let server = world.serve(None).await;
    let metadata = call("call-1", 60);
    let account = metadata["account_id"].as_str().expect("an account").to_owned();
    let person = metadata["person"]["id"].as_str().expect("a person").to_owned();
    post(&server, &ingest, &metadata, &tone(1)).await;
    let mut with_person = agency("Immo Voorbeeld");
    with_person["persons"][0]["id"] = json!(person);
    for id in [account.as_str(), "ends", "merges"] {
        ask(&server, &ingest, Method::PUT, id, &with_person).await;
    }
    checkpoint(&server, &legal).await;
    world.until_sidecars_are_fresh().await;
    server.stop().await;
    let backup = world.back_up().await;

    // What happened since.
    let server = world.serve(None).await;
    ask(&server, &ingest, Method::PUT, "new", &agency("Immo Nieuw")).await;
    ask(&server, &ingest, Method::POST, &format!("{account}/persons/{person}/left"), &json!({})).await;
    ask(&server, &ingest, Method::POST, &format!("{account}/close"), &json!({})).await;
    ask(&server, &ingest, Method::POST, "merges/merge", &json!({"into": "new"})).await;
    let end = json!({"ended_at": ten_years_less_three_hours()});
    let ends = ask(&server, &ingest, Method::POST, "ends/end-relation", &end).await["uuid"].clone();
    checkpoint(&server, &legal).await;
    server.stop().await;
    world.ahead_s = 6 * 3_600;
    let purged = world.run_json(&["purge", "--json"]);
    assert_eq!((&purged["accounts_purged"], &purged["failed"]), (&json!(1), &json!(0)), "{purged}");

    world.catalog = backup;
    let done = world.run_json(&["restore", "--json"]);
    assert_eq!(done["findings"], json!([]), "{done}");
    assert_eq!((&done["accounts_purged"], &done["accounts_restored"]), (&json!(2), &json!(2)), "{done}");
    let again = world.run_json(&["restore", "--json"]);
    assert_eq!((&again["accounts_purged"], &again["accounts_restored"]), (&json!(0), &json!(0)), "{again}");
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    assert!(catalog.account("ends").await.expect("an answer").is_none_or(|row| row.sealed.is_none()));
    assert!(catalog.account_is_closed(&account).await.expect("an answer"));
    assert_eq!(catalog.families(&["new".to_owned()]).await.expect("an answer"), ["merges", "new"]);
    assert_eq!(catalog.account_purges_under_way().await.expect("an answer"), 0);
    catalog.close().await;
    let name: KeyName = format!("account-{}", ends.as_str().expect("a uuid")).parse().expect("a name");
    assert!(!world.keys().await.exists(&name).await.expect("an answer"));

    let server = world.serve(None).await;
    let told: Value = server.get(&legal, &format!("/v1/accounts/{account}")).await.json().await.expect("JSON");
    assert_eq!(
        (&told["details"]["persons"], &told["persons_left"]),
        (&json!([]), &json!(1)),
        "who left since has left"
    );
    world
        .until(
            async |world| {
                let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
                let left = catalog.accounts_left("", 9).await.expect("an answer");
                catalog.close().await;
                left.is_empty()
            },
            "who left is moved again",
        )
        .await;
    assert_eq!(found(&server, &legal, &json!({"person": person})).await, 0);
    assert_eq!(found(&server, &legal, &json!({"account": account})).await, 1);
    let told: Value = server.get(&legal, "/v1/accounts/new").await.json().await.expect("JSON");
    assert_eq!(told["details"]["merged"][0]["id"], "merges");
    let certificate = format!("/v1/retention/certificates/{}", ends.as_str().expect("a uuid"));
    assert_eq!(server.get(&legal, &certificate).await.status(), StatusCode::OK);
    server.stop().await;
    assert_eq!(world.run_json(&["fsck", "--rehash", "--json"])["findings"], json!([]));
}

async fn nothing_is_left_of_an_account(stack: Stack) {
    let mut world = World::moving_its_clock(stack).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let server = world.serve(None).await;
    let mut body = agency("Immo Zeldzaam");
    body["persons"][0]["number"] = json!("+32470998877");
    let shown = ask(&server, &ingest, Method::PUT, "agency-77", &body).await;
    assert_eq!(server.get(&legal, "/v1/accounts/agency-77").await.status(), StatusCode::OK);
    ask(&server, &ingest, Method::POST, "agency-77/persons/p-9/left", &json!({})).await;
    let end = json!({"ended_at": ten_years_less_three_hours()});
    ask(&server, &ingest, Method::POST, "agency-77/end-relation", &end).await;
    checkpoint(&server, &legal).await;
    server.stop().await;
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    let row = catalog.account("agency-77").await.expect("an answer").expect("a row");
    let sealed = row.sealed.expect("what is said of it");
    let persons = catalog.persons_of("agency-77").await.expect("persons");
    let secret = catalog.load_secret(&KeyName::Account(row.uuid).to_string()).await.expect("an answer");
    let wrapped = secret.and_then(|secret| secret.wrapped).expect("a wrapped secret");
    catalog.close().await;
    let mut needles: Vec<Vec<u8>> = persons.iter().map(|person| person.person_mac.clone()).collect();
    needles.extend(persons.iter().filter_map(|person| person.sealed.clone()));
    needles.extend([sealed, wrapped]);
    let before = everything(&world).await;
    for needle in &needles {
        assert!(place_with(&before, needle).is_some(), "what is looked for later is there now");
    }
    assert!(place_with(&before, b"agency-77").is_some());
    world.ahead_s = 6 * 3_600;
    let purged = world.run_json(&["purge", "--json"]);
    assert_eq!((&purged["accounts_purged"], &purged["failed"]), (&json!(1), &json!(0)), "{purged}");
    let words = [
        "Zeldzaam",
        "BE0644664489",
        "Kerkstraat",
        "info@voorbeeld.example",
        "+3225551234",
        "Zonderland",
        "jantje@voorbeeld.example",
        "+32470998877",
        "agency-77",
    ];
    needles.extend(words.iter().map(|word| word.as_bytes().to_vec()));
    let after = everything(&world).await;
    for needle in &needles {
        let left = place_with(&after, needle);
        assert_eq!(left, None, "it still has {:?}", String::from_utf8_lossy(needle));
    }
    let uuid = shown["uuid"].as_str().expect("a uuid");
    assert!(place_with(&after, uuid.as_bytes()).is_some(), "that it was stays, under our name for it");
}
