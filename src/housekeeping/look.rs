//! The look over the store, in a loop of its own: it lists everything and asks for the objects of a part of the
//! recordings, one by one, which on a large archive takes long and must not keep anything else waiting.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::HousekeepingReport;
use crate::archive::{Archive, ArchiveError};
use crate::fsck;
use crate::leases::HeldLease;
use crate::purge::brakes::clock_is_trusted;
use crate::purge::remains;
use crate::purge::returned::destroy_returned;
use crate::recording::RecordingId;
use crate::vault::objects::{Prefix, sweep_unfinished};

/// No write lasts this long, so what is unfinished and older is dead.
const UNFINISHED: Duration = Duration::from_secs(24 * 3600);
/// From the end of one look to the next.
const BETWEEN_LOOKS: Duration = Duration::from_secs(3600);
/// Recordings whose objects one look asks for: every one of a million within two days, at no more than some twenty
/// questions a second.
const RECORDINGS_PER_LOOK: u64 = 20_000;
/// The name of the lease on what lists the whole store.
const LEASE: &str = "orphans";

/// How far the looks have come. A round is as many of them as it takes to ask for every recording's objects.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// The last recording that was asked for; none where a round begins.
    after: Option<RecordingId>,
    /// Whether something is unsound in this round so far, and was in the one before.
    unsound: (bool, bool),
    /// Whether there was a look at all.
    begun: bool,
}

impl Rounds {
    /// Notes what a look found and where the next one goes on. Whether the archive is unsound, as far as is known: what
    /// was found in one part is not mended because the next part is sound.
    fn note(&mut self, is_sound: bool, next: Option<RecordingId>) -> bool {
        self.after = next;
        self.unsound.0 |= !is_sound;
        if next.is_none() {
            // All of it was looked at: what was found before counts no more.
            self.unsound = (false, self.unsound.0);
        }
        self.unsound.0 || self.unsound.1
    }
}

/// Looks over the store, on one node at a time.
pub(super) async fn look_over(archive: &Archive, rounds: &mut Rounds, report: &mut HousekeepingReport) {
    let taken = HeldLease::take(archive, LEASE).await;
    let Some(lease) = report.keep("lease", taken) else { return };
    // What the store enforced when this process started it need not enforce today.
    if std::mem::replace(&mut rounds.begun, true) {
        let probed = archive.probe_again().await;
        report.keep("store", probed);
    }
    let before = archive.clock.now().minus(UNFINISHED);
    let swept = sweep_unfinished(archive.store.as_ref(), &Prefix::all(), before).await;
    report.unfinished_swept = report.keep("unfinished", swept.map(|n| Some(n as u64)));
    let orphans = look_for_orphans(archive, rounds).await;
    report.orphans = report.keep("orphans", orphans);
    let erased = remains::erase_locked(archive).await;
    report.locked_erased = report.keep("locked", erased);
    let kept = archive.keep_missing_revocations().await;
    report.revocations_kept = report.keep("revocations", kept);
    let destroyed = destroy_returned(archive).await;
    report.keys_destroyed_again = report.keep("returned-keys", destroyed);
    let given_back = lease.give_back().await;
    report.keep("lease", given_back);
}

/// Looks over store and catalog both ways and mends.
async fn look_for_orphans(archive: &Archive, rounds: &mut Rounds) -> Result<Option<u64>, ArchiveError> {
    let (found, next) = fsck::look(archive, rounds.after, RECORDINGS_PER_LOOK).await?;
    let unsound = rounds.note(found.is_sound(), next);
    metrics::gauge!("earwitness_unsound").set(f64::from(u8::from(unsound)));
    Ok(Some(found.findings.len() as u64))
}

/// Looks again and again until told to stop; then a look that has begun is broken off, and goes on at the next start.
pub(super) async fn run(archive: Arc<Archive>, stop: CancellationToken) {
    let mut rounds = Rounds::default();
    loop {
        let look = look_if_trusted(&archive, &mut rounds);
        let Some(report) = stop.run_until_cancelled(look).await else { return };
        // Another node is at it, or the clock is in doubt: asked again soon.
        let wait = if report.looked_over_store() { BETWEEN_LOOKS } else { archive.config.sweep_interval };
        if !report.is_idle() {
            tracing::info!(
                unfinished_swept = report.unfinished_swept,
                orphans = report.orphans,
                failed = report.failed.len(),
                "the store was looked over"
            );
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn look_if_trusted(archive: &Archive, rounds: &mut Rounds) -> HousekeepingReport {
    let mut report = HousekeepingReport::default();
    let trusted = clock_is_trusted(archive).await;
    if report.keep("clock", trusted) {
        look_over(archive, rounds, &mut report).await;
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn what_is_unsound_stays_so_until_a_whole_round_is_sound() {
        let next = || Some(RecordingId::new(Timestamp::from_micros(0)));
        let mut rounds = Rounds::default();
        let looks = [(true, next()), (false, next()), (true, None), (true, next()), (true, None), (true, next())];
        let unsound: Vec<bool> = looks.into_iter().map(|(sound, next)| rounds.note(sound, next)).collect();
        assert_eq!(unsound, [false, true, true, true, false, false]);
        // In an archive that one look covers, each look says all.
        let mut rounds = Rounds::default();
        assert!(rounds.note(false, None));
        assert!(!rounds.note(true, None));
    }
}
