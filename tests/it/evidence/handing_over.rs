//! A package from the request to the register.

use earwitness::access::Role;
use earwitness::ledger::verify::Outcome;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Held, asked, checked, file, held, hold, made, package, places, registered};
use crate::cases;
use crate::on_both_stacks;
use crate::support::archive::{Running, at, call};
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    a_case_is_packaged_entered_and_registered,
    what_is_anothers_business_is_not_told,
    some_recordings_of_a_case,
    what_cannot_be_packaged,
);

/// SHA-256 in hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

async fn a_case_is_packaged_entered_and_registered(place: &Place) {
    let running = Running::start(place).await;
    let held = held(&running, 3).await;
    let answer = made(&running, &held, &asked()).await;
    assert_eq!(answer.header("content-type"), "application/zip");
    assert_eq!(answer.header("cache-control"), "no-store");
    let id = answer.header("earwitness-package").to_owned();
    assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"evidence-{id}.zip\""));

    // The register, and both ends in the ledger, with the digest of what was received.
    let row = registered(&running, &held.legal, &id).await;
    let digest = sha256(&answer.body);
    assert_eq!((&row["state"], &row["sha256"], &row["recordings"]), (&json!("made"), &json!(digest), &json!(3)));
    assert_eq!(row["byte_len"], answer.body.len());
    assert_eq!(
        (&row["recipient_name"], &row["recipient_kind"]),
        (&asked()["recipient"]["name"], &json!("legal-service-provider"))
    );
    for recording in &held.recordings {
        let told = running.custody(*recording).await;
        let of =
            |kind: &str| told.iter().find(|(k, _)| k == kind).map(|(_, payload)| payload.clone()).expect("it is there");
        for payload in [of("evidence.begun"), of("evidence.made")] {
            assert_eq!(payload["package_id"], json!(id));
            assert_eq!(payload["recipient"], asked()["recipient"]);
            assert_eq!(payload["actor"]["name"], "An");
        }
        assert_eq!(of("evidence.made")["sha256"], json!(digest));
        assert!(!serde_json::to_string(&told).expect("JSON").contains("2026/0147"), "a case's reference is its own");
    }
    let of_case: Vec<String> = cases::entries(&running, held.case).await.into_iter().map(|(kind, _)| kind).collect();
    assert!(
        ["evidence.begun", "evidence.made"].iter().all(|kind| of_case.contains(&(*kind).to_owned())),
        "{of_case:?}"
    );

    // The package holds, and either of its keys vouches for the other.
    let key = running.archive.signing.public().fingerprint();
    let package: Value = serde_json::from_slice(file(&answer.body, "/package.json")).expect("JSON");
    let seal = package["seal"].as_str().expect("a fingerprint");
    for (pins, conclusion) in [
        (vec![key.as_str()], "verified, but for what is noted above"),
        (vec![seal], "verified"),
        (vec![&key, seal], "verified"),
    ] {
        let report = checked(&answer.body, &pins);
        assert_eq!(report.conclusion(), conclusion, "{report}");
    }
    // Without what lets a digest be broken into lines.
    let page = String::from_utf8_lossy(file(&answer.body, "/report.html"));
    let page = ["<span>", "</span>", "<wbr>"].iter().fold(page.into_owned(), |page, tag| page.replace(tag, ""));
    for recording in &held.recordings {
        let audio = running.read(&held.legal, *recording, "/audio").await.body;
        let end = format!("{recording}/audio.wav");
        assert_eq!(file(&answer.body, &end), audio);
        let digest = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, &audio));
        assert!(page.contains(&digest), "the page has its SHA-512");
    }
    let names: String = places(&answer.body).into_iter().map(|(name, _)| name).collect();
    for personal in ["call-", "agent", "32470001122", "2026/", "Voorbeeld"] {
        assert!(!names.contains(personal), "{personal} in {names}");
    }
}

async fn what_is_anothers_business_is_not_told(place: &Place) {
    let running = Running::start_with(place, &[("EARWITNESS_TRUSTED_PROXIES", "127.0.0.1")]).await;
    let held = held(&running, 1).await;
    let mut hidden = readers(&running, &held).await;
    let other_case = cases::open(&running, &held.legal, "2026/0999").await;
    hold(&running, &held.legal, other_case, &held.recordings).await;
    let bank = json!({"purpose": "a guarantee", "recipient": {"name": "Geldbank NV", "kind": "bank"}});
    made(&running, &held, &bank).await;
    let answer = made(&running, &held, &asked()).await;
    let report = checked(&answer.body, &[]);
    assert!(report.ok(), "{report}");
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    hidden.extend(["Geldbank", "a guarantee", "2026/0999", &other_case.to_string()].map(str::to_owned));
    for name in hidden {
        assert!(!text.contains(&name), "{name}");
    }
    let custody = String::from_utf8(file(&answer.body, "custody.jsonl").to_vec()).expect("a text");
    let lines: Vec<Value> = custody.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let shown =
        |kind: &str| lines.iter().filter(|l| l["kind"] == kind).map(|l| l.get("opening").is_some()).collect::<Vec<_>>();
    let mut holds = shown("hold.placed");
    holds.sort_unstable();
    assert_eq!(holds, [false, true], "one of another case, one of this");
    // The clock stands still: which of the two came first in the ledger is not told by it.
    let mut begun = shown("evidence.begun");
    begun.sort_unstable();
    assert_eq!(begun, [false, true], "one to another recipient, one to this");
    assert_eq!(shown("evidence.made"), [false]);
    assert_eq!(shown("recording.received"), [true]);
    assert_eq!(shown("recording.read"), [false, false], "that it was read is told, and not by whom");
}

/// A rep and somebody on the portal read a recording. Gives what nobody outside has to know of it.
async fn readers(running: &Running, held: &Held) -> Vec<String> {
    let account = call("x")["account_id"].as_str().expect("an account").to_owned();
    let mut hidden = Vec::new();
    for (role, address, purpose) in
        [(Role::Rep, "203.0.113.77", "a%20rep%27s%20reason"), (Role::Portal, "198.51.100.9", "a%20client%27s%20reason")]
    {
        let someone = running.token(role, &[&account], None).await;
        let path = format!("/v1/recordings/{}/audio", held.recordings[0]);
        let request = running.request(&someone, Method::GET, &path).header("earwitness-purpose", purpose);
        assert_eq!(running.send(request.header("x-forwarded-for", address)).await.status, 200, "{role}");
        let plain = purpose.replace("%20", " ").replace("%27", "'");
        hidden.extend([address.to_owned(), plain, format!("the {role}"), someone.id.to_string()]);
    }
    let told = serde_json::to_string(&running.custody(held.recordings[0]).await).expect("JSON");
    assert!(hidden.iter().all(|name| told.contains(name)), "the archive itself knows it: {told}");
    hidden
}

async fn some_recordings_of_a_case(place: &Place) {
    let running = Running::start(place).await;
    let held = held(&running, 3).await;
    let (one, two) = (held.recordings[2], held.recordings[0]);
    let mut body = asked();
    body["recordings"] = json!([one, two, one]);
    body["language"] = json!("de");
    let answer = made(&running, &held, &body).await;
    let package: Value = serde_json::from_slice(file(&answer.body, "/package.json")).expect("JSON");
    let ids: Vec<&Value> = package["recordings"].as_array().expect("a list").iter().map(|r| &r["id"]).collect();
    assert_eq!(ids, [&json!(one), &json!(two)], "in the order in which they were named, each once");
    assert_eq!(package["language"], "de");
    assert!(checked(&answer.body, &[]).checks.iter().all(|check| check.outcome == Outcome::Passed));
    let untouched = running.custody(held.recordings[1]).await;
    assert!(untouched.iter().all(|(kind, _)| !kind.starts_with("evidence.")));
}

async fn what_cannot_be_packaged(place: &Place) {
    let running = Running::start(place).await;
    let held = held(&running, 1).await;
    let with = |name: &str, value: Value| {
        let mut body = asked();
        body[name] = value;
        body
    };
    for (body, status, code) in [
        (with("purpose", json!(" ")), 422, "invalid-body"),
        (with("purpose", json!("x".repeat(201))), 422, "invalid-body"),
        (with("recipient", json!({"name": "A", "kind": "court"})), 422, "invalid-body"),
        (with("recipient", json!({"name": "", "kind": "bank"})), 422, "invalid-body"),
        (with("recordings", json!([])), 422, "invalid-body"),
        (with("recordings", json!([uuid::Uuid::new_v4()])), 404, "not-found"),
        (with("more", json!(1)), 422, "invalid-body"),
    ] {
        assert_eq!(package(&running, &held, &body).await.told(), (status, code.to_owned()), "{body}");
    }
    let nobody = Held { case: uuid::Uuid::new_v4(), legal: held.legal.clone(), recordings: Vec::new() };
    assert_eq!(package(&running, &nobody, &asked()).await.told(), (404, "not-found".to_owned()));
    let empty = cases::open(&running, &held.legal, "2026/1").await;
    let empty = Held { case: empty, legal: held.legal.clone(), recordings: Vec::new() };
    assert_eq!(package(&running, &empty, &asked()).await.told(), (409, "nothing-to-hand-over".to_owned()));
    let closed =
        cases::post(&running, &held.legal, &format!("/v1/cases/{}/close", empty.case), &json!({"reason": "over"}))
            .await;
    assert_eq!(closed.status, 200, "{:?}", closed.told());
    let named = with("recordings", json!(held.recordings));
    assert_eq!(package(&running, &empty, &named).await.told(), (409, "case-closed".to_owned()));
    for role in [Role::Privacy, Role::Auditor, Role::Operator, Role::Rep] {
        let someone = running.token(role, &[], None).await;
        let other = Held { case: held.case, legal: someone, recordings: Vec::new() };
        assert_eq!(package(&running, &other, &asked()).await.told().0, 403, "{role}");
    }
    // Past its deadline only what is held is there for legal.
    let crm = running.token(Role::Ingest, &[], None).await;
    let mut old = call("call-old");
    old["recorded_at"] = json!("2021-11-22T11:00:00Z");
    let id = running.post(&crm, &old, &crate::support::world::tone(9)).await.id();
    running.clock.set(at("2026-11-22T12:00:00Z"));
    assert_eq!(package(&running, &held, &with("recordings", json!([id]))).await.told(), (410, "expired".to_owned()));
    let rows = running.get(&held.legal, "/v1/disclosures").await.json();
    assert_eq!(rows["disclosures"], json!([]), "nothing was begun");
}
