//! A package against programs that are not ours; and each of its bytes against all of them.

use std::io::{BufRead as _, BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use earwitness::access::{Actor, Role, View};
use earwitness::evidence::recipient::{Recipient, RecipientKind};
use earwitness::evidence::{self, Asked};
use earwitness::find::Reader;
use earwitness::recording::Language;
use earwitness::timestamp::Roots;
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{accepted, asked, checked, held, made, places, python, registered, run, unpacked};
use crate::on_both_stacks;
use crate::support::archive::Running;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    ordinary_programs_accept_it,
    one_flipped_byte_anywhere_is_noticed,
    an_answer_that_is_not_to_the_question_is_no_timestamp,
    the_page_says_when_its_checkpoint_was_stamped,
);

/// The test's own timestamp authority.
pub(super) struct Tsa {
    child: Child,
    folder: tempfile::TempDir,
    pub(super) url: String,
}

impl Tsa {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside/timestamp_authority.py");
        let mut child = Command::new(python())
            .arg(script)
            .arg(folder.path())
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .expect("Python runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a port");
        Self { child, folder, url: format!("http://127.0.0.1:{}/", line.trim()) }
    }

    pub(super) fn anchor(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// From now on it answers wrongly in this way.
    fn answers(&self, how: &str) {
        std::fs::write(self.folder.path().join("bad"), how).expect("a file");
    }
}

impl Drop for Tsa {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An archive at the machine's time, which is the authority's.
async fn stamping(place: &Place, tsa: &Tsa) -> Running {
    let running = Running::start_with(place, &[("EARWITNESS_TIMESTAMP_AUTHORITY", &tsa.url)]).await;
    let now = chrono::DateTime::from_timestamp(crate::support::world::unix_now(), 0).expect("a time");
    running.clock.set(now.into());
    running
}

/// `earwitness verify`, the program.
fn verify(zip: &Path, trust: &str, tsa: Option<&Path>) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_earwitness"));
    command.args(["verify", "--json", "--trust", trust]).arg(zip).env_clear();
    if let Some(tsa) = tsa {
        command.arg("--timestamp-ca").arg(tsa);
    }
    serde_json::from_str(&run(&mut command)).expect("JSON")
}

/// The Go project's own reader of notes and logs. Gives how many entries it checked.
fn go(bag: &Path) -> usize {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside/tlog/main.go");
    let go = Path::new(&python()).with_file_name("go");
    let cache = std::env::temp_dir().join("earwitness-go-build");
    let told = run(Command::new(go)
        .arg("run")
        .arg(program)
        .arg(bag)
        .env("GO111MODULE", "off")
        .env("GOPATH", "/usr/share/gocode")
        .env("GOCACHE", cache));
    told.trim().parse().expect("a number")
}

async fn ordinary_programs_accept_it(place: &Place) {
    let tsa = Tsa::start();
    let running = stamping(place, &tsa).await;
    let held = held(&running, 2).await;
    let answer = made(&running, &held, &asked()).await;
    let unpacked = unpacked(&answer.body);

    let anchor = unpacked.bag.join("data/seal-certificate.pem");
    let found = accepted(&unpacked.bag, &anchor, Some(&tsa.anchor()), true);
    let all = json!({"sha256sum": true, "openssl cms": true, "openssl ts": true, "bagit": true, "pyhanko": true});
    assert_eq!(found, all);
    let entries: usize = held
        .recordings
        .iter()
        .map(|id| {
            let name = format!("{id}/custody.jsonl");
            String::from_utf8_lossy(super::file(&answer.body, &name)).lines().count()
        })
        .sum();
    assert!(entries >= 6);
    assert_eq!(go(&unpacked.bag), entries);
    let script = "import sys, zipfile; sys.exit(zipfile.ZipFile(sys.argv[1]).testzip() is not None)";
    run(Command::new(python()).args(["-c", script]).arg(&unpacked.zip));
    // The commands of VERIFY.txt, as they stand there, of what is beside the lists.
    let text = std::fs::read_to_string(unpacked.bag.join("data/VERIFY.txt")).expect("a text");
    let begin = text.find("    comm -13").expect("the command");
    let command: String = text[begin..].lines().take(2).map(|line| line.trim_end_matches('\\')).collect();
    let beside = Command::new("bash").arg("-c").arg(command).current_dir(&unpacked.bag).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&beside.stdout), "");

    for (tsa, outcome) in [(Some(tsa.anchor()), "passed"), (None, "noted")] {
        let told = verify(&unpacked.zip, &anchor.display().to_string(), tsa.as_deref());
        assert_eq!(
            (&told["ok"], &told["subject"], &told["seal"]["trust"]),
            (&json!(true), &json!("package"), &json!("pinned"))
        );
        let checks = told["checks"].as_array().expect("checks");
        let timestamp = checks.iter().find(|check| check["name"] == "timestamp").expect("it is checked");
        assert_eq!((&timestamp["outcome"], &timestamp["ok"]), (&json!(outcome), &json!(outcome == "passed")));
    }
    // Another authority does not vouch for it: here the seal's certificate, which is one as well.
    let other = Roots::from_pem(&std::fs::read(&anchor).expect("a file")).expect("a certificate");
    let report = evidence::verify::verify(Cursor::new(&answer.body), &[], Some(&other));
    let failed: Vec<&str> = report.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect();
    assert_eq!(failed, ["timestamp"], "{report}");
    let row = registered(&running, &held.legal, answer.header("earwitness-package")).await;
    let digest = run(Command::new("sha256sum").arg(&unpacked.zip));
    assert_eq!(digest.split(' ').next(), row["sha256"].as_str());
}

async fn one_flipped_byte_anywhere_is_noticed(place: &Place) {
    let tsa = Tsa::start();
    let running = stamping(place, &tsa).await;
    let held = held(&running, 1).await;
    let answer = made(&running, &held, &asked()).await;
    let unpacked = unpacked(&answer.body);
    let anchor = tempfile::NamedTempFile::new().expect("a file");
    std::fs::copy(unpacked.bag.join("data/seal-certificate.pem"), anchor.path()).expect("a copy");
    let accepts = || accepted(&unpacked.bag, anchor.path(), Some(&tsa.anchor()), false);
    assert!(accepts().as_object().expect("an object").values().all(|good| good == true));

    // Each file in turn: `earwitness verify`, and at least one of the others.
    for (name, range) in places(&answer.body) {
        for at in [range.start, range.start + range.len() / 2, range.end - 1] {
            let mut zip = answer.body.clone();
            zip[at] ^= 0x01;
            assert!(!checked(&zip, &[]).ok(), "{name}, byte {}", at - range.start);
        }
        let path = unpacked.bag.parent().expect("a folder").join(&name);
        let good = std::fs::read(&path).expect("the file");
        let mut bad = good.clone();
        bad[good.len() / 2] ^= 0x01;
        std::fs::write(&path, &bad).expect("it is written");
        // Its middle is the timestamp, which openssl reads from the file beside it.
        let is_signature = name.ends_with(".p7s");
        let found = accepted(&unpacked.bag, anchor.path(), Some(&tsa.anchor()), is_signature);
        assert!(found.as_object().expect("an object").values().any(|good| good == false), "{name}: {found}");
        std::fs::write(&path, &good).expect("it is written");
    }
    // Anywhere in the ZIP, between the files as well.
    for at in (0..answer.body.len()).step_by(answer.body.len() / 150) {
        let mut zip = answer.body.clone();
        zip[at] ^= 0x10;
        assert!(!checked(&zip, &[]).ok(), "byte {at}");
    }
}

async fn an_answer_that_is_not_to_the_question_is_no_timestamp(place: &Place) {
    let tsa = Tsa::start();
    let running = stamping(place, &tsa).await;
    let held = held(&running, 1).await;
    made(&running, &held, &asked()).await;
    for how in ["garbage", "same", "digest"] {
        tsa.answers(how);
        let mut response = super::begun(&running, &held, &asked()).await;
        let id = response.headers()["earwitness-package"].to_str().expect("a text").to_owned();
        while let Ok(Some(_)) = response.chunk().await {}
        assert_eq!(registered(&running, &held.legal, &id).await["state"], "broken", "{how}");
    }
    tsa.answers("");
    made(&running, &held, &asked()).await;
}

async fn the_page_says_when_its_checkpoint_was_stamped(place: &Place) {
    let tsa = Tsa::start();
    let running = stamping(place, &tsa).await;
    let held = held(&running, 1).await;
    let recipient = Recipient { name: "A BV".to_owned(), kind: RecipientKind::Bailiff };
    let asked = Asked {
        case_id: held.case,
        purpose: "a summons".to_owned(),
        recipient,
        recordings: None,
        language: Some(Language::En),
    };
    let actor = Actor { id: Uuid::new_v4(), name: "An".to_owned(), role: Role::Legal, address: [127, 0, 0, 1].into() };
    let reader = Reader { actor, view: View::of(Role::Legal, &[], None), purpose: None };
    for (is_stamped, told) in [(false, "No timestamp on the checkpoint"), (true, "Checkpoint stamped on")] {
        let begun = evidence::begin(&running.archive, asked.clone(), reader.clone()).await.expect("it is begun");
        if is_stamped {
            assert!(running.archive.attest().await.expect("an answer").expect("the ledger is ours").stamped > 0);
        }
        let pieces: Vec<Bytes> = evidence::send(running.archive.clone(), begun).try_collect().await.expect("all of it");
        let zip = pieces.concat();
        assert!(checked(&zip, &[]).ok());
        let page = String::from_utf8_lossy(super::file(&zip, "/report.html")).into_owned();
        assert!(page.contains(told), "{page}");
    }
}
