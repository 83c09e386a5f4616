//! What is left of a case when its own retention period is over: that it was, and nothing of what it said.

use earwitness::access::Role;
use earwitness::catalog::SecretState;
use earwitness::hold::case::{self, tombstone};
use earwitness::purge::pass;
use earwitness::purge::returned::destroy_returned;
use earwitness::vault::keys::KeyName;
use earwitness::vault::objects::{ObjectKey, Prefix};
use earwitness::{fsck, housekeeping};
use serde_json::json;
use uuid::Uuid;

use super::holding::{DUE, OVER};
use super::{call_at, exhaust, legal, move_to, open, patch, post, release_all};
use crate::on_both_stacks;
use crate::restore::keys::{copy, put_back};
use crate::support::archive::{Running, Someone};
use crate::support::objects::listed;
use crate::support::sounds::wav;
use crate::support::stack::{Place, Stack};

on_both_stacks!(
    in Versioned:
    a_closed_case_is_purged_when_its_period_is_over,
    a_case_waits_for_what_its_key_alone_opens,
    a_key_that_comes_back_is_destroyed_again,
    fsck_mends_cases_both_ways,
    holds_and_cases_past_their_review_date_are_counted,
);

/// Two days: the tests move the clock, and a day's jump puts the brakes on.
const SHORT: &[(&str, &str)] = &[("EARWITNESS_CASES_RETENTION", "P2D")];

async fn close(running: &Running, who: &Someone, case: Uuid) {
    let closed = post(running, who, &format!("/v1/cases/{case}/close"), &json!({"reason": "over"})).await;
    assert_eq!(closed.status, 200, "{:?}", closed.told());
}

async fn key_exists(running: &Running, case: Uuid) -> bool {
    running.archive.keyring.provider().exists(&KeyName::Case(case)).await.expect("an answer")
}

async fn a_closed_case_is_purged_when_its_period_is_over(place: &Place) {
    let running = Running::start_with(place, SHORT).await;
    let (an, bo) = (legal(&running, "An").await, legal(&running, "Bo").await);
    let crm = running.token(Role::Ingest, &[], None).await;
    let (ends, stays) = (open(&running, &an, "it ends").await, open(&running, &an, "it stays").await);
    let id = running.post(&crm, &call_at("held", "2026-11-22T09:00:00Z"), &wav(800, 1)).await.id();
    for case in [ends, stays] {
        let holds = format!("/v1/cases/{case}/holds");
        assert_eq!(post(&running, &an, &holds, &json!({"recordings": [id]})).await.json()["placed"], 1);
        assert_eq!(post(&running, &an, &holds, &json!({"account": "A-9"})).await.status, 200);
        post(&running, &an, &format!("/v1/cases/{case}/notes"), &json!({"text": "a note"})).await;
        let asked = json!({"purpose": "summons", "recipient": {"name": "Voorbeeld", "kind": "bailiff"}});
        assert_eq!(post(&running, &an, &format!("/v1/cases/{case}/evidence"), &asked).await.status, 200);
    }
    release_all(&running, ends, &an, &bo).await;
    close(&running, &an, ends).await;
    let archive = &running.archive;
    let told = running.get(&an, &format!("/v1/cases/{ends}")).await.json();
    assert_eq!(told["expires_at"], "2026-11-24T10:02:00Z", "on the calendar");

    move_to(&running, "2026-11-24T10:01:59Z").await;
    assert_eq!(pass(archive).await.expect("a pass").cases_purged, 0);
    move_to(&running, "2026-11-24T10:02:00Z").await;
    let report = pass(archive).await.expect("a pass");
    assert_eq!((report.cases_purged, report.failed), (1, 0), "{report:?}");
    assert_eq!(pass(archive).await.expect("a pass").cases_purged, 0);

    assert!(!key_exists(&running, ends).await && key_exists(&running, stays).await);
    let secret = archive.catalog.load_secret(&KeyName::Case(ends).to_string()).await.expect("an answer");
    assert_eq!(secret.map(|secret| (secret.state, secret.wrapped)), Some((SecretState::Destroyed, None)));
    assert_eq!(running.get(&an, &format!("/v1/cases/{ends}")).await.told(), (404, "not-found".into()));
    assert_eq!(running.get(&an, "/v1/cases").await.json()["cases"].as_array().map(Vec::len), Some(1));
    let catalog = &archive.catalog;
    assert!(catalog.case(ends).await.expect("an answer").is_none());
    assert!(catalog.case_notes(ends).await.expect("notes").is_empty());
    assert!(catalog.rules_of(ends).await.expect("rules").is_empty());
    assert!(catalog.open_releases_of(ends).await.expect("releases").is_empty());
    assert!(catalog.done_releases_of(ends, 10).await.expect("releases").is_empty());
    assert!(catalog.entries_under(&KeyName::Case(ends).to_string(), "none", 10).await.expect("entries").is_empty());
    let mut kept: Vec<_> = listed(archive.store.as_ref(), &Prefix::cases()).await.into_iter().map(|v| v.path).collect();
    kept.sort();
    let mut expected = [format!("cases/{stays}"), format!("cases/{ends}.purged")];
    expected.sort();
    assert_eq!(kept, expected, "that it was purged");
    assert_eq!(running.count_entries("case.purged").await, 1, "and the ledger says so");
    let register = running.get(&an, "/v1/disclosures").await.json();
    let of: Vec<_> = register["disclosures"].as_array().expect("a list").iter().map(|row| &row["case_id"]).collect();
    assert_eq!(of, [&json!(stays)], "the register goes with its case");
    let copies = listed(archive.store.as_ref(), &Prefix::disclosures()).await;
    assert!(copies.len() == 1 && copies[0].path.starts_with(&format!("disclosures/{stays}/")), "{copies:?}");
    // What happened to the recording is the recording's, and its other case holds it.
    let kinds: Vec<String> = running.custody(id).await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "hold.placed").count(), 2, "{kinds:?}");
    assert_eq!(catalog.holds_of(id).await.expect("holds").len(), 1);
    assert!(fsck::run(archive, fsck::Options::default()).await.expect("a look").is_sound());
    assert!(housekeeping::pass(archive, true).await.failed.is_empty());

    // A case of the same id cannot be opened again under a key that is gone.
    let mut new = super::new_case("again");
    new["id"] = json!(ends);
    new["review_at"] = json!("2027-06-01T00:00:00Z");
    assert_eq!(post(&running, &an, "/v1/cases", &new).await.status, 410);
    archive.publish_ledger().await.expect("published");
    let rebuilt = place.without_its_catalog().await.open(running.clock.clone(), SHORT).await;
    let options = fsck::Options { rebuild: true, ..fsck::Options::default() };
    let report = fsck::run(&rebuilt, options).await.expect("rebuilt");
    assert!(report.is_sound(), "{report}");
    assert!(rebuilt.catalog.case(ends).await.expect("an answer").is_none());
    assert!(case::look_up(&rebuilt, stays).await.is_ok());
}

async fn a_case_waits_for_what_its_key_alone_opens(place: &Place) {
    let running = Running::start_with(place, SHORT).await;
    let (an, bo) = (legal(&running, "An").await, legal(&running, "Bo").await);
    let crm = running.token(Role::Ingest, &[], None).await;
    let case = open(&running, &an, "2026/12").await;
    let id = running.post(&crm, &call_at("held", DUE), &wav(800, 1)).await.id();
    post(&running, &an, &format!("/v1/cases/{case}/holds"), &json!({"recordings": [id]})).await;
    move_to(&running, OVER).await;
    exhaust(&running.archive).await;
    release_all(&running, case, &an, &bo).await;
    close(&running, &an, case).await;
    let row = running.archive.catalog.recording(id).await.expect("an answer").expect("not purged yet");
    running.archive.open_recording(&row).await.expect("its case's wrap is the last there is");
    move_to(&running, "2026-11-25T00:00:00Z").await;
    let mut tx = running.archive.catalog.begin().await.expect("a transaction");
    assert!(!tx.fence_case(case, row.expires_at).await.expect("an answer"), "a recording still needs its key");
    drop(tx);
    // One pass takes the recording first, then the case.
    let report = pass(&running.archive).await.expect("a pass");
    assert_eq!((report.fenced, report.certified, report.cases_purged), (1, 1, 1), "{report:?}");
}

async fn a_key_that_comes_back_is_destroyed_again(place: &Place) {
    let running = Running::start_with(place, SHORT).await;
    let an = legal(&running, "An").await;
    let case = open(&running, &an, "2026/12").await;
    close(&running, &an, case).await;
    if place.stack == Stack::Embedded {
        copy(&place.folder().join("data/keys"), &place.folder().join("saved"));
    }
    move_to(&running, "2026-11-25T00:00:00Z").await;
    assert_eq!(pass(&running.archive).await.expect("a pass").cases_purged, 1);
    put_back(&running.archive, place, &KeyName::Case(case)).await;
    assert_eq!(destroy_returned(&running.archive).await.expect("an answer"), 1);
    assert!(!key_exists(&running, case).await);
    assert_eq!(running.count_entries("case.key_returned").await, 1);
    assert!(tombstone::read(&running.archive, case).await.is_ok());
}

async fn fsck_mends_cases_both_ways(place: &Place) {
    let running = Running::start(place).await;
    let an = legal(&running, "An").await;
    let (one, other) = (open(&running, &an, "one").await, open(&running, &an, "other").await);
    let archive = &running.archive;
    archive.store.delete(&ObjectKey::Case(one)).await.expect("somebody deletes its copy");
    let look = fsck::run(archive, fsck::Options::default()).await.expect("a look");
    assert!(!look.is_sound() && look.findings.len() == 1, "{look}");
    let repair = fsck::Options { repair: true, ..fsck::Options::default() };
    assert!(fsck::run(archive, repair).await.expect("a look").is_sound());
    assert!(archive.store.head(&ObjectKey::Case(one)).await.expect("an answer").is_some());

    let mut tx = archive.catalog.begin().await.expect("a transaction");
    tx.delete_case(other).await.expect("a row is lost");
    tx.commit().await.expect("committed");
    let look = fsck::run(archive, fsck::Options::default()).await.expect("a look");
    assert!(!look.is_sound() && look.findings.len() == 1, "{look}");
    assert!(fsck::run(archive, repair).await.expect("a look").is_sound());
    assert_eq!(case::look_up(archive, other).await.expect("it is back").reference, "other");
    assert!(fsck::run(archive, fsck::Options::default()).await.expect("a look").findings.is_empty());
}

async fn holds_and_cases_past_their_review_date_are_counted(place: &Place) {
    let running = Running::start(place).await;
    let (an, auditor) = (legal(&running, "An").await, running.token(Role::Auditor, &[], None).await);
    let crm = running.token(Role::Ingest, &[], None).await;
    let (holding, empty) = (open(&running, &an, "holding").await, open(&running, &an, "empty").await);
    let id = running.post(&crm, &call_at("held", "2026-11-22T09:00:00Z"), &wav(800, 1)).await.id();
    post(&running, &an, &format!("/v1/cases/{holding}/holds"), &json!({"recordings": [id]})).await;
    post(&running, &an, &format!("/v1/cases/{holding}/release"), &json!({"all": true, "reason": "x"})).await;
    let counted = async || {
        let totals = running.get(&auditor, "/v1/retention/report").await.json()["totals"].clone();
        ["cases_open", "cases_overdue", "holds_overdue", "releases_waiting"].map(|name| totals[name].as_u64())
    };
    assert_eq!(counted().await, [Some(2), Some(0), Some(0), Some(1)]);
    running.clock.set(crate::support::archive::at("2027-02-01T09:00:00Z"));
    assert_eq!(counted().await, [Some(2), Some(2), Some(1), Some(1)]);
    let later = json!({"review_at": "2027-06-01T09:00:00Z"});
    assert_eq!(patch(&running, &an, &format!("/v1/cases/{holding}"), &later).await.status, 200);
    assert_eq!(counted().await, [Some(2), Some(1), Some(0), Some(1)]);
    close(&running, &an, empty).await;
    assert_eq!(counted().await, [Some(1), Some(0), Some(0), Some(1)]);
}
