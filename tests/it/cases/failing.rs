//! What fails for good: it keeps nothing else from being held, let go of, kept in the store or guarded.

use std::sync::Arc;
use std::time::Duration;

use earwitness::access::{Actor, Role};
use earwitness::archive::Archive;
use earwitness::catalog::{HoldOutcome, HoldRow, Lookups, NewRecording, Wrap};
use earwitness::clock::{Clock, ManualClock, Timestamp};
use earwitness::hold::{self, NewRule, Outcome, carry_on, catch_arrivals, let_go_of_months};
use earwitness::housekeeping;
use earwitness::recording::{RecordingId, Status};
use earwitness::vault::keys::KeyName;
use earwitness::vault::objects::RecordingPart;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::holding::{DUE, OVER};
use super::{call_at, legal, move_to, open, post};
use crate::on_both_stacks;
use crate::support::archive::{Running, at};
use crate::support::meddling::Meddling;
use crate::support::opened::opened;
use crate::support::sounds::wav;
use crate::support::stack::{Bucket, Place, Stack};

on_both_stacks!(
    in Versioned:
    one_that_does_not_open_keeps_no_other_from_being_held,
    one_that_the_store_refuses_keeps_no_other_from_being_held,
    what_cannot_be_held_keeps_no_arrival_waiting,
    what_cannot_be_let_go_of_keeps_nothing_waiting,
    what_cannot_be_kept_keeps_nothing_waiting,
    a_rule_that_waited_past_the_deadline_came_too_late,
);

fn actor() -> Actor {
    Actor { id: Uuid::new_v4(), name: "An".to_owned(), role: Role::Legal, address: [127, 0, 0, 1].into() }
}

/// Takes the key that opens a recording from it.
async fn break_key(archive: &Archive, id: RecordingId) {
    let row = archive.catalog.recording(id).await.expect("an answer").expect("a row");
    let holder = KeyName::Month(row.month).to_string();
    let mut tx = archive.catalog.begin().await.expect("a transaction");
    tx.remove_recording_key(id, &holder).await.expect("it goes");
    tx.add_recording_key(id, &Wrap { holder, wrapped: vec![7; 60] }).await.expect("another comes");
    tx.commit().await.expect("committed");
}

/// So many recordings that nothing opens, like this one otherwise. Their ids come before those of all others.
async fn broken(archive: &Archive, like: RecordingId, count: u128, case: Option<Uuid>) -> Vec<RecordingId> {
    let row = archive.catalog.recording(like).await.expect("an answer").expect("a row");
    let holders = [Some(KeyName::Month(row.month)), case.map(KeyName::Case)].into_iter().flatten();
    let wraps: Vec<Wrap> = holders.map(|name| Wrap { holder: name.to_string(), wrapped: vec![7; 60] }).collect();
    let ids: Vec<RecordingId> = (1..=count).map(|number| RecordingId(Uuid::from_u128(number))).collect();
    let mut tx = archive.catalog.begin().await.expect("a transaction");
    for id in &ids {
        let new = NewRecording {
            id: *id,
            account_id: row.account_id.clone(),
            product: None,
            language: None,
            recorded_at: row.recorded_at,
            received_at: row.received_at,
            expires_at: row.expires_at,
            month: row.month,
            rule: row.rule.clone(),
            status: Status::Accepted,
            byte_len: row.byte_len,
            duration_ms: row.duration_ms,
            ingested_by: row.ingested_by.clone(),
            revision: 1,
            sealed: vec![7; 60],
            sealed_receipt: Vec::new(),
            wraps: wraps.clone(),
            lookups: Lookups::default(),
        };
        tx.insert_recording(&new).await.expect("a row");
    }
    tx.commit().await.expect("committed");
    ids
}

/// Places holds as if everything else about them had been done.
async fn hold_rows(archive: &Archive, case: Uuid, ids: &[RecordingId]) {
    let mut tx = archive.catalog.begin().await.expect("a transaction");
    for (number, id) in ids.iter().enumerate() {
        let hold = HoldRow::direct(Uuid::from_u128(number as u128), case, *id, archive.clock.now());
        assert_eq!(tx.place_hold(&hold).await.expect("an answer"), HoldOutcome::Placed);
    }
    tx.commit().await.expect("committed");
}

async fn one_that_does_not_open_keeps_no_other_from_being_held(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let case = open(&running, &an, "2026/12").await;
    let mut ids = Vec::new();
    for n in 0..10 {
        let metadata = call_at(&"x".repeat(n + 1), "2026-11-22T09:00:00Z");
        ids.push(running.post(&crm, &metadata, &wav(800, u32::try_from(n).expect("few"))).await.id());
    }
    break_key(&running.archive, ids[1]).await;
    for asked in [json!({"recordings": ids}), json!({"recordings": ids}), json!({"account": "A-1"})] {
        let answer = post(&running, &an, &format!("/v1/cases/{case}/holds"), &asked).await;
        assert_eq!(answer.status, 200, "{:?}", answer.told());
        let told = answer.json();
        assert_eq!(told["failed"], 1, "{told}");
        assert_eq!(told["placed"].as_u64().zip(told["already_held"].as_u64()).map(|(a, b)| a + b), Some(9), "{told}");
        let of = |id: RecordingId| -> Value {
            let all = told["recordings"].as_array().expect("a list");
            all.iter().find(|one| one["id"] == json!(id)).expect("an answer for each").clone()
        };
        assert_eq!(of(ids[1]), json!({"id": ids[1], "outcome": "failed", "code": "internal"}));
        assert!(of(ids[9]).get("code").is_none(), "{told}");
    }
    for (n, id) in ids.iter().enumerate() {
        let holds = running.archive.catalog.holds_of(*id).await.expect("holds").len();
        assert_eq!(holds, if n == 1 { 0 } else { 2 }, "{n}");
    }
    // Alone it is told as well; where a part of the archive is away, that is.
    let alone = post(&running, &an, &format!("/v1/cases/{case}/holds"), &json!({"recordings": [ids[1]]})).await;
    assert_eq!((alone.status, &alone.json()["failed"]), (200, &json!(1)));
}

async fn one_that_the_store_refuses_keeps_no_other_from_being_held(place: &Place) {
    let mut opened = opened(place).await;
    let store = Meddling::with(&mut opened.archive, None);
    let mut ids = Vec::new();
    for call in ["a", "bb", "ccc"] {
        ids.push(opened.received(call).await.id);
    }
    let (archive, case) = (&opened.archive, Uuid::new_v4());
    let mut tx = archive.catalog.begin().await.expect("a transaction");
    tx.ensure_case(case, archive.clock.now(), &[]).await.expect("a case");
    tx.commit().await.expect("committed");
    let sidecar = opened.key(ids[0], RecordingPart::Sidecar).await;
    store.refuse(sidecar);
    let told = hold::hold_named(archive, case, &ids, &actor()).await.expect("an answer");
    let expected = [Outcome::Failed("unavailable"), Outcome::Placed, Outcome::Placed];
    assert_eq!(told, ids.iter().copied().zip(expected).collect::<Vec<_>>());
    let away = hold::hold_named(archive, case, &ids[..1], &actor()).await;
    assert_eq!(away.expect_err("it is all that was asked for").code(), "store-unavailable");
    store.allow(&sidecar);
    let told = hold::hold_named(archive, case, &ids, &actor()).await.expect("an answer");
    assert!(told.iter().all(|(_, outcome)| *outcome == Outcome::AlreadyHeld), "{told:?}");
    assert_eq!(archive.catalog.stale_sidecars(10).await.expect("an answer"), []);
}

async fn what_cannot_be_held_keeps_no_arrival_waiting(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let case = open(&running, &an, "2026/12").await;
    let good = running.post(&crm, &call_at("good", "2026-11-22T09:00:00Z"), &wav(800, 1)).await.id();
    let archive = &running.archive;
    // One more than a pass catches.
    broken(archive, good, 2_001, None).await;
    let new = NewRule { account_id: "A-1".to_owned(), from: None, to: None };
    let placed = hold::place_rule(archive, case, &new, &actor()).await.expect("a rule");
    assert_eq!(placed.outcomes.len(), 500, "at once, those with the first ids");
    assert!(placed.outcomes.iter().all(|(_, outcome)| matches!(outcome, Outcome::Failed(_))));
    assert!(catch_arrivals(archive).await.is_err(), "the first failure is told");
    let holds = archive.catalog.holds_of(good).await.expect("holds");
    assert_eq!(holds.iter().map(|hold| hold.rule_id).collect::<Vec<_>>(), [Some(placed.rule.id)]);
}

async fn what_cannot_be_let_go_of_keeps_nothing_waiting(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let case = open(&running, &an, "2026/12").await;
    let good = running.post(&crm, &call_at("good", DUE), &wav(800, 1)).await.id();
    let archive = &running.archive;
    let ids = broken(archive, good, 2_001, Some(case)).await;
    hold_rows(archive, case, &ids).await;
    let held = post(&running, &an, &format!("/v1/cases/{case}/holds"), &json!({"recordings": [good]})).await;
    assert_eq!(held.json()["placed"], 1);
    move_to(&running, OVER).await;
    // A round tries four hundred, and the next goes on there.
    for _ in 0..6 {
        assert!(let_go_of_months(archive).await.is_err(), "the first failure is told");
    }
    let wraps = archive.catalog.recording_keys(good).await.expect("keys");
    assert_eq!(wraps.len(), 1, "behind 2,001 that cannot leave their month: {wraps:?}");

    let bo = legal(&running, "Bo").await;
    let asked = json!({"all": true, "reason": "over"});
    let release = post(&running, &an, &format!("/v1/cases/{case}/release"), &asked).await.json()["id"].clone();
    let decision = json!({"release": release, "decision": "approve", "reason": "so it is"});
    let decided = post(&running, &bo, &format!("/v1/cases/{case}/release/approve"), &decision).await;
    assert_eq!((decided.status, &decided.json()["left"]), (200, &json!(2_002)), "it is decided: {:?}", decided.told());
    assert!(carry_on(archive).await.is_err(), "the first failure is told");
    assert!(archive.catalog.holds_of(good).await.expect("holds").is_empty(), "behind 2,001 that cannot be let go of");
    let told = running.get(&an, &format!("/v1/cases/{case}")).await.json();
    assert!(told["releases"][0]["done_at"].is_null(), "{told}");
}

async fn what_cannot_be_kept_keeps_nothing_waiting(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let good = running.post(&crm, &call_at("good", "2026-11-22T09:00:00Z"), &wav(800, 1)).await.id();
    let case = open(&running, &an, "2026/12").await;
    let archive = &running.archive;
    let (ids, now) = (broken(archive, good, 501, None).await, running.clock.now());
    let mut tx = archive.catalog.begin().await.expect("a transaction");
    for id in ids.iter().chain([&good]) {
        assert!(tx.touch_recording(*id, now).await.expect("an answer"));
    }
    // Cases without a key, and one with.
    for number in 0..101 {
        assert!(tx.open_case(Uuid::from_u128(number), now, OVER_NEXT_YEAR, &[]).await.expect("a case"));
    }
    assert!(tx.touch_case(case).await.expect("an answer"));
    tx.commit().await.expect("committed");
    let report = housekeeping::pass(archive, false).await;
    assert_eq!(report.failed, ["sidecars", "cases"], "{report:?}");
    assert_eq!(archive.catalog.stale_sidecars(1_000).await.expect("an answer"), ids);
    assert_eq!(archive.catalog.cases_not_stored(None, 1_000).await.expect("an answer").len(), 101);
}

const OVER_NEXT_YEAR: Timestamp = Timestamp::from_micros(1_830_000_000_000_000);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_guarded_keeps_nothing_waiting() {
    let place = Place::new(Stack::Production, Bucket::Locked).await;
    let opened = opened(&place).await;
    let good = opened.received("good").await.id;
    let archive = &opened.archive;
    broken(archive, good, 5, None).await;
    archive.catalog.forget_guards_of(good).await.expect("forgotten");
    assert!(archive.guard_missing(2).await.is_err(), "the first failure is told");
    assert!(archive.catalog.guard_of(good).await.expect("an answer").expect("a guard").is_in_place);
}

/// A clock that tells whoever wants to know that it was asked.
struct Asked {
    clock: ManualClock,
    count: watch::Sender<u64>,
}

impl Clock for Asked {
    fn now(&self) -> Timestamp {
        self.count.send_modify(|count| *count += 1);
        self.clock.now()
    }
}

async fn a_rule_that_waited_past_the_deadline_came_too_late(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let case = open(&running, &an, "2026/12").await;
    let id = running.post(&crm, &call_at("late", DUE), &wav(800, 1)).await.id();
    let clock = Arc::new(Asked { clock: ManualClock::new(at("2026-11-22T10:59:59Z")), count: watch::Sender::new(0) });
    let other = place.open(clock.clone(), &[]).await;
    // Somebody has the case's row.
    let mut tx = running.archive.catalog.begin().await.expect("a transaction");
    assert!(tx.touch_case(case).await.expect("an answer"));
    let mut asked = clock.count.subscribe();
    asked.mark_unchanged();
    let placing = tokio::spawn(async move {
        let new = NewRule { account_id: "A-1".to_owned(), from: None, to: None };
        hold::place_rule(&other, case, &new, &actor()).await
    });
    asked.changed().await.expect("the clock is asked");
    clock.clock.advance(Duration::from_secs(1));
    tx.commit().await.expect("committed");
    let placed = placing.await.expect("no panic").expect("a rule");
    assert_eq!(placed.outcomes, [(id, Outcome::TooLate)]);
    assert_eq!(placed.rule.placed_at, at("2026-11-22T11:00:00Z"), "when it could be in force");
}
