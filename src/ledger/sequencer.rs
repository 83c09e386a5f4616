//! Gives entries their place in the tree and publishes the tree: the one writer of the ledger, on whatever node.
//!
//! Entries are appended by the transactions that they are about, without a place. One node at a time, the holder of
//! the lease, sequences them in batches; what is sequenced is published as tiles and a signed checkpoint. The catalog
//! commits first and the store follows, so a published checkpoint never names a leaf that the catalog does not have.

use std::collections::BTreeSet;

use super::checkpoint;
use super::entry::{Commitment, Entry, leaf_bytes};
use super::proof::Proof;
use super::signing::SigningKey;
use super::tiles::{self, Content, Tile};
use super::tree::{self, StoredHashes, TreeHead};
use super::{Hash, LedgerError};
use crate::catalog::{Catalog, CatalogError, LedgerState, SequencedEntry, UnsequencedEntry};
use crate::clock::Timestamp;
use crate::vault::objects::{ObjectKey, ObjectStore, Prefix, StoreError};

/// Entries that are sequenced in one transaction.
const BATCH: u32 = 1_000;

/// Versions of partial tiles that are deleted in one request.
const PARTS: usize = 1_000;

/// What can go wrong between the catalog's entries and the published tree.
#[derive(Debug, thiserror::Error)]
pub enum SequenceError {
    /// The catalog.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The object store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tree itself.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The store has a larger tree than the catalog: the catalog is old.
    #[error("the store's ledger has {store} entries and the catalog's {catalog}: run `earwitness restore`")]
    CatalogIsOld {
        /// Entries in the store's checkpoint.
        store: u64,
        /// Entries in the catalog's tree.
        catalog: u64,
    },
    /// The store's checkpoint is not of this tree.
    #[error("the store's checkpoint is of another ledger than the catalog's")]
    OtherLedger,
}

/// Where the ledger is written: the catalog, the store, the key that signs, and the ledger's name.
pub struct Ledger<'a> {
    /// The catalog.
    pub catalog: &'a Catalog,
    /// The object store.
    pub store: &'a dyn ObjectStore,
    /// The key that signs checkpoints.
    pub key: &'a SigningKey,
    /// The ledger's name, the first line of every checkpoint.
    pub origin: &'a str,
}

impl Ledger<'_> {
    /// Sequences what waits. Returns how many entries got their place.
    pub async fn sequence(&self) -> Result<u64, SequenceError> {
        let mut sequenced = 0;
        loop {
            let waiting = self.catalog.unsequenced(BATCH).await?;
            if waiting.is_empty() {
                return Ok(sequenced);
            }
            sequenced += self.sequence_batch(&waiting).await?;
        }
    }

    async fn sequence_batch(&self, waiting: &[UnsequencedEntry]) -> Result<u64, SequenceError> {
        let old = self.catalog.ledger_state().await?;
        let stored = self.stored(&tree::indexes_to_append(old.size)).await?;
        let leaves: Vec<Vec<u8>> = (old.size..)
            .zip(waiting)
            .map(|(seq, entry)| leaf_bytes(seq, &entry_of(entry)?))
            .collect::<Result<_, _>>()?;
        let growth = tree::append(old.size, &leaves, &stored)?;
        let rows: Vec<(u64, [u8; 32])> = growth.rows.iter().map(|(index, hash)| (*index, hash.0)).collect();
        let mut tx = self.catalog.begin().await?;
        if !tx.grow_ledger(old.size, growth.head.size, growth.head.root.0, &rows).await? {
            tx.rollback().await?;
            return Ok(0);
        }
        for (seq, entry) in (old.size..).zip(waiting) {
            tx.sequence_entry(entry.id, seq).await?;
        }
        tx.commit().await?;
        Ok(growth.head.size - old.size)
    }

    /// Writes the tiles of all that is sequenced. The tree that they are of; none when all of it is published.
    pub async fn publish_tiles(&self) -> Result<Option<LedgerState>, SequenceError> {
        let state = self.catalog.ledger_state().await?;
        let signed_by_this_key = checkpoint::verify(&state.checkpoint, &self.key.public()).is_ok();
        if state.size == state.published_size && signed_by_this_key {
            return Ok(None);
        }
        for tile in tiles::to_publish(state.published_size, state.size)? {
            let bytes = self.content(&tile).await?;
            self.store.put(&name_of(&tile)?, bytes.into()).await?;
        }
        Ok(Some(state))
    }

    /// Signs and writes the checkpoint of a tree whose tiles are written. Returns the size that is published then.
    ///
    /// Whoever was overtaken by another node while it wrote puts the newer checkpoint back: what the store shows must
    /// never stay behind what was shown before.
    pub async fn publish_checkpoint(&self, state: &LedgerState, now: Timestamp) -> Result<u64, SequenceError> {
        let head = TreeHead { size: state.size, root: Hash(state.root) };
        let note = checkpoint::sign(self.origin, &head, self.key)?;
        if first_of_its_day(state, now) {
            self.store.put(&ObjectKey::CheckpointAt(state.size), note.clone().into()).await?;
        }
        self.store.put(&ObjectKey::Checkpoint, note.clone().into()).await?;
        let mut tx = self.catalog.begin().await?;
        let newest = tx.ledger_published(state.size, now, &note).await?;
        tx.commit().await?;
        if !newest {
            return self.put_newest_checkpoint().await;
        }
        for tile in tiles::superseded(state.published_size, state.size)? {
            self.delete_parts(&tile).await?;
        }
        Ok(state.size)
    }

    /// Deletes the narrower versions of a full tile, of which there are up to 255.
    async fn delete_parts(&self, tile: &Tile) -> Result<(), SequenceError> {
        let ObjectKey::Tile(name) = name_of(tile)? else { return Err(LedgerError::TilePath.into()) };
        let (prefix, mut after) = (Prefix::parts_of(name), None);
        loop {
            let mut page = self.store.list(&prefix, after.as_ref(), PARTS).await?;
            page.found.retain(|found| found.key.is_some());
            for result in self.store.delete_versions(&page.found).await {
                result?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Puts the newest checkpoint that the catalog knows into the store. Only for the holder of the lease.
    pub(super) async fn put_newest_checkpoint(&self) -> Result<u64, SequenceError> {
        let state = self.catalog.ledger_state().await?;
        self.store.put(&ObjectKey::Checkpoint, state.checkpoint.into()).await?;
        Ok(state.published_size)
    }

    /// Brings the store's checkpoint up to the catalog's, where a writer died after it was overtaken. Only for the
    /// holder of the lease.
    pub async fn mend_checkpoint(&self) -> Result<(), SequenceError> {
        let state = self.catalog.ledger_state().await?;
        let stored = match self.stored_checkpoint().await? {
            Some(note) => checkpoint::parse_unverified(&note)?.head.size,
            None => 0,
        };
        if stored < state.published_size {
            self.put_newest_checkpoint().await?;
        }
        Ok(())
    }

    /// Compares the store's checkpoint with the catalog's tree. An error when the catalog is older than the store.
    pub async fn check_store(&self) -> Result<(), SequenceError> {
        let Some(note) = self.stored_checkpoint().await? else { return Ok(()) };
        let published = checkpoint::parse_unverified(&note)?;
        let state = self.catalog.ledger_state().await?;
        if published.head.size > state.size {
            return Err(SequenceError::CatalogIsOld { store: published.head.size, catalog: state.size });
        }
        let stored = self.stored(&tree::indexes_to_append(published.head.size)).await?;
        let known = tree::head(published.head.size, &stored)?;
        if published.origin != self.origin || known != published.head {
            return Err(SequenceError::OtherLedger);
        }
        Ok(())
    }

    /// The newest checkpoint in the store.
    pub async fn stored_checkpoint(&self) -> Result<Option<Vec<u8>>, SequenceError> {
        if self.store.head(&ObjectKey::Checkpoint).await?.is_none() {
            return Ok(None);
        }
        let note = self.store.get(&ObjectKey::Checkpoint, checkpoint::MAX_BYTES as u64).await?;
        Ok(Some(note.to_vec()))
    }

    /// The proof that an entry is in the published tree; none while it is not.
    pub async fn prove(&self, entry: &SequencedEntry) -> Result<Option<(Vec<u8>, Proof)>, SequenceError> {
        let state = self.catalog.ledger_state().await?;
        let Some(seq) = entry.seq.filter(|seq| *seq < state.published_size) else { return Ok(None) };
        let stored = self.stored(&tree::indexes_for_inclusion(seq, state.published_size)?).await?;
        let hashes = tree::prove_inclusion(seq, state.published_size, &stored)?;
        let leaf = leaf_bytes(seq, &entry_of(&entry.entry)?)?;
        Ok(Some((leaf, Proof::new(seq, hashes, state.checkpoint))))
    }

    /// The proofs of several entries in the one tree that `state` says is published; none for an entry that is not in
    /// it yet. What the proofs share is read once.
    pub async fn prove_all(
        &self,
        state: &LedgerState,
        entries: &[&SequencedEntry],
    ) -> Result<Vec<Option<Proof>>, SequenceError> {
        let size = state.published_size;
        let places: Vec<Option<u64>> = entries.iter().map(|entry| entry.seq.filter(|seq| *seq < size)).collect();
        let mut indexes = BTreeSet::new();
        for seq in places.iter().flatten() {
            indexes.extend(tree::indexes_for_inclusion(*seq, size)?);
        }
        let stored = self.stored(&Vec::from_iter(indexes)).await?;
        let prove = |seq| -> Result<Proof, SequenceError> {
            let hashes = tree::prove_inclusion(seq, size, &stored)?;
            Ok(Proof::new(seq, hashes, state.checkpoint.clone()))
        };
        places.into_iter().map(|place| place.map(prove).transpose()).collect()
    }

    async fn content(&self, tile: &Tile) -> Result<Vec<u8>, SequenceError> {
        if tile.content() == Content::Entries {
            let range = tile.entries();
            let rows = self.catalog.ledger_leaves(range.start, range.end).await?;
            let leaves: Vec<Vec<u8>> = (range.start..)
                .zip(&rows)
                .map(|(seq, row)| leaf_bytes(seq, &entry_of(&row.entry)?))
                .collect::<Result<_, _>>()?;
            return Ok(tiles::encode_bundle(&leaves)?);
        }
        Ok(tile.hashes(&self.stored(&tile.stored_hash_indexes()?).await?)?)
    }

    async fn stored(&self, indexes: &[u64]) -> Result<StoredHashes, SequenceError> {
        let hashes = self.catalog.ledger_hashes(indexes).await?;
        Ok(indexes.iter().copied().zip(hashes.into_iter().map(Hash)).collect())
    }
}

/// A row of the catalog as the leaf's entry.
pub fn entry_of(row: &UnsequencedEntry) -> Result<Entry, LedgerError> {
    Ok(Entry { at: row.at, kind: row.kind.parse()?, commitment: Commitment(row.commitment) })
}

/// One checkpoint a day is kept for good beside the newest; any two are connected by a consistency proof.
fn first_of_its_day(state: &LedgerState, now: Timestamp) -> bool {
    state.published_size == 0 || state.published_at.to_utc().date_naive() != now.to_utc().date_naive()
}

fn name_of(tile: &Tile) -> Result<ObjectKey, SequenceError> {
    let path = format!("ledger/{}", tile.path());
    path.parse().map_err(|_| LedgerError::TilePath.into())
}
