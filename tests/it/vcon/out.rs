//! `GET /v1/recordings/{id}/vcon`

use earwitness::access::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{checked, everything, put};
use crate::on_both_stacks;
use crate::support::archive::{Running, call};
use crate::support::sounds::{stereo, wav};
use crate::support::stack::Place;

on_both_stacks!(
    in Locked:
    others_read_all_that_we_write,
    each_role_gets_what_it_may_read,
    a_purpose_is_asked_for_and_noted_before_the_first_byte,
    a_changed_document_is_noticed,
);

fn sha256(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

async fn others_read_all_that_we_write(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    // Lengths that leave 0, 1 and 2 bytes behind the last whole group, and several segments of 64 KiB.
    let sounds = [wav(100_000, 1), wav(100_001, 2), wav(100_002, 3), stereo(16_000, 4)];
    for (at, audio) in sounds.iter().enumerate() {
        let posted = archive.post(&crm, &everything(&format!("c-{at}")), audio).await;
        let id = posted.id();
        put(&archive, &crm, id, "transcript.txt", "text/plain; charset=utf-8", "Goedendag, é".as_bytes()).await;
        put(&archive, &crm, id, "empty", "text/plain", b"").await;
        let answer = archive.read(&legal, id, "/vcon").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/vcon"));
        let disposition = format!("attachment; filename=\"recording-{id}.vcon\"");
        assert_eq!(answer.header("content-disposition"), disposition);
        assert_eq!((answer.header("cache-control"), answer.header("sunset").is_empty()), ("no-store", false));
        let seen = checked(&answer.body).unwrap_or_else(|wrong| panic!("{wrong}"));
        assert_eq!((&seen["sha256"], &seen["byte_len"]), (&json!(sha256(audio)), &json!(audio.len())));
        let metadata = archive.read(&legal, id, "").await.json()["metadata"].clone();
        assert_eq!(seen["metadata"], metadata);
        let receipt = seen["attachments"]["earwitness-receipt"][0]["body"].as_str().unwrap().as_bytes();
        assert_eq!(receipt, posted.body, "the receipt is there word for word");
        let related = seen["attachments"]["earwitness-related"].as_array().unwrap();
        let note =
            json!({"filename": "transcript.txt", "mediatype": "text/plain; charset=utf-8", "body": "Goedendag, é"});
        let empty = json!({"filename": "empty", "mediatype": "text/plain", "body": ""});
        assert!(related.len() == 2 && related.contains(&note) && related.contains(&empty), "{related:?}");
        assert!(archive.read(&legal, id, "/vcon").await.body == answer.body, "the same document every time");
    }
}

async fn each_role_gets_what_it_may_read(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let id = archive.post(&crm, &everything("c-1"), &wav(8_000, 1)).await.id();
    put(&archive, &crm, id, "note", "text/plain", b"a note").await;
    let table: [(Role, &[&str], &[&str]); 4] = [
        (Role::Legal, &[], &["earwitness-receipt", "earwitness-related"]),
        (Role::Privacy, &[], &["earwitness-related"]),
        (Role::Rep, &["A-1"], &["earwitness-related"]),
        (Role::Portal, &["A-1"], &[]),
    ];
    let mut uuids = Vec::new();
    for (role, accounts, purposes) in table {
        let who = archive.token(role, accounts, None).await;
        let seen = checked(&archive.read(&who, id, "/vcon").await.body).unwrap_or_else(|wrong| panic!("{wrong}"));
        let found: Vec<&String> = seen["attachments"].as_object().unwrap().keys().collect();
        assert_eq!(found, purposes, "{role}");
        uuids.push(seen["uuid"].clone());
    }
    assert!(uuids.iter().all(|uuid| *uuid == uuids[0]), "one recording, one name");
    let stranger = archive.token(Role::Rep, &["A-2"], None).await;
    assert_eq!(archive.read(&stranger, id, "/vcon").await.told(), (404, "not-found".to_owned()));
}

async fn a_purpose_is_asked_for_and_noted_before_the_first_byte(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    let id = archive.post(&crm, &call("c-1"), &wav(8_000, 1)).await.id();
    let path = format!("/v1/recordings/{id}/vcon");
    let no_purpose = archive.send(archive.request(&legal, Method::GET, &path)).await;
    assert_eq!(no_purpose.told(), (400, "purpose-required".to_owned()));
    assert!(archive.accesses(id).await.is_empty());
    let asked = archive.request(&legal, Method::GET, &path).header("earwitness-purpose", "dispute 12");
    let asked = archive.send(asked.header("accept", "application/vcon+json")).await;
    assert_eq!((asked.status, asked.header("content-type")), (200, "application/vcon+json"));
    let noted = archive.custody(id).await;
    let (_, read) = noted.iter().find(|(kind, _)| kind == "recording.read").expect("an access");
    assert_eq!((&read["action"], &read["purpose"]), (&json!("vcon"), &json!("dispute 12")));
}

async fn a_changed_document_is_noticed(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    let id = archive.post(&crm, &everything("c-1"), &wav(8_000, 1)).await.id();
    let good = archive.read(&legal, id, "/vcon").await.json();
    let changes: [fn(&mut Value); 8] = [
        |it| it["dialog"][0]["body"] = json!("UklGRg"),
        |it| it["dialog"][0]["parties"] = json!([0, 3]),
        |it| it["dialog"][0]["originator"] = json!(0),
        |it| it["uuid"] = json!("0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b21"),
        |it| it["extensions"] = json!([]),
        |it| it["vcon"] = json!("0.3.0"),
        |it| it["attachments"][0]["dialog"] = json!(1),
        |it| it["parties"][0]["tel"] = json!("0470"),
    ];
    assert!(checked(good.to_string().as_bytes()).is_ok());
    for (at, change) in changes.into_iter().enumerate() {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(checked(bad.to_string().as_bytes()).is_err(), "the outside check takes change {at}");
    }
}
