//! The Merkle tree of RFC 6962 over an array of stored hashes.
//!
//! The array is that of `tlog_tiles::stored_hash_index`: each complete subtree has one number, and a number once
//! written never changes, so a table `(index, hash)` that only grows is all the storage that the tree needs. Each
//! operation first says which numbers it needs, so that one query fetches them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use tlog_tiles::{
    EMPTY_HASH, check_record, check_tree, prove_record, prove_tree, stored_hash_index, stored_hashes, sub_tree_index,
    tree_hash,
};

use super::{Hash, HashReader, LedgerError};

/// No tree of ours has more entries: 2^40, a thousand a second for 34 years. Keeps index arithmetic far from overflow.
pub const MAX_ENTRIES: u64 = 1 << 40;

/// No proof in a tree of [`MAX_ENTRIES`] is longer, in hashes.
pub const MAX_PROOF_HASHES: usize = 64;

/// The size of a tree and the hash that stands for all of it: what a checkpoint signs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TreeHead {
    /// Number of entries.
    pub size: u64,
    /// Root hash (RFC 6962 section 2.1).
    pub root: Hash,
}

impl TreeHead {
    /// The tree without entries; its root is SHA-256 of nothing.
    pub const EMPTY: Self = Self { size: 0, root: EMPTY_HASH };
}

/// Stored hashes held in memory, by their index: what the caller fetched for one operation.
#[derive(Debug, Clone, Default)]
pub struct StoredHashes(BTreeMap<u64, Hash>);

impl StoredHashes {
    /// Adds one; an index that is there already is replaced.
    pub fn insert(&mut self, index: u64, hash: Hash) {
        self.0.insert(index, hash);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets all but what [`indexes_to_append`] names for a tree of `size` entries: at most 40 hashes.
    pub fn keep_edge(&mut self, size: u64) {
        let edge = indexes_to_append(size);
        self.0.retain(|index, _| edge.contains(index));
    }

    fn require(&self, indexes: &[u64]) -> Result<(), LedgerError> {
        match indexes.iter().find(|index| !self.0.contains_key(index)) {
            Some(index) => Err(LedgerError::MissingHash { index: *index }),
            None => Ok(()),
        }
    }
}

impl FromIterator<(u64, Hash)> for StoredHashes {
    fn from_iter<I: IntoIterator<Item = (u64, Hash)>>(rows: I) -> Self {
        Self(rows.into_iter().collect())
    }
}

impl Extend<(u64, Hash)> for StoredHashes {
    fn extend<I: IntoIterator<Item = (u64, Hash)>>(&mut self, rows: I) {
        self.0.extend(rows);
    }
}

impl HashReader for StoredHashes {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let read = |index| self.0.get(index).copied().ok_or(tlog_tiles::Error::IndexesNotInTree);
        indexes.iter().map(read).collect()
    }
}

/// What an append adds.
#[derive(Debug, Clone, PartialEq)]
pub struct Growth {
    /// The tree with the new entries.
    pub head: TreeHead,
    /// The new stored hashes, (index, hash), in rising order without gaps from the old ones on.
    pub rows: Vec<(u64, Hash)>,
}

/// The stored hashes that [`append`] to a tree of `size` entries needs, and [`head`] as well: its right edge.
pub fn indexes_to_append(size: u64) -> Vec<u64> {
    if size > MAX_ENTRIES { Vec::new() } else { sub_tree_index(0, size, Vec::new()) }
}

/// Appends `leaves` (their bytes, not their hashes) to a tree of `old_size` entries whose right edge is in `stored`.
///
/// Errors: [`LedgerError::MissingHash`] when `stored` lacks one of [`indexes_to_append`], [`LedgerError::TooLarge`].
pub fn append<L: AsRef<[u8]>>(old_size: u64, leaves: &[L], stored: &StoredHashes) -> Result<Growth, LedgerError> {
    let added = u64::try_from(leaves.len()).map_err(|_| LedgerError::TooLarge)?;
    let size = old_size.checked_add(added).filter(|size| *size <= MAX_ENTRIES).ok_or(LedgerError::TooLarge)?;
    let edge = indexes_to_append(old_size);
    stored.require(&edge)?;
    let mut known: StoredHashes = edge.iter().filter_map(|i| stored.0.get(i).map(|hash| (*i, *hash))).collect();
    let mut rows = Vec::new();
    for (n, leaf) in (old_size..).zip(leaves) {
        let hashes = stored_hashes(n, leaf.as_ref(), &known).map_err(unreadable)?;
        let numbered = (stored_hash_index(0, n)..).zip(hashes);
        rows.extend(numbered.clone());
        known.extend(numbered);
    }
    Ok(Growth { head: head(size, &known)?, rows })
}

/// The head of a tree of `size` entries, from its right edge ([`indexes_to_append`]).
pub fn head(size: u64, stored: &StoredHashes) -> Result<TreeHead, LedgerError> {
    if size > MAX_ENTRIES {
        return Err(LedgerError::TooLarge);
    }
    stored.require(&indexes_to_append(size))?;
    Ok(TreeHead { size, root: tree_hash(size, stored).map_err(unreadable)? })
}

/// The stored hashes that [`prove_inclusion`] needs.
pub fn indexes_for_inclusion(seq: u64, size: u64) -> Result<Vec<u64>, LedgerError> {
    needed(size, seq < size, |reader| prove_record(size, seq, reader))
}

/// Proves that entry `seq` (from 0) is in the tree of `size` entries (RFC 6962 section 2.1.1).
///
/// Errors: [`LedgerError::BeyondTree`] unless `seq < size`, [`LedgerError::MissingHash`].
pub fn prove_inclusion(seq: u64, size: u64, stored: &StoredHashes) -> Result<Vec<Hash>, LedgerError> {
    stored.require(&indexes_for_inclusion(seq, size)?)?;
    prove_record(size, seq, stored).map_err(unreadable)
}

/// Checks that the leaf with hash `leaf` is entry `seq` of the tree `head`. Errors with [`LedgerError::WrongProof`].
pub fn check_inclusion(proof: &[Hash], seq: u64, leaf: Hash, head: &TreeHead) -> Result<(), LedgerError> {
    if proof.len() > MAX_PROOF_HASHES || head.size > MAX_ENTRIES {
        return Err(LedgerError::WrongProof);
    }
    check_record(&proof.to_vec(), head.size, head.root, seq, leaf).map_err(|_| LedgerError::WrongProof)
}

/// The stored hashes that [`prove_consistency`] needs.
pub fn indexes_for_consistency(old_size: u64, size: u64) -> Result<Vec<u64>, LedgerError> {
    if old_size == 0 {
        return Ok(Vec::new());
    }
    needed(size, old_size <= size, |reader| prove_tree(size, old_size, reader))
}

/// Proves that the tree of `size` entries begins with the tree of `old_size` entries (RFC 6962 section 2.1.2). The
/// proof from the empty tree is empty, as everything begins with nothing.
pub fn prove_consistency(old_size: u64, size: u64, stored: &StoredHashes) -> Result<Vec<Hash>, LedgerError> {
    stored.require(&indexes_for_consistency(old_size, size)?)?;
    if old_size == 0 {
        return Ok(Vec::new());
    }
    prove_tree(size, old_size, stored).map_err(unreadable)
}

/// Checks that the tree `new` begins with the tree `old`. Errors with [`LedgerError::WrongProof`].
pub fn check_consistency(proof: &[Hash], old: &TreeHead, new: &TreeHead) -> Result<(), LedgerError> {
    if proof.len() > MAX_PROOF_HASHES || new.size > MAX_ENTRIES || old.size > new.size {
        return Err(LedgerError::WrongProof);
    }
    if old.size == 0 {
        let holds = proof.is_empty() && *old == TreeHead::EMPTY && (new.size > 0 || *new == TreeHead::EMPTY);
        return if holds { Ok(()) } else { Err(LedgerError::WrongProof) };
    }
    check_tree(&proof.to_vec(), new.size, new.root, old.size, old.root).map_err(|_| LedgerError::WrongProof)
}

/// Notes which hashes are asked for and answers with zeroes: a proof asks for all it needs before it looks at any.
#[derive(Default)]
struct Asking(RefCell<Vec<u64>>);

impl HashReader for Asking {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        self.0.borrow_mut().extend_from_slice(indexes);
        Ok(vec![Hash::default(); indexes.len()])
    }
}

fn needed<T>(
    size: u64,
    within: bool,
    prove: impl FnOnce(&Asking) -> Result<T, tlog_tiles::Error>,
) -> Result<Vec<u64>, LedgerError> {
    if size > MAX_ENTRIES {
        return Err(LedgerError::TooLarge);
    }
    if !within {
        return Err(LedgerError::BeyondTree);
    }
    let asking = Asking::default();
    prove(&asking).map_err(unreadable)?;
    Ok(asking.0.into_inner())
}

/// All needed hashes were looked for beforehand, so what is left is an argument outside the tree.
fn unreadable(_: tlog_tiles::Error) -> LedgerError {
    LedgerError::BeyondTree
}
