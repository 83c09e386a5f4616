//! Guards on rows: revisions, leases, access windows, brakes, the tree's growth, tokens.

use std::time::Duration;

use earwitness::catalog::{Brake, BrakeKind, NewEntry, TokenRow};
use earwitness::recording::Status;
use uuid::Uuid;

use super::{at, insert, recording};
use crate::on_both_catalogs;
use crate::support::engines::CatalogPlace;

on_both_catalogs!(
    of_two_who_change_a_row_one_wins,
    a_lease_has_one_owner_until_it_runs_out,
    an_access_counts_once_in_its_window,
    brakes_stay_until_they_are_confirmed,
    the_tree_grows_from_where_it_stands,
    a_revoked_token_stays_known,
    policies_get_a_version_when_their_terms_change,
);

const NOW: &str = "2026-11-22T12:00:00Z";

async fn of_two_who_change_a_row_one_wins(place: &CatalogPlace) {
    let catalog = place.open().await;
    let new = recording("acc", "2026-01-01T10:00:00Z", "2031-01-01T10:00:00Z");
    insert(&catalog, &new).await;
    let tries = (0..8).map(|_| {
        let catalog = catalog.clone();
        tokio::spawn(async move {
            let mut tx = catalog.begin().await.expect("a transaction");
            let won = tx.revise_recording(new.id, 1, Status::Rejected, b"new", at(NOW)).await.expect("an answer");
            tx.commit().await.expect("committed");
            won
        })
    });
    let won = futures::future::join_all(tries).await.into_iter().filter(|done| *done.as_ref().expect("no panic"));
    assert_eq!(won.count(), 1);
    let row = catalog.recording(new.id).await.expect("an answer").expect("a row");
    assert_eq!((row.revision, row.status), (2, Status::Rejected));
    assert_eq!(catalog.stale_sidecars(10).await.expect("ids"), [new.id]);
    catalog.sidecar_written(new.id, 2).await.expect("noted");
    assert!(catalog.stale_sidecars(10).await.expect("ids").is_empty());
    let mut tx = catalog.begin().await.expect("a transaction");
    let late = tx.revise_recording(new.id, 2, Status::Accepted, b"x", new.expires_at).await.expect("an answer");
    assert!(!late, "nothing is changed at or after the deadline");
    tx.rollback().await.expect("rolled back");
}

async fn a_lease_has_one_owner_until_it_runs_out(place: &CatalogPlace) {
    let catalog = place.open().await;
    let (now, later) = (at(NOW), at(NOW).plus(Duration::from_secs(60)));
    assert!(catalog.take_lease("purge", "a", later, now).await.expect("an answer"));
    assert!(catalog.take_lease("purge", "a", later, now).await.expect("an answer"), "renewed");
    assert!(!catalog.take_lease("purge", "b", later, now).await.expect("an answer"));
    assert!(catalog.take_lease("ledger", "b", later, now).await.expect("an answer"), "another piece of work");
    assert!(catalog.take_lease("purge", "b", later.plus(Duration::from_secs(60)), later).await.expect("an answer"));
    catalog.give_back_lease("purge", "a").await.expect("nothing happens");
    assert!(!catalog.take_lease("purge", "a", later, later).await.expect("an answer"), "it is b's now");
    catalog.give_back_lease("purge", "b").await.expect("given back");
    assert!(catalog.take_lease("purge", "a", later, now).await.expect("an answer"));
}

async fn an_access_counts_once_in_its_window(place: &CatalogPlace) {
    let catalog = place.open().await;
    let new = recording("acc", "2026-01-01T10:00:00Z", "2031-01-01T10:00:00Z");
    insert(&catalog, &new).await;
    let mut tx = catalog.begin().await.expect("a transaction");
    for (actor, action, window, first) in [
        ("a", "listen", NOW, true),
        ("a", "listen", NOW, false),
        ("b", "listen", NOW, true),
        ("a", "audio", NOW, true),
        ("a", "listen", "2026-11-22T12:10:00Z", true),
    ] {
        assert_eq!(
            tx.first_access(actor, new.id, action, at(window)).await.expect("an answer"),
            first,
            "{actor} {action}"
        );
    }
    assert_eq!(tx.sweep_access_windows(at("2026-11-22T12:05:00Z")).await.expect("swept"), 3);
    tx.commit().await.expect("committed");
}

async fn brakes_stay_until_they_are_confirmed(place: &CatalogPlace) {
    let catalog = place.open().await;
    let brake = |kind| Brake { id: Uuid::new_v4(), kind, raised_at: at(NOW), detail: "seen".to_owned() };
    let mut tx = catalog.begin().await.expect("a transaction");
    assert!(tx.raise_brake(&brake(BrakeKind::TooMuchDue)).await.expect("an answer"));
    assert!(!tx.raise_brake(&brake(BrakeKind::TooMuchDue)).await.expect("an answer"), "one of a kind");
    assert!(tx.raise_brake(&brake(BrakeKind::ClockJump)).await.expect("an answer"));
    tx.commit().await.expect("committed");
    let open = catalog.open_brakes().await.expect("brakes");
    assert_eq!(open.len(), 2);
    let mut tx = catalog.begin().await.expect("a transaction");
    for brake in &open {
        assert!(tx.confirm_brake(brake.id, at(NOW), 5_000, at("2026-11-23T12:00:00Z")).await.expect("an answer"));
        assert!(!tx.confirm_brake(brake.id, at(NOW), 5_000, at("2026-11-23T12:00:00Z")).await.expect("an answer"));
    }
    tx.commit().await.expect("committed");
    assert!(catalog.open_brakes().await.expect("brakes").is_empty());
    assert_eq!(catalog.purge_permit(at(NOW)).await.expect("a permit"), Some(5_000));
    assert_eq!(catalog.purge_permit(at("2026-11-23T12:00:00Z")).await.expect("none"), None, "it has run out");
}

async fn the_tree_grows_from_where_it_stands(place: &CatalogPlace) {
    let catalog = place.open().await;
    catalog.ledger_state().await.expect("the empty tree");
    let entry = |n: u8| NewEntry {
        id: Uuid::new_v4(),
        at: at(NOW).plus(Duration::from_secs(u64::from(n))),
        kind: "recording.read".to_owned(),
        commitment: [n; 32],
        opening: None,
    };
    let (first, second) = (entry(1), entry(2));
    let mut tx = catalog.begin().await.expect("a transaction");
    tx.append_entry(&second).await.expect("appended");
    tx.append_entry(&first).await.expect("appended");
    tx.commit().await.expect("committed");
    let waiting = catalog.unsequenced(10).await.expect("entries");
    assert_eq!(waiting.iter().map(|e| e.id).collect::<Vec<_>>(), [first.id, second.id], "in the order of their times");
    let mut tx = catalog.begin().await.expect("a transaction");
    assert!(tx.grow_ledger(0, 1, [9; 32], &[(0, [8; 32])]).await.expect("an answer"));
    assert!(!tx.grow_ledger(0, 1, [7; 32], &[]).await.expect("an answer"), "somebody else grew it first");
    tx.sequence_entry(first.id, 0).await.expect("sequenced");
    assert!(tx.sequence_entry(first.id, 1).await.is_err(), "an entry has one place");
    tx.rollback().await.expect("rolled back");
    assert_eq!(catalog.ledger_state().await.expect("a state").size, 0);
}

async fn a_revoked_token_stays_known(place: &CatalogPlace) {
    let catalog = place.open().await;
    let token = TokenRow {
        id: Uuid::new_v4(),
        role: "rep".to_owned(),
        name: "Ann".to_owned(),
        accounts: vec!["a".to_owned(), "b".to_owned()],
        agent: Some("ann".to_owned()),
        created_at: at(NOW),
        expires_at: None,
        revoked_at: None,
    };
    let mut tx = catalog.begin().await.expect("a transaction");
    tx.insert_token(&token, &[5; 32]).await.expect("inserted");
    assert!(tx.revoke_token(token.id, at(NOW)).await.expect("an answer"));
    assert!(!tx.revoke_token(token.id, at(NOW)).await.expect("an answer"));
    tx.commit().await.expect("committed");
    let known = catalog.token_by_hash(&[5; 32]).await.expect("an answer").expect("known");
    assert_eq!(known, TokenRow { revoked_at: Some(at(NOW)), ..token });
    assert!(catalog.token_by_hash(&[6; 32]).await.expect("an answer").is_none());
}

async fn policies_get_a_version_when_their_terms_change(place: &CatalogPlace) {
    let catalog = place.open().await;
    for (terms, version) in [("P5Y", 1), ("P5Y", 1), ("P6Y", 2), ("P5Y", 3), ("P5Y", 3)] {
        assert_eq!(catalog.policy_version("call_recording", terms, at(NOW)).await.expect("a version"), version);
    }
}
