//! What others outside say about the ledger: whoever runs it cannot rewrite it unseen.

use std::process::Command;

use earwitness::archive::Archive;
use earwitness::archive::journal::About;
use earwitness::clock::{Clock as _, SystemClock};
use earwitness::ledger::checkpoint;
use earwitness::ledger::kind::Kind;
use earwitness::vault::objects::ObjectKey;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::on_both_stacks;
use crate::support::archive::Running;
use crate::support::stack::{Bucket, Place, Stack};
use crate::support::tsa::{Conduct, Tsa};
use crate::support::witness::Witness;

on_both_stacks!(
    in Locked:
    a_witness_cosigns_what_continues_what_it_saw,
    every_kept_checkpoint_is_stamped_and_openssl_agrees,
    an_authority_that_fails_stops_nothing_and_is_asked_again,
);

async fn append(archive: &Archive, number: u64) {
    let payload = serde_json::json!({"n": number});
    let entry = archive.entry(Kind::SEARCH_MADE, About::NothingPersonal, &payload, archive.clock.now());
    let (entry, _) = entry.await.unwrap();
    let mut tx = archive.catalog.begin().await.unwrap();
    tx.append_entry(&entry).await.unwrap();
    tx.commit().await.unwrap();
}

/// Grows the tree by so many entries and publishes it.
async fn grow(archive: &Archive, by: u64) -> u64 {
    for number in 0..by {
        append(archive, number).await;
    }
    archive.publish_ledger().await.unwrap()
}

async fn with(place: &Place, more: &[(&str, &str)]) -> Running {
    let running = Running::start_with(place, more).await;
    // Others outside live in real time.
    running.clock.set(SystemClock::new().now());
    running
}

/// A witness of the ledger that is at this place.
async fn witness_of(place: &Place) -> Witness {
    let archive = place.open(std::sync::Arc::new(SystemClock::new()), &[]).await;
    Witness::of(&archive.signing.public().vkey(&archive.origin))
}

async fn fetch(running: &Running, path: &str) -> (u16, Vec<u8>) {
    let answer = reqwest::get(format!("http://{}{path}", running.address)).await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

/// `earwitness verify` on these bytes, with the ledger's key and more.
fn verify(running: &Running, note: &[u8], more: &[&str]) -> (Option<i32>, String) {
    let file = running.place.folder().join("checkpoint");
    std::fs::write(&file, note).unwrap();
    let key = running.archive.signing.public().to_base64();
    let mut command = Command::new(env!("CARGO_BIN_EXE_earwitness"));
    command.args(["verify", file.to_str().unwrap(), "--trust", &key]).args(more);
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

async fn a_witness_cosigns_what_continues_what_it_saw(place: &Place) {
    let witness = witness_of(place).await;
    let running = with(place, &[("EARWITNESS_WITNESSES", &witness.setting)]).await;
    let archive = &running.archive;
    for by in [1, 6, 1, 250] {
        let size = grow(archive, by).await;
        let done = archive.attest().await.unwrap().unwrap();
        assert_eq!((done.cosigned, done.failed), (1, vec![]), "{size}");
        let (_, served) = fetch(&running, "/v1/ledger/checkpoint").await;
        assert_eq!(fetch(&running, &format!("/v1/ledger/checkpoint/{size}")).await, (200, served.clone()));
        let stored = archive.ledger().stored_checkpoint().await.unwrap().unwrap();
        assert_eq!(stored, served);
        let (code, text) = verify(&running, &served, &["--witness", witness.vkey()]);
        assert!(code == Some(0) && text.contains("ok      witness: witness.example/w1 at "), "{text}");
    }
    // Nothing new: it is not asked again.
    assert_eq!(archive.attest().await.unwrap().unwrap().cosigned, 0);
    // What is published next has no cosignature yet, and says so; what was kept still has it.
    let size = archive.catalog.ledger_state().await.unwrap().published_size;
    grow(archive, 1).await;
    let (_, served) = fetch(&running, "/v1/ledger/checkpoint").await;
    let (code, text) = verify(&running, &served, &["--witness", witness.vkey()]);
    assert!(code == Some(3) && text.contains("FAILED  witness: witness.example/w1 has not cosigned"), "{text}");
    let (_, kept) = fetch(&running, &format!("/v1/ledger/checkpoint/{size}")).await;
    assert_eq!(verify(&running, &kept, &["--witness", witness.vkey()]).0, Some(0));
    assert!(archive.ledger().check_kept_checkpoints().await.unwrap() >= 4);
}

#[tokio::test]
async fn a_ledger_that_was_rewritten_gets_no_cosignature() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recorder = metrics::set_default_local_recorder(&recorder);
    let place = Place::new(Stack::Embedded, Bucket::Locked).await;
    let witness = witness_of(&place).await;
    let running = with(&place, &[("EARWITNESS_WITNESSES", &witness.setting)]).await;
    grow(&running.archive, 40).await;
    assert_eq!(running.archive.attest().await.unwrap().unwrap().cosigned, 1);
    assert!(metrics.render().contains("earwitness_ledger_refused_by_witness 0"));

    // Whoever runs the archive has its key, and makes another history with it: shorter, as long, longer.
    let key = running.archive.config.signing_key.display().to_string();
    for length in [5, 40, 90] {
        let other = place.of_a_stranger().await;
        let more = [("EARWITNESS_WITNESSES", witness.setting.as_str()), ("EARWITNESS_SIGNING_KEY", &key)];
        let forged = with(&other, &more).await;
        let size = grow(&forged.archive, length).await;
        let done = forged.archive.attest().await.unwrap().unwrap();
        assert_eq!((size, done.cosigned, done.failed), (length, 0, vec!["witness-rewritten"]));
        assert!(metrics.render().contains("earwitness_ledger_refused_by_witness 1"));
        let (status, ready) = fetch(&forged, "/readyz").await;
        let ready = String::from_utf8(ready).unwrap();
        assert!(status == 200 && ready.contains("witness-rewritten"), "{ready}");
        // Everything else goes on.
        assert_eq!(grow(&forged.archive, 1).await, length + 1);
    }
    // The true one goes on as well.
    grow(&running.archive, 3).await;
    assert_eq!(running.archive.attest().await.unwrap().unwrap().cosigned, 1);
}

async fn every_kept_checkpoint_is_stamped_and_openssl_agrees(place: &Place) {
    // A checkpoint that was kept before there was an authority.
    let early = Running::start(place).await;
    let old = grow(&early.archive, 2).await;
    drop(early);
    let tsa = Tsa::start().await;
    let ca = tsa.ca_file().display().to_string();
    let more = [("EARWITNESS_TIMESTAMP_AUTHORITY", tsa.url.as_str()), ("EARWITNESS_TIMESTAMP_CA_FILE", &ca)];
    let running = with(place, &more).await;
    let archive = &running.archive;
    let new = grow(archive, 5).await;
    let done = archive.attest().await.unwrap().unwrap();
    assert_eq!((done.stamped, done.left, done.failed), (2, 0, vec![]));
    for size in [old, new] {
        let (status, token) = fetch(&running, &format!("/v1/ledger/timestamp/{size}")).await;
        let (_, note) = fetch(&running, &format!("/v1/ledger/checkpoint/{size}")).await;
        assert_eq!((status, checkpoint::parse_unverified(&note).unwrap().head.size), (200, size));
        let text = note.split_inclusive(|b| *b == b'\n').take(3).collect::<Vec<_>>().concat();
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &text).as_ref());
        assert!(tsa.openssl_verifies(&token, &sha256));
        let file = place.folder().join("token.tsr");
        std::fs::write(&file, &token).unwrap();
        let with_ca = ["--timestamp", file.to_str().unwrap(), "--timestamp-ca", &ca];
        let (code, said) = verify(&running, &note, &with_ca);
        assert!(code == Some(0) && said.contains("by CN=test-tsa"), "{said}");
        let other = if size == old { new } else { old };
        let (_, note) = fetch(&running, &format!("/v1/ledger/checkpoint/{other}")).await;
        let (code, said) = verify(&running, &note, &with_ca);
        assert!(code == Some(3) && said.contains("FAILED  timestamp"), "{said}");
    }
    // Nothing new: it is not asked again.
    let asked = tsa.times_asked();
    assert_eq!(archive.attest().await.unwrap().unwrap(), earwitness::archive::Attested::default());
    assert_eq!(tsa.times_asked(), asked);
    assert_eq!(fetch(&running, "/v1/ledger/timestamp/999").await.0, 404);
    assert_eq!(fetch(&running, "/v1/ledger/checkpoint/999").await.0, 404);
}

async fn an_authority_that_fails_stops_nothing_and_is_asked_again(place: &Place) {
    let tsa = Tsa::start().await;
    let running = with(place, &[("EARWITNESS_TIMESTAMP_AUTHORITY", &tsa.url)]).await;
    let archive = &running.archive;
    for (conduct, code) in [
        (Conduct::Unavailable, "timestamp-http-status"),
        (Conduct::Refuse, "timestamp-refused"),
        (Conduct::OtherDigest, "timestamp-other"),
    ] {
        tsa.conduct(conduct);
        let size = grow(archive, 1).await;
        let done = archive.attest().await.unwrap().unwrap();
        assert_eq!((done.stamped, done.failed), (0, vec![code]));
        assert!(archive.store.head(&ObjectKey::Timestamp(size)).await.unwrap().is_none());
        let (status, ready) = fetch(&running, "/readyz").await;
        let ready = String::from_utf8(ready).unwrap();
        assert!(status == 200 && ready.contains(code) && ready.contains("\"status\":\"warning\""), "{ready}");
    }
    tsa.conduct(Conduct::Honest);
    let done = archive.attest().await.unwrap().unwrap();
    assert_eq!((done.stamped, done.left, done.failed), (3, 0, vec![]));
    assert!(archive.attest_warning().is_none());
}
