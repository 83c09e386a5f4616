//! vCon out and in, with readers that are not ours.

mod fetched;
mod out;
mod signed;
pub(crate) mod taking_in;

use std::path::Path;
use std::process::Command;

use earwitness::recording::RecordingId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::archive::{Running, Someone, call};

/// What `tests/outside/vcon_check.py` says of a document whose archive is at `localhost`.
fn checked(document: &[u8]) -> Result<Value, String> {
    let python = std::env::var("EARWITNESS_TEST_PYTHON").expect("run the tests through ./test");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.vcon");
    std::fs::write(&file, document).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside/vcon_check.py");
    let run = Command::new(python).arg(script).arg(&file).arg("localhost").output().expect("Python runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("a text");
    if run.status.success() { Ok(serde_json::from_slice(&run.stdout).expect("JSON")) } else { Err(text(run.stderr)) }
}

/// Metadata with everything that they may have.
fn everything(call_id: &str) -> Value {
    let mut metadata = call(call_id);
    let more = json!({
        "direction": "outbound", "agent": "ann", "person": {"id": "p-7", "name": "Jan \"J\" é\u{1f600}"},
        "number": "+32470001122", "lead_id": "lead-9", "listing_id": "list-5", "product": "leads", "language": "nl",
        "notice": "2026-01", "duration_ms": 2_000, "tags": ["a", "b"], "part": 3,
    });
    metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    metadata
}

async fn put(archive: &Running, who: &Someone, id: RecordingId, name: &str, kind: &str, content: &[u8]) {
    let request = archive.request(who, Method::PUT, &format!("/v1/recordings/{id}/related/{name}"));
    let stored = archive.send(request.header("content-type", kind).body(content.to_vec())).await;
    assert_eq!(stored.status, 201, "{:?}", stored.told());
}
