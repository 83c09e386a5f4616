//! A held recording outlives its deadline, its month's key and its catalog, for legal alone; and not its last hold.

use std::sync::Arc;
use std::time::Duration;

use earwitness::access::{Actor, Role};
use earwitness::archive::{Archive, ArchiveError};
use earwitness::catalog::{SecretState, pin};
use earwitness::clock::{Clock, Timestamp};
use earwitness::hold::{self, HoldError, NewHold, Placed};
use earwitness::ledger::destruction::DestructionRecord;
use earwitness::purge::pass;
use earwitness::recording::RecordingId;
use earwitness::vault::keys::KeyName;
use earwitness::vault::objects::ObjectKey;
use earwitness::{fsck, housekeeping, retention};
use serde_json::json;
use uuid::Uuid;

use crate::on_both_stacks;
use crate::support::archive::{Running, Someone, at};
use crate::support::sounds::wav;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    it_lives_by_its_cases_key_when_its_month_is_over,
    a_lost_catalog_gets_the_hold_back_after_the_month,
    one_of_two_cases_lets_go,
    a_hold_at_the_deadline_comes_too_late,
    what_a_backup_has_of_the_month_does_not_open,
    a_case_that_comes_while_another_goes_finds_the_recording,
    another_node_does_not_keep_a_destroyed_months_secret,
    the_record_of_a_month_says_that_former_keys_are_left,
);

/// Deadline an hour after the tests' beginning, at 2026-11-22T11:00:00Z.
const RECORDED: &str = "2021-11-22T11:00:00Z";
const HOUR: Duration = Duration::from_secs(3600);

fn actor() -> Actor {
    Actor { id: Uuid::new_v4(), name: "Legal".to_owned(), role: Role::Legal, address: [127, 0, 0, 1].into() }
}

async fn post(running: &Running, crm: &Someone, call_id: &str, seed: u32) -> RecordingId {
    let metadata = json!({"call_id": call_id, "account_id": "A-1", "recorded_at": RECORDED, "number": "+32470001122"});
    running.post(crm, &metadata, &wav(800, seed)).await.id()
}

async fn place_hold(archive: &Archive, id: RecordingId, case_id: Uuid) -> Uuid {
    let mut tx = archive.catalog.begin().await.expect("a transaction");
    tx.ensure_case(case_id, archive.clock.now(), &[]).await.expect("a case");
    tx.commit().await.expect("committed");
    let hold = NewHold { id: Uuid::new_v4(), case_id, recording_id: id, rule: None };
    assert_eq!(hold::place(archive, &hold, &actor()).await.expect("the hold is placed"), Placed::Placed);
    hold.id
}

/// Moves the clock, and lets the archive believe it.
async fn move_to(running: &Running, archive: &Archive, to: Timestamp) {
    running.clock.set(to);
    archive.catalog.beat(to).await.expect("a heartbeat");
}

fn month(running: &Running) -> KeyName {
    let deadline = retention::deadline(&running.archive.policy, at(RECORDED)).expect("a deadline");
    KeyName::Month(deadline.month)
}

/// Long past the month in which everything here is due.
fn after_the_month() -> Timestamp {
    at("2026-12-02T00:00:00Z")
}

async fn exhaust(archive: &Arc<Archive>) {
    for _ in 0..10 {
        let report = pass(archive).await.expect("a pass");
        assert!(report.stopped_by.is_empty(), "{report:?}");
    }
}

async fn the_months_key_is_gone(archive: &Archive, name: &KeyName) -> bool {
    let state = archive.catalog.load_secret(&name.to_string()).await.expect("an answer").expect("a row").state;
    let exists = archive.keyring.provider().exists(name).await.expect("an answer");
    assert_eq!(state == SecretState::Destroyed, !exists, "the row says what the provider has");
    !exists
}

async fn hears(running: &Running, who: &Someone, id: RecordingId) -> (u16, Vec<u8>) {
    let answer = running.read(who, id, "/audio").await;
    (answer.status, answer.body)
}

async fn it_lives_by_its_cases_key_when_its_month_is_over(place: &Place) {
    let running = Running::start(place).await;
    let (crm, legal) = (running.token(Role::Ingest, &[], None).await, running.token(Role::Legal, &[], None).await);
    let rep = running.token(Role::Rep, &["A-1"], None).await;
    let (held, free) = (post(&running, &crm, "held", 1).await, post(&running, &crm, "free", 2).await);
    let archive = &running.archive;
    let hold = place_hold(archive, held, Uuid::new_v4()).await;
    assert!(!the_months_key_is_gone(archive, &month(&running)).await);

    move_to(&running, archive, after_the_month()).await;
    exhaust(archive).await;
    assert!(the_months_key_is_gone(archive, &month(&running)).await, "nothing is left under it");
    assert!(archive.catalog.certificate(free).await.expect("an answer").is_some(), "the other one was purged");
    let wraps = archive.catalog.recording_keys(held).await.expect("keys");
    assert!(wraps.iter().all(|wrap| wrap.holder.starts_with("case-")) && wraps.len() == 1, "{wraps:?}");
    assert_eq!(hears(&running, &legal, held).await, (200, wav(800, 1)));
    assert_eq!(hears(&running, &rep, held).await.0, 410);
    assert_eq!(hears(&running, &legal, free).await.0, 410);
    let kinds: Vec<String> = running.custody(held).await.into_iter().map(|(kind, _)| kind).collect();
    assert!(kinds.contains(&"hold.placed".to_owned()), "{kinds:?}");

    hold::release(archive, held, hold, None, &actor()).await.expect("released");
    let again = hold::release(archive, held, hold, None, &actor()).await;
    assert!(matches!(again, Err(HoldError::NotFound)), "{again:?}");
    assert_eq!(hears(&running, &legal, held).await.0, 410, "the hold was all that kept it");
    exhaust(archive).await;
    assert!(archive.catalog.certificate(held).await.expect("an answer").is_some());
    assert!(archive.catalog.recording_keys(held).await.expect("keys").is_empty());
    assert!(fsck::run(archive, fsck::Options::default()).await.expect("a look").is_sound());
}

async fn a_lost_catalog_gets_the_hold_back_after_the_month(place: &Place) {
    let running = Running::start(place).await;
    let crm = running.token(Role::Ingest, &[], None).await;
    let (held, free) = (post(&running, &crm, "held", 1).await, post(&running, &crm, "free", 2).await);
    let case = Uuid::new_v4();
    let hold = place_hold(&running.archive, held, case).await;
    move_to(&running, &running.archive, after_the_month()).await;
    exhaust(&running.archive).await;
    assert!(the_months_key_is_gone(&running.archive, &month(&running)).await);
    running.archive.publish_ledger().await.expect("published");

    let rebuilt = place.without_its_catalog().await.open(running.clock.clone(), &[]).await;
    let options = fsck::Options { rebuild: true, rehash: true, ..fsck::Options::default() };
    let report = fsck::run(&rebuilt, options).await.expect("rebuilt");
    assert!(report.is_sound(), "{report}");
    rebuilt.check_freshness().await.expect("the same ledger goes on");
    assert_eq!(
        rebuilt.catalog.holds_of(held).await.expect("holds").first().map(|h| (h.id, h.case_id)),
        Some((hold, case))
    );
    let row = rebuilt.catalog.recording(held).await.expect("an answer").expect("it is back");
    rebuilt.open_recording(&row).await.expect("it opens by its case's key");
    assert!(rebuilt.catalog.recording(free).await.expect("an answer").is_none(), "what was purged is not");
    assert!(rebuilt.catalog.purge_of(free).await.expect("an answer").is_some());
    rebuilt.catalog.beat(running.clock.now()).await.expect("a heartbeat");
    exhaust(&rebuilt).await;
    assert!(rebuilt.catalog.recording(held).await.expect("an answer").is_some(), "nothing purges it");
}

async fn one_of_two_cases_lets_go(place: &Place) {
    let running = Running::start(place).await;
    let crm = running.token(Role::Ingest, &[], None).await;
    let id = post(&running, &crm, "held", 1).await;
    let archive = &running.archive;
    let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
    let first = place_hold(archive, id, one).await;
    let again = NewHold { id: Uuid::new_v4(), case_id: one, recording_id: id, rule: None };
    assert_eq!(hold::place(archive, &again, &actor()).await.expect("an answer"), Placed::Already);
    place_hold(archive, id, other).await;
    let holders = async || {
        let wraps = archive.catalog.recording_keys(id).await.expect("keys");
        wraps.into_iter().map(|wrap| wrap.holder).collect::<Vec<_>>()
    };
    let all = |cases: &[Uuid]| {
        let mut names: Vec<String> = cases.iter().map(|case| KeyName::Case(*case).to_string()).collect();
        names.sort();
        names.push(month(&running).to_string());
        names
    };
    assert_eq!(holders().await, all(&[one, other]));
    hold::release(archive, id, first, None, &actor()).await.expect("released");
    assert_eq!(holders().await, all(&[other]));
    let row = archive.catalog.recording(id).await.expect("an answer").expect("a row");
    let sidecar = archive.read_sidecar(row.month, id).await.expect("it opens").expect("a sidecar");
    assert_eq!(sidecar.wraps, archive.catalog.recording_keys(id).await.expect("keys"), "the sidecar follows");

    move_to(&running, archive, after_the_month()).await;
    exhaust(archive).await;
    assert_eq!(holders().await, [KeyName::Case(other).to_string()]);
    let row = archive.catalog.recording(id).await.expect("an answer").expect("it is held");
    archive.open_recording(&row).await.expect("it opens");
    assert!(housekeeping::pass(archive, true).await.failed.is_empty());
}

async fn a_hold_at_the_deadline_comes_too_late(place: &Place) {
    let running = Running::start(place).await;
    let crm = running.token(Role::Ingest, &[], None).await;
    let id = post(&running, &crm, "late", 1).await;
    running.clock.set(at("2026-11-22T11:00:00Z"));
    let hold = NewHold { id: Uuid::new_v4(), case_id: Uuid::new_v4(), recording_id: id, rule: None };
    let told = hold::place(&running.archive, &hold, &actor()).await;
    assert!(matches!(told, Err(HoldError::TooLate)), "{told:?}");
    assert!(running.archive.catalog.holds_of(id).await.expect("holds").is_empty());
    let nobody = NewHold { recording_id: RecordingId(Uuid::new_v4()), ..hold };
    assert!(matches!(hold::place(&running.archive, &nobody, &actor()).await, Err(HoldError::NotFound)));
}

async fn what_a_backup_has_of_the_month_does_not_open(place: &Place) {
    let running = Running::start(place).await;
    let crm = running.token(Role::Ingest, &[], None).await;
    let id = post(&running, &crm, "gone", 1).await;
    let archive = &running.archive;
    // What a backup of the catalog has: the row, its wraps, the month's wrapped secret.
    let row = archive.catalog.recording(id).await.expect("an answer").expect("a row");
    let secret = archive.catalog.load_secret(&month(&running).to_string()).await.expect("an answer").expect("a row");
    let wrapped = secret.wrapped.expect("a wrapped secret");
    archive.open_recording(&row).await.expect("before, it opens");

    move_to(&running, archive, at("2026-11-22T11:00:00Z").plus(HOUR)).await;
    exhaust(archive).await;
    move_to(&running, archive, after_the_month()).await;
    exhaust(archive).await;
    assert!(the_months_key_is_gone(archive, &month(&running)).await);
    let aad = format!("earwitness-secret\0{}", month(&running));
    let opened = archive.keyring.provider().unwrap(&month(&running), aad.as_bytes(), &wrapped).await;
    assert_eq!(opened.map_err(|error| error.code()).err(), Some("key-gone"));
    let opened = archive.open_recording(&row).await;
    assert!(
        matches!(&opened, Err(error) if ["key-gone", "gone"].contains(&ArchiveError::code(error))),
        "{:?}",
        opened.err()
    );
}

async fn a_case_that_comes_while_another_goes_finds_the_recording(place: &Place) {
    let running = Running::start(place).await;
    let crm = running.token(Role::Ingest, &[], None).await;
    let id = post(&running, &crm, "held", 1).await;
    let archive = &running.archive;
    let mut hold = place_hold(archive, id, Uuid::new_v4()).await;
    for _ in 0..20 {
        let next = Uuid::new_v4();
        let who = actor();
        let (placed, released) =
            tokio::join!(place_hold(archive, id, next), hold::release(archive, id, hold, None, &who));
        released.expect("released");
        let row = archive.catalog.recording(id).await.expect("an answer").expect("a row");
        let (_, sealed) = archive.open_recording(&row).await.expect("it opens");
        let wraps = archive.catalog.recording_keys(id).await.expect("keys");
        assert_eq!(wraps.len(), 2, "the month's and that of the case that holds it");
        let lookups = archive.lookups_under(&wraps, &sealed.metadata).await.expect("look-ups");
        let macs = lookups.of_call.len() + lookups.of_person.map_or(0, |person| person.usual.len());
        assert_eq!(archive.catalog.count_lookups(id).await.expect("a count"), macs as u64);
        hold = placed;
    }
}

async fn another_node_does_not_keep_a_destroyed_months_secret(place: &Place) {
    let running = Running::start(place).await;
    let crm = running.token(Role::Ingest, &[], None).await;
    post(&running, &crm, "gone", 1).await;
    let other = place.open(running.clock.clone(), &[]).await;
    move_to(&running, &running.archive, after_the_month()).await;
    other.keyring.secret(&month(&running)).await.expect("as by a search just before");
    exhaust(&running.archive).await;
    assert!(the_months_key_is_gone(&running.archive, &month(&running)).await);
    assert!(housekeeping::pass(&other, false).await.failed.is_empty());
    let error = other.keyring.secret(&month(&running)).await.expect_err("not in memory any more");
    assert_eq!(error.code(), "key-gone");
}

async fn the_record_of_a_month_says_that_former_keys_are_left(place: &Place) {
    let running = Running::start(place).await;
    let crm = running.token(Role::Ingest, &[], None).await;
    post(&running, &crm, "gone", 1).await;
    let archive = &running.archive;
    let mut tx = archive.catalog.begin().await.expect("a transaction");
    tx.move_pin(pin::KEYS_BEFORE, "the keys before these").await.expect("as migrate-keys does");
    tx.commit().await.expect("committed");
    move_to(&running, archive, after_the_month()).await;
    exhaust(archive).await;
    let KeyName::Month(month) = month(&running) else { panic!("a month") };
    let document = archive.store.get(&ObjectKey::MonthDestroyed(month), 1 << 20).await.expect("a record");
    let record: DestructionRecord = serde_json::from_slice(&document).expect("JSON");
    assert!(record.facts.former_keys_left, "what is in a backup opens by those");
}
