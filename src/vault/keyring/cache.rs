//! Unwrapped secrets, for a bounded time. One loader per name at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::clock::Timestamp;
use crate::vault::keys::KeyName;
use crate::vault::secrets::Secret;

pub(super) struct Cache {
    keep: Duration,
    slots: Mutex<HashMap<KeyName, Arc<AsyncMutex<Slot>>>>,
}

/// The place of one secret. Whoever holds it may load, make or destroy that secret.
#[derive(Default)]
pub(super) struct Slot {
    held: Option<Held>,
}

struct Held {
    secret: Arc<Secret>,
    since: Timestamp,
    until: Timestamp,
}

impl Slot {
    /// The secret, if it is held and its time is not over. A clock that went back ends it as well.
    pub fn fresh(&self, now: Timestamp) -> Option<Arc<Secret>> {
        self.held.as_ref().filter(|h| h.since <= now && now < h.until).map(|h| h.secret.clone())
    }

    pub fn fill(&mut self, secret: Arc<Secret>, now: Timestamp, keep: Duration) {
        self.held = Some(Held { secret, since: now, until: now.plus(keep) });
    }

    pub fn clear(&mut self) {
        self.held = None;
    }
}

impl Cache {
    pub fn new(keep: Duration) -> Self {
        Self { keep, slots: Mutex::default() }
    }

    pub fn keep(&self) -> Duration {
        self.keep
    }

    pub async fn slot(&self, name: &KeyName) -> OwnedMutexGuard<Slot> {
        let slot = self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(*name).or_default().clone();
        slot.lock_owned().await
    }

    /// Drops secrets whose time is over, and places that nobody uses.
    pub fn forget_expired(&self, now: Timestamp) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, slot| {
            // A place that is locked or waited for is in use, and looks at the time itself.
            Arc::strong_count(slot) > 1 || slot.try_lock().is_ok_and(|s| s.fresh(now).is_some())
        });
    }
}
