//! From the very instant of the deadline on: 410, and streams that are under way are cut.

use std::time::Duration;

use earwitness::access::{Caller, Role, StoredToken};
use earwitness::clock::{Clock as _, Timestamp};
use earwitness::find::access::{Action, record_read};
use earwitness::find::{FindError, Reader, Sight, look_up};
use earwitness::recording::RecordingId;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::on_both_stacks;
use crate::support::archive::{Running, Someone, at, call};
use crate::support::sounds::{au, wav};
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    every_read_answers_410_at_the_instant,
    a_held_recording_is_legals_alone_past_its_deadline,
    a_purged_recording_is_gone_for_everybody,
    what_is_fenced_meanwhile_is_neither_noted_nor_shown,
    a_stream_under_way_is_cut,
    what_is_held_is_cut_when_it_is_let_go_of,
);

const DEADLINE: &str = "2031-11-22T09:00:00Z";
const PARTS: [&str; 8] = ["", "/audio", "/listen", "/waveform", "/waveform.svg", "/related/note", "/receipt", "/vcon"];

async fn with_note(archive: &Running) -> (Someone, RecordingId) {
    let crm = archive.token(Role::Ingest, &[], None).await;
    let id = archive.post(&crm, &call("c-1"), &wav(8_000, 1)).await.id();
    let note = archive.request(&crm, reqwest::Method::PUT, &format!("/v1/recordings/{id}/related/note"));
    let stored = archive.send(note.header("content-type", "text/plain").body("hello")).await;
    assert_eq!(stored.status, 201, "{:?}", stored.told());
    (crm, id)
}

async fn every_read_answers_410_at_the_instant(place: &Place) {
    let archive = Running::start(place).await;
    let (crm, id) = with_note(&archive).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    let rep = archive.token(Role::Rep, &["A-1"], None).await;
    let stranger = archive.token(Role::Rep, &["A-2"], None).await;
    archive.clock.set(Timestamp::from_micros(at(DEADLINE).micros() - 1));
    for part in PARTS {
        assert_eq!(archive.read(&legal, id, part).await.status, 200, "{part}");
    }
    assert_eq!(archive.read(&stranger, id, "").await.status, 404, "not theirs");
    assert_eq!(archive.search(&rep, &json!({})).await.json()["recordings"].as_array().unwrap().len(), 1);
    let before = archive.custody(id).await.len();
    archive.clock.set(at(DEADLINE));
    for part in PARTS {
        let answer = archive.read(&legal, id, part).await;
        assert_eq!(answer.told(), (410, "expired".to_owned()), "{part}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    assert_eq!(archive.read(&rep, id, "").await.status, 410);
    assert_eq!(archive.read(&crm, id, "/receipt").await.status, 410);
    assert_eq!(archive.read(&stranger, id, "").await.status, 410, "how long its rows are there tells nobody anything");
    assert_eq!(archive.search(&rep, &json!({})).await.json()["recordings"], json!([]));
    let note = archive.request(&crm, reqwest::Method::PUT, &format!("/v1/recordings/{id}/related/other"));
    let late = archive.send(note.header("content-type", "text/plain").body("hello")).await;
    assert_eq!(late.told(), (410, "expired".to_owned()));
    assert_eq!(archive.custody(id).await.len(), before, "what was refused is no access");
    assert_eq!(archive.post(&crm, &call("c-1"), &wav(8_000, 1)).await.told(), (422, "past-deadline".to_owned()));
}

async fn a_held_recording_is_legals_alone_past_its_deadline(place: &Place) {
    let archive = Running::start(place).await;
    let (_, id) = with_note(&archive).await;
    archive.hold(id).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    let privacy = archive.token(Role::Privacy, &[], None).await;
    let rep = archive.token(Role::Rep, &["A-1"], None).await;
    archive.clock.set(at(DEADLINE));
    for part in PARTS {
        assert_eq!(archive.read(&legal, id, part).await.status, 200, "{part}");
    }
    for who in [&privacy, &rep] {
        assert_eq!(archive.read(who, id, "/audio").await.told(), (410, "expired".to_owned()));
    }
}

async fn a_purged_recording_is_gone_for_everybody(place: &Place) {
    let archive = Running::start(place).await;
    let (crm, id) = with_note(&archive).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    let stranger = archive.token(Role::Rep, &["A-2"], Some("x")).await;
    archive.clock.set(at(DEADLINE));
    archive.archive.catalog.beat(at(DEADLINE)).await.unwrap();
    let mut passes = 0;
    while archive.archive.catalog.recording(id).await.unwrap().is_some() {
        earwitness::purge::pass(&archive.archive).await.expect("a pass");
        passes += 1;
        assert!(passes < 20, "the purge does not come to its end");
    }
    for who in [&legal, &stranger] {
        assert_eq!(archive.read(who, id, "").await.told(), (410, "expired".to_owned()));
    }
    assert_eq!(archive.read(&crm, id, "/receipt").await.status, 410);
    assert!(archive.objects(None).await.is_empty());
    let nothing = RecordingId(uuid::Uuid::new_v4());
    assert_eq!(archive.read(&legal, nothing, "").await.status, 404);
}

async fn what_is_fenced_meanwhile_is_neither_noted_nor_shown(place: &Place) {
    let archive = Running::start(place).await;
    let (_, id) = with_note(&archive).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    let stored = StoredToken {
        id: legal.id,
        owner: "legal".into(),
        role: Role::Legal,
        accounts: vec![],
        agent: None,
        expires_at: None,
        revoked_at: None,
    };
    let reader = Reader::new(&Caller::new(stored, [127, 0, 0, 1].into()), None);
    let opened = look_up(&archive.archive, id, Sight::View(&reader.view)).await.expect("it is there");
    archive.clock.set(at(DEADLINE));
    let catalog = &archive.archive.catalog;
    let mut tx = catalog.begin().await.expect("a transaction");
    assert!(tx.fence(id, at(DEADLINE)).await.expect("an answer").is_some());
    tx.commit().await.expect("the commit holds");
    // Even a clock that went back gives nothing back.
    archive.clock.set(at("2026-11-22T10:30:00Z"));
    for action in [Action::Audio, Action::Metadata] {
        let noted = record_read(&archive.archive, &opened, &reader, action).await;
        assert!(matches!(noted, Err(FindError::Gone)), "{noted:?}");
    }
    assert_eq!(archive.read(&legal, id, "/audio").await.status, 410);
    assert_eq!(archive.count_entries("recording.read").await, 0);
}

/// Asks for a part over a connection of its own with a small window, so that most of the answer is still to come.
async fn begin(archive: &Running, who: &Someone, id: RecordingId, part: &str) -> tokio::net::TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    let mut stream = socket.connect(archive.address).await.unwrap();
    let head = format!(
        "GET /v1/recordings/{id}{part} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nEarwitness-Purpose: a test\r\n\r\n",
        who.token.expose()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut begun = [0; 4_096];
    stream.read_exact(&mut begun).await.unwrap();
    assert!(begun.starts_with(b"HTTP/1.1 200 OK"), "{}", String::from_utf8_lossy(&begun[..200]));
    stream
}

async fn a_stream_under_way_is_cut(place: &Place) {
    const FRAMES: usize = 10_000_000;
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let rep = archive.token(Role::Rep, &["A-1"], None).await;
    let played = archive.post(&crm, &call("c-1"), &wav(FRAMES, 1)).await.id();
    let copied = archive.post(&crm, &call("c-2"), &au(FRAMES, 1)).await.id();
    let exported = archive.post(&crm, &call("c-3"), &wav(FRAMES, 2)).await.id();
    let mut streams = Vec::new();
    for (id, part) in [(played, "/audio"), (copied, "/listen"), (exported, "/vcon")] {
        streams.push(begin(&archive, &rep, id, part).await);
        assert_eq!(archive.accesses(id).await, [&part[1..]], "the ledger knew before the first byte left");
    }
    archive.clock.set(at(DEADLINE));
    assert_eq!(archive.clock.now(), at(DEADLINE));
    for mut stream in streams {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "the connection is closed");
        // What was in the sockets' buffers had left before.
        assert!(rest.len() < FRAMES, "{} of {} bytes came", rest.len(), 2 * FRAMES);
    }
}

async fn what_is_held_is_cut_when_it_is_let_go_of(place: &Place) {
    const FRAMES: usize = 10_000_000;
    let archive = Running::start(place).await;
    let (crm, legal) = (archive.token(Role::Ingest, &[], None).await, archive.token(Role::Legal, &[], None).await);
    let (one, other) = (
        archive.post(&crm, &call("c-1"), &wav(FRAMES, 1)).await.id(),
        archive.post(&crm, &call("c-2"), &au(FRAMES, 1)).await.id(),
    );
    for id in [one, other] {
        archive.hold(id).await;
    }
    // One was begun before the deadline, the others after it.
    let mut streams = vec![begin(&archive, &legal, one, "/audio").await];
    archive.clock.set(at(DEADLINE));
    streams.push(begin(&archive, &legal, other, "/listen").await);
    streams.push(begin(&archive, &legal, one, "/vcon").await);
    for stream in &mut streams {
        let mut more = vec![0; 4 << 20];
        stream.read_exact(&mut more).await.expect("it goes on: a hold keeps it");
    }
    let catalog = &archive.archive.catalog;
    for id in [one, other] {
        let hold = catalog.holds_of(id).await.expect("holds")[0].id;
        let mut tx = catalog.begin().await.expect("a transaction");
        tx.release_hold(hold, at(DEADLINE)).await.expect("let go of");
        tx.commit().await.expect("committed");
    }
    // So long it may go unnoticed.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for mut stream in streams {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "the connection is closed");
        assert!(rest.len() < FRAMES, "{} of {} bytes came", rest.len(), 2 * FRAMES);
    }
}
