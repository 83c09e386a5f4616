//! Evidence packages: handed over, checked by programs that are not ours, broken off; and the register of them.

mod broken;
mod handing_over;
mod outside;
mod register;
mod seal;

use std::io::Cursor;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use earwitness::evidence::verify::{Pin, verify};
use earwitness::evidence::zip::read::ZipReader;
use earwitness::ledger::verify::Report;
use earwitness::recording::RecordingId;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cases;
use crate::support::archive::{Answer, Running, Someone, call};
use crate::support::world::tone;

/// A case of one member of legal that holds so many recordings.
struct Held {
    legal: Someone,
    case: Uuid,
    recordings: Vec<RecordingId>,
}

/// Hands calls over and holds them.
async fn held(running: &Running, count: u32) -> Held {
    let crm = running.token(earwitness::access::Role::Ingest, &[], None).await;
    let legal = cases::legal(running, "An").await;
    let mut recordings = Vec::new();
    for number in 0..count {
        let mut metadata = call(&format!("call-{number}"));
        metadata["number"] = "+32470001122".into();
        metadata["agent"] = "agent-ann".into();
        recordings.push(running.post(&crm, &metadata, &tone(number)).await.id());
    }
    let case = cases::open(running, &legal, "2026/0147").await;
    hold(running, &legal, case, &recordings).await;
    recordings.sort();
    Held { legal, case, recordings }
}

async fn hold(running: &Running, legal: &Someone, case: Uuid, recordings: &[RecordingId]) {
    let held =
        cases::post(running, legal, &format!("/v1/cases/{case}/holds"), &json!({"recordings": recordings})).await;
    assert_eq!(held.status, 200, "{:?}", held.told());
}

/// What a package is asked for with.
fn asked() -> Value {
    json!({"purpose": "summons of 3 December", "recipient": {"name": "Voorbeeld Advocaten BV", "kind": "legal-service-provider"}})
}

/// One package of one recording: who made it, and its id.
pub(crate) async fn one_package(running: &Running) -> (Someone, String) {
    let held = held(running, 1).await;
    let answer = made(running, &held, &asked()).await;
    let id = answer.header("earwitness-package").to_owned();
    (held.legal, id)
}

async fn package(running: &Running, held: &Held, body: &Value) -> Answer {
    cases::post(running, &held.legal, &format!("/v1/cases/{}/evidence", held.case), body).await
}

/// One that has to be made.
async fn made(running: &Running, held: &Held, body: &Value) -> Answer {
    let answer = package(running, held, body).await;
    assert_eq!(answer.status, 200, "{:?}", answer.told());
    answer
}

/// The one row of the register about a package.
async fn registered(running: &Running, who: &Someone, package: &str) -> Value {
    let page = running.get(who, "/v1/disclosures").await.json();
    let rows = page["disclosures"].as_array().expect("rows");
    rows.iter().find(|row| row["id"] == package).expect("the package is in the register").clone()
}

fn checked(zip: &[u8], pins: &[&str]) -> Report {
    let pins: Vec<Pin> = pins.iter().map(|pin| pin.parse().expect("a pin")).collect();
    verify(Cursor::new(zip), &pins, None)
}

/// Where each file's bytes are in the ZIP.
fn places(zip: &[u8]) -> Vec<(String, Range<usize>)> {
    let reader = ZipReader::open(Cursor::new(zip)).expect("a ZIP of ours");
    let place = |member: &earwitness::evidence::zip::Member| {
        let end = usize::try_from(member.end()).expect("in memory");
        (member.name.clone(), end - usize::try_from(member.byte_len).expect("in memory")..end)
    };
    reader.members().iter().map(place).collect()
}

/// A file of the package, whose path ends so.
fn file<'a>(zip: &'a [u8], end: &str) -> &'a [u8] {
    let places = places(zip);
    let (_, range) = places.iter().find(|(name, _)| name.ends_with(end)).expect("such a file");
    &zip[range.clone()]
}

/// A package on disk, unpacked by `unzip`.
struct Unpacked {
    _folder: tempfile::TempDir,
    zip: PathBuf,
    bag: PathBuf,
}

fn unpacked(zip: &[u8]) -> Unpacked {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("package.zip");
    std::fs::write(&path, zip).expect("a file");
    run(Command::new("unzip").arg("-tq").arg(&path));
    run(Command::new("unzip").arg("-q").arg(&path).arg("-d").arg(folder.path()));
    let mut folders = std::fs::read_dir(folder.path()).expect("a folder").flatten().filter(|e| e.path().is_dir());
    let bag = folders.next().expect("one folder").path();
    assert!(folders.next().is_none(), "one top folder");
    Unpacked { _folder: folder, zip: path, bag }
}

/// Runs a program that has to succeed, and gives what it printed.
fn run(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {stderr}{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).expect("a text")
}

fn python() -> String {
    std::env::var("EARWITNESS_TEST_PYTHON").expect("run the tests through ./test")
}

/// Which ordinary programs accept an unpacked package: see `tests/outside/package_check.py`.
fn accepted(bag: &Path, anchor: &Path, tsa: Option<&Path>, all: bool) -> Value {
    let mut command = Command::new(python());
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside/package_check.py")).arg(bag).arg(anchor);
    if let Some(tsa) = tsa {
        command.arg("--tsa").arg(tsa);
    }
    if all {
        command.arg("--all");
    }
    serde_json::from_str(&run(&mut command)).expect("JSON")
}

/// Begins to ask for a package, without reading what comes.
async fn begun(running: &Running, held: &Held, body: &Value) -> reqwest::Response {
    let path = format!("/v1/cases/{}/evidence", held.case);
    let response = running.request(&held.legal, Method::POST, &path).json(body).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    response
}
