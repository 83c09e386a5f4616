//! What happens at the same instant: hold and purge, release and release, rule and upload. Whoever is told something can
//! rely on it.

use std::sync::Arc;
use std::time::Duration;

use earwitness::access::{Actor, Role};
use earwitness::archive::Archive;
use earwitness::archive::row::{lookups_of, seal_row};
use earwitness::catalog::{HoldOutcome, HoldRow, NewRecording, Wrap};
use earwitness::clock::{Clock as _, Timestamp};
use earwitness::hold::{self, HoldError, NewHold, catch_arrivals};
use earwitness::purge::pass;
use earwitness::recording::RecordingId;
use earwitness::vault::keys::KeyName;
use earwitness::vault::secrets::DataKey;
use futures::future::join_all;
use serde_json::json;
use tokio::sync::{Barrier, Notify};
use uuid::Uuid;

use super::{call_at, legal, open, post};
use crate::on_both_stacks;
use crate::support::archive::{Running, at};
use crate::support::sounds::wav;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    a_hold_against_the_purge_a_thousand_times,
    a_rule_against_uploads,
    releases_against_each_other,
);

/// Recordings of one wave: they are due at the same instant.
pub(crate) const WAVE: usize = 50;
const WAVES: usize = 20;
/// Nothing of what is raced for is due before this.
const BEGIN: &str = "2026-11-22T11:00:00Z";

fn actor() -> Actor {
    Actor { id: Uuid::new_v4(), name: "An".to_owned(), role: Role::Legal, address: [127, 0, 0, 1].into() }
}

/// The time at which the recordings of a wave are due.
fn due(wave: usize) -> Timestamp {
    at(BEGIN).plus(Duration::from_secs(60 * wave as u64))
}

/// Recordings that are due then: rows with keys of their own, like the first one's. What races for them does not listen.
pub(crate) async fn a_wave(archive: &Archive, first: RecordingId, wave: usize) -> Vec<RecordingId> {
    let row = archive.catalog.recording(first).await.expect("an answer").expect("a row");
    let (_, sealed) = archive.open_recording(&row).await.expect("it opens");
    let month = KeyName::Month(row.month);
    let secret = archive.keyring.secret(&month).await.expect("a month");
    let who = archive.person_macs(&sealed.metadata).await.expect("keyed hashes");
    let mut ids = Vec::with_capacity(WAVE);
    let mut tx = archive.catalog.begin().await.expect("a transaction");
    for _ in 0..WAVE {
        let (id, key) = (RecordingId::new(archive.clock.now()), DataKey::generate().expect("random numbers"));
        let wrapped = secret.wrap_data_key(id, &key).expect("a wrap");
        let new = NewRecording {
            id,
            account_id: row.account_id.clone(),
            product: None,
            language: None,
            recorded_at: row.recorded_at,
            received_at: archive.clock.now(),
            expires_at: due(wave),
            month: row.month,
            rule: row.rule.clone(),
            status: row.status,
            byte_len: row.byte_len,
            duration_ms: row.duration_ms,
            ingested_by: row.ingested_by.clone(),
            revision: 1,
            sealed: seal_row(id, &key, &sealed).expect("sealed"),
            sealed_receipt: Vec::new(),
            wraps: vec![Wrap { holder: month.to_string(), wrapped }],
            lookups: lookups_of(&secret, &sealed.metadata, &who),
        };
        tx.insert_recording(&new).await.expect("a row");
        ids.push(id);
    }
    tx.commit().await.expect("committed");
    ids
}

/// Whether each was acknowledged. The first that is, is told of.
pub(crate) async fn hold_all_and_tell(
    archive: &Arc<Archive>,
    case: Uuid,
    ids: &[RecordingId],
    start: &Arc<Barrier>,
    first: &Arc<Notify>,
) -> Vec<bool> {
    let holds = ids.iter().map(|id| {
        let (archive, start, first, recording_id) = (archive.clone(), start.clone(), first.clone(), *id);
        tokio::spawn(async move {
            let hold = NewHold { id: Uuid::new_v4(), case_id: case, recording_id, rule: None };
            start.wait().await;
            match hold::place(&archive, &hold, &actor()).await {
                Ok(_) => {
                    first.notify_one();
                    true
                }
                Err(HoldError::TooLate | HoldError::NotFound) => false,
                Err(error) => panic!("{error}"),
            }
        })
    });
    join_all(holds).await.into_iter().map(|held| held.expect("no panic")).collect()
}

async fn a_hold_against_the_purge_a_thousand_times(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let case = open(&running, &an, "2026/12").await;
    let archive = &running.archive;
    let first = running.post(&crm, &call_at("first", "2021-11-23T11:00:00Z"), &wav(800, 1)).await.id();
    let mut counts = [0, 0];
    for wave in 0..WAVES {
        let ids = a_wave(archive, first, wave).await;
        // The clock stands a moment before the deadline; whoever moves it starts at the same instant as the holds.
        running.clock.set(due(wave).minus(Duration::from_micros(1)));
        archive.catalog.beat(running.clock.now()).await.expect("a heartbeat");
        let (start, first) = (Arc::new(Barrier::new(WAVE + 1)), Arc::new(Notify::new()));
        let purge = {
            let (archive, clock, start, first) = (archive.clone(), running.clock.clone(), start.clone(), first.clone());
            tokio::spawn(async move {
                start.wait().await;
                // Later in each wave, so that sometimes the holds are ahead, and sometimes the purge; and at the end behind
                // the first hold, however busy the machine is.
                if wave + 4 < WAVES {
                    tokio::time::sleep(Duration::from_millis(wave as u64 * 3)).await;
                } else {
                    first.notified().await;
                }
                clock.set(due(wave));
                pass(&archive).await.expect("a pass")
            })
        };
        let held = hold_all_and_tell(archive, case, &ids, &start, &first).await;
        purge.await.expect("no panic");
        for (id, held) in ids.iter().zip(&held) {
            let (purged, holds) = (
                archive.catalog.purge_of(*id).await.expect("an answer"),
                archive.catalog.holds_of(*id).await.expect("holds"),
            );
            assert_eq!(purged.is_none(), *held, "{id}: never purged after a hold was acknowledged");
            assert_eq!(holds.len(), usize::from(*held), "{id}: never held after it was told that it came too late");
            counts[usize::from(*held)] += 1;
        }
    }
    assert_eq!(counts.iter().sum::<usize>(), WAVE * WAVES);
    assert!(counts.iter().all(|count| *count > 0), "each is ahead sometimes: {counts:?}");
}

async fn a_rule_against_uploads(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let mut late = 0;
    for round in 0..10 {
        let case = open(&running, &an, &format!("case {round}")).await;
        let account = format!("A-{round}");
        let uploads = join_all((0..4).map(|n| {
            let mut metadata = call_at(&format!("{round}-{n}"), "2026-11-22T09:00:00Z");
            metadata["account_id"] = json!(account);
            let (running, crm) = (&running, &crm);
            async move { running.post(crm, &metadata, &wav(800, n)).await }
        }));
        let rule = json!({"account": account});
        let path = format!("/v1/cases/{case}/holds");
        let (uploads, placed) = tokio::join!(uploads, async {
            tokio::time::sleep(Duration::from_millis(round * 4)).await;
            post(&running, &an, &path, &rule).await
        });
        assert_eq!(placed.status, 200, "{:?}", placed.told());
        // Whatever was acknowledged on either side: nothing of the account can be fenced any more.
        for upload in &uploads {
            assert_eq!(upload.status, 201);
            let mut tx = running.archive.catalog.begin().await.expect("a transaction");
            let fenced = tx.fence(upload.id(), at("2032-01-01T00:00:00Z")).await;
            assert!(fenced.is_err(), "round {round}: it is held, or the rule covers it");
        }
        late += catch_arrivals(&running.archive).await.expect("an answer");
        for upload in &uploads {
            let holds = running.archive.catalog.holds_of(upload.id()).await.expect("holds");
            assert_eq!(holds.len(), 1, "round {round}: once");
        }
    }
    assert!(late > 0, "some arrive after the rule was placed");
}

async fn releases_against_each_other(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let case = open(&running, &an, "2026/12").await;
    let id = running.post(&crm, &call_at("one", "2026-11-22T09:00:00Z"), &wav(800, 1)).await.id();
    let archive = &running.archive;
    for round in 0..20 {
        let hold = NewHold { id: Uuid::new_v4(), case_id: case, recording_id: id, rule: None };
        hold::place(archive, &hold, &actor()).await.expect("it is held");
        let who = actor();
        let (one, other) = tokio::join!(
            hold::release(archive, id, hold.id, None, &who),
            hold::release(archive, id, hold.id, None, &who)
        );
        let ended = [one, other].into_iter().filter(Result::is_ok).count();
        assert_eq!(ended, 1, "round {round}: it ends once");
    }
    // A case that is closed while somebody holds for it: one of the two is refused.
    for round in 0..20 {
        let case = open(&running, &an, &format!("case {round}")).await;
        let hold = HoldRow::direct(Uuid::new_v4(), case, id, running.clock.now());
        let placing = async {
            let mut tx = archive.catalog.begin().await.expect("a transaction");
            let outcome = tx.place_hold(&hold).await.expect("an answer");
            tx.commit().await.expect("committed");
            outcome
        };
        let who = actor();
        let (outcome, closed) = tokio::join!(placing, hold::case::close(archive, case, "over", &who));
        match (outcome, closed) {
            (HoldOutcome::Placed, Err(HoldError::StillHolds)) | (HoldOutcome::NoCase, Ok(_)) => {}
            other => panic!("round {round}: {other:?}"),
        }
    }
}
