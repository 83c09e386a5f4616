//! `POST /v1/recordings` with a vCon.

use aws_lc_rs::digest::{SHA512, digest};
use earwitness::access::Role;
use earwitness::vcon::base64url;
use earwitness::vcon::content_hash::sha512_token;
use reqwest::Method;
use serde_json::{Value, json};

use super::{everything, put};
use crate::on_both_stacks;
use crate::support::archive::{Answer, Running, Someone, call};
use crate::support::sounds::{au, wav};
use crate::support::stack::Place;

on_both_stacks!(
    in Locked:
    what_we_give_out_we_take_back,
    a_vcon_ends_as_an_upload_of_two_parts_does,
    what_others_write_is_understood,
    what_is_attached_is_stored_once,
    what_is_not_taken_says_why_and_leaves_nothing,
);

pub(crate) async fn send(archive: &Running, who: &Someone, kind: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = archive.request(who, Method::POST, "/v1/recordings").header("content-type", kind.to_owned());
    archive.send(request.body(body)).await
}

/// A vCon with metadata of our own.
pub(crate) fn vcon(metadata: &Value, audio: &[u8]) -> Value {
    json!({
        "vcon": "0.4.0", "uuid": "019f15a6-a752-826f-b9a2-279e0d16bc46", "created_at": "2026-11-22T09:05:00Z",
        "parties": [{"role": "customer"}, {"role": "agent"}],
        "dialog": [{
            "type": "recording", "start": metadata["recorded_at"], "parties": [0, 1], "mediatype": "audio/x-wav",
            "encoding": "base64url", "body": base64url::encode(audio),
            "content_hash": sha512_token(&digest(&SHA512, audio)),
        }],
        "attachments": [{
            "purpose": "earwitness-metadata", "start": "2026-11-22T09:05:00Z", "party": 1, "dialog": 0,
            "mediatype": "application/json", "encoding": "json", "body": metadata,
        }],
    })
}

async fn post(archive: &Running, who: &Someone, document: &Value) -> Answer {
    send(archive, who, "application/vcon+json", document.to_string()).await
}

async fn what_we_give_out_we_take_back(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    for (at, audio) in [wav(100_000, 1), au(100_001, 2)].iter().enumerate() {
        let mut metadata = everything(&format!("c-{at}"));
        metadata["duration_ms"] = json!(12_500);
        let posted = archive.post(&crm, &metadata, audio).await;
        put(&archive, &crm, posted.id(), "transcript.txt", "text/plain; charset=utf-8", "é".as_bytes()).await;
        let given = archive.read(&legal, posted.id(), "/vcon").await.body;
        for kind in ["application/vcon", "application/vcon+json", "Application/VCON; x=y"] {
            let again = send(&archive, &crm, kind, given.clone()).await;
            assert_eq!(again.status, 200, "{kind}: {:?}", again.told());
            assert!(again.body == posted.body, "the same call, metadata and bytes: the same receipt");
        }
        // As another call, so that all of it is taken in anew.
        let mut other: Value = serde_json::from_slice(&given).unwrap();
        other["attachments"][0]["body"]["call_id"] = json!(format!("d-{at}"));
        let taken = post(&archive, &crm, &other).await;
        assert_eq!(taken.status, 201, "{:?}", taken.told());
        assert!(archive.read(&legal, taken.id(), "/audio").await.body == *audio);
        let one = archive.read(&legal, taken.id(), "").await.json();
        let mut expected = archive.read(&legal, posted.id(), "").await.json()["metadata"].clone();
        expected["call_id"] = json!(format!("d-{at}"));
        assert_eq!(one["metadata"], expected);
        let names: Vec<&str> =
            one["related"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["transcript.txt"], "the receipt of then is no related data");
        let note = archive.read(&legal, taken.id(), "/related/transcript.txt").await;
        assert_eq!((note.header("content-type"), note.body.as_slice()), ("text/plain; charset=utf-8", "é".as_bytes()));
    }
}

async fn a_vcon_ends_as_an_upload_of_two_parts_does(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    let audio = wav(16_000, 1);
    let first = post(&archive, &crm, &vcon(&call("c-1"), &audio)).await;
    assert_eq!((first.status, first.header("location")), (201, format!("/v1/recordings/{}", first.id()).as_str()));
    assert_eq!(first.header("sunset"), "Sat, 22 Nov 2031 09:00:00 GMT");
    // By either way, in either order.
    let parts = archive.post(&crm, &call("c-1"), &audio).await;
    let again = post(&archive, &crm, &vcon(&call("c-1"), &audio)).await;
    assert_eq!((parts.status, again.status), (200, 200));
    assert!(parts.body == first.body && again.body == first.body);
    let other_bytes = post(&archive, &crm, &vcon(&call("c-1"), &wav(16_000, 2))).await;
    assert_eq!(other_bytes.told(), (409, "call-exists".to_owned()));
    let mut other = call("c-1");
    other["agent"] = json!("ann");
    assert_eq!(post(&archive, &crm, &vcon(&other, &audio)).await.told(), (409, "metadata-mismatch".to_owned()));

    let mut poor = vcon(&call("c-2"), &audio);
    poor["dialog"][0]["content_hash"] = json!(sha512_token(&digest(&SHA512, b"other")));
    let poor = post(&archive, &crm, &poor).await;
    assert_eq!((poor.status, &poor.json()["findings"]), (202, &json!(["digest-mismatch"])));
    let cut = post(&archive, &crm, &vcon(&call("c-3"), &audio[..20_000])).await;
    assert_eq!((cut.status, &cut.json()["findings"]), (202, &json!(["truncated"])));
    let good = post(&archive, &crm, &vcon(&call("c-3"), &audio)).await;
    assert_eq!((good.status, &good.json()["supersedes"]), (201, &cut.json()["id"]));
    assert_eq!(archive.count_entries("recording.received").await, 2);
    assert_eq!(archive.read(&legal, first.id(), "").await.json()["metadata"]["call_id"], "c-1");
}

async fn what_others_write_is_understood(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    let audio = wav(16_000, 1);
    let document = json!({
        "uuid": "019f15a6-a752-826f-b9a2-279e0d16bc46", "subject": "a viewing", "extensions": ["CC", "other"],
        "dialog": [{
            "content_hash": ["blake3-AAAA", sha512_token(&digest(&SHA512, &audio))],
            "body": base64url::encode(&audio), "duration": 2.0, "start": "2026-11-22T10:00:00.000+01:00",
            "parties": [[0], [1]], "type": "recording", "session_id": {"local": "x", "remote": "y"},
            "party_history": [{"party": 0, "time": "2026-11-22T09:00:00Z", "event": "join"}],
        }],
        "analysis": [{"type": "transcript", "dialog": 0, "vendor": "v", "body": "Goedendag", "encoding": "none"}],
        "parties": [
            {"name": "Ann", "uuid": "ann", "role": "agent"},
            {"tel": "tel:+32-470-12.34.56", "name": "Jan", "org": "A-1", "role": "customer", "gmlpos": "51 3"},
        ],
        "amended": {}, "attachments": [],
    });
    let taken = post(&archive, &crm, &document).await;
    assert_eq!(taken.status, 201, "{:?}", taken.told());
    let one = archive.read(&legal, taken.id(), "").await.json();
    let expected = json!({
        "call_id": "019f15a6-a752-826f-b9a2-279e0d16bc46", "part": 0, "account_id": "A-1",
        "recorded_at": "2026-11-22T09:00:00Z", "direction": "outbound", "agent": "ann", "person": {"name": "Jan"},
        "number": "+32470123456", "duration_ms": 2_000,
    });
    assert_eq!(one["metadata"], expected);
    assert_eq!(one["related"][0]["name"], "vcon-analysis0");
    let found = archive.search(&legal, &json!({"number": "+32470123456"})).await.json();
    assert_eq!(found["recordings"][0]["id"], json!(taken.id()));
}

async fn what_is_attached_is_stored_once(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    let mut document = vcon(&call("c-1"), &wav(8_000, 1));
    let more = [
        json!({"filename": "note.txt", "mediatype": "text/plain", "encoding": "none", "body": "one"}),
        json!({"filename": "note.txt", "mediatype": "no type", "encoding": "base64url", "body": "dHdv"}),
        json!({"filename": "Call with Jan.json", "encoding": "json", "body": {"a": [1, 2.5]}}),
        json!({"purpose": "nothing in it"}),
    ];
    document["attachments"].as_array_mut().unwrap().extend(more);
    let id = post(&archive, &crm, &document).await.id();
    let expected: [(&str, &str, &[u8]); 3] = [
        ("note.txt", "text/plain", b"one"),
        ("vcon-attachments2", "application/octet-stream", b"two"),
        ("vcon-attachments3", "application/json", br#"{"a":[1,2.5]}"#),
    ];
    for (name, kind, content) in expected {
        let read = archive.read(&legal, id, &format!("/related/{name}")).await;
        assert_eq!((read.header("content-type"), read.body.as_slice()), (kind, content), "{name}");
    }
    // Somebody has written something better since; the client that got no answer sends its vCon again.
    let request = archive.request(&legal, Method::PUT, &format!("/v1/recordings/{id}/related/note.txt"));
    assert_eq!(archive.send(request.header("content-type", "text/plain").body("better")).await.status, 200);
    assert_eq!(post(&archive, &crm, &document).await.status, 200);
    assert_eq!(archive.read(&legal, id, "/related/note.txt").await.body, b"better");
    assert_eq!(archive.count_entries("related.stored").await, 4);
}

async fn what_is_not_taken_says_why_and_leaves_nothing(place: &Place) {
    let archive = Running::start_with(place, &[("EARWITNESS_MAX_UPLOAD_BYTES", "1MiB")]).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let audio = wav(8_000, 1);
    let good = vcon(&call("c-1"), &audio);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut document = good.clone();
        change(&mut document);
        document.to_string()
    };
    let large = vcon(&call("c-1"), &wav(600_000, 1)).to_string();
    let long = vcon(&call(&"x".repeat(2_000_000)), &audio).to_string();
    let cases: Vec<(u16, &str, String)> = vec![
        (422, "invalid-vcon", String::new()),
        (422, "invalid-vcon", "[]".to_owned()),
        (422, "invalid-vcon", good.to_string()[..5_000].to_owned()),
        (422, "invalid-vcon", changed(&|it| it["uuid"] = json!("x"))),
        (422, "invalid-vcon", changed(&|it| it["dialog"][0]["start"] = json!("2026-11-22T09:00:01Z"))),
        (422, "invalid-vcon", format!("{{\"a\": {}", "[".repeat(100_000))),
        (422, "unsupported-vcon", changed(&|it| it["critical"] = json!(["new"]))),
        (422, "unsupported-vcon", changed(&|it| it["redacted"] = json!({"type": "pii"}))),
        (422, "unsupported-vcon", changed(&|it| it["dialog"] = json!([it["dialog"][0], it["dialog"][0]]))),
        (422, "unsupported-vcon", json!({"ciphertext": "x", "recipients": [{}]}).to_string()),
        (
            422,
            "media-host-not-allowed",
            changed(&|it| {
                it["dialog"][0]["body"] = Value::Null;
                it["dialog"][0]["url"] = json!("https://169.254.169.254/latest");
            }),
        ),
        (422, "invalid-metadata", changed(&|it| it["attachments"][0]["body"]["number"] = json!("0470"))),
        (422, "invalid-metadata", changed(&|it| it["attachments"] = json!([]))),
        (
            422,
            "recorded-in-future",
            vcon(
                &{
                    let mut metadata = call("c-1");
                    metadata["recorded_at"] = json!("2027-01-01T00:00:00Z");
                    metadata
                },
                &audio,
            )
            .to_string(),
        ),
        (415, "not-audio", vcon(&call("c-1"), b"<html>not audio at all</html>").to_string()),
        (413, "too-large", large),
        (413, "too-large", long),
    ];
    for (status, code, body) in cases {
        let answer = send(&archive, &crm, "application/vcon", body.clone()).await;
        let shown: String = body.chars().take(200).collect();
        assert_eq!(answer.told(), (status, code.to_owned()), "{shown}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(!String::from_utf8_lossy(&answer.body).contains("0470"), "no value is repeated");
    }
    let gzip = send(&archive, &crm, "application/vcon+gzip", good.to_string()).await;
    assert_eq!(gzip.told(), (415, "unsupported-media-type".to_owned()));
    assert!(archive.objects(None).await.is_empty());
    let rep = archive.token(Role::Rep, &["A-1"], None).await;
    assert_eq!(post(&archive, &rep, &good).await.told(), (403, "forbidden".to_owned()));
}
