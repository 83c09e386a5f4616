//! The parts in one place: clock, configuration, catalog, store, keyring, ledger — and what takes two of them.
//!
//! Everything above (receive, find, purge, fsck, http) is given an [`Archive`] and nothing else.

pub mod adopt;
mod attest;
pub mod copies;
pub mod engines;
mod erased;
mod error;
mod guard;
pub mod journal;
mod open;
mod pinned;
mod revocations;
pub mod round;
pub mod row;
pub mod set_up;
mod shelf;
pub mod sidecar;
mod sweep;
pub mod tokens;
mod words;

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};

pub use adopt::Adoption;
pub use attest::Attested;
pub use engines::{open_keys, open_store};
pub use erased::ErasedMacs;
pub use error::ArchiveError;
pub use guard::GUARDED;
pub use open::Parts;
pub use round::{Bookmark, Bookmarks, Round};
pub use sweep::Swept;

use crate::audio::Supervisor;
use crate::catalog::Catalog;
use crate::clock::{Clock, Timestamp};
use crate::config::Config;
use crate::ledger::sequencer::Ledger;
use crate::ledger::shapes::Controller;
use crate::ledger::signing::SigningKey;
use crate::retention::Policy;
use crate::timestamp::Authority;
use crate::vault::keyring::Keyring;
use crate::vault::objects::{ObjectStore, StoreFacts};
use crate::vcon::signers::Signers;
use crate::witness::Witness;

/// Evidence packages that one process makes at once.
const PACKAGES_AT_ONCE: usize = 4;
/// The name of the ledger's lease.
const LEDGER: &str = "ledger";
/// How long the ledger's lease lasts.
const LEDGER_LEASE: std::time::Duration = std::time::Duration::from_secs(15);

/// An open archive.
pub struct Archive {
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// All settings.
    pub config: Config,
    /// The catalog.
    pub catalog: Catalog,
    /// The object store.
    pub store: Arc<dyn ObjectStore>,
    /// The way to every secret.
    pub keyring: Keyring,
    /// The key that signs receipts, certificates and checkpoints.
    pub signing: SigningKey,
    /// The ledger's name.
    pub origin: String,
    /// The retention policy that is stamped on new recordings, with its version.
    pub policy: Policy,
    /// Who outside says when something existed, where one is configured.
    pub timestamps: Option<Authority>,
    /// Who outside cosigns the ledger's checkpoints.
    pub witnesses: Vec<Witness>,
    /// What they did not do when they were asked last.
    attest_trouble: std::sync::Mutex<attest::Trouble>,
    /// Checks audio in child processes.
    pub decoder: Supervisor,
    /// Whose signatures on vCons count.
    pub vcon_signers: Signers,
    /// PEM of certificate authorities beside the system's.
    pub authorities: Option<Vec<u8>>,
    /// The name of this process in leases.
    pub node: String,
    /// Wakes the sequencer when an entry was committed.
    pub ledger_nudge: Notify,
    /// Whoever writes the ledger here; and whether the store's checkpoint was compared with the catalog's yet.
    ledger_writer: tokio::sync::Mutex<bool>,
    /// Passes of the purge run one at a time in this process as well.
    pub purge_turn: tokio::sync::Mutex<()>,
    /// The store's copies of cases are rewritten one at a time, for the same reason as sidecars.
    pub case_writer: tokio::sync::Mutex<()>,
    /// And those of accounts.
    pub account_writer: tokio::sync::Mutex<()>,
    /// Places for evidence packages that are made at once in this process.
    pub packages: Arc<Semaphore>,
    /// Wakes the purge when something was fenced before its deadline.
    pub purge_nudge: Notify,
    /// Wakes whoever catches recordings that arrive under a rule.
    pub arrivals_nudge: Notify,
    /// Where the rounds over what waits go on.
    pub bookmarks: Bookmarks,
    /// Sidecars are rewritten one at a time, so that an older state cannot overtake a newer one.
    sidecar_writer: tokio::sync::Mutex<()>,
    /// What the store was found to enforce.
    store_facts: tokio::sync::OnceCell<StoreFacts>,
    /// How many locks were not of the mode that is asked for when this process began.
    weaker_locks: tokio::sync::OnceCell<u64>,
    /// False where the clock is not the system's: then the catalog's clock is no second opinion.
    compare_clocks: bool,
}

impl Archive {
    /// The ledger's writer.
    pub fn ledger(&self) -> Ledger<'_> {
        Ledger { catalog: &self.catalog, store: self.store.as_ref(), key: &self.signing, origin: &self.origin }
    }

    /// Sequences and publishes everything that waits, if no other node is at it. Returns the published size.
    pub async fn publish_ledger(&self) -> Result<u64, ArchiveError> {
        // The lease keeps other nodes out; within this one the loop, certificates and months take turns.
        let mut checkpoint_is_mended = self.ledger_writer.lock().await;
        let ledger = self.ledger();
        if self.holds_ledger_lease().await? {
            if !*checkpoint_is_mended {
                ledger.mend_checkpoint().await?;
                *checkpoint_is_mended = true;
            }
            ledger.sequence().await?;
            // Writing tiles can take long on a slow store: nothing is signed by who lost the lease meanwhile.
            if let Some(state) = ledger.publish_tiles().await?
                && self.holds_ledger_lease().await?
            {
                let size = ledger.publish_checkpoint(&state, self.clock.now()).await?;
                metrics::gauge!("earwitness_ledger_size").set(size as f64);
                return Ok(size);
            }
        }
        Ok(self.catalog.ledger_state().await?.published_size)
    }

    /// Takes or renews the lease on writing the ledger; false while another node has it.
    async fn holds_ledger_lease(&self) -> Result<bool, ArchiveError> {
        let now = self.clock.now();
        Ok(self.catalog.take_lease(LEDGER, &self.node, now.plus(LEDGER_LEASE), now).await?)
    }

    /// Publishes once more and lets other processes publish at once. For the end of a process.
    pub async fn hand_over_ledger(&self) -> Result<(), ArchiveError> {
        self.publish_ledger().await?;
        Ok(self.catalog.give_back_lease(LEDGER, &self.node).await?)
    }

    /// The controller as it stands on receipts and certificates.
    pub fn controller(&self) -> Controller {
        let or_not = |text: &Option<String>| text.clone().unwrap_or_else(|| "(not configured)".to_owned());
        let controller = &self.config.controller;
        Controller {
            name: or_not(&controller.name),
            address: or_not(&controller.address),
            privacy_contact: or_not(&controller.privacy_contact),
        }
    }

    /// The catalog's own clock, where it has one that can disagree with this machine's.
    pub async fn catalog_clock(&self) -> Result<Option<Timestamp>, ArchiveError> {
        if self.compare_clocks { Ok(self.catalog.server_now().await?) } else { Ok(None) }
    }
}
