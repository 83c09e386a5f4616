//! Checkpoints: the tree's head, signed (C2SP tlog-checkpoint over signed-note).
//!
//! The ledger's name is both the origin line and the name of its key.

use signed_note::{Note, NoteError, Signature, VerificationError, Verifier, Verifiers};

use super::LedgerError;
use super::signing::{PublicKey, SigningKey};
use super::tree::{MAX_ENTRIES, TreeHead};

/// Longest checkpoint that is read, in bytes: room for a hundred witnesses.
pub const MAX_BYTES: usize = 64 * 1024;

/// What a checkpoint says. Believe it only from [`verify`].
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The ledger's name.
    pub origin: String,
    /// The tree that it stands for.
    pub head: TreeHead,
}

/// Whether a ledger can bear this name: not empty, no white space, no `+`, no control characters, 255 bytes at most.
pub fn is_origin(name: &str) -> bool {
    signed_note::is_key_name_valid(name) && name.len() <= 255 && !name.chars().any(char::is_control)
}

/// Signs the tree's head. The result is the checkpoint's text, as it is published.
///
/// Errors: [`LedgerError::Origin`], [`LedgerError::Crypto`]. Never sign a head that is not consistent with every one
/// signed before: that would be a second history.
pub fn sign(origin: &str, head: &TreeHead, key: &SigningKey) -> Result<Vec<u8>, LedgerError> {
    if !is_origin(origin) {
        return Err(LedgerError::Origin);
    }
    let body = tlog_tiles::Checkpoint::new(origin, head.size, head.root, "").map_err(|_| LedgerError::Origin)?;
    let text = body.to_bytes();
    let signature = key.sign(&text)?.to_vec();
    let id = key.public().key_id(origin);
    let signature = Signature::new(origin.to_owned(), id, signature).map_err(|_| LedgerError::Origin)?;
    Ok(Note::new(&text, &[signature]).map_err(|_| LedgerError::Origin)?.to_bytes())
}

/// Reads a checkpoint without looking at its signatures, for example to learn its origin.
pub fn parse_unverified(bytes: &[u8]) -> Result<Checkpoint, LedgerError> {
    read(bytes).map(|(_, checkpoint)| checkpoint)
}

/// What log and witnesses sign, and authorities stamp: name, size and root, each on its line.
///
/// Errors: [`LedgerError::Checkpoint`].
pub fn text(bytes: &[u8]) -> Result<Vec<u8>, LedgerError> {
    read(bytes).map(|(note, _)| note.text().to_vec())
}

/// Reads a checkpoint that `key` signed under the checkpoint's own origin. Signatures of other keys, such as those
/// of witnesses, are passed over (signed-note says so); further lines of its text are refused, as nothing here
/// would look at them.
///
/// Errors: [`LedgerError::Checkpoint`], [`LedgerError::Signature`].
pub fn verify(bytes: &[u8], key: &PublicKey) -> Result<Checkpoint, LedgerError> {
    let (note, checkpoint) = read(bytes)?;
    let known = OneKey { name: checkpoint.origin.clone(), key: *key };
    match note.verify(&known) {
        Ok(_) => Ok(checkpoint),
        Err(NoteError::UnverifiedNote) => Err(LedgerError::Checkpoint("not signed by this key")),
        Err(_) => Err(LedgerError::Signature),
    }
}

fn read(bytes: &[u8]) -> Result<(Note, Checkpoint), LedgerError> {
    if bytes.len() > MAX_BYTES {
        return Err(LedgerError::Checkpoint("too long"));
    }
    let note = Note::from_bytes(bytes).map_err(|_| LedgerError::Checkpoint("not a signed note"))?;
    let body = tlog_tiles::Checkpoint::from_bytes(note.text())
        .map_err(|_| LedgerError::Checkpoint("not name, size and root hash"))?;
    if body.to_bytes() != note.text() || note.to_bytes() != bytes {
        return Err(LedgerError::Checkpoint("not in its one form"));
    }
    if !body.extension().is_empty() {
        return Err(LedgerError::Checkpoint("has further lines"));
    }
    if !is_origin(body.origin()) || body.size() > MAX_ENTRIES {
        return Err(LedgerError::Checkpoint("a name or a size that no ledger of ours has"));
    }
    let head = TreeHead { size: body.size(), root: *body.hash() };
    if head.size == 0 && head != TreeHead::EMPTY {
        return Err(LedgerError::Checkpoint("an empty tree with entries"));
    }
    Ok((note, Checkpoint { origin: body.origin().to_owned(), head }))
}

/// The one key that is trusted, in the terms of the signed-note crate.
struct OneKey {
    name: String,
    key: PublicKey,
}

impl Verifier for OneKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.key.key_id(&self.name)
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify(message, signature)
    }
}

impl Verifiers for OneKey {
    fn verifier(&self, name: &str, id: u32) -> Result<&dyn Verifier, VerificationError> {
        if name == self.name && id == self.key_id() {
            Ok(self)
        } else {
            Err(VerificationError::UnknownKey { name: name.to_owned(), id })
        }
    }
}
