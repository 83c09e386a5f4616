//! The ledger's rows. Entries stay for good and say nothing about anybody; openings are sealed and can be erased.

mod openings;
mod tree;

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::{Catalog, CatalogError, Result, Tx, exactly_one, signed, unsigned};
use crate::clock::Timestamp;
use crate::recording::RecordingId;

pub(super) const ALL: &[&[&str]] = &[openings::ALL, tree::ALL];

/// An entry to be appended; its place in the tree comes later, from the sequencer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Its own id.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// What happened, without anybody in it.
    pub kind: String,
    /// SHA-256 over salt and payload.
    pub commitment: [u8; 32],
    /// What was committed to, sealed; none when it is kept elsewhere.
    pub opening: Option<NewOpening>,
}

/// A sealed salt and payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOpening {
    /// The recording it is about: it is erased with it.
    pub recording_id: Option<RecordingId>,
    /// `recording` (the recording's own key), or the name of the secret that seals it.
    pub sealed_under: String,
    /// When it is erased on its own account.
    pub erase_at: Option<Timestamp>,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
}

/// An entry that has no place in the tree yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsequencedEntry {
    /// Its own id.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: String,
    /// What it commits to.
    pub commitment: [u8; 32],
}

/// An entry with its place, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequencedEntry {
    /// The entry.
    pub entry: UnsequencedEntry,
    /// Its index in the tree.
    pub seq: Option<u64>,
}

/// An entry about a recording, with its sealed opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningRow {
    /// The entry.
    pub entry: SequencedEntry,
    /// What sealed it.
    pub sealed_under: String,
    /// The sealed opening.
    pub sealed: Vec<u8>,
}

/// How far the tree has grown, and how far that is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerState {
    /// Leaves in the tree.
    pub size: u64,
    /// Its root hash.
    pub root: [u8; 32],
    /// Leaves that the newest checkpoint covers.
    pub published_size: u64,
    /// When it was signed.
    pub published_at: Timestamp,
    /// That checkpoint, a signed note; empty before the first.
    pub checkpoint: Vec<u8>,
}

fn hash_of(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| CatalogError::Corrupt("a hash of another length"))
}

fn entry_row(row: &AnyRow) -> Result<UnsequencedEntry> {
    let id: String = row.try_get("id")?;
    Ok(UnsequencedEntry {
        id: Uuid::try_parse(&id).map_err(|_| CatalogError::Corrupt("ledger_entries.id"))?,
        at: Timestamp::from_micros(row.try_get("at")?),
        kind: row.try_get("kind")?,
        commitment: hash_of(&row.try_get::<Vec<u8>, _>("commitment")?)?,
    })
}

fn sequenced_row(row: &AnyRow) -> Result<SequencedEntry> {
    let seq: Option<i64> = row.try_get("seq")?;
    Ok(SequencedEntry { entry: entry_row(row)?, seq: seq.map(unsigned).transpose()? })
}
