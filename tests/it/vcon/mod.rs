//! vCon out and in, with readers that are not ours.

mod out;

use std::path::Path;
use std::process::Command;

use serde_json::Value;

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
