//! The published ledger never goes back, whoever publishes at the same time.

use std::sync::Arc;

use earwitness::archive::Archive;
use earwitness::archive::journal::About;
use earwitness::ledger::checkpoint;
use earwitness::ledger::kind::Kind;

use crate::on_both_stacks;
use crate::support::archive::Running;
use crate::support::stack::Place;

on_both_stacks!(
    in Locked:
    those_who_publish_at_once_leave_the_newest_checkpoint,
    who_was_overtaken_puts_the_newer_checkpoint_back,
    a_checkpoint_that_stayed_behind_is_mended,
);

async fn append(archive: &Archive) {
    let payload = serde_json::json!({"n": 1});
    let entry = archive.entry(Kind::SEARCH_MADE, About::NothingPersonal, &payload, archive.clock.now());
    let (entry, _) = entry.await.expect("an entry");
    let mut tx = archive.catalog.begin().await.expect("a transaction");
    tx.append_entry(&entry).await.expect("appended");
    tx.commit().await.expect("committed");
}

async fn published(archive: &Archive) -> (u64, u64) {
    let note = archive.ledger().stored_checkpoint().await.expect("an answer").expect("a checkpoint");
    let stored = checkpoint::parse_unverified(&note).expect("a note").head.size;
    (stored, archive.catalog.ledger_state().await.expect("a state").published_size)
}

async fn those_who_publish_at_once_leave_the_newest_checkpoint(place: &Place) {
    let running = Arc::new(Running::start(place).await);
    for _ in 0..30 {
        let tasks = (0..4).map(|_| {
            let running = running.clone();
            tokio::spawn(async move {
                append(&running.archive).await;
                running.archive.publish_ledger().await.expect("published")
            })
        });
        for done in futures::future::join_all(tasks).await {
            done.expect("no panic");
        }
        let (stored, known) = published(&running.archive).await;
        assert_eq!(stored, known, "the store's checkpoint is not the newest that was published");
    }
}

/// A writer that stood still between its tiles and its checkpoint, while another published more.
async fn who_was_overtaken_puts_the_newer_checkpoint_back(place: &Place) {
    let running = Running::start(place).await;
    let archive = &running.archive;
    append(archive).await;
    archive.ledger().sequence().await.expect("sequenced");
    let slow = archive.ledger().publish_tiles().await.expect("tiles").expect("something to publish");
    append(archive).await;
    let newest = archive.publish_ledger().await.expect("published");
    assert!(newest > slow.size);
    archive.ledger().publish_checkpoint(&slow, archive.clock.now()).await.expect("put back");
    assert_eq!(published(archive).await, (newest, newest));
}

async fn a_checkpoint_that_stayed_behind_is_mended(place: &Place) {
    let running = Running::start(place).await;
    let archive = &running.archive;
    append(archive).await;
    archive.publish_ledger().await.expect("published");
    let old = archive.ledger().stored_checkpoint().await.expect("an answer").expect("a checkpoint");
    append(archive).await;
    let newest = archive.publish_ledger().await.expect("published");
    let name = earwitness::vault::objects::ObjectKey::Checkpoint;
    archive.store.put(&name, old.into()).await.expect("what a writer that died left");
    archive.ledger().mend_checkpoint().await.expect("mended");
    assert_eq!(published(archive).await, (newest, newest));
}
