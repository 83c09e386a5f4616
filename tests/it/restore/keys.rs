//! A backup of the keys, put back: the keys destroyed since are there again, and do not stay.

use std::path::Path;
use std::process::Command;

use earwitness::archive::Archive;
use earwitness::catalog::SecretState;
use earwitness::clock::Clock as _;
use earwitness::vault::keys::KeyName;
use earwitness::{fsck, housekeeping, purge};

use crate::on_both_stacks;
use crate::support::archive::{Running, at};
use crate::support::stack::{Place, Stack};

on_both_stacks!(in Versioned: a_destroyed_key_that_comes_back_is_destroyed_again);

pub(crate) fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp").success());
}

/// Puts the old keys back. OpenBao has no backup here: there, somebody makes the key anew.
pub(crate) async fn put_back(archive: &Archive, place: &Place, name: &KeyName) {
    if place.stack == Stack::Embedded {
        let (keys, saved) = (place.folder().join("data/keys"), place.folder().join("saved"));
        std::fs::remove_dir_all(&keys).expect("the folder goes");
        copy(&saved, &keys);
    } else {
        archive.keyring.provider().ensure(name).await.expect("a key");
    }
    assert!(archive.keyring.provider().exists(name).await.expect("an answer"), "it is there again");
}

async fn a_destroyed_key_that_comes_back_is_destroyed_again(place: &Place) {
    let running = Running::start(place).await;
    let archive = &running.archive;
    let name: KeyName = "month-2026-11".parse().expect("a name");
    archive.keyring.ensure_secret(&name).await.expect("a secret");
    if place.stack == Stack::Embedded {
        copy(&place.folder().join("data/keys"), &place.folder().join("saved"));
    }
    running.clock.set(at("2026-12-02T00:00:00Z"));
    archive.catalog.beat(running.clock.now()).await.expect("a heartbeat");
    assert_eq!(purge::pass(archive).await.expect("a pass").months_destroyed, 1);
    assert_eq!(purge::returned::destroy_returned(archive).await.expect("a look"), 0);

    put_back(archive, place, &name).await;
    let report = housekeeping::pass(archive, true).await;
    assert_eq!((report.keys_destroyed_again, &report.failed[..]), (1, &[][..]), "{report:?}");
    assert!(!archive.keyring.provider().exists(&name).await.expect("an answer"));
    assert_eq!(running.count_entries("month.key_returned").await, 1, "the ledger says so");
    assert_eq!(housekeeping::pass(archive, true).await.keys_destroyed_again, 0);

    // Keys and catalog from a backup: the record in the store says that it is destroyed.
    archive.publish_ledger().await.expect("published");
    put_back(archive, place, &name).await;
    let rebuilt = place.without_its_catalog().await.open(running.clock.clone(), &[]).await;
    let options = fsck::Options { rebuild: true, ..fsck::Options::default() };
    let report = fsck::run(&rebuilt, options).await.expect("rebuilt");
    assert!(report.is_sound(), "{report}");
    let secret = rebuilt.catalog.load_secret(&name.to_string()).await.expect("an answer").expect("a row");
    assert_eq!(secret.state, SecretState::Destroyed);
    assert_eq!(purge::returned::destroy_returned(&rebuilt).await.expect("a look"), 1);
    assert!(!rebuilt.keyring.provider().exists(&name).await.expect("an answer"));
}
