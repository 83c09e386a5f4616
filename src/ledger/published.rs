//! What is published beside the tree: checkpoints that were kept, which must never be contradicted, and what others say
//! about them.

use std::collections::BTreeSet;

use super::Hash;
use super::checkpoint;
use super::sequencer::{Ledger, SequenceError};
use super::tree::{self, StoredHashes};
use crate::catalog::LedgerState;
use crate::vault::objects::{ObjectKey, Prefix};

/// Things that one listing asks for.
const PAGE: usize = 1_000;

impl Ledger<'_> {
    /// Compares each checkpoint in the store with the tree of its size. Returns how many there are.
    ///
    /// # Errors
    /// [`SequenceError::OtherLedger`] where one is of another tree or name; [`SequenceError::CatalogIsOld`] where it
    /// names more entries than the catalog has; [`super::LedgerError`] where this archive's key did not sign it.
    pub async fn check_kept_checkpoints(&self) -> Result<u64, SequenceError> {
        let (mut checked, mut after) = (0, None);
        let size = self.catalog.ledger_state().await?.size;
        loop {
            let page = self.store.list(&Prefix::checkpoints(), after.as_ref(), PAGE).await?;
            for key in page.found.iter().filter_map(|version| version.key) {
                if matches!(key, ObjectKey::CheckpointAt(_)) {
                    self.check_kept(&key, size).await?;
                    checked += 1;
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(checked);
            }
        }
    }

    /// Shows the checkpoint that `state` says is published with the cosignatures that `note` has in addition. False when
    /// another one is published meanwhile. Only for the holder of the lease.
    pub async fn publish_cosigned(&self, state: &LedgerState, note: &[u8]) -> Result<bool, SequenceError> {
        let mut tx = self.catalog.begin().await?;
        let is_newest = tx.ledger_cosigned(state.published_size, &state.checkpoint, note).await?;
        tx.commit().await?;
        if is_newest {
            self.store.put(&ObjectKey::Checkpoint, note.to_vec().into()).await?;
            // Another node may have taken the lease, and published more, while this one wrote.
            if self.catalog.ledger_state().await?.published_size != state.published_size {
                self.put_newest_checkpoint().await?;
            }
        }
        Ok(is_newest)
    }

    /// The proof that the published tree of `size` entries begins with the one of `old`.
    pub async fn prove_consistency(&self, old: u64, size: u64) -> Result<Vec<Hash>, SequenceError> {
        let indexes = tree::indexes_for_consistency(old, size)?;
        let hashes = self.catalog.ledger_hashes(&indexes).await?;
        let stored: StoredHashes = indexes.into_iter().zip(hashes.into_iter().map(Hash)).collect();
        Ok(tree::prove_consistency(old, size, &stored)?)
    }

    /// Sizes of kept checkpoints that no authority has stamped yet, the oldest first.
    pub async fn unstamped(&self) -> Result<Vec<u64>, SequenceError> {
        let (mut kept, mut stamped) = (BTreeSet::new(), BTreeSet::new());
        for (prefix, sizes) in [(Prefix::checkpoints(), &mut kept), (Prefix::timestamps(), &mut stamped)] {
            let mut after = None;
            loop {
                let page = self.store.list(&prefix, after.as_ref(), PAGE).await?;
                sizes.extend(page.found.iter().filter_map(|version| match version.key {
                    Some(ObjectKey::CheckpointAt(size) | ObjectKey::Timestamp(size)) => Some(size),
                    _ => None,
                }));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(kept.difference(&stamped).copied().collect())
    }

    async fn check_kept(&self, key: &ObjectKey, size: u64) -> Result<(), SequenceError> {
        let note = self.store.get(key, checkpoint::MAX_BYTES as u64).await?;
        let kept = checkpoint::verify(&note, &self.key.public())?;
        if kept.head.size > size {
            return Err(SequenceError::CatalogIsOld { store: kept.head.size, catalog: size });
        }
        let indexes = tree::indexes_to_append(kept.head.size);
        let hashes = self.catalog.ledger_hashes(&indexes).await?;
        let stored: StoredHashes = indexes.into_iter().zip(hashes.into_iter().map(Hash)).collect();
        if kept.origin != self.origin || tree::head(kept.head.size, &stored)? != kept.head {
            return Err(SequenceError::OtherLedger);
        }
        Ok(())
    }
}
