//! An erasure from the decision to the end of its month.

use std::sync::Arc;

use earwitness::access::Role;
use earwitness::archive::Archive;
use earwitness::catalog::PurgeStage;
use earwitness::clock::Clock as _;
use earwitness::ledger::verify::verify;
use earwitness::purge::erasure::{ErasureOutcome, erase};
use earwitness::purge::pass;
use earwitness::recording::RecordingId;
use earwitness::retention::PurgeGround;
use earwitness::vault::objects::{ObjectKey, Prefix};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{erased, tombstones};
use crate::on_both_stacks;
use crate::support::archive::{Running, at, call};
use crate::support::meddling::Meddling;
use crate::support::objects::listed;
use crate::support::sounds::wav;
use crate::support::stack::Place;
use crate::vcon::taking_in::{send, vcon};

on_both_stacks!(
    in Versioned:
    it_goes_at_once_and_says_why,
    what_is_held_stays,
    the_same_call_is_refused_until_its_month_is_over,
    an_upload_under_way_does_not_outlive_it,
    a_dead_upload_of_the_call_is_not_brought_to_its_end,
    the_purge_keeps_its_tombstone_before_it_destroys_anything,
    a_release_after_the_deadline_is_the_ground,
);

/// What a fence's entry says of a recording.
async fn fenced(archive: &Archive, id: RecordingId) -> Value {
    let all = archive.catalog.unsequenced(10_000).await.expect("entries");
    for entry in all.iter().filter(|entry| entry.kind == "purge.fenced") {
        let row = archive.catalog.opening(entry.id).await.expect("an answer").expect("an opening");
        let opening = archive.open_plain(&row.sealed_under, &row.sealed).expect("it is open");
        let said: Value = serde_json::from_slice(&opening.payload).expect("JSON");
        if said["recording_id"] == json!(id) {
            return said;
        }
    }
    panic!("nothing fenced {id}");
}

async fn certificate(archive: &Archive, id: RecordingId) -> Value {
    let document = archive.catalog.certificate(id).await.expect("an answer").expect("a certificate");
    let report = verify(&document, None);
    assert!(report.ok(), "{report}");
    serde_json::from_slice(&document).expect("JSON")
}

async fn it_goes_at_once_and_says_why(place: &Place) {
    let running = Running::start(place).await;
    let archive = &running.archive;
    let (crm, legal) = (running.token(Role::Ingest, &[], None).await, running.token(Role::Legal, &[], None).await);
    let id = running.post(&crm, &call("one"), &wav(800, 1)).await.id();
    let other = running.post(&crm, &call("other"), &wav(800, 2)).await.id();
    let expires_at = archive.catalog.recording(id).await.unwrap().expect("a row").expires_at;
    let request = erased(archive, id).await;
    for part in ["", "/audio", "/waveform", "/custody"] {
        assert_eq!(running.read(&legal, id, part).await.told(), (410, "erased".to_owned()), "{part}");
    }
    let list = running.get(&legal, "/v1/recordings").await.json();
    assert_eq!(list["recordings"].as_array().map(Vec::len), Some(1), "{list}");
    let said = fenced(archive, id).await;
    assert_eq!((&said["ground"], &said["request_id"]), (&json!("erasure"), &json!(request)), "{said}");

    assert_eq!(erase(archive, id, request).await.unwrap(), ErasureOutcome::Fenced, "asked again");
    assert_eq!(erase(archive, id, Uuid::new_v4()).await.unwrap(), ErasureOutcome::Gone, "for another request");
    let report = pass(archive).await.unwrap();
    assert_eq!((report.fenced, report.keys_destroyed, report.certified), (0, 1, 1), "{report:?}");
    assert_eq!(running.objects(Some(id)).await, Vec::<String>::new());
    assert_eq!(running.read(&legal, id, "").await.told(), (410, "erased".to_owned()));
    let certificate = certificate(archive, id).await;
    assert_eq!((&certificate["ground"], &certificate["expires_at"]), (&json!("erasure"), &json!(expires_at)));
    assert!(archive.clock.now() < expires_at);
    assert_eq!(running.read(&legal, other, "/audio").await.status, 200, "the other one is untouched");
    for (what, id, outcome) in [
        ("purged", id, ErasureOutcome::Gone),
        ("unknown", RecordingId::new(archive.clock.now()), ErasureOutcome::NotFound),
    ] {
        assert_eq!(erase(archive, id, Uuid::new_v4()).await.unwrap(), outcome, "{what}");
    }
    // What was decided says nothing of what a usual day brings.
    assert_eq!(archive.catalog.fenced_since(at("2026-01-01T00:00:00Z")).await.unwrap(), (0, None));
}

async fn what_is_held_stays(place: &Place) {
    let running = Running::start(place).await;
    let archive = &running.archive;
    let (crm, legal) = (running.token(Role::Ingest, &[], None).await, crate::cases::legal(&running, "An").await);
    let held = running.post(&crm, &call("held"), &wav(800, 1)).await.id();
    running.hold(held).await;
    let mut metadata = call("ruled");
    metadata["account_id"] = json!("A-2");
    let case = crate::cases::open(&running, &legal, "2026/12").await;
    let rule =
        crate::cases::post(&running, &legal, &format!("/v1/cases/{case}/holds"), &json!({"account": "A-2"})).await;
    assert_eq!(rule.status, 200, "{:?}", rule.told());
    // Not caught yet: the rule alone keeps it.
    let ruled = running.post(&crm, &metadata, &wav(800, 2)).await.id();
    assert!(archive.catalog.holds_of(ruled).await.unwrap().is_empty());
    for id in [held, ruled] {
        assert_eq!(erase(archive, id, Uuid::new_v4()).await.unwrap(), ErasureOutcome::Held);
        assert_eq!(running.read(&legal, id, "/audio").await.status, 200);
        assert!(archive.catalog.purge_of(id).await.unwrap().is_none());
    }
    assert!(tombstones(archive).await.is_empty());
    // Past its deadline it lives by its hold alone, and is no erasure's any more.
    running.clock.set(at("2031-11-22T09:00:00Z"));
    assert_eq!(erase(archive, held, Uuid::new_v4()).await.unwrap(), ErasureOutcome::Gone);
}

async fn the_same_call_is_refused_until_its_month_is_over(place: &Place) {
    let running = Running::start(place).await;
    let archive = &running.archive;
    let crm = running.token(Role::Ingest, &[], None).await;
    let id = running.post(&crm, &call("one"), &wav(800, 1)).await.id();
    erased(archive, id).await;
    let month = archive.catalog.purge_of(id).await.unwrap().expect("a purge").month;
    for certified in [false, true] {
        if certified {
            assert_eq!(pass(archive).await.unwrap().certified, 1);
        }
        let mut earlier = call("one");
        earlier["recorded_at"] = json!("2026-09-22T09:00:00Z");
        for (what, metadata, audio) in [
            ("same", call("one"), wav(800, 1)),
            ("other audio", call("one"), wav(800, 2)),
            ("other month", earlier, wav(800, 1)),
        ] {
            assert_eq!(running.post(&crm, &metadata, &audio).await.told(), (410, "erased".to_owned()), "{what}");
            let document = vcon(&metadata, &audio).to_string();
            let sent = send(&running, &crm, "application/vcon+json", document).await;
            assert_eq!(sent.told(), (410, "erased".to_owned()), "{what} as a vCon");
        }
        if certified {
            assert_eq!(running.objects(None).await, Vec::<String>::new(), "nothing is stored");
        }
    }
    let mut part = call("one");
    part["part"] = json!(1);
    assert_eq!(running.post(&crm, &part, &wav(800, 1)).await.status, 201, "another part is another call");
    assert_eq!(tombstones(archive).await, [ObjectKey::Erased { month, id }]);

    running.clock.set(at("2031-12-02T09:00:00Z"));
    archive.catalog.beat(running.clock.now()).await.unwrap();
    let mut report = pass(archive).await.unwrap();
    for _ in 0..5 {
        if report.months_destroyed > 0 {
            break;
        }
        report = pass(archive).await.unwrap();
    }
    assert_eq!(listed(archive.store.as_ref(), &Prefix::erased()).await, []);
    assert_eq!(archive.catalog.erasure(id).await.unwrap(), None);
    assert_eq!(archive.catalog.erased_months().await.unwrap(), []);
    assert!(archive.catalog.certificate(id).await.unwrap().is_some(), "that it was erased stays");
    assert_eq!(running.post(&crm, &call("one"), &wav(800, 1)).await.told(), (422, "past-deadline".to_owned()));
}

/// A better upload of a quarantined call is on its way while the call is erased.
async fn an_upload_under_way_does_not_outlive_it(place: &Place) {
    let running = Running::start(place).await;
    let archive = &running.archive;
    let crm = running.token(Role::Ingest, &[], None).await;
    let mut counts = [0, 0];
    for round in 0..20_u64 {
        let name = format!("call-{round}");
        let whole = wav(16_000, round as u32);
        let first = running.post(&crm, &call(&name), &whole[..whole.len() / 2]).await;
        assert_eq!(first.status, 202);
        let metadata = call(&name);
        let (better, _) = tokio::join!(running.post(&crm, &metadata, &whole), async {
            tokio::time::sleep(std::time::Duration::from_millis(round * 6)).await;
            erased(archive, first.id()).await
        });
        match better.told() {
            (201, _) => {
                // It came first: the erasure is of the other one, and says so.
                let row = archive.catalog.recording(better.id()).await.unwrap().expect("a row");
                assert!(row.received_at <= archive.clock.now());
                counts[0] += 1;
            }
            (410 | 503, _) => {
                let again = running.post(&crm, &call(&name), &whole).await;
                assert_eq!(again.told(), (410, "erased".to_owned()), "round {round}");
                let holder = archive.catalog.abandoned_calls(at("2040-01-01T00:00:00Z"), 10).await.unwrap();
                assert_eq!(holder, [], "round {round}: nothing is left under way");
                counts[1] += 1;
            }
            other => panic!("round {round}: {other:?}"),
        }
    }
    assert!(counts[1] > 0, "sometimes the erasure is ahead: {counts:?}");
    pass(archive).await.unwrap();
    let kept = archive.catalog.recording_ids_after(None, 100).await.unwrap().len();
    let ids: std::collections::BTreeSet<String> =
        running.objects(None).await.iter().map(|path| path.split('/').nth(2).unwrap().to_owned()).collect();
    assert_eq!((kept, ids.len()), (counts[0], counts[0]), "what was refused left nothing");
}

async fn a_dead_upload_of_the_call_is_not_brought_to_its_end(place: &Place) {
    let running = Running::start(place).await;
    let archive = &running.archive;
    let crm = running.token(Role::Ingest, &[], None).await;
    let id = running.post(&crm, &call("one"), &wav(800, 1)).await.id();
    erased(archive, id).await;
    assert_eq!(pass(archive).await.unwrap().certified, 1);
    // Somebody wrote all of it, to the sidecar, before the erasure, and died.
    let left = running.post(&crm, &call("two"), &wav(800, 2)).await.id();
    let month = archive.catalog.recording(left).await.unwrap().expect("a row").month;
    let opened = archive.read_sidecar(month, left).await.unwrap().expect("a sidecar");
    let mut row = earwitness::archive::row::open_row(left, &opened.key, &opened.body.sealed).unwrap();
    row.metadata.call_id = "one".to_owned();
    let mut body = opened.body.clone();
    body.sealed = earwitness::archive::row::seal_row(left, &opened.key, &row).unwrap();
    body.received_at = at("2026-11-22T09:30:00Z");
    archive.write_sidecar(left, month, &opened.key, &opened.wraps, &body).await.unwrap();
    crate::recordings::overtaken::forget(place, &running, left).await;
    let installation = archive.keyring.secret(&earwitness::vault::keys::KeyName::Installation).await.unwrap();
    let mac = installation.call_uniqueness_mac("one", 0).to_vec();
    let claim = crate::recordings::overtaken::claim_of(mac, left, &month.to_string());
    let now = archive.clock.now();
    archive.catalog.claim_call(&claim, now, now).await.unwrap();
    assert_eq!(earwitness::receive::settle::settle_abandoned(archive).await.unwrap(), 1);
    assert!(archive.catalog.recording(left).await.unwrap().is_none());
    assert_eq!(running.objects(Some(left)).await, Vec::<String>::new());
}

async fn the_purge_keeps_its_tombstone_before_it_destroys_anything(place: &Place) {
    let running = Running::start(place).await;
    let crm = running.token(Role::Ingest, &[], None).await;
    let id = running.post(&crm, &call("one"), &wav(800, 1)).await.id();
    let mut archive: Arc<Archive> = running.place.open(running.clock.clone(), &[]).await;
    let store = Meddling::with(&mut archive, None);
    let month = archive.catalog.recording(id).await.unwrap().expect("a row").month;
    let tombstone = ObjectKey::Erased { month, id };
    store.refuse(tombstone);
    erased(&archive, id).await;
    assert!(tombstones(&archive).await.is_empty());
    assert!(pass(&archive).await.is_err(), "it waits for the store");
    let stage =
        |archive: Arc<Archive>| async move { archive.catalog.purge_of(id).await.unwrap().expect("a purge").stage };
    assert_eq!(stage(archive.clone()).await, PurgeStage::Fenced);
    assert_eq!(running.objects(Some(id)).await.len(), 3, "nothing is destroyed before");
    store.allow(&tombstone);
    assert_eq!(pass(&archive).await.unwrap().certified, 1);
    assert_eq!(tombstones(&archive).await, [tombstone]);
}

async fn a_release_after_the_deadline_is_the_ground(place: &Place) {
    let running = Running::start(place).await;
    let archive = &running.archive;
    let crm = running.token(Role::Ingest, &[], None).await;
    let due = |call_id: &str| {
        let mut metadata = call(call_id);
        metadata["recorded_at"] = json!("2021-11-22T11:00:00Z");
        metadata
    };
    let mut ids = Vec::new();
    for name in ["early", "late", "never"] {
        ids.push(running.post(&crm, &due(name), &wav(800, 1)).await.id());
    }
    for id in &ids[..2] {
        running.hold(*id).await;
    }
    let release = async |id: RecordingId| {
        let hold = archive.catalog.holds_of(id).await.unwrap()[0].id;
        let mut tx = archive.catalog.begin().await.unwrap();
        tx.release_hold(hold, running.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    };
    release(ids[0]).await;
    running.clock.set(at("2026-11-22T11:00:30Z"));
    assert_eq!(pass(archive).await.unwrap().certified, 2);
    release(ids[1]).await;
    assert_eq!(pass(archive).await.unwrap().certified, 1);
    for (id, ground) in ids.iter().zip([PurgeGround::Deadline, PurgeGround::HoldReleased, PurgeGround::Deadline]) {
        assert_eq!(certificate(archive, *id).await["ground"], json!(ground), "{id}");
        assert_eq!(archive.catalog.purge_of(*id).await.unwrap().expect("a purge").ground, ground);
    }
}
