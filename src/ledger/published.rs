//! Every checkpoint that was kept, against the catalog's tree: whoever kept one of them must never find it contradicted.

use super::Hash;
use super::checkpoint;
use super::sequencer::{Ledger, SequenceError};
use super::tree::{self, StoredHashes};
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
