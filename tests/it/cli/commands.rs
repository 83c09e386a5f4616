//! What all commands have in common, tokens, settings.

use serde_json::Value;

use super::{document, stderr};
use crate::on_each_stack;
use crate::support::stack::Stack;
use crate::support::world::World;

on_each_stack!(a_token_is_made_listed_and_withdrawn, commands_print_one_document_and_nothing_else);

async fn a_token_is_made_listed_and_withdrawn(stack: Stack) {
    let world = World::new(stack).await;
    let made = world.run_json(&[
        "token",
        "create",
        "--role",
        "rep",
        "--name",
        "an",
        "--account",
        "A",
        "--account",
        "B",
        "--agent",
        "an.p",
        "--expires",
        "30d",
        "--json",
    ]);
    assert!(made["token"].as_str().unwrap().starts_with("ew_"));
    let id = made["id"].as_str().unwrap();
    let list = |world: &World| world.run_json(&["token", "list", "--json"])["tokens"].clone();
    let listed = list(&world);
    assert_eq!((listed[0]["id"].as_str(), &listed[0]["accounts"]), (Some(id), &serde_json::json!(["A", "B"])));
    assert!(!listed.to_string().contains("ew_"), "a token is shown once");
    assert_eq!(world.run_json(&["token", "revoke", id, "--json"])["revoked"], true);
    assert!(list(&world)[0]["revoked_at"].is_string());
    assert_eq!(world.run(&["token", "revoke", id]).status.code(), Some(3));
    let alone = world.run(&["token", "create", "--role", "ingest", "--name", "crm"]);
    assert!(String::from_utf8(alone.stdout).unwrap().trim().starts_with("ew_"), "a shell takes it as it is");
    for wrong in [
        vec!["token", "create", "--role", "king", "--name", "x"],
        vec!["token", "create", "--role", "portal", "--name", "x"],
        vec!["token", "create", "--role", "legal", "--name", "x", "--expires", "soon"],
        vec!["token", "create", "--role", "legal", "--name", "x", "--expires", "2020-01-01T00:00:00Z"],
    ] {
        assert_eq!(world.run(&wrong).status.code(), Some(2), "{wrong:?}");
    }
}

async fn commands_print_one_document_and_nothing_else(stack: Stack) {
    let world = World::new(stack).await;
    world.token("ingest");
    for command in [
        vec!["config"],
        vec!["report"],
        vec!["retention", "show"],
        vec!["token", "list"],
        vec!["purge", "--dry-run"],
        vec!["purge", "--once"],
        vec!["purge"],
        vec!["fsck", "--rehash"],
    ] {
        // Even the most talkative log stays off standard output.
        let talkative = [command.clone(), vec!["--json", "--log", "debug"]].concat();
        let output = world.run(&talkative);
        assert!(output.status.success(), "{command:?}: {}", stderr(&output));
        assert!(document(&output).is_object(), "{command:?}");
        assert!(!world.run(&command).stdout.is_empty(), "{command:?} says something to people as well");
    }
}

#[tokio::test]
async fn many_commands_at_once_in_a_new_folder_make_one_archive() {
    let world = World::new(Stack::Embedded).await;
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| world.token("ingest"));
        }
    });
    assert_eq!(world.run_json(&["token", "list", "--json"])["tokens"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn a_mistyped_folder_is_no_empty_archive() {
    let world = World::new(Stack::Embedded).await;
    for command in [vec!["report"], vec!["purge"], vec!["token", "list"], vec!["fsck"]] {
        let output = world.run(&command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert!(stderr(&output).contains("there is no archive in"), "{}", stderr(&output));
    }
    assert!(!world.data().exists());
}

#[tokio::test]
async fn settings_are_shown_with_their_sources_and_without_passwords() {
    let world = World::new(Stack::Embedded).await;
    let url = "postgres://ew:s3cr3t@db.example/ew";
    let output = world.run_with(&["config", "--json", "--listen", "127.0.0.1:9"], &[("EARWITNESS_CATALOG", url)]);
    let settings = document(&output)["settings"].clone();
    let of = |name: &str| settings.as_array().unwrap().iter().find(|s| s["name"] == name).cloned().unwrap();
    assert_eq!(of("listen")["source"], "--listen");
    assert_eq!(of("data")["source"], "EARWITNESS_DATA");
    assert_eq!(of("max_requests")["source"], "default");
    assert_eq!(of("catalog")["value"], "postgres://ew:***@db.example/ew");
    let text = world.run_with(&["config"], &[("EARWITNESS_CATALOG", url)]);
    assert!(!String::from_utf8_lossy(&[output.stdout, text.stdout].concat()).contains("s3cr3t"));
    let misspelt = world.run_with(&["config"], &[("EARWITNESS_SWEEP_INTERVALL", "1s")]);
    assert_eq!(misspelt.status.code(), Some(2));
    assert!(stderr(&misspelt).contains("EARWITNESS_SWEEP_INTERVAL"), "{}", stderr(&misspelt));
}

#[tokio::test]
async fn the_rule_in_force_is_the_one_that_is_configured() {
    let world = World::new(Stack::Embedded).await;
    world.token("ingest");
    let shown: Value = world.run_json(&["retention", "show", "--json", "--retention-period", "P90D"]);
    assert_eq!(shown["rule"], "call_recording/2 P90D Europe/Brussels instant");
    let (from, to) = (shown["example_recorded_at"].as_str().unwrap(), shown["example_expires_at"].as_str().unwrap());
    let days = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp() / 86_400;
    assert!((89..=91).contains(&(days(to) - days(from))), "{shown}");
}
