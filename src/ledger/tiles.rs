//! The tree as files (C2SP tlog-tiles): tiles of 256 hashes, and bundles of 256 entries.
//!
//! A file once published never changes; the last, partial one of each level is published under its width
//! (`….p/17`), and may go once the full one is there.

use std::fmt;
use std::str::FromStr;

use tlog_tiles::HASH_SIZE;

use super::tree::{MAX_ENTRIES, StoredHashes};
use super::{HashReader, LedgerError};

/// Hashes in a full tile and entries in a full bundle.
pub const FULL_WIDTH: u16 = 256;

/// Height of a tile in the tree: 2^8 = [`FULL_WIDTH`].
const HEIGHT: u8 = 8;

/// Highest level of tiles: a tree of [`MAX_ENTRIES`] has tiles on levels 0 to 5.
const MAX_LEVEL: u8 = 5;

/// What a file of the published tree holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// Leaves, each behind its length in 16 bits, big-endian.
    Entries,
    /// Hashes at height 8 × this level, 32 bytes each.
    Hashes(u8),
}

/// One file of the published tree: a hash tile or an entry bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    content: Content,
    index: u64,
    width: u16,
}

impl Tile {
    /// What it holds.
    pub fn content(&self) -> Content {
        self.content
    }

    /// Its number within its level, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries it holds: 1 to [`FULL_WIDTH`].
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it holds [`FULL_WIDTH`] and thus stays.
    pub fn is_full(&self) -> bool {
        self.width == FULL_WIDTH
    }

    /// The full tile of which this one is a part.
    #[must_use]
    pub fn full(&self) -> Self {
        Self { width: FULL_WIDTH, ..*self }
    }

    /// `tile/0/x001/x234/067`, `tile/entries/000.p/17`: where it is published, without a slash in front.
    pub fn path(&self) -> String {
        self.to_string()
    }

    /// The bytes of a hash tile, from the stored hashes that [`Tile::stored_hash_indexes`] names.
    ///
    /// Errors: [`LedgerError::MissingHash`]; [`LedgerError::TilePath`] for a bundle, which holds no hashes.
    pub fn hashes(&self, stored: &StoredHashes) -> Result<Vec<u8>, LedgerError> {
        let mut bytes = Vec::with_capacity(usize::from(self.width) * HASH_SIZE);
        for index in self.stored_hash_indexes()? {
            let read = stored.read_hashes(&[index]).map_err(|_| LedgerError::MissingHash { index })?;
            read.iter().for_each(|hash| bytes.extend_from_slice(&hash.0));
        }
        Ok(bytes)
    }

    /// The stored hashes that a hash tile lists, in its order.
    pub fn stored_hash_indexes(&self) -> Result<Vec<u64>, LedgerError> {
        let Content::Hashes(level) = self.content else { return Err(LedgerError::TilePath) };
        let first = self.index << HEIGHT;
        Ok((first..first + u64::from(self.width)).map(|n| tlog_tiles::stored_hash_index(HEIGHT * level, n)).collect())
    }

    /// The sequence numbers of the entries that a bundle holds.
    pub fn entries(&self) -> std::ops::Range<u64> {
        let first = self.index << HEIGHT;
        first..first + u64::from(self.width)
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            Content::Entries => f.write_str("tile/entries/")?,
            Content::Hashes(level) => write!(f, "tile/{level}/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for group in groups.iter().skip(1).rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", groups[0])?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// Reads a path as [`Tile::path`] writes it. Errors with [`LedgerError::TilePath`] on any other text.
impl FromStr for Tile {
    type Err = LedgerError;
    fn from_str(path: &str) -> Result<Self, LedgerError> {
        parse_path(path).filter(|tile| tile.path() == path).ok_or(LedgerError::TilePath)
    }
}

fn parse_path(path: &str) -> Option<Tile> {
    let (content, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let content = if content == "entries" { Content::Entries } else { Content::Hashes(content.parse().ok()?) };
    if matches!(content, Content::Hashes(level) if level > MAX_LEVEL) {
        return None;
    }
    let (number, width) = match rest.split_once(".p/") {
        Some((number, width)) => (number, width.parse().ok().filter(|w| (1..FULL_WIDTH).contains(w))?),
        None => (rest, FULL_WIDTH),
    };
    let mut index: u64 = 0;
    for group in number.split('/') {
        let group: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
        index = index.checked_mul(1000)?.checked_add(group)?;
    }
    (index < MAX_ENTRIES >> HEIGHT).then_some(Tile { content, index, width })
}

/// The files to publish when the tree grows from `old` to `new` entries: hash tiles from the lowest level up, then
/// entry bundles. Every hash in them has been stored by then.
///
/// Errors: [`LedgerError::BeyondTree`] when `old > new`, [`LedgerError::TooLarge`].
pub fn to_publish(old: u64, new: u64) -> Result<Vec<Tile>, LedgerError> {
    let mut files = Vec::new();
    for content in contents(old, new)? {
        let (old, new) = (in_level(content, old), in_level(content, new));
        if old == new {
            continue;
        }
        let full = (old >> HEIGHT)..(new >> HEIGHT);
        files.extend(full.map(|index| Tile { content, index, width: FULL_WIDTH }));
        files.extend(last(content, new));
    }
    Ok(files)
}

/// The tiles that became full between `old` and `new`, and of which narrower versions may have been published
/// before: these may be deleted once the full one is safely stored.
pub fn superseded(old: u64, new: u64) -> Result<Vec<Tile>, LedgerError> {
    let grown = |content: &Content| in_level(*content, old) >> HEIGHT < in_level(*content, new) >> HEIGHT;
    let partial = contents(old, new)?.into_iter().filter(grown).filter_map(|c| last(c, in_level(c, old)));
    Ok(partial.map(|tile| tile.full()).collect())
}

/// The bundles that hold all entries of a tree of `size`: what rebuilding reads, in this order.
pub fn bundles(size: u64) -> Result<Vec<Tile>, LedgerError> {
    let all = to_publish(0, size)?;
    Ok(all.into_iter().filter(|tile| tile.content == Content::Entries).collect())
}

fn contents(old: u64, new: u64) -> Result<Vec<Content>, LedgerError> {
    if new > MAX_ENTRIES {
        return Err(LedgerError::TooLarge);
    }
    if old > new {
        return Err(LedgerError::BeyondTree);
    }
    let levels = (0..=MAX_LEVEL).map(Content::Hashes).filter(|level| in_level(*level, new) > 0);
    Ok(levels.chain((new > 0).then_some(Content::Entries)).collect())
}

/// How many hashes (or entries) a tree of `size` has on a level.
fn in_level(content: Content, size: u64) -> u64 {
    match content {
        Content::Entries => size,
        Content::Hashes(level) => size >> (HEIGHT * level),
    }
}

/// The partial tile at the end of a level with `count` hashes, if there is one.
fn last(content: Content, count: u64) -> Option<Tile> {
    let width = u16::try_from(count % u64::from(FULL_WIDTH)).ok().filter(|width| *width > 0)?;
    Some(Tile { content, index: count >> HEIGHT, width })
}

/// The bytes of an entry bundle.
///
/// Errors: [`LedgerError::Bundle`] for no or more than [`FULL_WIDTH`] leaves, or one above 65,535 bytes.
pub fn encode_bundle<L: AsRef<[u8]>>(leaves: &[L]) -> Result<Vec<u8>, LedgerError> {
    if leaves.is_empty() || leaves.len() > usize::from(FULL_WIDTH) {
        return Err(LedgerError::Bundle("holds 1 to 256 entries"));
    }
    let mut bytes = Vec::new();
    for leaf in leaves.iter().map(AsRef::as_ref) {
        let length = u16::try_from(leaf.len()).map_err(|_| LedgerError::Bundle("an entry is too long"))?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(leaf);
    }
    Ok(bytes)
}

/// The leaves of an entry bundle that holds `width` of them, to the last byte.
pub fn parse_bundle(mut bytes: &[u8], width: u16) -> Result<Vec<Vec<u8>>, LedgerError> {
    let mut leaves = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (leaf, rest) = rest.split_at_checked(length).ok_or(LedgerError::Bundle("cut off"))?;
        leaves.push(leaf.to_vec());
        if leaves.len() > usize::from(width) {
            return Err(LedgerError::Bundle("holds more entries than its name says"));
        }
        bytes = rest;
    }
    match (bytes, leaves.len() == usize::from(width)) {
        ([], true) => Ok(leaves),
        ([], false) => Err(LedgerError::Bundle("holds fewer entries than its name says")),
        _ => Err(LedgerError::Bundle("cut off")),
    }
}
