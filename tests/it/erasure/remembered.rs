//! What the store remembers of an erasure, against what it is meddled with, and a catalog that does not know of it.

use earwitness::access::Role;
use earwitness::catalog::Stage;
use earwitness::fsck;
use earwitness::purge::pass;
use earwitness::recording::RecordingId;
use earwitness::vault::objects::{ObjectKey, Prefix};

use super::{erased, tombstones};
use crate::on_both_stacks;
use crate::support::archive::{Running, call};
use crate::support::objects::{contents, of_recordings};
use crate::support::sounds::wav;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    an_old_sidecar_brings_nothing_back,
    a_catalog_that_does_not_know_is_noticed_and_told,
);

async fn an_old_sidecar_brings_nothing_back(place: &Place) {
    let running = Running::start(place).await;
    let archive = &running.archive;
    let crm = running.token(Role::Ingest, &[], None).await;
    let id = running.post(&crm, &call("one"), &wav(800, 1)).await.id();
    let old = contents(archive.store.as_ref(), &Prefix::recordings()).await;
    assert_eq!(old.len(), 3);
    erased(archive, id).await;
    let put_back = async || {
        for (key, bytes) in &old {
            archive.store.put(key, bytes.clone().into()).await.expect("an old version is put back");
        }
    };
    let lost = place.without_its_catalog().await;
    for certified in [false, true] {
        if certified {
            assert_eq!(pass(archive).await.unwrap().certified, 1);
        }
        archive.publish_ledger().await.unwrap();
        put_back().await;
        for (rebuild, archive) in [(false, archive.clone()), (true, lost.open(running.clock.clone(), &[]).await)] {
            let options = fsck::Options { repair: true, rebuild, ..fsck::Options::default() };
            fsck::run(&archive, options).await.unwrap();
            let row = archive.catalog.recording(id).await.unwrap();
            assert!(row.is_none_or(|row| row.stage == Stage::Fenced), "{certified} {rebuild}");
        }
    }
    assert_eq!(of_recordings(archive.store.as_ref(), None).await, Vec::<String>::new());
}

async fn a_catalog_that_does_not_know_is_noticed_and_told(place: &Place) {
    let running = Running::start(place).await;
    let archive = &running.archive;
    let crm = running.token(Role::Ingest, &[], None).await;
    let id: RecordingId = running.post(&crm, &call("one"), &wav(800, 1)).await.id();
    erased(archive, id).await;
    archive.check_tombstones().await.expect("it knows");
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&place.catalog).await.unwrap();
    for statement in ["DELETE FROM purges", "DELETE FROM erasures", "UPDATE recordings SET stage = 'live'"] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    assert!(archive.check_tombstones().await.is_err(), "a catalog from before it is not served");
    let (report, _) = fsck::look(archive, None, 10).await.unwrap();
    let [found] = &report.findings[..] else { panic!("{report:?}") };
    assert_eq!((found.problem, found.action), (fsck::Problem::ErasureUnknown, fsck::Action::Repaired));
    assert_eq!(pass(archive).await.unwrap().certified, 1);
    // And the other way round.
    let key = tombstones(archive).await.pop().expect("a tombstone");
    archive.store.delete(&key).await.unwrap();
    let (report, _) = fsck::look(archive, None, 10).await.unwrap();
    let [found] = &report.findings[..] else { panic!("{report:?}") };
    assert_eq!((found.problem, found.action), (fsck::Problem::MissingTombstone, fsck::Action::Repaired));
    assert_eq!(tombstones(archive).await, [key]);
    let ObjectKey::Erased { month, .. } = key else { panic!("{key}") };
    assert_eq!(archive.read_tombstone(month, id).await.unwrap().0.recording_id, id);
    pool.close().await;
}
