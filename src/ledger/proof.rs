//! The proof of one entry, to be checked without us (C2SP tlog-proof).

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::checkpoint::{self, Checkpoint};
use super::entry::leaf_hash;
use super::signing::PublicKey;
use super::tree::{self, MAX_ENTRIES, MAX_PROOF_HASHES};
use super::{Hash, LedgerError};

/// The first line.
pub const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Longest proof that is read, in bytes.
pub const MAX_BYTES: usize = 2 * checkpoint::MAX_BYTES;

/// That an entry is in the tree of a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// Anything the issuer wants to add. Covered by no signature: never believe it.
    pub extra: Option<Vec<u8>>,
    /// The entry's sequence number, from 0.
    pub index: u64,
    /// The inclusion proof (RFC 6962 section 2.1.1), from the leaf up.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint, word for word.
    pub checkpoint: Vec<u8>,
}

impl Proof {
    /// A proof without extra data.
    pub fn new(index: u64, hashes: Vec<Hash>, checkpoint: Vec<u8>) -> Self {
        Self { extra: None, index, hashes, checkpoint }
    }

    /// The text of a `.tlog-proof` file.
    ///
    /// Errors: [`LedgerError::Proof`] when the checkpoint is not text.
    pub fn encode(&self) -> Result<String, LedgerError> {
        let checkpoint = std::str::from_utf8(&self.checkpoint).map_err(|_| LedgerError::Proof("checkpoint"))?;
        let mut text = format!("{HEADER}\n");
        if let Some(extra) = &self.extra {
            text.push_str(&format!("extra {}\n", BASE64_STANDARD.encode(extra)));
        }
        text.push_str(&format!("index {}\n", self.index));
        self.hashes.iter().for_each(|hash| text.push_str(&format!("{hash}\n")));
        text.push('\n');
        text.push_str(checkpoint);
        Ok(text)
    }

    /// Reads a proof. Its text must be the one that [`Proof::encode`] writes.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        if text.len() > MAX_BYTES {
            return Err(LedgerError::Proof("too long"));
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or(LedgerError::Proof("no checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(LedgerError::Proof("first line"));
        }
        let extra = lines.next_if(|line| line.starts_with("extra ")).and_then(|line| line.strip_prefix("extra "));
        let extra =
            extra.map(|text| BASE64_STANDARD.decode(text).map_err(|_| LedgerError::Proof("extra"))).transpose()?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(|n| n.parse().ok());
        let index = index.filter(|index| *index < MAX_ENTRIES).ok_or(LedgerError::Proof("index"))?;
        let hashes = lines.map(|line| Hash::parse_hash(line).map_err(|_| LedgerError::Proof("hash")));
        let hashes = hashes.take(MAX_PROOF_HASHES + 1).collect::<Result<Vec<_>, _>>()?;
        let proof = Self { extra, index, hashes, checkpoint: checkpoint.as_bytes().to_vec() };
        if proof.hashes.len() > MAX_PROOF_HASHES || proof.encode()? != text {
            return Err(LedgerError::Proof("not in its one form"));
        }
        Ok(proof)
    }

    /// Checks that `leaf` (its bytes) is the entry in the checkpoint that `key` signed, and gives the checkpoint.
    ///
    /// Errors: [`LedgerError::WrongProof`], and those of [`checkpoint::verify`]. The caller compares the origin.
    pub fn verify(&self, leaf: &[u8], key: &PublicKey) -> Result<Checkpoint, LedgerError> {
        let checkpoint = checkpoint::verify(&self.checkpoint, key)?;
        tree::check_inclusion(&self.hashes, self.index, leaf_hash(leaf), &checkpoint.head)?;
        Ok(checkpoint)
    }
}
