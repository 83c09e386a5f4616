//! `POST /v1/recordings`: kept once, or refused with the reason.

use earwitness::access::Role;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::on_both_stacks;
use crate::support::archive::{Running, call};
use crate::support::sounds::{au, wav};
use crate::support::stack::Place;

on_both_stacks!(
    in Locked:
    a_recording_is_kept_once_whatever_the_client_repeats,
    twenty_clients_at_once_store_one,
    what_cannot_be_taken_says_why_and_leaves_nothing,
    a_better_upload_takes_the_place_of_a_quarantined_one,
    a_receipt_is_read_by_its_sender_and_legal_alone,
);

async fn a_recording_is_kept_once_whatever_the_client_repeats(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let (metadata, audio) = (call("c-1"), wav(16_000, 1));
    let first = archive.post(&crm, &metadata, &audio).await;
    assert_eq!(first.status, 201, "{:?}", first.told());
    assert_eq!(first.header("content-type"), "application/json");
    assert_eq!(first.header("location"), format!("/v1/recordings/{}", first.id()));
    assert_eq!(first.header("sunset"), "Sat, 22 Nov 2031 09:00:00 GMT");
    let receipt = first.json();
    assert_eq!((&receipt["status"], &receipt["duration_ms"]), (&json!("accepted"), &json!(2_000)));
    assert!(receipt["signature"]["signature"].is_string());

    let stored = archive.objects(None).await;
    let again = archive.post(&crm, &metadata, &audio).await;
    assert_eq!((again.status, again.body == first.body), (200, true), "the same receipt, word for word");
    let other_bytes = archive.post(&crm, &metadata, &wav(16_000, 2)).await;
    assert_eq!(other_bytes.told(), (409, "call-exists".to_owned()));
    let mut other = metadata.clone();
    other["agent"] = json!("anna");
    assert_eq!(archive.post(&crm, &other, &audio).await.told(), (409, "metadata-mismatch".to_owned()));
    other = metadata.clone();
    other["part"] = json!(1);
    assert_eq!(archive.post(&crm, &other, &wav(16_000, 2)).await.status, 201, "another part is another recording");
    assert_eq!(archive.objects(Some(first.id())).await, stored, "nothing of the first was touched");
    assert_eq!(archive.objects(None).await.len(), 2 * stored.len());
}

async fn twenty_clients_at_once_store_one(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let (metadata, audio) = (call("c-1"), wav(8_000, 1));
    let answers = join_all((0..20).map(|_| archive.post(&crm, &metadata, &audio))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![200; 19], vec![201]].concat());
    assert!(answers.iter().all(|answer| answer.body == answers[0].body), "one receipt");
    assert_eq!(archive.objects(None).await, archive.objects(Some(answers[0].id())).await, "one folder in the store");
    assert_eq!(archive.count_entries("recording.received").await, 1);
}

async fn what_cannot_be_taken_says_why_and_leaves_nothing(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let audio = wav(8_000, 1);
    let recorded = |text: &str| {
        let mut metadata = call("c-1");
        metadata["recorded_at"] = json!(text);
        metadata
    };
    let mut no_number = call("c-1");
    no_number["number"] = json!("0470 12 34 56");
    let cases: [(Value, &[u8], u16, &str); 6] = [
        (call("c-1"), b"<html>not audio at all</html>", 415, "not-audio"),
        (call("c-1"), b"", 415, "not-audio"),
        (no_number, &audio, 422, "invalid-metadata"),
        (recorded("2026-11-22T10:07:01Z"), &audio, 422, "recorded-in-future"),
        (recorded("2021-11-22T10:02:00Z"), &audio, 422, "past-deadline"),
        (recorded("9998-01-01T00:00:00Z"), &audio, 422, "recorded-in-future"),
    ];
    for (metadata, audio, status, code) in cases {
        let answer = archive.post(&crm, &metadata, audio).await;
        assert_eq!(answer.told(), (status, code.to_owned()));
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert!(archive.objects(None).await.is_empty());
    let rep = archive.token(Role::Rep, &["A-1"], None).await;
    assert_eq!(archive.post(&rep, &call("c-1"), &audio).await.told(), (403, "forbidden".to_owned()));
}

async fn a_better_upload_takes_the_place_of_a_quarantined_one(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    let rep = archive.token(Role::Rep, &["A-1"], None).await;
    let whole = wav(16_000, 1);
    let poor = archive.post(&crm, &call("c-1"), &whole[..20_000]).await;
    assert_eq!((poor.status, &poor.json()["status"]), (202, &json!("quarantined")));
    assert_eq!(poor.json()["findings"], json!(["truncated"]));
    assert_eq!(archive.read(&rep, poor.id(), "").await.told(), (404, "not-found".to_owned()));
    let seen = archive.read(&legal, poor.id(), "").await.json();
    assert_eq!(seen["findings"][0]["severity"], "quarantine");
    assert_eq!(archive.read(&legal, poor.id(), "/audio").await.body, whole[..20_000]);

    let good = archive.post(&crm, &call("c-1"), &whole).await;
    assert_eq!((good.status, &good.json()["supersedes"]), (201, &poor.json()["id"]));
    assert_eq!(archive.read(&legal, poor.id(), "").await.json()["status"], "superseded");
    assert_eq!(archive.post(&crm, &call("c-1"), &au(16_000, 1)).await.told().1, "call-exists");
}

async fn a_receipt_is_read_by_its_sender_and_legal_alone(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let other_crm = archive.token(Role::Ingest, &[], None).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    let posted = archive.post(&crm, &call("c-1"), &wav(8_000, 1)).await;
    for reader in [&crm, &legal] {
        let receipt = archive.read(reader, posted.id(), "/receipt").await;
        assert_eq!((receipt.status, receipt.body == posted.body), (200, true));
    }
    let stranger = archive.read(&other_crm, posted.id(), "/receipt").await;
    assert_eq!(stranger.told(), (404, "not-found".to_owned()));
    assert_eq!(archive.read(&crm, posted.id(), "").await.told(), (403, "forbidden".to_owned()));
    assert_eq!(archive.accesses(posted.id()).await, ["receipt", "receipt"]);
}
