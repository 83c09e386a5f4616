//! `demo`.

use serde_json::Value;

use super::{Running, document};
use crate::support::stack::Stack;
use crate::support::world::World;

const SOON: (&str, &str) = ("EARWITNESS_TEST_DEMO_DUE_S", "2");

#[tokio::test]
async fn the_demo_shows_what_it_promises_and_its_expiring_call_is_purged() {
    let world = World::new(Stack::Embedded).await;
    let output = world.run_with(&["demo", "--exit-after-purge"], &[SOON]);
    let text = String::from_utf8(output.stdout).unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{log}");
    assert!(log.lines().count() <= 2, "no stack of logs: {log}");
    for role in ["ingest", "rep", "legal", "privacy", "auditor", "operator", "portal"] {
        assert!(text.lines().any(|line| line.trim_start().starts_with(role) && line.contains("ew_")), "{role}: {text}");
    }
    for promised in
        ["http://127.0.0.1:", "/docs", "/listen", "/custody", "410 Gone", "Purged and certified", "verify -"]
    {
        assert!(text.contains(promised), "{promised}: {text}");
    }
    assert!(text.matches("curl ").count() >= 4);
    let (key, _) = world.certificate().await;
    let certificate = world.data().join("objects").join(key.to_string());
    let id = certificate.file_stem().unwrap().to_string_lossy().into_owned();
    assert!(text.contains(&format!("/v1/retention/certificates/{id}")), "{text}");
    let verified = world.run(&["verify", &certificate.display().to_string()]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    // The demo keeps away from the catalog that the environment names.
    let report = document(&world.run_with(&["report", "--json"], &[("EARWITNESS_CATALOG", "")]));
    assert_eq!([&report["totals"]["live"], &report["totals"]["quarantined"]], [7, 1]);
    assert!(!world.folder.path().join("catalog.db").exists());

    // A second one in the same folder is welcome; a real archive is not touched.
    assert!(world.run_with(&["demo", "--exit-after-purge"], &[SOON]).status.success());
    std::fs::remove_file(world.data().join("demo")).unwrap();
    assert_eq!(world.run(&["demo", "--exit-after-purge"]).status.code(), Some(4));
}

#[tokio::test]
async fn the_demo_answers_and_leaves_nothing_behind() {
    let world = World::new(Stack::Embedded).await;
    let folder = world.folder.path().join("temporary");
    std::fs::create_dir(&folder).unwrap();
    let folder_name = folder.display().to_string();
    // No folder is named, and the settings of a real archive lie in the way.
    std::fs::write(world.folder.path().join("earwitness.toml"), "catalog = \"postgres://real.example/archive\"\n")
        .unwrap();
    let env = [("EARWITNESS_DATA", ""), ("EARWITNESS_SPOOL", ""), ("TMPDIR", folder_name.as_str())];
    let mut demo = Running::start(&world, &["demo", "--json"], &env);
    let shown: Value = serde_json::from_str(&demo.line()).expect("one document on one line");
    assert!(shown["data"].as_str().unwrap().starts_with(&folder_name), "{shown}");
    assert_eq!(shown["recordings"].as_array().unwrap().len(), 8);
    let get = async |role: &str, path: &str| {
        let url = format!("{}{path}", shown["url"].as_str().unwrap());
        let request = reqwest::Client::new().get(url).bearer_auth(shown["tokens"][role].as_str().unwrap());
        request.header("Earwitness-Purpose", "trying the demo").send().await.unwrap()
    };
    assert_eq!(get("auditor", "/v1/retention/report").await.json::<Value>().await.unwrap()["totals"]["live"], 8);
    let found: Value = get("rep", "/v1/recordings?account=agence-bellevue").await.json().await.unwrap();
    assert!(found.to_string().contains("Camille Exemple"), "{found}");
    let id = shown["recordings"][1]["id"].as_str().unwrap();
    let heard = get("legal", &format!("/v1/recordings/{id}/listen")).await;
    assert_eq!(heard.status(), 200);
    assert!(heard.bytes().await.unwrap().starts_with(b"RIFF"));
    let (rest, ended, _) = demo.stop();
    assert_eq!((rest.as_str(), ended.code()), ("", Some(0)));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "the temporary folder is gone");
}
