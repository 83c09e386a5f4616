//! Every sample leads to what `samples/expected.json` says, and its facts are those that ffprobe measures.

use std::collections::BTreeSet;

use earwitness::audio::{Codec, Container, Expectations, FindingCode, Limits, Severity, inspect, sniff};
use serde::Deserialize;

use super::{look, read, samples_dir, tool};

#[derive(Debug, Deserialize)]
struct Expected {
    file: String,
    outcome: String,
    container: Option<Container>,
    codec: Option<Codec>,
    #[serde(default)]
    findings: Vec<FindingCode>,
    duration_ms: Option<u64>,
    channels: Option<u16>,
    sample_rate_hz: Option<u32>,
    measured_by: Option<String>,
}

fn expected() -> Vec<Expected> {
    serde_json::from_slice(&read("expected.json")).unwrap()
}

/// Forms that tell encoder delay and padding, or have none: DESIGN section 5 asks for 0.1 s there, 0.3 s elsewhere.
fn tolerance_ms(codec: Codec, file: &str) -> u64 {
    match codec {
        Codec::Mp3 if !file.ends_with("/xing.mp3") && !file.ends_with("/tags.mp3") => 300,
        Codec::Aac if file.ends_with(".aac") || file.contains("fragmented") => 300,
        _ => 100,
    }
}

fn check(e: &Expected) -> Result<(), String> {
    let inspection = match (look(read(&e.file)), e.outcome.as_str()) {
        (Err(_), "refused") => return Ok(()),
        (Err(refusal), _) => return Err(format!("refused: {refusal}")),
        (Ok(inspection), "refused") => return Err(format!("not refused: {:?}", inspection.findings)),
        (Ok(inspection), _) => inspection,
    };
    let facts = &inspection.facts;
    let quarantined = inspection.findings.iter().any(|f| f.severity() == Severity::Quarantine);
    if quarantined != (e.outcome == "quarantined") {
        return Err(format!("quarantined: {quarantined}, {:?}", inspection.findings));
    }
    let codes: BTreeSet<&str> = inspection.findings.iter().map(|f| f.code.code()).collect();
    for code in &e.findings {
        if !codes.contains(code.code()) {
            return Err(format!("{} is not among {:?}", code.code(), inspection.findings));
        }
    }
    if !quarantined && codes.len() != e.findings.len() {
        return Err(format!("more findings than expected: {:?}", inspection.findings));
    }
    if Some(facts.container) != e.container || Some(facts.codec) != e.codec {
        return Err(format!("{:?} in {:?}", facts.codec, facts.container));
    }
    if e.channels.is_some_and(|n| n != facts.channels) || e.sample_rate_hz.is_some_and(|n| n != facts.sample_rate_hz) {
        return Err(format!("{} channels at {} Hz", facts.channels, facts.sample_rate_hz));
    }
    if e.duration_ms.is_some_and(|ms| ms.abs_diff(facts.duration_ms) > tolerance_ms(facts.codec, &e.file)) {
        return Err(format!("{} ms instead of {:?}", facts.duration_ms, e.duration_ms));
    }
    Ok(())
}

#[test]
fn every_sample_leads_to_what_is_expected() {
    let expected = expected();
    let wrong: Vec<String> =
        expected.iter().filter_map(|e| check(e).err().map(|why| format!("{}: {why}", e.file))).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), expected.len(), wrong.join("\n"));
}

#[test]
fn every_file_in_the_folder_is_expected() {
    let named: BTreeSet<String> = expected().into_iter().map(|e| e.file).collect();
    let mut there = BTreeSet::new();
    for folder in ["good", "broken", "refused"] {
        for file in std::fs::read_dir(samples_dir().join(folder)).unwrap() {
            there.insert(format!("{folder}/{}", file.unwrap().file_name().to_str().unwrap()));
        }
    }
    assert_eq!(named, there);
}

#[test]
fn expected_json_says_what_ffprobe_says_today() {
    for e in expected().iter().filter(|e| e.duration_ms.is_some()) {
        let path = samples_dir().join(&e.file);
        let args = [
            "-v",
            "error",
            "-select_streams",
            "a",
            "-show_entries",
            "stream=channels,sample_rate,duration:format=duration",
            "-of",
            "json",
        ];
        let told: serde_json::Value =
            serde_json::from_slice(&tool("ffprobe", &[&args[..], &[path.to_str().unwrap()]].concat())).unwrap();
        let stream = &told["streams"][0];
        let seconds = stream["duration"].as_str().or(told["format"]["duration"].as_str()).unwrap();
        let ms = seconds.parse::<f64>().unwrap() * 1_000.0;
        #[expect(clippy::cast_precision_loss, reason = "seconds")]
        let off = (ms - e.duration_ms.unwrap() as f64).abs();
        assert!(off < 30.0 || e.measured_by.as_deref() == Some("ffmpeg"), "{}: {ms} ms", e.file);
        assert_eq!(stream["channels"].as_u64(), e.channels.map(u64::from), "{}", e.file);
        assert_eq!(stream["sample_rate"].as_str(), e.sample_rate_hz.map(|hz| hz.to_string()).as_deref(), "{}", e.file);
    }
}

#[test]
fn a_look_at_the_first_bytes_agrees_with_the_inspection() {
    for e in expected().iter().filter(|e| e.container.is_some()) {
        let bytes = read(&e.file);
        assert_eq!(sniff(&bytes[..bytes.len().min(earwitness::audio::SNIFF_BYTES)]), e.container, "{}", e.file);
    }
}

#[test]
fn a_length_that_the_sender_did_not_report_is_found() {
    let bytes = read("good/wav-pcm16-mono.wav");
    for (reported_ms, mismatch) in [(4_000, false), (4_900, false), (5_100, true), (2_900, true)] {
        let source = std::io::Cursor::new(bytes.clone());
        let expectations = Expectations { duration_ms: Some(reported_ms) };
        let found = inspect(source, bytes.len() as u64, &expectations, &Limits::default()).unwrap().findings;
        assert_eq!(found.iter().any(|f| f.code == FindingCode::DurationMismatch), mismatch, "{reported_ms}");
    }
}

#[test]
fn limits_end_an_inspection_with_a_finding() {
    let bytes = read("good/wav-pcm16-mono.wav");
    for limits in [Limits { max_sound_s: 1, ..Limits::default() }, Limits { stop: &|| true, ..Limits::default() }] {
        let source = std::io::Cursor::new(bytes.clone());
        let inspection = inspect(source, bytes.len() as u64, &Expectations::default(), &limits).unwrap();
        assert!(inspection.is_quarantined());
        assert!(inspection.facts.duration_ms < 2_000);
    }
}
