//! The report of an evidence package, as an outside parser and a real browser see it.

use std::f64::consts::PI;
use std::path::{Path, PathBuf};
use std::process::Command;

use earwitness::access::{Actor, Role};
use earwitness::audio::{Codec, Container, Facts, Finding, FindingCode, Waveform};
use earwitness::clock::Timestamp;
use earwitness::evidence::recipient::{Recipient, RecipientKind};
use earwitness::evidence::report::{
    CustodyEntry, Repeat, ReportData, ReportedCheckpoint, ReportedRecording, Seal, Verified, render,
};
use earwitness::ledger::shapes::Controller;
use earwitness::ledger::verify::Outcome;
use earwitness::recording::{Direction, Language, Metadata, Person, Status};
use serde_json::{Value, json};

const LANGUAGES: [Language; 4] = [Language::Nl, Language::Fr, Language::En, Language::De];
const CASE: &str = "0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b21";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn actor(name: &str, role: &str) -> Value {
    json!({"id": CASE, "name": name, "role": role, "address": "192.0.2.7"})
}

/// Everything that can happen to a recording before it is handed over, and then some.
fn custody() -> Vec<CustodyEntry> {
    let other = "0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b99";
    let recipient = json!({"name": "Meester Jan De Smet, gerechtsdeurwaarder", "kind": "bailiff"});
    let told = [
        ("2026-11-22T09:20:01Z", "recording.received", json!({"actor": actor("lead-contact", "ingest")})),
        ("2026-11-23T08:02:11Z", "recording.read", json!({"actor": actor("An Peeters", "rep"), "action": "metadata"})),
        ("2026-11-23T08:02:15Z", "recording.read", json!({"actor": actor("An Peeters", "rep"), "action": "listen"})),
        ("2026-11-23T08:12:15Z", "recording.read", json!({"actor": actor("An Peeters", "rep"), "action": "listen"})),
        (
            "2026-11-24T13:00:00Z",
            "related.stored",
            json!({"actor": actor("transcriber", "ingest"), "name": "transcript"}),
        ),
        ("2026-11-25T10:30:00Z", "hold.placed", json!({"actor": actor("L. Maes", "legal"), "case_id": CASE})),
        ("2026-11-25T11:30:00Z", "hold.placed", json!({"actor": actor("Somebody Else", "legal"), "case_id": other})),
        (
            "2026-11-26T15:10:09.250Z",
            "recording.read",
            json!({"actor": actor("L. Maes", "legal"), "action": "audio", "purpose": "Betwisting factuur 2026-1182"}),
        ),
        (
            "2026-11-27T09:00:00Z",
            "evidence.made",
            json!({"actor": actor("Somebody Else", "legal"), "case_id": other, "recipient": {"name": "Somebody", "kind": "bank"}}),
        ),
        (
            "2026-11-28T19:59:58Z",
            "evidence.begun",
            json!({"actor": actor("L. Maes", "legal"), "case_id": CASE, "recipient": recipient, "purpose": "Betwisting factuur 2026-1182"}),
        ),
    ];
    let entries = told.iter().zip(40_u64..).map(|((when, kind, payload), seq)| {
        CustodyEntry::of(Some(seq * seq), at(when), &kind.parse().unwrap(), Some(payload))
    });
    entries.collect()
}

fn waveform(points: u32) -> Waveform {
    let sample = |n: u32, side: f64| {
        let t = f64::from(n) / f64::from(points);
        let loud = (t * 37.0 + side).sin().abs() * (t * 7.0 + side * 2.0).cos().abs() * (t * PI).sin().max(0.2);
        (loud * 110.0) as i8
    };
    let data = (0..points).flat_map(|n| [-sample(n, 0.0), sample(n, 0.0), -sample(n, 1.3), sample(n, 1.3)]).collect();
    Waveform { version: 2, channels: 2, sample_rate: 8_000, samples_per_pixel: 800, bits: 8, length: points, data }
}

fn data() -> (ReportData, Vec<ReportedRecording>) {
    let metadata = Metadata {
        call_id: "c-2026-11-22-000817".into(),
        part: 0,
        account_id: "agency-1180-uccle".into(),
        recorded_at: at("2026-11-22T09:15:00Z"),
        direction: Some(Direction::Outbound),
        agent: Some("an.peeters".into()),
        person: Some(Person { id: Some("p-4471".into()), name: Some("Jérôme Van den Bossche-Ìyá".into()) }),
        number: Some("+32470123456".into()),
        lead_id: Some("lead-88213".into()),
        listing_id: Some("11930277".into()),
        product: Some("lead-contact".into()),
        language: Some(Language::Fr),
        notice: Some("1.0".into()),
        sha256: None,
        duration_ms: Some(207_480),
        tags: Vec::new(),
    };
    let facts = Facts {
        sample_rate_hz: 8_000,
        channels: 2,
        duration_ms: 207_480,
        frames: 1_659_840,
        ..Facts::unknown(Container::Wav, Codec::Alaw, 3_319_738)
    };
    let recordings = vec![ReportedRecording {
            id: CASE.parse().unwrap(),
            metadata,
            received_at: at("2026-11-22T09:20:01.337Z"),
            expires_at: at("2031-11-22T09:15:00Z"),
            status: Status::Accepted,
            facts,
            findings: vec![Finding::new(FindingCode::Clipping, "2,113 of 3,319,680 samples at full scale")],
            waveform: Some(waveform(2_070)),
            file: "data/0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b21/audio.wav".into(),
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
            sha512: "ee26b0dd4af7e749aa1a8ee3c10ae9923f618980772e473f8819a5d4940e0db27ac185f8a0e1d5f84f88bc887fd67b143732c304cc5fa9ad8e6f57f50028a8ff".into(),
            custody: custody().into_iter().collect(),
        }];
    let data = ReportData {
        package_id: "0193f1c2-88aa-7d01-9c11-5d2f6b0a7e44".parse().unwrap(),
        made_at: at("2026-11-28T20:00:00Z"),
        made_by: Actor { id: CASE.parse().unwrap(), name: "L. Maes".into(), role: Role::Legal, address: [192, 0, 2, 7].into() },
        controller: Controller {
            name: "Immoweb NV".into(),
            address: "Generaal Wahislaan 16F, 1030 Brussel, België".into(),
            privacy_contact: "privacy@example.com".into(),
        },
        case_id: CASE.parse().unwrap(),
        case_reference: "2026/0417 · Agence Uccle".into(),
        purpose: "Betwisting factuur 2026-1182: wat tijdens het gesprek over de vernieuwing is afgesproken".into(),
        recipient: Recipient { name: "Meester Jan De Smet".into(), kind: RecipientKind::Bailiff },
        zone: chrono_tz::Europe::Brussels,
        recordings: 1,
        checkpoint: ReportedCheckpoint {
            origin: "archive.example.com/ledger".into(),
            size: 1_204_771,
            root: "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=".into(),
            stamped: Some((at("2026-11-28T19:30:00Z"), "CN=Example Timestamp Authority".into())),
            witnesses: vec!["witness.example/w1".into(), "witness.example.org/2".into()],
        },
        ledger_key: "4a5c".repeat(16),
        seal: Seal {
            subject: "CN=Earwitness evidence seal, O=Immoweb NV".into(),
            fingerprint: "0b1d".repeat(16),
            self_made: true,
            timestamp: Some("CN=Example Timestamp Authority".into()),
        },
        verified: vec![
            (Verified::AudioDigest, Outcome::Passed),
            (Verified::ReceiptSignature, Outcome::Passed),
            (Verified::Commitments, Outcome::Passed),
            (Verified::Inclusion, Outcome::Passed),
            (Verified::Checkpoint, Outcome::Passed),
        ],
        commands: vec![
            (Repeat::Everything, "earwitness verify evidence.zip".into()),
            (Repeat::Manifest, "sha256sum -c manifest-sha256.txt && sha256sum -c tagmanifest-sha256.txt".into()),
            (Repeat::Seal, "openssl cms -verify -cades -binary -inform DER -in seal.p7s -content tagmanifest-sha256.txt -CAfile seal-certificate.pem -out /dev/null".into()),
            (Repeat::Timestamp, "openssl ts -verify -in seal.tsr -data seal.p7s -CAfile timestamp-ca.pem".into()),
            (Repeat::Ledger, "custody.jsonl, proofs/*.tlog-proof, checkpoint".into()),
        ],
    };
    (data, recordings)
}

/// Somebody who controls every free text.
fn hostile() -> (ReportData, Vec<ReportedRecording>) {
    let text = format!("<script>alert(1)</script>\u{202e}\0\"'><img src=x onerror=alert(1)>{}", "Ẅ".repeat(3_000));
    let (mut data, mut recordings) = data();
    for place in [&mut data.case_reference, &mut data.purpose, &mut data.recipient.name, &mut data.made_by.name] {
        *place = text.clone();
    }
    let one = &mut recordings[0];
    one.metadata.call_id = text.clone();
    one.metadata.account_id = text.clone();
    one.metadata.agent = Some(text.clone());
    one.metadata.person = Some(Person { id: Some(text.clone()), name: Some(text.clone()) });
    one.findings[0].detail = text.clone();
    let payload = json!({"actor": {"name": text, "role": "rep"}, "action": "listen", "purpose": text});
    one.custody.push(CustodyEntry::of(
        None,
        at("2026-11-28T20:00:00Z"),
        &"recording.read".parse().unwrap(),
        Some(&payload),
    ));
    (data, recordings)
}

/// Writes the pages to a folder.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let of = |(data, recordings): (ReportData, Vec<ReportedRecording>), name: &str| {
        LANGUAGES.map(|language| {
            let path = folder.join(format!("{name}-{}.html", language.code()));
            std::fs::write(&path, render(&data, &recordings, language)).unwrap();
            path
        })
    };
    [of(data(), "report"), of(hostile(), "hostile")].concat()
}

fn lines(output: std::process::Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_outside_parser_finds_no_fault_and_nothing_that_acts() {
    let folder = tempfile::tempdir().unwrap();
    let python = std::env::var("EARWITNESS_TEST_PYTHON").expect("run the tests through ./test");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside/html_check.py");
    let files = pages(folder.path());
    let found = lines(Command::new(python).arg(script).args(&files).output().unwrap());
    assert_eq!(found.len(), 8);
    for (page, name) in found.iter().zip(&files) {
        let name = name.file_name().unwrap().to_str().unwrap();
        assert!(name.ends_with(&format!("-{}.html", page["lang"].as_str().unwrap())), "{name}");
        assert_eq!(page["suspicious"], json!([]), "{name}");
        for (tag, count) in [
            ("script", Value::Null),
            ("img", Value::Null),
            ("link", Value::Null),
            ("h1", 1.into()),
            ("style", 1.into()),
        ] {
            assert_eq!(page["tags"][tag], count, "{tag} in {name}");
        }
        let text = page["text"].as_str().unwrap();
        assert!(!text.contains(['\0', '\u{202e}']), "{name}");
        let shown = if name.starts_with("hostile") {
            "<script>alert(1)</script>[U+202E][U+0000]"
        } else {
            "Jérôme Van den Bossche-Ìyá"
        };
        assert!(text.contains(shown), "{name}");
        assert!(!text.contains("Somebody"), "names of another case in {name}");
        for part in [
            "2026-11-22T09:15:00Z",
            "UTC+01:00",
            "+32470123456",
            "Immoweb NV",
            "privacy@example.com",
            "1\u{202f}204\u{202f}771",
        ] {
            assert!(text.contains(part), "{part} in {name}");
        }
    }
}

#[tokio::test]
async fn a_browser_shows_it_to_everybody_and_prints_it_on_two_pages() {
    let modules = std::env::var("EARWITNESS_TEST_NODE_MODULES").expect("run the tests through ./test");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = root.join("tests/output");
    std::fs::create_dir_all(&output).unwrap();
    let mut node = Command::new("node");
    node.arg(root.join("tests/browser/report.mjs")).arg(&modules).arg(&output).args(pages(&output));
    let run = tokio::task::spawn_blocking(move || node.output().expect("node runs")).await.unwrap();
    let seen = lines(run);
    assert_eq!(seen.len(), 8);
    for page in &seen {
        let name = page["file"].as_str().unwrap();
        assert_eq!(page["violations"], json!([]), "{name}: {:#}", page["violations"]);
        assert_eq!((&page["requests"], &page["messages"]), (&1.into(), &json!([])), "{name}");
        assert_eq!(page["inPrint"], "rgb(255, 255, 255)", "{name}");
        let pages = page["pages"].as_u64().unwrap();
        assert!(pages >= 1 && (pages <= 2 || name.starts_with("hostile")), "{name}: {pages} pages");
    }
}
