//! A hold and an erasure at the same instant: whoever is told something can rely on it.

use std::sync::Arc;

use earwitness::access::Role;
use earwitness::purge::erasure::{ErasureOutcome, erase};
use futures::future::join_all;
use tokio::sync::{Barrier, Notify};
use uuid::Uuid;

use crate::cases::races::{WAVE, a_wave, hold_all_and_tell};
use crate::cases::{legal, open};
use crate::on_both_stacks;
use crate::support::archive::{Running, call};
use crate::support::sounds::wav;
use crate::support::stack::Place;

on_both_stacks!(in Versioned: a_hold_against_an_erasure_hundreds_of_times);

const WAVES: usize = 8;

async fn a_hold_against_an_erasure_hundreds_of_times(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let case = open(&running, &an, "2026/12").await;
    let archive = &running.archive;
    let first = running.post(&crm, &call("first"), &wav(800, 1)).await.id();
    let mut counts = [0, 0];
    for wave in 0..WAVES {
        let ids = a_wave(archive, first, wave).await;
        let (start, first_held) = (Arc::new(Barrier::new(WAVE + 1)), Arc::new(Notify::new()));
        let erasures = {
            let (archive, start, first_held, ids) = (archive.clone(), start.clone(), first_held.clone(), ids.clone());
            tokio::spawn(async move {
                start.wait().await;
                // At the same instant; in the later waves once a hold was acknowledged, so that each side is ahead sometimes.
                if wave >= WAVES / 2 {
                    first_held.notified().await;
                }
                let all = ids.iter().map(|id| {
                    let (archive, id) = (archive.clone(), *id);
                    tokio::spawn(async move { erase(&archive, id, Uuid::new_v4()).await.expect("an answer") })
                });
                join_all(all).await
            })
        };
        let held = hold_all_and_tell(archive, case, &ids, &start, &first_held).await;
        let erased = erasures.await.expect("no panic").into_iter().map(|outcome| outcome.expect("no panic"));
        for ((id, held), outcome) in ids.iter().zip(held).zip(erased) {
            let expected = if held { ErasureOutcome::Held } else { ErasureOutcome::Fenced };
            assert_eq!(outcome, expected, "{id}: never erased after a hold was acknowledged, never neither");
            let holds = archive.catalog.holds_of(*id).await.expect("holds").len();
            let purged = archive.catalog.purge_of(*id).await.expect("an answer").is_some();
            assert_eq!((holds, purged), (usize::from(held), !held), "{id}");
            counts[usize::from(held)] += 1;
        }
    }
    assert_eq!(counts.iter().sum::<usize>(), WAVE * WAVES);
    assert!(counts.iter().all(|count| *count > 0), "each is ahead sometimes: {counts:?}");
}
