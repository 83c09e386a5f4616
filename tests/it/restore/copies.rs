//! A full copy of catalog and store, taken before a month's key was destroyed, opens nothing of that month afterwards:
//! not even with the clock set back, the signing key and the same key server.

use earwitness::catalog::SecretState;
use earwitness::vault::keys::KeyName;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{due, end_the_month, heard};
use crate::on_each_stack;
use crate::rebuild::post;
use crate::support::stack::Stack;
use crate::support::world::{World, call, tone};

on_each_stack!(what_was_copied_before_its_months_key_was_destroyed_does_not_open);

async fn what_was_copied_before_its_months_key_was_destroyed_does_not_open(stack: Stack) {
    let mut world = World::moving_its_clock(stack).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let server = world.serve(None).await;
    let (gone, _) = post(&server, &ingest, &due("gone"), &tone(1)).await;
    let (kept, _) = post(&server, &ingest, &call("kept", 60), &tone(2)).await;
    server.stop().await;
    let copy = world.copy_of_all_but_the_keys().await;
    let server = copy.serve(None).await;
    assert_eq!(heard(&server, &legal, &gone).await, (StatusCode::OK, tone(1)), "the copy is whole");
    server.stop().await;

    end_the_month(&mut world).await;

    // By Earwitness itself, which believes that it is still before the deadline.
    let server = copy.serve(None).await;
    let (status, body) = heard(&server, &legal, &gone).await;
    let told: Value = serde_json::from_slice(&body).expect("a problem");
    assert_eq!((status, &told["code"]), (StatusCode::GONE, &json!("expired")), "{told}");
    assert_eq!(heard(&server, &legal, &kept).await, (StatusCode::OK, tone(2)), "another month's is as it was");
    server.stop().await;
    let report = copy.run(&["fsck", "--rehash", "--json"]);
    assert_eq!(report.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&report.stdout).expect("a report");
    let unreadable = json!({"problem": "unreadable", "action": "reported", "what": gone});
    assert!(report["findings"].as_array().expect("findings").contains(&unreadable), "{report}");

    if stack == Stack::Embedded {
        // The copy itself has no keys: not where they would be either.
        let nowhere = format!("file://{}", copy.data().join("keys").display());
        let refused = copy.run_with(&["fsck", "--json"], &[("EARWITNESS_KEYS", &nowhere)]);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(2) && told.contains("the keys at the configured place"), "{told}");
    }

    // By hand: every wrap of that recording, and the month's wrapped secret, straight to the key provider.
    let archive = copy.archive().await;
    let id = gone.parse().expect("an id");
    let wraps = archive.catalog.recording_keys(id).await.expect("keys");
    let [wrap] = &wraps[..] else { panic!("one wrap: {wraps:?}") };
    let name: KeyName = wrap.holder.parse().expect("a name");
    let secret = archive.catalog.load_secret(&wrap.holder).await.expect("an answer").expect("the copy has it");
    assert_eq!(secret.state, SecretState::Live, "in the copy it never ended");
    let wrapped = secret.wrapped.expect("the wrapped secret");
    let aad = format!("earwitness-secret\0{name}");
    let tried = world.keys().await.unwrap(&name, aad.as_bytes(), &wrapped).await;
    assert_eq!(tried.map_err(|error| error.code()).err(), Some("key-gone"));
    let row = archive.catalog.recording(id).await.expect("an answer").expect("the copy has it");
    let tried = archive.open_recording(&row).await.map(|_| ());
    assert_eq!(tried.map_err(|error| error.code()).err(), Some("gone"));
    if stack == Stack::Production {
        let (status, told) = decrypt(&world, &name, &wrapped).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{told}");
        assert!(told["errors"][0].as_str().expect("a reason").contains("encryption key not found"), "{told}");
    }
    archive.catalog.close().await;
}

/// Asks OpenBao itself, as its root.
async fn decrypt(world: &World, name: &KeyName, wrapped: &[u8]) -> (StatusCode, Value) {
    let address = world.keys_address().trim_start_matches("transit+");
    let (server, mount) = address.rsplit_once('/').expect("an address with a mount");
    let token = std::env::var("EARWITNESS_TEST_BAO_TOKEN").expect("run the tests through ./test");
    let question = reqwest::Client::new().post(format!("{server}/v1/{mount}/decrypt/{name}"));
    let ciphertext = String::from_utf8_lossy(wrapped);
    let question = question.header("X-Vault-Token", token).json(&json!({"ciphertext": ciphertext}));
    let answer = question.send().await.expect("OpenBao answers");
    (answer.status(), answer.json().await.expect("json"))
}
