//! Every sample through the front door: accepted, quarantined or refused as expected, with the facts that are expected.

use std::path::Path;

use serde_json::Value;

use crate::support::stack::Stack;
use crate::support::world::{World, call};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_is_answered_as_expected() {
    let world = World::new(Stack::Embedded).await;
    let ingest = world.token("ingest");
    let server = world.serve(None).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let expected: Vec<Value> =
        serde_json::from_slice(&std::fs::read(folder.join("expected.json")).expect("a list")).expect("JSON");
    assert!(expected.len() > 90, "{}", expected.len());
    for (number, sample) in expected.iter().enumerate() {
        let file = sample["file"].as_str().expect("a file");
        let bytes = std::fs::read(folder.join(file)).expect("a sample");
        let answer = server.post(&ingest, &call(&format!("call-{number}"), 60), &bytes).await.expect("an answer");
        let status = match sample["outcome"].as_str().expect("an outcome") {
            "accepted" => 201,
            "quarantined" => 202,
            "refused" => 415,
            other => panic!("{file}: {other}"),
        };
        assert_eq!(answer.status().as_u16(), status, "{file}");
        let body: Value = answer.json().await.expect("JSON");
        if status == 415 {
            assert_eq!(body["code"], "not-audio", "{file}");
            continue;
        }
        let found: Vec<&str> = body["findings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for finding in sample["findings"].as_array().expect("findings") {
            assert!(found.contains(&finding.as_str().expect("a code")), "{file}: {found:?}");
        }
        assert_eq!(body["codec"], sample["codec"], "{file}");
        if let (201, Some(expected_ms)) = (status, sample["duration_ms"].as_f64()) {
            let measured_ms = body["duration_ms"].as_f64().expect("a duration");
            assert!((measured_ms - expected_ms).abs() <= 300.0, "{file}: {measured_ms} ms, expected {expected_ms} ms");
        }
    }
    server.stop().await;
}
