//! A hold and an erasure at the same instant: whoever is told something can rely on it.

use std::sync::Arc;
use std::time::Duration;

use earwitness::access::Role;
use earwitness::purge::erasure::{ErasureOutcome, erase};
use futures::future::join_all;
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::cases::races::{WAVE, a_wave, hold_all};
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
        let start = Arc::new(Barrier::new(WAVE + 1));
        let erasures = ids.iter().map(|id| {
            let (archive, id) = (archive.clone(), *id);
            tokio::spawn(async move { erase(&archive, id, Uuid::new_v4()).await.expect("an answer") })
        });
        let erasures: Vec<_> = erasures.collect();
        // The holds begin later in each wave, so that each side is ahead sometimes.
        let holds_begin = {
            let start = start.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(wave as u64 * 10)).await;
                start.wait().await;
            })
        };
        let held = hold_all(archive, case, &ids, &start).await;
        holds_begin.await.expect("no panic");
        let erased = join_all(erasures).await.into_iter().map(|outcome| outcome.expect("no panic"));
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
