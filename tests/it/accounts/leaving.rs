//! A person leaves: who it was is gone from the account, and nobody finds recordings by the person any more. What comes late
//! does not bring the person back: a word of the product, an upload, a rebuilt catalog.

use earwitness::access::Role;
use earwitness::archive::row::fold_name;
use earwitness::catalog::{Filter, Page, ScopeFilter};
use earwitness::recording::{RecordingId, Status};
use earwitness::vault::keys::KeyName;
use earwitness::vault::objects::ObjectKey;
use earwitness::vault::secrets::LookupField;
use earwitness::{account, fsck, housekeeping};
use serde_json::{Value, json};

use super::{agency, crm, found, get, post, put, recorded};
use crate::cases::{legal, new_case};
use crate::on_both_stacks;
use crate::support::archive::{Running, Someone};
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    who_left_is_found_by_nobody,
    a_person_may_leave_before_anybody_named_them,
    a_name_that_somebody_else_has_stays_findable,
    a_hold_finds_nobody_again_either,
    a_walk_that_was_broken_off_is_carried_on,
    a_rebuilt_catalog_does_not_bring_them_back,
    uploads_beside_the_leaving_are_seen,
);

const JAN: &str = "Jantje Zonderland";

fn jan() -> Value {
    json!({"id": "p-7", "name": JAN})
}

async fn left(running: &Running, crm: &Someone, account: &str, person: &str) -> Value {
    let answer = post(running, crm, account, &format!("persons/{person}/left"), &json!({})).await;
    assert_eq!(answer.status, 200, "{:?}", answer.told());
    answer.json()
}

async fn found_by_person(running: &Running, who: &Someone) -> [usize; 2] {
    [found(running, who, &json!({"person": "p-7"})).await, found(running, who, &json!({"person": JAN})).await]
}

/// The recordings that whoever answers a data subject finds by the person.
async fn found_for_the_subject(running: &Running) -> Vec<RecordingId> {
    let archive = &running.archive;
    let mut macs = Vec::new();
    for name in archive.catalog.live_months().await.expect("months") {
        let name: KeyName = name.parse().expect("a month");
        let secret = archive.keyring.secret(&name).await.expect("a secret");
        macs.push(secret.lookup_mac(LookupField::SubjectPerson, "p-7").to_vec());
        macs.push(secret.lookup_mac(LookupField::SubjectPersonName, &fold_name(JAN)).to_vec());
    }
    let scope = ScopeFilter { statuses: vec![Status::Accepted], ..ScopeFilter::default() };
    let filter = Filter { macs: vec![macs], ..Filter::default() };
    let page = Page { after: None, limit: 100 };
    let now = earwitness::clock::Clock::now(running.clock.as_ref());
    let rows = archive.catalog.search(&scope, &filter, page, now).await.expect("rows");
    rows.into_iter().map(|row| row.id).collect()
}

/// The sealed copy of the account in the store, opened: everything that is kept of it.
async fn account_text(running: &Running, id: &str) -> String {
    let opened = account::open(&running.archive, id).await.expect("an answer").expect("an account");
    format!("{opened:?}")
}

async fn who_left_is_found_by_nobody(place: &Place) {
    let running = Running::start(place).await;
    let (crm, legal) = (crm(&running).await, running.token(Role::Legal, &[], None).await);
    put(&running, &crm, "A-1", &agency("Immo Voorbeeld")).await;
    let with_both = recorded(&running, &crm, "c-1", "A-1", &jan()).await;
    let by_name = recorded(&running, &crm, "c-2", "A-1", &json!({"name": "jantje  ZONDERLAND"})).await;
    recorded(&running, &crm, "c-3", "A-1", &json!({"id": "p-8", "name": "An Peeters"})).await;
    let elsewhere = recorded(&running, &crm, "c-4", "A-2", &jan()).await;
    assert_eq!(found_by_person(&running, &legal).await, [2, 3]);
    assert_eq!(left(&running, &crm, "A-1", "p-7").await["is_new"], true);
    assert_eq!(found_by_person(&running, &legal).await, [1, 1], "only in the other account");
    assert_eq!(left(&running, &crm, "A-1", "p-7").await["is_new"], false);
    assert_eq!(running.count_entries("account.person_left").await, 1);
    let told = get(&running, &legal, "A-1").await.json();
    assert_eq!((&told["details"]["persons"], &told["persons_left"]), (&json!([]), &json!(1)));
    assert!(!account_text(&running, "A-1").await.contains("Zonderland"));
    let rows = running.archive.catalog.persons_of("A-1").await.expect("persons");
    assert!(rows.len() == 1 && rows[0].sealed.is_none() && rows[0].left_at.is_some() && rows[0].moved, "{rows:?}");
    // What the recordings say stays with them, and they are found by everything else.
    assert_eq!(running.read(&legal, with_both, "").await.json()["metadata"]["person"]["name"], JAN);
    assert_eq!(found(&running, &legal, &json!({"account": "A-1"})).await, 3);
    assert_eq!(found(&running, &legal, &json!({"call": "c-2"})).await, 1);
    assert_eq!(found(&running, &legal, &json!({"person": "p-8"})).await, 1);
    // Of one instant: in no order of their own.
    let subject = found_for_the_subject(&running).await;
    assert!(subject.len() == 2 && [with_both, by_name].iter().all(|id| subject.contains(id)), "{subject:?}");

    // Late words and late uploads.
    let late = put(&running, &crm, "A-1", &agency("Immo Voorbeeld")).await;
    assert_eq!(late.status, 200);
    assert!(!account_text(&running, "A-1").await.contains("Zonderland"));
    recorded(&running, &crm, "c-5", "A-1", &jan()).await;
    recorded(&running, &crm, "c-6", "A-1", &json!({"name": JAN})).await;
    assert_eq!(found_by_person(&running, &legal).await, [1, 1]);
    assert_eq!(found_for_the_subject(&running).await.len(), 4);
    assert_eq!(found(&running, &legal, &json!({"person": "p-7", "account": "A-2"})).await, 1);
    assert_eq!(running.read(&legal, elsewhere, "").await.status, 200);
    assert!(fsck::run(&running.archive, fsck::Options::default()).await.expect("a look").is_sound());
}

async fn a_person_may_leave_before_anybody_named_them(place: &Place) {
    let running = Running::start(place).await;
    let (crm, legal) = (crm(&running).await, running.token(Role::Legal, &[], None).await);
    assert_eq!(left(&running, &crm, "A-1", "p-7").await["is_new"], true, "of an account that nobody has heard of");
    recorded(&running, &crm, "c-1", "A-1", &jan()).await;
    let by_name = recorded(&running, &crm, "c-2", "A-1", &json!({"name": JAN})).await;
    assert_eq!(found_by_person(&running, &legal).await, [0, 1], "the name is not known to be this person's");
    assert_eq!(put(&running, &crm, "A-1", &agency("Immo Voorbeeld")).await.status, 201);
    assert!(!account_text(&running, "A-1").await.contains("Zonderland"));
    // The late word says whose name it is: the background pass takes the recording that has only that.
    assert_eq!(housekeeping::pass(&running.archive, false).await.leavings_carried_on, 1);
    assert_eq!(found_by_person(&running, &legal).await, [0, 0]);
    assert!(found_for_the_subject(&running).await.contains(&by_name));
    assert_eq!(housekeeping::pass(&running.archive, false).await.leavings_carried_on, 0);
}

async fn a_name_that_somebody_else_has_stays_findable(place: &Place) {
    let running = Running::start(place).await;
    let (crm, legal) = (crm(&running).await, running.token(Role::Legal, &[], None).await);
    let mut two = agency("Immo Voorbeeld");
    two["persons"] = json!([{"id": "p-7", "name": JAN}, {"id": "p-9", "name": JAN}]);
    put(&running, &crm, "A-1", &two).await;
    recorded(&running, &crm, "c-1", "A-1", &jan()).await;
    recorded(&running, &crm, "c-2", "A-1", &json!({"id": "p-9", "name": JAN})).await;
    recorded(&running, &crm, "c-3", "A-1", &json!({"name": JAN})).await;
    left(&running, &crm, "A-1", "p-7").await;
    assert_eq!(
        found_by_person(&running, &legal).await,
        [0, 2],
        "the other one of that name, and whom nobody can tell apart"
    );
}

async fn a_hold_finds_nobody_again_either(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (crm(&running).await, legal(&running, "An").await);
    put(&running, &crm, "A-1", &agency("Immo Voorbeeld")).await;
    let (before, after) =
        (recorded(&running, &crm, "c-1", "A-1", &jan()).await, recorded(&running, &crm, "c-2", "A-1", &jan()).await);
    let hold = async |id: RecordingId| {
        let opened = crate::cases::post(&running, &an, "/v1/cases", &new_case("2026/1")).await.json();
        let path = format!("/v1/cases/{}/holds", opened["id"].as_str().expect("an id"));
        assert_eq!(crate::cases::post(&running, &an, &path, &json!({"recordings": [id]})).await.json()["placed"], 1);
    };
    hold(before).await;
    left(&running, &crm, "A-1", "p-7").await;
    hold(after).await;
    assert_eq!(found_by_person(&running, &an).await, [0, 0], "neither under the month's key nor under the cases'");
    assert_eq!(found(&running, &an, &json!({"account": "A-1", "held": true})).await, 2);
}

async fn a_walk_that_was_broken_off_is_carried_on(place: &Place) {
    let running = Running::start(place).await;
    let (crm, legal) = (crm(&running).await, running.token(Role::Legal, &[], None).await);
    put(&running, &crm, "A-1", &agency("Immo Voorbeeld")).await;
    recorded(&running, &crm, "c-1", "A-1", &jan()).await;
    // Only the leaving itself, as by a process that died behind its commit.
    let row = running.archive.catalog.account("A-1").await.expect("an answer").expect("a row");
    let mac = running.archive.catalog.persons_of("A-1").await.expect("persons")[0].person_mac.clone();
    let mut tx = running.archive.catalog.begin().await.expect("a transaction");
    assert!(tx.touch_account("A-1", row.revision).await.expect("an answer"));
    assert!(tx.person_leaves("A-1", &mac, row.created_at).await.expect("an answer"));
    tx.commit().await.expect("committed");
    assert_eq!(found_by_person(&running, &legal).await, [1, 1], "not yet");
    let report = housekeeping::pass(&running.archive, false).await;
    assert_eq!((report.leavings_carried_on, report.accounts_kept, &report.failed[..]), (1, 1, &[][..]), "{report:?}");
    assert_eq!(found_by_person(&running, &legal).await, [0, 0]);
}

async fn a_rebuilt_catalog_does_not_bring_them_back(place: &Place) {
    let running = Running::start(place).await;
    let crm = crm(&running).await;
    put(&running, &crm, "A-1", &agency("Immo Voorbeeld")).await;
    recorded(&running, &crm, "c-1", "A-1", &jan()).await;
    left(&running, &crm, "A-1", "p-7").await;
    let before = account::open(&running.archive, "A-1").await.expect("an answer").expect("an account");
    running.archive.publish_ledger().await.expect("published");
    assert!(running.archive.store.head(&ObjectKey::Account(before.row.uuid)).await.expect("an answer").is_some());
    let rebuilt = place.without_its_catalog().await.open(running.clock.clone(), &[]).await;
    let report =
        fsck::run(&rebuilt, fsck::Options { rebuild: true, ..fsck::Options::default() }).await.expect("rebuilt");
    assert!(report.is_sound() && (report.accounts_restored, report.brought_back) == (1, 1), "{report}");
    let after = account::open(&rebuilt, "A-1").await.expect("an answer").expect("an account");
    assert_eq!((after.details, after.persons, after.persons_left), (before.details, before.persons, 1));
    let rows = rebuilt
        .catalog
        .search(
            &ScopeFilter { statuses: vec![Status::Accepted], ..ScopeFilter::default() },
            &Filter::default(),
            Page { after: None, limit: 9 },
            earwitness::clock::Clock::now(running.clock.as_ref()),
        )
        .await
        .expect("rows");
    let row = &rows[0];
    let secret = rebuilt.keyring.secret(&KeyName::Month(row.month)).await.expect("a secret");
    let mac = |field| vec![vec![secret.lookup_mac(field, "p-7").to_vec()]];
    for (field, count) in [(LookupField::Person, 0), (LookupField::SubjectPerson, 1)] {
        let filter = Filter { macs: mac(field), ..Filter::default() };
        let scope = ScopeFilter { statuses: vec![Status::Accepted], ..ScopeFilter::default() };
        let page = Page { after: None, limit: 9 };
        let now = earwitness::clock::Clock::now(running.clock.as_ref());
        assert_eq!(rebuilt.catalog.search(&scope, &filter, page, now).await.expect("rows").len(), count, "{field:?}");
    }
}

/// Whichever comes first: when both are through, nothing is found by the person.
async fn uploads_beside_the_leaving_are_seen(place: &Place) {
    let running = Running::start(place).await;
    let (crm, legal) = (crm(&running).await, running.token(Role::Legal, &[], None).await);
    put(&running, &crm, "A-1", &agency("Immo Voorbeeld")).await;
    let uploads = (0..8).map(|n| {
        let (running, crm) = (&running, &crm);
        async move { recorded(running, crm, &format!("c-{n}"), "A-1", &jan()).await }
    });
    let leaving = async {
        recorded(&running, &crm, "first", "A-1", &jan()).await;
        left(&running, &crm, "A-1", "p-7").await
    };
    let (ids, _) = tokio::join!(futures::future::join_all(uploads), leaving);
    assert_eq!(ids.len(), 8);
    assert_eq!(found_by_person(&running, &legal).await, [0, 0]);
    assert_eq!(found_for_the_subject(&running).await.len(), 9);
}
