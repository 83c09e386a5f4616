//! What others do to the bucket, what a store does not do, and how much it is asked.

use std::time::Duration;

use earwitness::archive::ArchiveError;
use earwitness::fsck::{self, Action, Options, Problem};
use earwitness::receive::ReceiveError;
use earwitness::vault::objects::{ObjectKey, Prefix, RecordingPart};
use sqlx::{AnyConnection, Connection as _, Executor as _};

use crate::on_both_stacks;
use crate::support::meddling::Meddling;
use crate::support::objects;
use crate::support::opened::{Opened, opened};
use crate::support::stack::{Bucket, Place, Stack};

on_both_stacks!(
    in Versioned:
    a_look_asks_for_a_part_of_the_recordings_and_once_for_each_object,
    a_store_that_keeps_what_it_deletes_is_not_asked_for_ever,
);

const REPAIR: Options = Options { repair: true, rehash: false, rebuild: false };
const REBUILD: Options = Options { repair: false, rehash: false, rebuild: true };
const HOURS: Duration = Duration::from_secs(2 * 3_600);

/// What `fsck` finds, as names.
async fn repaired(opened: &Opened, options: Options) -> Vec<(Problem, Action)> {
    let report = fsck::run(&opened.archive, options).await.unwrap();
    report.findings.iter().map(|finding| (finding.problem, finding.action)).collect()
}

async fn a_look_asks_for_a_part_of_the_recordings_and_once_for_each_object(place: &Place) {
    let mut opened = opened(place).await;
    let store = Meddling::with(&mut opened.archive, None);
    for call in ["a", "bb", "ccc"] {
        opened.received(call).await;
    }
    store.asked();
    let (first, next) = fsck::look(&opened.archive, None, 2).await.unwrap();
    assert_eq!((first.recordings, first.is_sound(), next.is_some(), store.asked()), (2, true, true, 6));
    assert_eq!(first.objects, 9, "all are listed");
    let (second, next) = fsck::look(&opened.archive, next, 2).await.unwrap();
    assert_eq!((second.recordings, next, store.asked()), (1, None, 3));
}

async fn a_store_that_keeps_what_it_deletes_is_not_asked_for_ever(place: &Place) {
    let mut opened = opened(place).await;
    let store = Meddling::with(&mut opened.archive, None);
    let id = opened.received("a").await.id;
    let ObjectKey::Recording { month, .. } = opened.key(id, RecordingPart::Audio).await else {
        panic!("a recording's")
    };
    let prefix = Prefix::recording(month, id);
    store.keep_what_is_deleted();
    let deleted = tokio::time::timeout(Duration::from_secs(60), opened.archive.delete_all(&prefix)).await;
    let error = deleted.expect("an end").unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert_eq!(objects::listed(store.as_ref(), &prefix).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_hid_is_brought_to_light() {
    let place = Place::new(Stack::Production, Bucket::Versioned).await;
    let opened = opened(&place).await;
    let id = opened.received("a").await.id;
    let audio = opened.key(id, RecordingPart::Audio).await;
    place.outsider().await.hide(&audio.to_string()).await;
    assert!(opened.archive.store.head(&audio).await.unwrap().is_none());
    assert_eq!(repaired(&opened, REPAIR).await, [(Problem::Hidden, Action::Repaired)]);
    assert!(opened.archive.store.head(&audio).await.unwrap().is_some());
    assert_eq!(repaired(&opened, REPAIR).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hidden_recording_whose_row_is_lost_is_not_taken_for_an_upload_that_died() {
    let place = Place::new(Stack::Production, Bucket::Versioned).await;
    let before = opened(&place).await;
    let id = before.received("a").await.id;
    before.archive.publish_ledger().await.unwrap();
    let audio = before.key(id, RecordingPart::Audio).await;
    place.outsider().await.hide(&audio.to_string()).await;
    let after = opened(&place.without_its_catalog().await).await;
    after.clock.advance(HOURS);
    let found = repaired(&after, REBUILD).await;
    assert!(found.contains(&(Problem::Hidden, Action::Repaired)), "{found:?}");
    assert!(after.archive.store.head(&audio).await.unwrap().is_some());
    assert!(after.archive.catalog.recording(id).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_versions_are_told_and_those_of_sidecars_go() {
    let place = Place::new(Stack::Production, Bucket::Versioned).await;
    let opened = opened(&place).await;
    let id = opened.received("a").await.id;
    let (audio, sidecar) = (opened.key(id, RecordingPart::Audio).await, opened.key(id, RecordingPart::Sidecar).await);
    let outsider = place.outsider().await;
    // As a writer that dies between its write and the deletion of what it replaced.
    let bytes = objects::bytes_of(opened.archive.store.as_ref(), &sidecar).await;
    outsider.write(&sidecar.to_string(), bytes).await;
    assert_eq!(repaired(&opened, REPAIR).await, [], "somebody may be at it");
    opened.clock.advance(HOURS);
    assert_eq!(repaired(&opened, REPAIR).await, [(Problem::OldVersions, Action::Repaired)]);
    let found = objects::listed(opened.archive.store.as_ref(), &Prefix::recordings()).await;
    assert_eq!(found.iter().filter(|version| version.key == Some(sidecar)).count(), 1);
    outsider.write(&audio.to_string(), b"something else".to_vec()).await;
    assert_eq!(repaired(&opened, REPAIR).await, [(Problem::Overwritten, Action::Reported)]);
    let found = objects::listed(opened.archive.store.as_ref(), &Prefix::recordings()).await;
    assert_eq!(found.iter().filter(|version| version.key == Some(audio)).count(), 2, "for people to look at");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_whose_audio_is_gone_before_its_lock_is_not_acknowledged() {
    let place = Place::new(Stack::Production, Bucket::Locked).await;
    let mut opened = opened(&place).await;
    let store = Meddling::with(&mut opened.archive, None);
    store.lose_audio();
    let uploaded = opened.upload("a").await;
    assert!(matches!(uploaded, Err(ReceiveError::Unguarded(ArchiveError::AudioMissing))), "{uploaded:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_outlives_its_deadline_is_told_long_before() {
    let place = Place::new(Stack::Production, Bucket::Locked).await;
    let opened = opened(&place).await;
    let id = opened.received("a").await.id;
    assert_eq!(repaired(&opened, REPAIR).await, []);
    let expires_at = opened.archive.catalog.recording(id).await.unwrap().unwrap().expires_at;
    let waveform = opened.key(id, RecordingPart::Waveform).await;
    opened.archive.store.lock(&waveform, expires_at.plus(HOURS * 24)).await.unwrap();
    assert_eq!(repaired(&opened, REPAIR).await, [(Problem::LockTooLong, Action::Reported)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lengthened_deadline_is_locked_anew() {
    let place = Place::new(Stack::Production, Bucket::Locked).await;
    let opened = opened(&place).await;
    let id = opened.received("a").await.id;
    let archive = &opened.archive;
    assert_eq!(archive.guard_missing(10).await.unwrap(), 0, "it is locked");
    let mut connection = AnyConnection::connect(&place.catalog).await.unwrap();
    connection.execute("UPDATE recordings SET expires_at = expires_at + 3600000000").await.unwrap();
    connection.close().await.unwrap();
    assert!(!archive.catalog.guard_of(id).await.unwrap().unwrap().is_in_place);
    assert_eq!(archive.catalog.count_guards_missing().await.unwrap(), 1);
    assert_eq!(archive.guard_missing(10).await.unwrap(), 1);
    let expires_at = archive.catalog.recording(id).await.unwrap().unwrap().expires_at;
    for part in [RecordingPart::Audio, RecordingPart::Waveform] {
        let meta = archive.store.head(&opened.key(id, part).await).await.unwrap().unwrap();
        assert!(meta.locked_until >= Some(expires_at), "{part:?}");
    }
    assert_eq!(archive.guard_missing(10).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_locked_in_the_weaker_mode_is_locked_in_the_stricter() {
    let place = Place::new(Stack::Production, Bucket::Locked).await;
    let opened = opened(&place).await;
    let id = opened.received("a").await.id;
    let audio = opened.key(id, RecordingPart::Audio).await.to_string();
    let outsider = place.outsider().await;
    assert_eq!(outsider.lock_mode(&audio).await, "GOVERNANCE");
    let strict = place.open(opened.clock.clone(), &[("EARWITNESS_LOCK_MODE", "compliance")]).await;
    assert_eq!(strict.guard_missing(10).await.unwrap(), 1);
    assert_eq!(outsider.lock_mode(&audio).await, "COMPLIANCE");
    for mode in ["compliance", "governance", "compliance"] {
        let again = place.open(opened.clock.clone(), &[("EARWITNESS_LOCK_MODE", mode)]).await;
        assert_eq!(again.guard_missing(10).await.unwrap(), 0, "{mode}: once");
    }
}
