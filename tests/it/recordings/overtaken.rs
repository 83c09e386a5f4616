//! What becomes of an upload when somebody else has to do with its call, its objects or its recording meanwhile.

use std::sync::Arc;
use std::time::Duration;

use earwitness::access::Role;
use earwitness::archive::row::{lookups_of, open_row};
use earwitness::archive::{Adoption, Archive};
use earwitness::catalog::{CallClaim, Deleted, NewRecording, PurgeRow, PurgeStage};
use earwitness::housekeeping::pass;
use earwitness::receive::settle;
use earwitness::recording::{ExpiryMonth, Language, RecordingId};
use earwitness::retention::PurgeGround;
use earwitness::vault::keys::KeyName;
use earwitness::vault::objects::{ObjectKey, RecordingPart};
use serde_json::json;
use sqlx::{AnyConnection, Connection as _, Executor as _};

use crate::on_both_stacks;
use crate::support::archive::{Answer, Running, Someone, at, call};
use crate::support::stack::{Bucket, Place, Stack};
use crate::support::world::tone;

on_both_stacks!(
    in Versioned:
    an_upload_that_somebody_else_finished_is_answered_and_kept,
    giving_up_needs_the_claim_and_no_row,
    no_receipt_for_audio_that_is_gone,
    nothing_is_told_of_a_call_past_its_deadline,
    an_upload_is_not_adopted_and_no_lease_is_stripped,
    one_dead_upload_that_fails_does_not_block_the_others,
    a_duplicate_is_only_what_has_nothing_of_its_own,
    what_is_purged_meanwhile_is_not_adopted,
);

fn month() -> ExpiryMonth {
    "2031-11".parse().unwrap()
}

/// The row as the sidecar has it.
async fn row_of(archive: &Archive, id: RecordingId) -> NewRecording {
    let sidecar = archive.read_sidecar(month(), id).await.unwrap().expect("a sidecar");
    let secret = archive.keyring.secret(&KeyName::Month(month())).await.unwrap();
    let row = open_row(id, &sidecar.key, &sidecar.body.sealed).unwrap();
    let body = sidecar.body;
    NewRecording {
        id,
        account_id: body.account_id,
        product: body.product,
        language: body.language.map(Language::code),
        recorded_at: body.recorded_at,
        received_at: body.received_at,
        expires_at: body.expires_at,
        month: month(),
        rule: body.rule,
        status: body.status,
        byte_len: body.byte_len,
        duration_ms: body.duration_ms,
        ingested_by: body.ingested_by,
        revision: body.revision,
        sealed: body.sealed,
        sealed_receipt: body.sealed_receipt,
        wraps: sidecar.wraps,
        lookups: lookups_of(&secret, &row.metadata),
    }
}

async fn purge(id: RecordingId, run: &Running) -> PurgeRow {
    let now = at("2026-11-22T10:02:00Z");
    assert!(!run.objects(Some(id)).await.is_empty());
    PurgeRow {
        recording_id: id,
        ground: PurgeGround::Deadline,
        request_id: None,
        month: month(),
        rule: "P5Y".to_owned(),
        expires_at: now,
        stage: PurgeStage::Certified,
        fenced_at: now,
        keys_destroyed_at: None,
        objects_deleted_at: None,
        rows_deleted_at: None,
        looked_again_at: None,
        certified_at: None,
        deleted: Deleted::new(),
        entry_id: None,
        locked_until: None,
        bytes_deleted_at: None,
    }
}

/// The catalog forgets a recording, as if it were an older one; the store keeps it.
pub(crate) async fn forget(place: &Place, run: &Running, id: RecordingId) {
    let mut tx = run.archive.catalog.begin().await.unwrap();
    tx.restore_purge(&purge(id, run).await, b"{}").await.unwrap();
    tx.commit().await.unwrap();
    let mut connection = AnyConnection::connect(&place.catalog).await.unwrap();
    for table in ["purges", "certificates"] {
        connection.execute(sqlx::AssertSqlSafe(format!("DELETE FROM {table}"))).await.unwrap();
    }
    connection.close().await.unwrap();
}

pub(crate) fn claim_of(mac: Vec<u8>, id: RecordingId, month: &str) -> CallClaim {
    CallClaim { mac, lease_token: id.to_string(), pending_id: id, pending_month: month.to_owned() }
}

async fn claim(run: &Running, claim: &CallClaim) {
    let now = run.archive.clock.now();
    run.archive.catalog.claim_call(claim, now.plus(Duration::from_secs(60)), now).await.unwrap();
}

async fn started(place: &Place) -> (Arc<Running>, Someone, Answer) {
    let run = Arc::new(Running::start(place).await);
    let ingest = run.token(Role::Ingest, &[], None).await;
    let first = run.post(&ingest, &call("first"), &tone(9)).await;
    assert_eq!(first.status, 201);
    (run, ingest, first)
}

/// The claim of the upload under way.
async fn pending(run: &Running) -> CallClaim {
    loop {
        let far = run.archive.clock.now().plus(Duration::from_secs(3_600));
        if let Some(claim) = run.archive.catalog.abandoned_calls(far, 1).await.unwrap().pop() {
            return claim;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn whole_in_store(run: &Running, id: RecordingId) {
    while run.archive.read_sidecar(month(), id).await.ok().flatten().is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn an_upload_that_somebody_else_finished_is_answered_and_kept(place: &Place) {
    let (run, ingest, _) = started(place).await;
    let legal = run.token(Role::Legal, &[], None).await;
    let (task, who) = (run.clone(), ingest.clone());
    let upload = tokio::spawn(async move { task.post(&who, &call("c1"), &tone(1)).await });
    let claim = pending(&run).await;
    // The upload's commit waits for this one: the month on PostgreSQL, the only writer on SQLite.
    let mut tx = run.archive.catalog.begin().await.unwrap();
    assert!(tx.lock_live_secret("month-2031-11").await.unwrap());
    whole_in_store(&run, claim.pending_id).await;
    let new = row_of(&run.archive, claim.pending_id).await;
    tx.insert_recording(&new).await.unwrap();
    tx.settle_call(&claim, claim.pending_id, None).await.unwrap();
    tx.commit().await.unwrap();
    let answer = upload.await.unwrap();
    assert_eq!((answer.status, answer.id()), (200, claim.pending_id), "{:?}", answer.told());
    assert_eq!(run.read(&legal, answer.id(), "/audio").await.body, tone(1));
    let again = run.post(&ingest, &call("c1"), &tone(1)).await;
    assert_eq!((again.status, again.body == answer.body), (200, true));
}

async fn giving_up_needs_the_claim_and_no_row(place: &Place) {
    let (run, _, first) = started(place).await;
    let (archive, stored) = (&run.archive, run.objects(None).await);
    let of_a_recording = claim_of(vec![1; 32], first.id(), "2031-11");
    claim(&run, &of_a_recording).await;
    settle::give_up(archive, &of_a_recording, month()).await.unwrap();
    assert_eq!(run.objects(None).await, stored, "it has a row");

    let id = RecordingId::new(archive.clock.now());
    let name = ObjectKey::Recording { month: month(), id, part: RecordingPart::Audio };
    archive.store.put(&name, "audio".into()).await.unwrap();
    let lost = claim_of(vec![2; 32], id, "2031-11");
    claim(&run, &lost).await;
    let later = archive.clock.now().plus(Duration::from_secs(61));
    assert!(archive.catalog.take_over_call(&lost, "theirs", later, later).await.unwrap());
    settle::give_up(archive, &lost, month()).await.unwrap();
    assert!(archive.store.head(&name).await.unwrap().is_some(), "the claim is somebody else's");
    let theirs = CallClaim { lease_token: "theirs".to_owned(), ..lost };
    // Begun and broken off: whoever takes over goes on deleting, and adopts nothing.
    let given_up = archive.catalog.give_up_call(&theirs, later).await.unwrap().expect("theirs");
    assert!(given_up.is_given_up() && given_up.renamed().is_given_up());
    run.clock.set(later);
    settle::settle(archive, &given_up).await.unwrap();
    assert!(archive.store.head(&name).await.unwrap().is_none());
    assert!(!archive.catalog.is_pending(id).await.unwrap());
}

async fn no_receipt_for_audio_that_is_gone(place: &Place) {
    let (run, ingest, first) = started(place).await;
    let name = ObjectKey::Recording { month: month(), id: first.id(), part: RecordingPart::Audio };
    run.archive.store.delete(&name).await.unwrap();
    assert_eq!(run.post(&ingest, &call("first"), &tone(9)).await.told(), (500, "internal".to_owned()));
}

async fn nothing_is_told_of_a_call_past_its_deadline(place: &Place) {
    let (run, ingest, _) = started(place).await;
    run.clock.set(at("2031-11-22T09:00:00Z"));
    let mut metadata = call("first");
    metadata["recorded_at"] = json!("2031-11-22T08:00:00Z");
    // Whether it is purged already, or held for years: its call's name is free.
    assert_eq!(run.post(&ingest, &metadata, &tone(9)).await.status, 201);
    assert_eq!(run.post(&ingest, &metadata, &tone(1)).await.told(), (409, "call-exists".to_owned()));
}

async fn an_upload_is_not_adopted_and_no_lease_is_stripped(place: &Place) {
    let (run, _, first) = started(place).await;
    let (archive, id) = (&run.archive, first.id());
    forget(place, &run, id).await;
    let its = claim_of(vec![1; 32], id, "2031-11");
    claim(&run, &its).await;
    assert_eq!(archive.adopt(month(), id, None).await.unwrap(), Adoption::Pending);
    assert!(archive.catalog.recording(id).await.unwrap().is_none());
    archive.catalog.release_call(&its).await.unwrap();

    let installation = archive.keyring.ensure_secret(&KeyName::Installation).await.unwrap();
    let sidecar = archive.read_sidecar(month(), id).await.unwrap().unwrap();
    let row = open_row(id, &sidecar.key, &sidecar.body.sealed).unwrap();
    let mac = installation.call_uniqueness_mac(&row.metadata.call_id, row.metadata.part);
    let another = claim_of(mac.to_vec(), RecordingId::new(archive.clock.now()), "2031-11");
    claim(&run, &another).await;
    assert_eq!(archive.adopt(month(), id, None).await.unwrap(), Adoption::Adopted);
    assert_eq!(archive.catalog.call_holder(&mac).await.unwrap(), Some(id));
    let until = archive.clock.now().plus(Duration::from_secs(60));
    assert!(archive.catalog.renew_call(&another, until).await.unwrap(), "the lease is still theirs");
    let mut tx = archive.catalog.begin().await.unwrap();
    assert!(tx.settle_call(&another, id, None).await.is_err(), "but somebody stands for the call now");
    tx.rollback().await.unwrap();
}

async fn one_dead_upload_that_fails_does_not_block_the_others(place: &Place) {
    let (run, ..) = started(place).await;
    let new = || RecordingId::new(run.archive.clock.now());
    let good = new();
    for (n, id, month) in [(1, new(), "nonsense"), (2, good, "2031-11"), (3, new(), "nonsense")] {
        claim(&run, &claim_of(vec![n; 32], id, month)).await;
    }
    run.clock.advance(Duration::from_secs(61));
    assert!(settle::settle_abandoned(&run.archive).await.is_err());
    assert!(!run.archive.catalog.is_pending(good).await.unwrap());
}

async fn a_duplicate_is_only_what_has_nothing_of_its_own(place: &Place) {
    let (run, ingest, first) = started(place).await;
    let held = run.post(&ingest, &call("held"), &tone(2)).await.id();
    run.hold(held).await;
    run.archive.refresh_sidecar(held).await.unwrap();
    for (id, call_id, seed, expected) in
        [(first.id(), "first", 9, Adoption::Duplicate), (held, "held", 2, Adoption::Conflict)]
    {
        forget(place, &run, id).await;
        assert_eq!(run.post(&ingest, &call(call_id), &tone(seed)).await.status, 201);
        assert_eq!(run.archive.adopt(month(), id, None).await.unwrap(), expected, "{call_id}");
    }
}

async fn what_is_purged_meanwhile_is_not_adopted(place: &Place) {
    let (run, _, first) = started(place).await;
    let id = first.id();
    forget(place, &run, id).await;
    let new = row_of(&run.archive, id).await;
    // Inserted and deleted: on PostgreSQL whoever inserts the same id waits for the end of this.
    let mut tx = run.archive.catalog.begin().await.unwrap();
    tx.insert_recording(&new).await.unwrap();
    tx.restore_purge(&purge(id, &run).await, b"{}").await.unwrap();
    let task = run.clone();
    let adopting = tokio::spawn(async move { task.archive.adopt(month(), id, None).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    tx.commit().await.unwrap();
    assert_eq!(adopting.await.unwrap().unwrap(), Adoption::Purged);
    assert!(run.archive.catalog.recording(id).await.unwrap().is_none());
}

/// A commit that waits for its month while somebody else has to do with the upload; SQLite lets nobody else write then.
async fn a_live_upload_keeps_its_objects(settle: bool) {
    let place = Place::new(Stack::Production, Bucket::Versioned).await;
    let (run, ingest, _) = started(&place).await;
    let legal = run.token(Role::Legal, &[], None).await;
    let mut tx = run.archive.catalog.begin().await.unwrap();
    assert!(tx.lock_live_secret("month-2031-11").await.unwrap());
    let (task, who) = (run.clone(), ingest.clone());
    let upload = tokio::spawn(async move { task.post(&who, &call("c1"), &tone(1)).await });
    let id = pending(&run).await.pending_id;
    whole_in_store(&run, id).await;
    if settle {
        run.clock.advance(Duration::from_secs(61));
        pass(&run.archive, false).await;
    } else {
        assert_eq!(run.archive.adopt(month(), id, None).await.unwrap(), Adoption::Pending);
    }
    tx.rollback().await.unwrap();
    let answer = upload.await.unwrap();
    assert_eq!((answer.status, answer.id()), (if settle { 200 } else { 201 }, id));
    let again = run.post(&ingest, &call("c1"), &tone(1)).await;
    assert_eq!((again.status, again.body == answer.body), (200, true));
    assert_eq!(run.read(&legal, id, "/audio").await.status, 200, "acknowledged means kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_was_settled_while_it_lived_is_kept() {
    a_live_upload_keeps_its_objects(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_the_walk_over_the_store_met_is_kept() {
    a_live_upload_keeps_its_objects(false).await;
}
