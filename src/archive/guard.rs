//! Guards: the store itself refuses to delete a recording before its deadline (Object Lock), or while it is held
//! (legal hold). Set after the commit, never before it: a lock that came first would leave orphans that nobody can
//! delete for five years. What was asked for is read back; what was not read back yet is done again.

use super::{Archive, ArchiveError, Round};
use crate::catalog::{Guard, Stage};
use crate::config::LockMode;
use crate::recording::{ExpiryMonth, RecordingId};
use crate::vault::objects::{HoldOutcome, LockOutcome, ObjectKey, RecordingPart, StoreError, StoreFacts};

/// The objects of a recording that are guarded. The sidecar is not: it is rewritten. Related data is not: it can be
/// replaced.
pub const GUARDED: [RecordingPart; 2] = [RecordingPart::Audio, RecordingPart::Waveform];
/// Recordings that one look at the catalog gives.
const PAGE: u32 = 500;

impl Archive {
    /// What the store enforces, tried out once in the life of this process.
    pub async fn store_facts(&self) -> Result<&StoreFacts, ArchiveError> {
        Ok(self.store_facts.get_or_try_init(|| self.store.probe()).await?)
    }

    /// Tries out once more what the store enforces. An upload whose lock is not kept is not acknowledged in any case; this
    /// tells before there is one.
    pub async fn probe_again(&self) -> Result<(), ArchiveError> {
        let facts = self.store.probe().await?;
        metrics::gauge!("earwitness_store_lock_enforced").set(f64::from(u8::from(facts.locks)));
        for warning in &facts.warnings {
            tracing::warn!(warning, "the store");
        }
        if self.store_facts().await?.locks && !facts.locks {
            return Err(StoreError::LockNotKept.into());
        }
        Ok(())
    }

    /// Tries out what the store enforces and refuses one that is configured to lock and does not.
    pub async fn check_store(&self) -> Result<&StoreFacts, ArchiveError> {
        let facts = self.store_facts().await?;
        metrics::gauge!("earwitness_store_lock_enforced").set(f64::from(u8::from(facts.locks)));
        for warning in &facts.warnings {
            tracing::warn!(warning, "the store");
        }
        if self.config.require_lock && !facts.locks {
            return Err(ArchiveError::Configuration(format!(
                "require_lock is set, and the store does not enforce locks{}",
                facts.warnings.iter().map(|w| format!(": {w}")).collect::<String>()
            )));
        }
        if !facts.erases_at_once {
            tracing::info!(
                "what is erased before its deadline is sealed for good at once; its bytes wait for their lock to end"
            );
        }
        if facts.locks_by_default {
            let text = "the bucket has a default retention: it would lock sidecars and the ledger's tiles, which have to be \
                replaced. Take it away: each recording gets its own lock, to its own deadline";
            return Err(ArchiveError::Configuration(text.to_owned()));
        }
        Ok(facts)
    }

    /// Brings the guards of a recording's objects to what it needs and notes what was read back. Does nothing where
    /// they are in place, or where the store has none.
    ///
    /// # Errors
    /// [`StoreError::LockNotKept`]: the store took the request and does not keep it. [`ArchiveError::AudioMissing`]:
    /// there is nothing that it could keep.
    pub async fn guard(&self, id: RecordingId) -> Result<(), ArchiveError> {
        if !self.store_facts().await?.locks {
            return Ok(());
        }
        let Some(mut guard) = self.catalog.guard_of(id).await?.filter(|guard| !guard.is_in_place) else {
            return Ok(());
        };
        // Whoever was overtaken by a change of the holds may have set the older state last: so it is set once more.
        while !self.put_guards(id, &guard).await? {
            match self.catalog.guard_of(id).await? {
                Some(now) => guard = now,
                None => break,
            }
        }
        Ok(())
    }

    /// False when the holds changed meanwhile.
    async fn put_guards(&self, id: RecordingId, guard: &Guard) -> Result<bool, ArchiveError> {
        // A deadline that is over needs no lock any more, only perhaps a hold.
        let lock = self.clock.now() < guard.expires_at;
        let parts =
            GUARDED.map(|part| self.put_guard(ObjectKey::Recording { month: guard.month, id, part }, guard, lock));
        let there = futures::future::try_join_all(parts).await?;
        // The audio comes first. Without it there is nothing to guard, and nothing to acknowledge.
        if there.first() == Some(&false) && self.is_kept(id).await? {
            return Err(ArchiveError::AudioMissing);
        }
        crate::failpoint::hit("guard.set");
        let mode = self.config.lock_mode.as_str();
        Ok(self.catalog.guarded(id, guard.expires_at, mode, guard.hold_revision).await?)
    }

    /// Whether the purge has not begun with a recording.
    async fn is_kept(&self, id: RecordingId) -> Result<bool, ArchiveError> {
        Ok(self.catalog.recording(id).await?.is_some_and(|row| row.stage == Stage::Live))
    }

    /// False where there is no such object: a waveform that is missing is fsck's to report.
    async fn put_guard(&self, key: ObjectKey, guard: &Guard, lock: bool) -> Result<bool, ArchiveError> {
        if lock {
            match self.store.lock(&key, guard.expires_at).await {
                Ok(LockOutcome::Locked(until)) if until >= guard.expires_at => {}
                Ok(_) => return Err(StoreError::LockNotKept.into()),
                Err(StoreError::NotFound) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        if guard.was_ever_held {
            match self.store.set_legal_hold(&key, guard.is_held).await {
                Ok(HoldOutcome::ReadBack(on)) if on == guard.is_held => {}
                Ok(_) => return Err(StoreError::LockNotKept.into()),
                Err(StoreError::NotFound) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// Takes the store's legal holds off the objects of a recording that nothing holds any more: the purge has it, and a
    /// hold whose end the store was not told of would keep its bytes for good.
    pub async fn lift_holds(&self, month: ExpiryMonth, id: RecordingId) -> Result<(), ArchiveError> {
        for part in GUARDED {
            match self.store.set_legal_hold(&ObjectKey::Recording { month, id, part }, false).await {
                Ok(HoldOutcome::Unsupported) => return Ok(()),
                Ok(HoldOutcome::ReadBack(false)) | Err(StoreError::NotFound) => {}
                Ok(HoldOutcome::ReadBack(true)) => return Err(StoreError::LockNotKept.into()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Once in the life of this process, where it locks in the stricter mode: what was locked in the other, by a node that did
    /// not know of that yet as well, is to be locked anew.
    async fn forget_weaker_locks(&self) -> Result<(), ArchiveError> {
        if self.config.lock_mode != LockMode::Compliance {
            return Ok(());
        }
        let forget = || self.catalog.forget_locks_of_other_modes(LockMode::Compliance.as_str(), self.clock.now());
        let forgotten = self.weaker_locks.get_or_try_init(forget).await?;
        tracing::debug!(forgotten, "locks of the weaker mode are set anew");
        Ok(())
    }

    /// Sets the guards that are missing, about so many at the most. Returns how many recordings got theirs, or the first
    /// failure, which keeps no other from being guarded.
    pub async fn guard_missing(&self, most: u32) -> Result<u64, ArchiveError> {
        if !self.store_facts().await?.locks {
            return Ok(0);
        }
        self.forget_weaker_locks().await?;
        let mut round = Round::begin(&self.bookmarks.guards, u64::from(most));
        while round.goes_on() {
            let page = self.catalog.guards_missing(round.after(), PAGE.min(most)).await?;
            round.turn(page.last().copied());
            for id in page {
                let guarded = self.guard(id).await.inspect_err(|error| {
                    metrics::counter!("earwitness_guard_failures_total").increment(1);
                    tracing::error!(recording = %id, %error, "a recording is not guarded by the store");
                });
                round.count(guarded.map(|()| 1));
            }
        }
        let missing = self.catalog.count_guards_missing().await?;
        metrics::gauge!("earwitness_locks_missing").set(missing as f64);
        round.end()
    }
}
