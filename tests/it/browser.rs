//! Every accepted sample plays in a real browser through `/listen`: to its end, and from a place in the middle.

use std::path::Path;
use std::process::Command;

use reqwest::StatusCode;
use serde_json::Value;

use crate::support::stack::Stack;
use crate::support::world::{World, call};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_accepted_form_plays() {
    let modules = std::env::var("EARWITNESS_TEST_NODE_MODULES")
        .expect("EARWITNESS_TEST_NODE_MODULES is not set: run the tests through ./test");
    let world = World::new(Stack::Embedded).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let server = world.serve(None).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/good");
    let mut files: Vec<_> = std::fs::read_dir(&folder).expect("samples").flatten().map(|e| e.path()).collect();
    files.sort();
    let (mut posted, mut ids) = (Vec::new(), Vec::new());
    for (number, file) in files.iter().enumerate() {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let bytes = std::fs::read(file).expect("a sample");
        let answer = server.post(&ingest, &call(&format!("call-{number}"), 60), &bytes).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::CREATED, "{name}");
        let receipt: Value = answer.json().await.expect("a receipt");
        ids.push(receipt["id"].as_str().expect("an id").to_owned());
        posted.push((name, receipt["duration_ms"].as_f64().expect("a duration") / 1_000.0));
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/listen.mjs");
    let (base, legal, list) = (server.base.clone(), legal.clone(), ids.clone());
    let output = tokio::task::spawn_blocking(move || {
        Command::new("node").arg(script).args([&modules, &base, &legal]).args(list).output().expect("node runs")
    });
    let output = output.await.expect("no panic");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("text");
    let mut played = 0;
    for (line, (name, duration_s)) in lines.lines().zip(&posted) {
        let result: Value = serde_json::from_str(line).expect("a line of JSON");
        assert_eq!(result["error"], Value::Null, "{name}: {result}");
        let ended_s = result["ended_s"].as_f64().expect("an end");
        assert!((ended_s - duration_s).abs() < 0.35, "{name}: ended at {ended_s} s, measured {duration_s} s");
        assert_eq!(result["seeked"], true, "{name}: {result}");
        played += 1;
    }
    assert_eq!(played, posted.len());
    server.stop().await;
}
