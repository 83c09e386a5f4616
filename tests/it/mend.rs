//! What is damaged or foreign harms itself alone, and what is under way is not taken for what is left over.

use std::sync::Arc;
use std::time::Duration;

use earwitness::archive::journal::About;
use earwitness::catalog::{Brake, BrakeKind, CallClaim, RelatedRow, SecretState};
use earwitness::clock::{Clock as _, SystemClock};
use earwitness::fsck::{self, Action, Options, Problem};
use earwitness::ledger::destruction::{DestructionFacts, DestructionRecord};
use earwitness::ledger::kind::Kind;
use earwitness::ledger::sequencer::entry_of;
use earwitness::ledger::shapes::ProvenEntry;
use earwitness::recording::{ExpiryMonth, RecordingId};
use earwitness::vault::keys::KeyName;
use earwitness::vault::objects::{ObjectKey, Prefix, PutBody, RecordingPart};
use futures::FutureExt as _;
use uuid::Uuid;

use crate::on_both_stacks;
use crate::support::meddling::Meddling;
use crate::support::objects;
use crate::support::opened::{Opened, opened};
use crate::support::stack::{Bucket, Place, Stack};
use crate::support::world::tone;

on_both_stacks!(
    in Versioned:
    one_bad_object_keeps_no_other_from_being_mended,
    a_record_of_destruction_that_is_not_ours_destroys_nothing,
    an_upload_that_begins_during_the_walk_is_left_alone,
    what_is_old_is_deleted_only_by_a_clock_that_is_not_in_doubt,
    a_sidecar_keeps_the_receipt_and_the_newest_changes,
    a_wider_bundle_serves_as_well,
);

const REBUILD: Options = Options { repair: false, rehash: false, rebuild: true };
const REPAIR: Options = Options { repair: true, rehash: false, rebuild: false };
const HOUR: Duration = Duration::from_secs(3_600);

/// Somebody changes an object behind the archive's back.
async fn change(opened: &Opened, key: &ObjectKey, how: impl FnOnce(&mut Vec<u8>)) {
    objects::change(opened.archive.store.as_ref(), key, how).await;
}

/// The month's signed record, as the archive itself would write it.
async fn record(opened: &Opened, facts: &DestructionFacts, said: &DestructionFacts) -> Vec<u8> {
    let archive = &opened.archive;
    let at = archive.clock.now();
    let (entry, opening) = archive.entry(Kind::MONTH_DESTROYED, About::NothingPersonal, said, at).await.unwrap();
    let mut tx = archive.catalog.begin().await.unwrap();
    tx.append_entry(&entry).await.unwrap();
    tx.commit().await.unwrap();
    archive.publish_ledger().await.unwrap();
    let row = archive.catalog.ledger_entry(entry.id).await.unwrap().unwrap();
    let (_, proof) = archive.ledger().prove(&row).await.unwrap().unwrap();
    let ledger = ProvenEntry::new(row.seq.unwrap(), &entry_of(&row.entry).unwrap(), &opening, &proof).unwrap();
    let record = DestructionRecord {
        document_type: String::new(),
        facts: facts.clone(),
        controller: archive.controller(),
        ledger,
        signature: None,
    };
    record.sign(&archive.signing).unwrap()
}

async fn one_bad_object_keeps_no_other_from_being_mended(place: &Place) {
    let before = opened(place).await;
    let mut ids = Vec::new();
    for call in ["a", "bb", "ccc", "dddd"] {
        ids.push(before.received(call).await.id);
    }
    let flip = |bytes: &mut Vec<u8>| {
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
    };
    change(&before, &before.key(ids[0], RecordingPart::Sidecar).await, flip).await;
    change(&before, &before.key(ids[1], RecordingPart::Sidecar).await, |bytes| bytes.truncate(bytes.len() / 2)).await;
    change(&before, &before.key(ids[2], RecordingPart::Sidecar).await, |bytes| *bytes = b"{}".to_vec()).await;
    let certificate = ObjectKey::Certificate { month: before.month(ids[0]).await, id: RecordingId(Uuid::new_v4()) };
    before.archive.store.put(&certificate, b"{\"backups\":".to_vec().into()).await.unwrap();

    // The orphan walk first: a row that is lost alone.
    let after = self::opened(&place.without_its_catalog().await).await;
    for options in [REPAIR, REBUILD, REPAIR] {
        let report = fsck::run(&after.archive, options).await.unwrap();
        let mut bad: Vec<String> = ids[..3].iter().map(ToString::to_string).collect();
        bad.extend((options == REBUILD).then(|| certificate.to_string()));
        let mut told: Vec<String> =
            report.findings.iter().filter(|f| f.problem == Problem::Unreadable).map(|f| f.what.clone()).collect();
        bad.sort();
        told.sort();
        assert_eq!(told, bad, "each once: {report}");
        assert!(!report.is_sound());
        assert!(after.archive.catalog.recording(ids[3]).await.unwrap().is_some(), "the good one is back");
    }
    // And where the rows are still there.
    let report = fsck::run(&before.archive, REBUILD).await.unwrap();
    assert_eq!(report.findings.iter().filter(|f| f.problem == Problem::Unreadable).count(), 4, "{report}");
}

async fn a_record_of_destruction_that_is_not_ours_destroys_nothing(place: &Place) {
    let opened = opened(place).await;
    let id = opened.received("a").await.id;
    let stranger = self::opened(&place.of_a_stranger().await).await;
    let live = opened.month(id).await;
    let now = opened.clock.now();
    let facts = |month| DestructionFacts {
        month,
        closed_at: now,
        destroyed_at: now,
        effective_at: now,
        provider: "file".to_owned(),
        key_copies_destroyed: 1,
        recordings_purged: 0,
        recordings_held: 0,
        former_keys_left: false,
    };
    let (past, other): (ExpiryMonth, ExpiryMonth) = ("2020-01".parse().unwrap(), "2020-02".parse().unwrap());
    let bad = [
        (live, record(&stranger, &facts(live), &facts(live)).await, "another key signed it"),
        (live, record(&opened, &facts(live), &facts(live)).await, "the key is there"),
        (past, record(&stranger, &facts(past), &facts(past)).await, "another key signed it"),
        (past, record(&opened, &facts(other), &facts(other)).await, "it is of another month"),
        (past, record(&opened, &facts(past), &facts(other)).await, "the ledger says something else"),
    ];
    for (month, bytes, why) in bad {
        let key = ObjectKey::MonthDestroyed(month);
        opened.archive.store.put(&key, bytes.into()).await.unwrap();
        let report = fsck::run(&opened.archive, REBUILD).await.unwrap();
        let told: Vec<_> = report.findings.iter().map(|f| (f.problem, f.what.clone())).collect();
        assert_eq!(told, [(Problem::Unreadable, key.to_string())], "{why}");
        assert!(
            opened.archive.catalog.load_secret(&KeyName::Month(past).to_string()).await.unwrap().is_none(),
            "{why}"
        );
        let secret = opened.archive.catalog.load_secret(&KeyName::Month(live).to_string()).await.unwrap().unwrap();
        assert_eq!(secret.state, SecretState::Live, "{why}");
        opened.archive.store.delete(&key).await.unwrap();
    }
    // Our own, about a key that is gone.
    let good = record(&opened, &facts(past), &facts(past)).await;
    opened.archive.store.put(&ObjectKey::MonthDestroyed(past), good.into()).await.unwrap();
    assert!(fsck::run(&opened.archive, REBUILD).await.unwrap().is_sound());
    let secret = opened.archive.catalog.load_secret(&KeyName::Month(past).to_string()).await.unwrap().unwrap();
    assert_eq!(secret.state, SecretState::Destroyed);
}

/// Audio without a sidecar, of nobody, two hours old by the archive's clock.
async fn left_over(opened: &Opened) -> (ObjectKey, ExpiryMonth, RecordingId) {
    let (month, id) = ("2031-11".parse().unwrap(), RecordingId(Uuid::new_v4()));
    let key = ObjectKey::Recording { month, id, part: RecordingPart::Audio };
    opened.archive.store.put_new(&key, PutBody::bytes(b"sealed".to_vec())).await.unwrap();
    opened.clock.set(SystemClock::new().now().plus(2 * HOUR));
    (key, month, id)
}

async fn an_upload_that_begins_during_the_walk_is_left_alone(place: &Place) {
    let mut opened = opened(place).await;
    let (key, month, pending_id) = left_over(&opened).await;
    opened.archive.catalog.beat(opened.clock.now()).await.unwrap();
    let claim =
        CallClaim { mac: vec![7; 32], lease_token: "t".to_owned(), pending_id, pending_month: month.to_string() };
    let (catalog, its) = (opened.archive.catalog.clone(), claim.clone());
    let claims = move || {
        let (catalog, its) = (catalog.clone(), its.clone());
        let claimed = async move {
            let now = SystemClock::new().now();
            catalog.claim_call(&its, now.plus(24 * HOUR), now).await.expect("a claim");
        };
        claimed.boxed()
    };
    let inner = opened.archive.store.clone();
    Meddling::with(&mut opened.archive, Some(Box::new(claims)));
    let archive = Arc::get_mut(&mut opened.archive).expect("nobody else has it");
    let report = fsck::run(archive, REPAIR).await.unwrap();
    assert!(report.findings.is_empty(), "{report}");
    assert!(archive.store.head(&key).await.unwrap().is_some(), "the upload keeps its object");

    archive.catalog.release_call(&claim).await.unwrap();
    archive.store = inner;
    fsck::run(archive, REPAIR).await.unwrap();
    assert!(archive.store.head(&key).await.unwrap().is_none(), "without the upload it is left over");
}

async fn what_is_old_is_deleted_only_by_a_clock_that_is_not_in_doubt(place: &Place) {
    let opened = opened(place).await;
    let (key, _, id) = left_over(&opened).await;
    let catalog = &opened.archive.catalog;
    let now = opened.clock.now();
    let brake = Brake { id: Uuid::new_v4(), kind: BrakeKind::ClockJump, raised_at: now, detail: String::new() };
    for doubt in ["no heartbeat", "an old one", "a brake"] {
        match doubt {
            "an old one" => catalog.beat(now.minus(25 * HOUR)).await.unwrap(),
            "a brake" => {
                let mut tx = catalog.begin().await.unwrap();
                tx.beat(now).await.unwrap();
                assert!(tx.raise_brake(&brake).await.unwrap());
                tx.commit().await.unwrap();
            }
            _ => {}
        }
        let report = fsck::run(&opened.archive, REPAIR).await.unwrap();
        let told: Vec<_> = report.findings.iter().map(|f| (f.problem, f.action, f.what.clone())).collect();
        assert_eq!(told, [(Problem::UnfinishedUpload, Action::Reported, id.to_string())], "{doubt}");
        assert!(opened.archive.store.head(&key).await.unwrap().is_some(), "{doubt}");
    }
    let mut tx = catalog.begin().await.unwrap();
    assert!(tx.confirm_brake(brake.id, now, 0, now).await.unwrap());
    tx.commit().await.unwrap();
    assert!(fsck::run(&opened.archive, REPAIR).await.unwrap().is_sound());
    assert!(opened.archive.store.head(&key).await.unwrap().is_none());
}

async fn a_sidecar_keeps_the_receipt_and_the_newest_changes(place: &Place) {
    let opened = opened(place).await;
    let archive = &opened.archive;
    let id = opened.received("a").await.id;
    let row = archive.catalog.recording(id).await.unwrap().unwrap();
    let key = archive.data_key(&row).await.unwrap();
    let mut last = Uuid::nil();
    let mut tx = archive.catalog.begin().await.unwrap();
    for n in 0..1_005 {
        opened.clock.advance(Duration::from_millis(1));
        let about = About::Recording(id, &key);
        let (entry, _) = archive.entry(Kind::RELATED_STORED, about, &n, opened.clock.now()).await.unwrap();
        tx.append_entry(&entry).await.unwrap();
        last = entry.id;
    }
    tx.commit().await.unwrap();
    archive.refresh_sidecar(id).await.unwrap();
    let read = archive.read_sidecar(row.month, id).await.unwrap().unwrap();
    let entries = &read.body.entries;
    assert_eq!((entries.len(), entries[0].kind.as_str()), (1_000, "recording.received"));
    assert_eq!(entries[999].id, last);

    // What could not be read back is not written, and what is there stays.
    let mut body = read.body.clone();
    body.rule = "x".repeat(4 << 20);
    let refused = archive.write_sidecar(id, row.month, &key, &read.wraps, &body).await.unwrap_err();
    assert_eq!(refused.code(), "object-too-large");
    assert_eq!(archive.read_sidecar(row.month, id).await.unwrap().unwrap().body.entries[999].id, last);
}

async fn a_wider_bundle_serves_as_well(place: &Place) {
    let opened = opened(place).await;
    opened.received("a").await;
    opened.archive.publish_ledger().await.unwrap();
    let old = objects::bytes_of(opened.archive.store.as_ref(), &ObjectKey::Checkpoint).await;
    let size = opened.archive.catalog.ledger_state().await.unwrap().published_size;
    opened.received("bb").await;
    opened.archive.publish_ledger().await.unwrap();
    // As after a crash between the tiles and their checkpoint, with the narrower bundle lost.
    change(&opened, &ObjectKey::Checkpoint, |bytes| *bytes = old).await;
    let exact: ObjectKey = format!("ledger/tile/entries/000.p/{size}").parse().unwrap();
    opened.archive.store.delete(&exact).await.unwrap();
    let after = self::opened(&place.without_its_catalog().await).await;
    let report = fsck::run(&after.archive, REBUILD).await.unwrap();
    assert_eq!(report.ledger_entries, size);
}

#[tokio::test]
async fn a_recording_has_at_most_256_pieces_of_related_data() {
    use crate::support::archive::{Running, call};
    use crate::support::sounds::wav;
    use earwitness::access::Role;
    let place = Place::new(Stack::Embedded, Bucket::Versioned).await;
    let archive = Running::start(&place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let id = archive.post(&crm, &call("c-1"), &wav(8_000, 1)).await.id();
    let mut tx = archive.archive.catalog.begin().await.unwrap();
    for n in 0..255_u8 {
        let (name_mac, stored_at) = (vec![n; 32], archive.clock.now());
        let row = RelatedRow { name_mac, object_id: Uuid::new_v4(), stored_at, sealed: vec![0; 64] };
        tx.put_related(id, &row).await.unwrap();
    }
    tx.commit().await.unwrap();
    let put = |name: &'static str, text: &'static str| {
        let request = archive.request(&crm, reqwest::Method::PUT, &format!("/v1/recordings/{id}/related/{name}"));
        archive.send(request.header("content-type", "text/plain").body(text))
    };
    assert_eq!(put("last", "a").await.status, 201);
    let objects = archive.objects(Some(id)).await;
    assert_eq!(put("one-more", "a").await.told(), (409, "too-many-related".to_owned()));
    assert_eq!(archive.objects(Some(id)).await, objects, "nothing of it stays");
    assert_eq!(put("last", "b").await.status, 200, "one that is there may be replaced");
}

#[test]
fn the_command_says_that_it_is_not_sound() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut world = crate::support::world::World::new(Stack::Embedded).await;
        let manifest = world.folder.path().join("calls.jsonl");
        let mut lines = String::new();
        for (name, seed) in [("one", 1), ("two", 2)] {
            std::fs::write(world.folder.path().join(format!("{name}.wav")), tone(seed)).unwrap();
            let at = SystemClock::new().now().minus(HOUR);
            let file = format!("{name}.wav");
            let row =
                serde_json::json!({"file": file, "call_id": name, "account_id": "a", "recorded_at": at.to_string()});
            lines.push_str(&format!("{row}\n"));
        }
        std::fs::write(&manifest, lines).unwrap();
        world.run_json(&["ingest", "--manifest", &manifest.display().to_string(), "--json"]);
        let found = objects::listed(world.store().await, &Prefix::recordings()).await;
        let sidecar = found.into_iter().filter_map(|version| version.key).find(ObjectKey::is_sidecar).unwrap();
        objects::change(world.store().await, &sidecar, |bytes| *bytes = b"{}".to_vec()).await;
        world.catalog = world.empty_catalog().await;
        let done = world.run(&["fsck", "--rebuild", "--json"]);
        assert_eq!(done.status.code(), Some(3), "{}", String::from_utf8_lossy(&done.stderr));
        let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(report["brought_back"], 1, "{report}");
    });
}
