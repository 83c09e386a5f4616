//! The tree back from its published entry bundles, when the catalog is lost or old.

use super::tiles::{self, Content, FULL_WIDTH, Tile};
use super::tree::{self, Growth, StoredHashes, TreeHead};
use super::{Hash, LedgerError};

/// Reads bundles one after the other, in the order of [`Rebuild::bundles`], with bounded memory. Nothing of what it
/// gives out is proved before [`Rebuild::finish`], so keep all of it in one transaction until then.
#[derive(Debug)]
pub struct Rebuild {
    target: TreeHead,
    size: u64,
    edge: StoredHashes,
}

/// What one bundle adds.
#[derive(Debug, Clone, PartialEq)]
pub struct Rebuilt {
    /// Sequence number of the first of `leaves`.
    pub first: u64,
    /// The leaves that were not known before, as [`super::entry::parse_leaf`] reads them.
    pub leaves: Vec<Vec<u8>>,
    /// Their stored hashes, (index, hash).
    pub rows: Vec<(u64, Hash)>,
}

impl Rebuild {
    /// From nothing up to a checkpoint's tree. Verify the checkpoint's signature first.
    pub fn new(target: TreeHead) -> Self {
        Self { target, size: 0, edge: StoredHashes::default() }
    }

    /// From a tree of `size` entries that is there already, whose right edge ([`tree::indexes_to_append`]) is in
    /// `stored`. That it is the beginning of the checkpoint's tree shows in [`Rebuild::finish`].
    ///
    /// Errors: [`LedgerError::BeyondTree`] when it is larger than the target, [`LedgerError::MissingHash`].
    pub fn resume(target: TreeHead, size: u64, stored: &StoredHashes) -> Result<Self, LedgerError> {
        if size > target.size {
            return Err(LedgerError::BeyondTree);
        }
        let known = tree::head(size, stored)?;
        let mut edge = stored.clone();
        edge.keep_edge(known.size);
        Ok(Self { target, size, edge })
    }

    /// The bundles still to be read, in order. Where the partial one is not to be found, a wider one of the same
    /// number serves as well ([`Tile::full`]): what goes beyond the target is left out.
    pub fn bundles(&self) -> Result<Vec<Tile>, LedgerError> {
        let all = tiles::bundles(self.target.size)?;
        Ok(all.into_iter().filter(|tile| tile.entries().end > self.size).collect())
    }

    /// Takes in one bundle.
    ///
    /// Errors: [`LedgerError::Gap`] when it is not the next one, [`LedgerError::Bundle`] when its bytes are not what
    /// its name says. Nothing is taken in then, and another copy of the same bundle may be tried.
    pub fn add(&mut self, tile: &Tile, bytes: &[u8]) -> Result<Rebuilt, LedgerError> {
        let range = tile.entries();
        let last = self.size.saturating_add(u64::from(FULL_WIDTH)).min(range.end).min(self.target.size);
        if tile.content() != Content::Entries || !range.contains(&self.size) || last <= self.size {
            return Err(LedgerError::Gap { next: self.size });
        }
        let place = |seq: u64| usize::try_from(seq - range.start).map_err(|_| LedgerError::TooLarge);
        let mut leaves = tiles::parse_bundle(bytes, tile.width())?;
        leaves.truncate(place(last)?);
        leaves.drain(..place(self.size)?);
        let Growth { head, rows } = tree::append(self.size, &leaves, &self.edge)?;
        let first = self.size;
        self.edge.extend(rows.iter().copied());
        self.edge.keep_edge(head.size);
        self.size = head.size;
        Ok(Rebuilt { first, leaves, rows })
    }

    /// Says whether what was read is the checkpoint's tree, to the last entry.
    ///
    /// Errors: [`LedgerError::Gap`] when entries are missing at the end, [`LedgerError::RootMismatch`] when a bundle,
    /// or the tree resumed from, is not what the checkpoint signed.
    pub fn finish(self) -> Result<TreeHead, LedgerError> {
        if self.size != self.target.size {
            return Err(LedgerError::Gap { next: self.size });
        }
        let head = tree::head(self.size, &self.edge)?;
        if head == self.target { Ok(head) } else { Err(LedgerError::RootMismatch) }
    }
}
