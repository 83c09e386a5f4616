//! What is left of an account when its time is over: that it was, a certificate, and nothing of what was said of it.

use earwitness::access::Role;
use earwitness::account::{self, AccountError};
use earwitness::archive::Archive;
use earwitness::catalog::SecretState;
use earwitness::fsck;
use earwitness::ledger::verify::{Subject, verify};
use earwitness::purge::pass;
use earwitness::purge::returned::destroy_returned;
use earwitness::vault::keys::KeyName;
use earwitness::vault::objects::Prefix;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{agency, call_with, crm, found, get, post, put, recorded};
use crate::cases::{legal, new_case, release_all};
use crate::on_both_stacks;
use crate::restore::keys::{copy, put_back};
use crate::support::archive::{Running, Someone, at};
use crate::support::objects::listed;
use crate::support::sounds::wav;
use crate::support::stack::{Place, Stack};

on_both_stacks!(
    in Versioned:
    an_accounts_data_end_ten_years_after_the_relation,
    what_is_held_keeps_the_bare_row_and_no_more,
    an_erased_account_does_not_come_back,
    a_row_of_which_nothing_was_said_goes_with_its_last_recording,
    what_was_merged_into_it_ends_with_it,
    a_key_that_comes_back_is_destroyed_again,
    fsck_mends_accounts_both_ways,
    too_many_at_once_stop_the_purge,
);

/// Ten years before a second of the tests' first day.
const ENDED: &str = "2016-11-22T12:00:00Z";
const OVER: &str = "2026-11-22T12:00:00Z";

async fn end(running: &Running, crm: &Someone, id: &str, ended_at: &str) {
    let ended = post(running, crm, id, "end-relation", &json!({"ended_at": ended_at})).await;
    assert_eq!(ended.status, 200, "{:?}", ended.told());
}

async fn uuid_of(archive: &Archive, id: &str) -> Uuid {
    archive.catalog.account(id).await.expect("an answer").expect("a row").uuid
}

async fn key_exists(archive: &Archive, uuid: Uuid) -> bool {
    archive.keyring.provider().exists(&KeyName::Account(uuid)).await.expect("an answer")
}

/// The names of what the store keeps of accounts.
async fn kept(archive: &Archive) -> Vec<String> {
    let mut kept: Vec<_> =
        listed(archive.store.as_ref(), &Prefix::accounts()).await.into_iter().map(|v| v.path).collect();
    kept.sort();
    kept
}

async fn rebuilt(place: &Place, running: &Running) -> std::sync::Arc<Archive> {
    running.archive.publish_ledger().await.expect("published");
    let rebuilt = place.without_its_catalog().await.open(running.clock.clone(), &[]).await;
    let report =
        fsck::run(&rebuilt, fsck::Options { rebuild: true, ..fsck::Options::default() }).await.expect("rebuilt");
    assert!(report.is_sound(), "{report}");
    rebuilt
}

async fn an_accounts_data_end_ten_years_after_the_relation(place: &Place) {
    let running = Running::start(place).await;
    let (crm, auditor) = (crm(&running).await, running.token(Role::Auditor, &[], None).await);
    let legal = running.token(Role::Legal, &[], None).await;
    put(&running, &crm, "A-1", &agency("Immo Voorbeeld")).await;
    put(&running, &crm, "A-2", &agency("Immo Anders")).await;
    post(&running, &crm, "A-1", "persons/p-3/left", &json!({})).await;
    end(&running, &crm, "A-1", ENDED).await;
    let archive = &running.archive;
    let (uuid, stays) = (uuid_of(archive, "A-1").await, uuid_of(archive, "A-2").await);
    let certificate = format!("/v1/retention/certificates/{uuid}");
    let none = running.get(&auditor, &certificate).await;
    assert_eq!(none.status, 404);
    assert!(none.json()["detail"].as_str().expect("a detail").contains("not reached"));

    running.clock.set(at("2026-11-22T11:59:59Z"));
    assert_eq!(pass(archive).await.expect("a pass").accounts_purged, 0);
    assert_eq!(get(&running, &legal, "A-1").await.status, 200, "not early");
    running.clock.set(at(OVER));
    assert_eq!(get(&running, &legal, "A-1").await.told(), (410, "expired".into()), "not late");
    assert_eq!(put(&running, &crm, "A-1", &agency("late")).await.told(), (410, "expired".into()));
    assert_eq!(post(&running, &crm, "A-1", "reopen", &json!({})).await.told(), (410, "expired".into()));
    assert_eq!(running.get(&legal, "/v1/accounts").await.json()["accounts"].as_array().map(Vec::len), Some(1));
    let report = pass(archive).await.expect("a pass");
    assert_eq!((report.accounts_purged, report.failed), (1, 0), "{report:?}");
    assert_eq!(pass(archive).await.expect("a pass").accounts_purged, 0);

    let document = running.get(&auditor, &certificate).await;
    assert_eq!(document.status, 200, "{:?}", document.told());
    let checked = verify(&document.body, None);
    assert!(checked.ok() && checked.subject == Subject::AccountCertificate, "{checked}");
    let facts = document.json();
    assert_eq!((&facts["type"], &facts["ground"]), (&json!("earwitness-account-certificate-v1"), &json!("deadline")));
    assert_eq!((&facts["account"], &facts["expires_at"]), (&json!(uuid), &json!(OVER)));
    assert_eq!(facts["rule"], "account/1 P10Y Europe/Brussels instant");
    assert_eq!((&facts["deleted"]["rows"]["account_persons"], &facts["deleted"]["objects"]), (&json!(2), &json!(1)));
    for word in ["A-1", "Voorbeeld", "Zonderland", "p-7", "voorbeeld.example"] {
        assert!(!String::from_utf8_lossy(&document.body).contains(word), "{word}");
    }
    let mut lying = facts.clone();
    lying["fenced_at"] = json!("2026-11-22T12:00:01Z");
    assert!(!verify(lying.to_string().as_bytes(), None).ok());

    assert!(!key_exists(archive, uuid).await && key_exists(archive, stays).await);
    let secret = archive.catalog.load_secret(&KeyName::Account(uuid).to_string()).await.expect("an answer");
    assert_eq!(secret.map(|secret| (secret.state, secret.wrapped)), Some((SecretState::Destroyed, None)));
    assert_eq!(get(&running, &legal, "A-1").await.status, 404);
    assert!(archive.catalog.account("A-1").await.expect("an answer").is_none(), "nothing refers to the row");
    assert!(archive.catalog.persons_of("A-1").await.expect("persons").is_empty());
    assert!(
        archive
            .catalog
            .entries_under(&KeyName::Account(uuid).to_string(), "none", 9)
            .await
            .expect("entries")
            .is_empty()
    );
    let mut expected =
        [format!("accounts/{stays}"), format!("accounts/{uuid}.purged"), format!("accounts/{uuid}.certificate.json")];
    expected.sort();
    assert_eq!(kept(archive).await, expected);
    assert!(fsck::run(archive, fsck::Options::default()).await.expect("a look").findings.is_empty());

    let lost = rebuilt(place, &running).await;
    assert!(lost.catalog.account("A-1").await.expect("an answer").is_none());
    assert!(account::open(&lost, "A-2").await.expect("an answer").is_some());
    assert_eq!(lost.catalog.account_certificate(uuid).await.expect("an answer").as_deref(), Some(&document.body[..]));
    // A customer who comes back after that is a new account.
    assert_eq!(put(&running, &crm, "A-1", &agency("Immo Opnieuw")).await.status, 201);
    assert_ne!(uuid_of(archive, "A-1").await, uuid);
}

async fn what_is_held_keeps_the_bare_row_and_no_more(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an, bo) = (crm(&running).await, legal(&running, "An").await, legal(&running, "Bo").await);
    let portal = running.token(Role::Portal, &["A-1"], None).await;
    put(&running, &crm, "A-1", &agency("Immo Voorbeeld")).await;
    let mut due = call_with("held", "A-1", &json!({"id": "p-7"}));
    due["recorded_at"] = json!("2021-11-22T11:00:00Z");
    let id = running.post(&crm, &due, &wav(800, 1)).await.id();
    let opened = crate::cases::post(&running, &an, "/v1/cases", &new_case("2026/1")).await.json();
    let case: Uuid = opened["id"].as_str().expect("an id").parse().expect("an id");
    crate::cases::post(&running, &an, &format!("/v1/cases/{case}/holds"), &json!({"recordings": [id]})).await;
    end(&running, &crm, "A-1", ENDED).await;
    let uuid = uuid_of(&running.archive, "A-1").await;
    running.clock.set(at(OVER));
    assert_eq!(
        pass(&running.archive).await.expect("a pass").accounts_purged,
        1,
        "a hold keeps recordings, not accounts"
    );
    let bare = running.archive.catalog.account("A-1").await.expect("an answer").expect("the recording refers to it");
    assert_ne!(bare.uuid, uuid);
    assert_eq!((&bare.sealed, bare.kind, bare.language, bare.revision, bare.expires_at), (&None, None, None, 0, None));
    assert_eq!(running.read(&an, id, "").await.json()["account_id"], "A-1");
    assert_eq!(found(&running, &portal, &json!({})).await, 0);
    recorded(&running, &crm, "late", "A-1", &json!({"id": "p-7"})).await;
    assert_eq!(found(&running, &portal, &json!({})).await, 0, "what comes late does not open it again");
    let rebuilt = rebuilt(place, &running).await;
    let row = rebuilt.catalog.account("A-1").await.expect("an answer").expect("a row");
    assert_eq!((row.revision, row.sealed), (0, None), "a rebuilt catalog has no more either");
    release_all(&running, case, &an, &bo).await;
    let report = pass(&running.archive).await.expect("a pass");
    assert_eq!((report.certified, report.failed), (1, 0), "{report:?}");
    assert!(running.archive.catalog.account("A-1").await.expect("an answer").is_some(), "the late one refers to it");
}

async fn an_erased_account_does_not_come_back(place: &Place) {
    let running = Running::start(place).await;
    let (crm, auditor) = (crm(&running).await, running.token(Role::Auditor, &[], None).await);
    put(&running, &crm, "A-1", &agency("Immo Voorbeeld")).await;
    let id = recorded(&running, &crm, "c-1", "A-1", &json!({"id": "p-7"})).await;
    let (archive, request) = (&running.archive, Uuid::new_v4());
    let uuid = uuid_of(archive, "A-1").await;
    assert!(matches!(account::erase(archive, "A-9", request).await, Err(AccountError::NotFound)));
    account::erase(archive, "A-1", request).await.expect("erased");
    assert!(matches!(account::erase(archive, "A-1", request).await, Err(AccountError::Gone)));
    assert_eq!(get(&running, &auditor, "A-1").await.status, 410);
    assert_eq!(put(&running, &crm, "A-1", &agency("late")).await.status, 410);
    let report = pass(archive).await.expect("a pass");
    assert_eq!((report.accounts_purged, report.failed), (1, 0), "{report:?}");
    let document = running.get(&auditor, &format!("/v1/retention/certificates/{uuid}")).await;
    assert!(verify(&document.body, None).ok());
    assert_eq!((&document.json()["ground"], &document.json()["expires_at"]), (&json!("erasure"), &Value::Null));
    for _ in 0..2 {
        assert_eq!(put(&running, &crm, "A-1", &agency("late")).await.told(), (410, "erased".into()));
        assert_eq!(post(&running, &crm, "A-1", "close", &json!({})).await.told(), (410, "erased".into()));
        assert_eq!(post(&running, &crm, "A-9", "merge", &json!({"into": "A-1"})).await.told(), (410, "erased".into()));
        assert_eq!(
            recorded(&running, &crm, "c-2", "A-1", &json!({"id": "p-7"})).await,
            recorded(&running, &crm, "c-2", "A-1", &json!({"id": "p-7"})).await,
            "calls are still taken in"
        );
    }
    assert_eq!(
        running.read(&running.token(Role::Legal, &[], None).await, id, "").await.status,
        200,
        "recordings keep their own period"
    );
    let lost = rebuilt(place, &running).await;
    let actor = earwitness::receive::bulk::shell_actor("a test");
    let update = serde_json::from_value(agency("late")).expect("an update");
    assert!(
        matches!(account::put(&lost, "A-1", &update, &actor).await, Err(AccountError::Erased)),
        "nor by a lost catalog"
    );
    // After one more period it is forgotten that there was such an account.
    running.clock.set(at("2036-11-23T00:00:00Z"));
    archive.catalog.beat(at("2036-11-23T00:00:00Z")).await.expect("a heartbeat");
    for _ in 0..3 {
        pass(archive).await.expect("a pass");
    }
    assert!(archive.catalog.erased_mark(uuid).await.expect("an answer").is_none());
    assert_eq!(put(&running, &crm, "A-1", &agency("new")).await.status, 201);
}

async fn a_row_of_which_nothing_was_said_goes_with_its_last_recording(place: &Place) {
    let running = Running::start(place).await;
    let crm = crm(&running).await;
    let mut due = call_with("due", "A-1", &json!({"id": "p-7"}));
    due["recorded_at"] = json!("2021-11-24T09:00:00Z");
    running.post(&crm, &due, &wav(800, 1)).await.id();
    put(&running, &crm, "A-2", &agency("Immo Voorbeeld")).await;
    let mut tx = running.archive.catalog.begin().await.expect("a transaction");
    tx.ensure_account("A-3", at("2026-11-22T10:02:00Z")).await.expect("a row");
    tx.commit().await.expect("committed");
    let there = async || {
        let mut there = Vec::new();
        for id in ["A-1", "A-2", "A-3"] {
            there.push(running.archive.catalog.account(id).await.expect("an answer").is_some());
        }
        there
    };
    pass(&running.archive).await.expect("a pass");
    assert_eq!(there().await, [true, true, true], "an upload may be on its way");
    running.clock.set(at("2026-11-24T09:00:00Z"));
    running.archive.catalog.beat(at("2026-11-24T09:00:00Z")).await.expect("a heartbeat");
    pass(&running.archive).await.expect("a pass");
    assert_eq!(there().await, [false, true, false]);
}

async fn what_was_merged_into_it_ends_with_it(place: &Place) {
    let running = Running::start(place).await;
    let crm = crm(&running).await;
    put(&running, &crm, "A", &agency("Immo Voorbeeld")).await;
    put(&running, &crm, "B", &agency("Immo Anders")).await;
    recorded(&running, &crm, "c-1", "A", &json!({"id": "p-7"})).await;
    put(&running, &crm, "D", &agency("Immo Derde")).await;
    for account in ["A", "D"] {
        assert_eq!(post(&running, &crm, account, "merge", &json!({"into": "B"})).await.status, 200);
    }
    end(&running, &crm, "B", ENDED).await;
    running.clock.set(at(OVER));
    assert_eq!(pass(&running.archive).await.expect("a pass").accounts_purged, 1);
    let row = async |id: &str| running.archive.catalog.account(id).await.expect("an answer");
    let a = row("A").await.expect("a recording refers to it");
    assert_eq!(
        (a.merged_into, a.sealed, a.closed_at),
        (None, None, Some(at(OVER))),
        "and the portal does not reach it"
    );
    assert!(row("B").await.is_none());
    let later = at("2026-11-23T12:00:01Z");
    running.clock.set(later);
    running.archive.catalog.beat(later).await.expect("a heartbeat");
    pass(&running.archive).await.expect("a pass");
    assert!(row("D").await.is_none() && row("A").await.is_some());
}

async fn a_key_that_comes_back_is_destroyed_again(place: &Place) {
    let running = Running::start(place).await;
    let crm = crm(&running).await;
    put(&running, &crm, "A-1", &agency("Immo Voorbeeld")).await;
    end(&running, &crm, "A-1", ENDED).await;
    let uuid = uuid_of(&running.archive, "A-1").await;
    if place.stack == Stack::Embedded {
        copy(&place.folder().join("data/keys"), &place.folder().join("saved"));
    }
    running.clock.set(at(OVER));
    assert_eq!(pass(&running.archive).await.expect("a pass").accounts_purged, 1);
    put_back(&running.archive, place, &KeyName::Account(uuid)).await;
    assert_eq!(destroy_returned(&running.archive).await.expect("an answer"), 1);
    assert!(!key_exists(&running.archive, uuid).await);
    assert_eq!(running.count_entries("account.key_returned").await, 1);
    assert_eq!(account::end::read(&running.archive, uuid).await.expect("a word").at, at(OVER));
}

async fn fsck_mends_accounts_both_ways(place: &Place) {
    let running = Running::start(place).await;
    let crm = crm(&running).await;
    put(&running, &crm, "A-1", &agency("one")).await;
    put(&running, &crm, "A-2", &agency("other")).await;
    let archive = &running.archive;
    let one = earwitness::vault::objects::ObjectKey::Account(uuid_of(archive, "A-1").await);
    archive.store.delete(&one).await.expect("somebody deletes its copy");
    let look = fsck::run(archive, fsck::Options::default()).await.expect("a look");
    assert!(!look.is_sound() && look.findings.len() == 1, "{look}");
    let repair = fsck::Options { repair: true, ..fsck::Options::default() };
    assert!(fsck::run(archive, repair).await.expect("a look").is_sound());
    assert!(archive.store.head(&one).await.expect("an answer").is_some());

    let lost = place.without_its_catalog().await.open(running.clock.clone(), &[]).await;
    running.archive.publish_ledger().await.expect("published");
    let look = fsck::run(&lost, repair).await.expect("a look");
    assert!(look.is_sound() && look.findings.len() == 2, "rows that are missing: {look}");
    let opened = account::open(&lost, "A-2").await.expect("an answer").expect("it is back");
    assert_eq!(opened.details.expect("details").name.as_deref(), Some("other"));
    assert!(fsck::run(&lost, fsck::Options::default()).await.expect("a look").findings.is_empty());
}

async fn too_many_at_once_stop_the_purge(place: &Place) {
    let running = Running::start(place).await;
    let mut tx = running.archive.catalog.begin().await.expect("a transaction");
    let times =
        earwitness::catalog::AccountTimes { expires_at: Some(at("2026-11-22T10:00:00Z")), ..Default::default() };
    for n in 0..1_001 {
        let id = format!("A-{n}");
        tx.ensure_account(&id, at("2026-11-22T09:00:00Z")).await.expect("a row");
        assert!(tx.set_account_times(&id, 0, &times).await.expect("an answer"));
    }
    tx.commit().await.expect("committed");
    let report = pass(&running.archive).await.expect("a pass");
    assert_eq!((report.ran, report.stopped_by), (false, vec!["too-much-due".to_owned()]));
    assert_eq!(running.archive.catalog.count_accounts_due(at(OVER)).await.expect("a count"), 1_001);
}
