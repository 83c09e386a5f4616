//! Reading and playing: the bytes, their ranges, and the ledger's word about each access.

use base64::Engine as _;
use earwitness::access::Role;
use earwitness::recording::RecordingId;
use earwitness::vault::objects::Prefix;
use reqwest::Method;
use serde_json::json;

use crate::on_both_stacks;
use crate::support::archive::{Answer, Running, Someone, call};
use crate::support::objects::contents;
use crate::support::sounds::{au, wav};
use crate::support::stack::Place;

on_both_stacks!(
    in Locked:
    the_original_comes_back_byte_for_byte_and_by_range,
    a_form_that_browsers_do_not_play_is_heard_as_wav,
    a_waveform_is_shown_as_numbers_and_as_a_picture,
    a_recording_says_what_it_is,
    one_accounts_rep_cannot_tell_that_anothers_recording_exists,
    each_access_is_in_the_ledger_and_ranges_count_once,
);

fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}

async fn with_header(archive: &Running, who: &Someone, id: RecordingId, part: &str, header: (&str, &str)) -> Answer {
    let request = archive.request(who, Method::GET, &format!("/v1/recordings/{id}{part}"));
    archive.send(request.header("earwitness-purpose", "a test").header(header.0, header.1)).await
}

async fn the_original_comes_back_byte_for_byte_and_by_range(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let rep = archive.token(Role::Rep, &["A-1"], None).await;
    // Several segments of 64 KiB.
    let audio = wav(160_000, 1);
    let id = archive.post(&crm, &call("c-1"), &audio).await.id();
    let etag = format!("\"{}\"", hex::encode(sha256(&audio)));
    for part in ["/audio", "/listen"] {
        let whole = archive.read(&rep, id, part).await;
        assert_eq!((whole.status, whole.body == audio), (200, true));
        assert_eq!((whole.header("content-type"), whole.header("etag")), ("audio/wav", etag.as_str()));
        assert_eq!((whole.header("accept-ranges"), whole.header("cache-control")), ("bytes", "no-store"));
        assert_eq!(whole.header("sunset"), "Sat, 22 Nov 2031 09:00:00 GMT");
        for (range, from, to) in [("0-0", 0, 1), ("65000-66000", 65_000, 66_001), ("-1000", 319_044, 320_044)] {
            let answer = with_header(&archive, &rep, id, part, ("range", &format!("bytes={range}"))).await;
            assert_eq!((answer.status, answer.body == audio[from..to]), (206, true), "{range}");
            assert_eq!(answer.header("content-range"), format!("bytes {from}-{}/320044", to - 1));
        }
        let beyond = with_header(&archive, &rep, id, part, ("range", "bytes=320044-")).await;
        assert_eq!(beyond.told(), (416, "range-not-satisfiable".to_owned()));
        let known = with_header(&archive, &rep, id, part, ("if-none-match", &etag)).await;
        assert_eq!((known.status, known.body.len()), (304, 0));
    }
    let whole = archive.read(&rep, id, "/audio").await;
    let digest = base64::prelude::BASE64_STANDARD.encode(sha256(&audio));
    assert_eq!(whole.header("repr-digest"), format!("sha-256=:{digest}:"));
    assert_eq!(whole.header("content-disposition"), format!("attachment; filename=\"recording-{id}.wav\""));
    let head = archive.request(&rep, Method::HEAD, &format!("/v1/recordings/{id}/audio"));
    let head = archive.send(head.header("earwitness-purpose", "a test")).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "320044", 0));
    let no_purpose = archive.send(archive.request(&rep, Method::GET, &format!("/v1/recordings/{id}/audio"))).await;
    assert_eq!(no_purpose.told(), (400, "purpose-required".to_owned()));
    assert!(!archive.objects(Some(id)).await.is_empty());
    for (_, stored) in contents(archive.archive.store.as_ref(), &Prefix::recordings()).await {
        assert!(!stored.windows(64).any(|window| window == &audio[44..108]), "nothing lies there in the clear");
    }
}

async fn a_form_that_browsers_do_not_play_is_heard_as_wav(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    let id = archive.post(&crm, &call("c-1"), &au(160_000, 7)).await.id();
    assert_eq!(archive.read(&legal, id, "/audio").await.header("content-type"), "audio/basic");
    // The same samples, so the copy is known to the byte.
    let expected = wav(160_000, 7);
    let heard = archive.read(&legal, id, "/listen").await;
    assert_eq!((heard.status, heard.header("content-type")), (200, "audio/wav"));
    assert!(heard.body == expected, "{} bytes", heard.body.len());
    for (range, from, to) in [("0-43", 0, 44), ("100001-200000", 100_001, 200_001), ("-10", 320_034, 320_044)] {
        let answer = with_header(&archive, &legal, id, "/listen", ("range", &format!("bytes={range}"))).await;
        assert_eq!((answer.status, answer.body == expected[from..to]), (206, true), "{range}");
    }
}

async fn a_waveform_is_shown_as_numbers_and_as_a_picture(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let rep = archive.token(Role::Rep, &["A-1"], None).await;
    let id = archive.post(&crm, &call("c-1"), &wav(16_000, 1)).await.id();
    let numbers = archive.read(&rep, id, "/waveform").await.json();
    assert_eq!((&numbers["version"], &numbers["sample_rate"], &numbers["bits"]), (&json!(2), &json!(8_000), &json!(8)));
    let length = numbers["length"].as_u64().unwrap();
    assert_eq!(numbers["data"].as_array().unwrap().len() as u64, 2 * length);
    let picture = archive.read(&rep, id, "/waveform.svg").await;
    assert_eq!(picture.header("content-type"), "image/svg+xml");
    assert!(String::from_utf8(picture.body).unwrap().starts_with("<svg "));
}

async fn a_recording_says_what_it_is(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let (legal, rep) = (archive.token(Role::Legal, &[], None).await, archive.token(Role::Rep, &["A-1"], None).await);
    let audio = wav(16_000, 1);
    let id = archive.post(&crm, &call("c-1"), &audio).await.id();
    let seen = archive.read(&legal, id, "").await;
    let told = seen.json();
    assert_eq!(told["sha256"], hex::encode(sha256(&audio)));
    assert_eq!((&told["facts"]["container"], &told["facts"]["codec"]), (&json!("wav"), &json!("pcm")));
    assert_eq!((&told["expires_at"], &told["held"]), (&json!("2031-11-22T09:00:00Z"), &json!(false)));
    assert_eq!((&told["related"], &told["findings"]), (&json!([]), &json!([])));
    for link in ["self", "audio", "listen", "waveform", "waveform_svg"] {
        assert_eq!(archive.get(&legal, told["links"][link].as_str().unwrap()).await.status, 200, "{link}");
    }
    let before = archive.read(&rep, id, "").await;
    archive.hold(id).await;
    let held = archive.read(&legal, id, "").await;
    assert_eq!((held.json()["held"].clone(), held.header("sunset")), (json!(true), ""));
    let after = archive.read(&rep, id, "").await;
    assert!(before.body == after.body, "a rep cannot tell that it is held");
    assert_eq!(before.header("sunset"), after.header("sunset"));
    assert!(after.json()["held"].is_null());
}

async fn one_accounts_rep_cannot_tell_that_anothers_recording_exists(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let stranger = archive.token(Role::Rep, &["A-2"], Some("bert")).await;
    let portal = archive.token(Role::Portal, &["A-2"], None).await;
    let id = archive.post(&crm, &call("c-1"), &wav(8_000, 1)).await.id();
    for part in ["", "/audio", "/listen", "/waveform", "/waveform.svg"] {
        for who in [&stranger, &portal] {
            let theirs = archive.read(who, id, part).await;
            let nothing = archive.read(who, RecordingId(uuid::Uuid::new_v4()), part).await;
            assert_eq!(theirs.told(), (404, "not-found".to_owned()), "{part}");
            assert_eq!(nothing.told(), theirs.told());
            assert_eq!(theirs.json()["title"], nothing.json()["title"]);
        }
    }
    assert_eq!(archive.count_entries("access.refused").await, 10);
    assert!(archive.accesses(id).await.is_empty());
}

async fn each_access_is_in_the_ledger_and_ranges_count_once(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let (anna, bert) = (archive.token(Role::Rep, &["A-1"], None).await, archive.token(Role::Rep, &["A-1"], None).await);
    let id = archive.post(&crm, &call("c-1"), &wav(80_000, 1)).await.id();
    archive.read(&anna, id, "").await;
    for range in ["bytes=0-9", "bytes=10-19", "bytes=-5"] {
        assert_eq!(with_header(&archive, &anna, id, "/audio", ("range", range)).await.status, 206);
        assert_eq!(with_header(&archive, &anna, id, "/listen", ("range", range)).await.status, 206);
    }
    assert_eq!(archive.accesses(id).await, ["audio", "listen", "metadata"]);
    with_header(&archive, &bert, id, "/audio", ("range", "bytes=0-9")).await;
    assert_eq!(archive.accesses(id).await.len(), 4, "another listener is another access");
    archive.clock.advance(std::time::Duration::from_secs(600));
    with_header(&archive, &anna, id, "/audio", ("range", "bytes=0-9")).await;
    assert_eq!(archive.accesses(id).await.len(), 5, "and so is the next ten minutes");
    archive.clock.advance(std::time::Duration::from_secs(1));
    let request = archive.request(&anna, Method::GET, &format!("/v1/recordings/{id}/audio"));
    archive.send(request.header("earwitness-purpose", "klacht%20van%20ren%C3%A9")).await;
    let (_, payload) = archive.custody(id).await.pop().unwrap();
    let actor = json!({"id": anna.id, "name": "the rep", "role": "rep", "address": "127.0.0.1"});
    assert_eq!(payload, json!({"actor": actor, "action": "audio", "purpose": "klacht van rené"}));
}
