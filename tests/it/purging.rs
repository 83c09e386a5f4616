//! What must not be purged, what must be although something else cannot, and what is said about it.

use std::sync::Arc;
use std::time::Duration;

use earwitness::access::Role;
use earwitness::archive::Archive;
use earwitness::archive::journal::About;
use earwitness::catalog::PurgeStage;
use earwitness::ledger::kind::Kind;
use earwitness::purge::{BATCH, PassReport, PurgeError, pass};
use earwitness::recording::RecordingId;
use earwitness::vault::objects::{ObjectKey, RecordingPart};
use earwitness::{fsck, housekeeping};
use serde_json::{Value, json};

use crate::on_both_stacks;
use crate::support::archive::{NOW, Running, at};
use crate::support::meddling::Meddling;
use crate::support::objects::unfinished;
use crate::support::sounds::wav;
use crate::support::stack::{Bucket, Place, Stack};

on_both_stacks!(
    in Versioned:
    a_rebuilt_catalog_does_not_believe_a_wrong_clock,
    a_young_archive_purges_without_being_asked,
    too_much_due_says_nothing_about_the_clock,
    housekeeping_is_held_back_while_the_clock_is_wrong,
    housekeeping_gives_its_lease_back,
    one_broken_recording_does_not_keep_the_others,
    more_broken_ones_than_a_batch_do_not_keep_the_others,
    what_cannot_be_fenced_does_not_keep_the_others,
    the_certificate_says_what_the_ledger_says,
);

const DAY: Duration = Duration::from_secs(86_400);
/// Deadline an hour after [`NOW`], and an instant when it is over.
const DUE: &str = "2021-11-22T11:00:00Z";
const OVER: &str = "2026-11-22T11:00:30Z";

async fn post(running: &Running, call_id: &str, recorded_at: &str) -> RecordingId {
    let crm = running.token(Role::Ingest, &[], None).await;
    let metadata = json!({"call_id": call_id, "account_id": "A-1", "recorded_at": recorded_at});
    running.post(&crm, &metadata, &wav(800, 1)).await.id()
}

/// Something happens that is in the ledger.
async fn something_happens(archive: &Archive) {
    let now = archive.clock.now();
    let (entry, _) = archive.entry(Kind::TOKEN_CREATED, About::NothingPersonal, &"x", now).await.unwrap();
    let mut tx = archive.catalog.begin().await.unwrap();
    tx.append_entry(&entry).await.unwrap();
    tx.commit().await.unwrap();
}

/// A pass in which something failed.
async fn incomplete(archive: &Arc<Archive>) -> PassReport {
    match pass(archive).await {
        Err(PurgeError::Incomplete { report, .. }) => *report,
        other => panic!("nothing failed: {other:?}"),
    }
}

/// The archive once more, with a store in which a test can put something in the way.
async fn with_things_in_the_way(running: &Running) -> (Arc<Archive>, Arc<Meddling>) {
    let mut archive = running.place.open(running.clock.clone(), &[]).await;
    let store = Meddling::with(&mut archive, None);
    (archive, store)
}

async fn stage(archive: &Archive, id: RecordingId) -> Option<PurgeStage> {
    archive.catalog.purge_of(id).await.unwrap().map(|purge| purge.stage)
}

async fn a_rebuilt_catalog_does_not_believe_a_wrong_clock(place: &Place) {
    let running = Running::start(place).await;
    let id = post(&running, "a", "2026-11-22T09:00:00Z").await;
    running.archive.publish_ledger().await.unwrap();
    running.clock.advance(DAY * 366 * 6);
    let rebuilt = place.without_its_catalog().await.open(running.clock.clone(), &[]).await;
    let options = fsck::Options { rebuild: true, ..fsck::Options::default() };
    fsck::run(&rebuilt, options).await.unwrap();
    assert!(rebuilt.catalog.recording(id).await.unwrap().is_some(), "it is back");
    // Tokens were lost as well, and are made before anything is served.
    something_happens(&rebuilt).await;
    for _ in 0..2 {
        let report = pass(&rebuilt).await.unwrap();
        assert_eq!((report.ran, report.stopped_by), (false, vec!["clock-jump".to_owned()]));
    }
    assert_eq!(rebuilt.catalog.last_heartbeat().await.unwrap(), None);
    assert!(rebuilt.catalog.recording(id).await.unwrap().is_some(), "and stays");
}

async fn a_young_archive_purges_without_being_asked(place: &Place) {
    let running = Running::start(place).await;
    assert!(pass(&running.archive).await.unwrap().ran, "an empty one");
    let running = Running::start(&place.of_a_stranger().await).await;
    let id = post(&running, "a", DUE).await;
    running.clock.set(at(OVER));
    let report = pass(&running.archive).await.unwrap();
    assert_eq!((report.ran, report.certified), (true, 1), "{report:?}");
    assert_eq!(stage(&running.archive, id).await, Some(PurgeStage::Certified));
}

async fn too_much_due_says_nothing_about_the_clock(place: &Place) {
    let running = Running::start(place).await;
    let archive = &running.archive;
    assert!(pass(archive).await.unwrap().ran);
    let brake = earwitness::catalog::Brake {
        id: uuid::Uuid::new_v4(),
        kind: earwitness::catalog::BrakeKind::TooMuchDue,
        raised_at: at(NOW),
        detail: "a test".to_owned(),
    };
    let mut tx = archive.catalog.begin().await.unwrap();
    assert!(tx.raise_brake(&brake).await.unwrap());
    tx.commit().await.unwrap();
    for _ in 0..3 {
        running.clock.advance(DAY);
        assert_eq!(pass(archive).await.unwrap().stopped_by, ["too-much-due"]);
    }
    assert!(!housekeeping::pass(archive, true).await.held_back);
}

/// What a first write leaves that did not come to its end. Gives its path.
async fn an_upload_in_flight(running: &Running, id: RecordingId) -> String {
    let audio = running.key(id, RecordingPart::Audio).await;
    if running.place.stack == Stack::Production {
        running.place.outsider().await.begin_upload(&audio.to_string()).await;
    } else {
        let path = running.archive.config.data.join("objects").join(audio.to_string());
        let temporary = path.with_file_name(format!(".audio.{}.tmp", uuid::Uuid::new_v4()));
        std::fs::write(temporary, b"in flight").unwrap();
    }
    unfinished(running.archive.store.as_ref()).await.pop().expect("it is listed")
}

async fn housekeeping_is_held_back_while_the_clock_is_wrong(place: &Place) {
    let running = Running::start(place).await;
    let archive = &running.archive;
    let id = post(&running, "a", "2026-11-22T09:00:00Z").await;
    let search = archive.entry(Kind::SEARCH_MADE, About::Activity, &"what was asked for", at(NOW)).await.unwrap().0;
    let mut tx = archive.catalog.begin().await.unwrap();
    tx.append_entry(&search).await.unwrap();
    tx.commit().await.unwrap();
    let in_flight = an_upload_in_flight(&running, id).await;
    running.clock.advance(DAY * 800);
    // No heartbeat yet: what the rows say counts. Then the brake that a pass puts on.
    for braked in [false, true] {
        if braked {
            assert!(!pass(archive).await.unwrap().ran);
        }
        let report = housekeeping::pass(archive, true).await;
        assert!(report.held_back, "{report:?}");
        assert!(!report.looked_over_store());
        assert_eq!((report.openings_erased, report.uploads_settled), (0, 0));
        assert_eq!((report.unfinished_swept, report.orphans), (None, None));
        assert!(archive.catalog.opening(search.id).await.unwrap().is_some());
        assert!(unfinished(archive.store.as_ref()).await.contains(&in_flight));
    }

    running.clock.set(at(NOW));
    // A brake is on until somebody lets it go, wherever the clock is by now.
    assert!(housekeeping::pass(archive, false).await.held_back);
    let by = earwitness::purge::brakes::Confirmer::Shell(Some("An"));
    earwitness::purge::brakes::confirm(archive, by, "the clock was wrong").await.unwrap();
    let report = housekeeping::pass(archive, true).await;
    assert!(!report.held_back && report.looked_over_store(), "{report:?}");
}

async fn housekeeping_gives_its_lease_back(place: &Place) {
    let running = Running::start(place).await;
    let catalog = &running.archive.catalog;
    let (now, soon) = (at(NOW), at(NOW).plus(Duration::from_secs(10)));
    assert!(catalog.take_lease("orphans", "another", soon, now).await.unwrap());
    let report = housekeeping::pass(&running.archive, true).await;
    assert!(!report.looked_over_store() && !report.held_back, "another node is at it: {report:?}");
    // The other node was killed: its lease is over in seconds.
    running.clock.set(soon);
    assert!(housekeeping::pass(&running.archive, true).await.looked_over_store());
    assert!(catalog.take_lease("orphans", "another", soon, soon).await.unwrap(), "given back");
}

async fn one_broken_recording_does_not_keep_the_others(place: &Place) {
    let running = Running::start(place).await;
    let (archive, store) = with_things_in_the_way(&running).await;
    let broken = post(&running, "broken", DUE).await;
    running.clock.advance(Duration::from_secs(1));
    let good = post(&running, "good", "2021-11-22T11:00:01Z").await;
    let archive = &archive;
    let sidecar = running.key(broken, RecordingPart::Sidecar).await;
    store.refuse(sidecar);
    running.clock.set(at(OVER));
    let report = incomplete(archive).await;
    assert_eq!((report.fenced, report.failed, report.certified), (2, 1, 1), "{report:?}");
    assert_eq!(stage(archive, good).await, Some(PurgeStage::Certified));
    assert_eq!(stage(archive, broken).await, Some(PurgeStage::Fenced));
    store.allow(&sidecar);
    assert_eq!(pass(archive).await.unwrap().certified, 1, "what failed is tried again");
}

async fn more_broken_ones_than_a_batch_do_not_keep_the_others(place: &Place) {
    let running = Running::start(place).await;
    let (archive, store) = with_things_in_the_way(&running).await;
    let mut broken = Vec::new();
    for n in 0..=BATCH {
        broken.push(post(&running, &format!("broken {n}"), DUE).await);
    }
    let good = post(&running, "good", "2021-11-22T11:00:01Z").await;
    for id in &broken {
        store.refuse(running.key(*id, RecordingPart::Sidecar).await);
    }
    running.clock.set(at(OVER));
    assert_eq!(incomplete(&archive).await.fenced, u64::from(BATCH));
    let report = incomplete(&archive).await;
    assert_eq!((report.failed, report.certified), (u64::from(BATCH) + 1, 1), "{report:?}");
    assert_eq!(stage(&archive, good).await, Some(PurgeStage::Certified));
}

async fn what_cannot_be_fenced_does_not_keep_the_others(place: &Place) {
    let running = Running::start(place).await;
    let archive = &running.archive;
    let broken = post(&running, "broken", DUE).await;
    let good = post(&running, "good", "2021-11-22T11:00:01Z").await;
    running.clock.set(at(OVER));
    // A purge of the recording is known already, as after two catalogs were mixed up.
    let mut tx = archive.catalog.begin().await.unwrap();
    let purge = tx.fence(broken, at(OVER)).await.unwrap().expect("it is due");
    tx.rollback().await.unwrap();
    let row = archive.catalog.recording(broken).await.unwrap();
    assert!(row.is_some());
    insert_purge(place, &purge).await;
    let report = incomplete(archive).await;
    assert_eq!((report.fenced, report.failed, report.certified), (1, 1, 1), "{report:?}");
    assert_eq!(stage(archive, good).await, Some(PurgeStage::Certified));
}

async fn insert_purge(place: &Place, purge: &earwitness::catalog::PurgeRow) {
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&place.catalog).await.unwrap();
    let done = sqlx::query(
        "INSERT INTO purges (recording_id, month, rule, expires_at, stage, fenced_at, deleted) \
         VALUES ($1, $2, $3, $4, 'certified', $4, '{}')",
    );
    let done = done.bind(purge.recording_id.to_string()).bind(purge.month.to_string()).bind(purge.rule.as_str());
    done.bind(purge.expires_at.micros()).execute(&pool).await.unwrap();
    pool.close().await;
}

async fn the_certificate_says_what_the_ledger_says(place: &Place) {
    let running = Running::start(place).await;
    let dated = post(&running, "dated", DUE).await;
    running.clock.set(at(OVER));
    assert_eq!(pass(&running.archive).await.unwrap().certified, 1);
    let backups = certificate(&running.archive, dated).await["backups"].clone();
    assert_eq!(backups, json!({"unreadable_from": "2026-12-22T11:00:30Z", "by": "greatest age of a backup"}));

    let undated = post(&running, "undated", "2021-11-22T11:00:40Z").await;
    let month = running.archive.catalog.recording(undated).await.unwrap().expect("a row").month;
    running.clock.set(at("2026-11-22T11:01:00Z"));
    // The certificate cannot be stored until the settings are others.
    let mut other = running.place.open(running.clock.clone(), &[("EARWITNESS_BACKUP_MAX_AGE", "0s")]).await;
    let store = Meddling::with(&mut other, None);
    store.refuse(ObjectKey::Certificate { month, id: undated });
    assert_eq!(incomplete(&other).await.looked_again, 1);
    other.hand_over_ledger().await.unwrap();
    assert_eq!(pass(&running.archive).await.unwrap().certified, 1);
    let told = certificate(&running.archive, undated).await;
    assert_eq!(told["backups"], json!({"by": "month key destroyed"}), "the month's key is still there");
    let payload = told["ledger"]["opening"]["payload"].as_object().unwrap().clone();
    assert!(!payload.is_empty());
    for (name, value) in payload {
        assert_eq!(told[&name], value, "{name}");
    }
}

async fn certificate(archive: &Archive, id: RecordingId) -> Value {
    serde_json::from_slice(&archive.catalog.certificate(id).await.unwrap().expect("a certificate")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_look_again_waits_while_a_reader_keeps_the_log() {
    let place = Place::new(Stack::Embedded, Bucket::Versioned).await;
    let running = Running::start(&place).await;
    let id = post(&running, "a", DUE).await;
    running.clock.set(at(OVER));
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&place.catalog).await.unwrap();
    let mut reader = pool.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM recordings").fetch_one(&mut *reader).await.unwrap();
    let report = pass(&running.archive).await.unwrap();
    assert_eq!((report.rows_deleted, report.looked_again, report.certified), (1, 0, 0), "{report:?}");
    assert_eq!(stage(&running.archive, id).await, Some(PurgeStage::RowsDeleted));
    reader.rollback().await.unwrap();
    assert_eq!(pass(&running.archive).await.unwrap().certified, 1);
}
