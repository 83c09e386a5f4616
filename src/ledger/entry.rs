//! One entry: the leaf that stays for ever, and the opening that can be erased.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::rand;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::kind::Kind;
use super::tree::MAX_ENTRIES;
use super::{Hash, LedgerError, canonical};
use crate::clock::Timestamp;

/// What stands before salt and payload in the digest, so that it can be no other digest of this program.
const COMMITMENT_DOMAIN: &[u8] = b"earwitness-ledger-v1\0";

/// Longest leaf in bytes: what a C2SP entry bundle can prefix with 16 bits.
pub const MAX_LEAF_BYTES: usize = u16::MAX as usize;

/// A salted digest of a payload: SHA-256(`earwitness-ledger-v1\0` ‖ salt ‖ payload). Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Commitment(pub [u8; 32]);

/// What a commitment commits to. The salt keeps the payload from being guessed once both are erased.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Opening {
    /// 32 random bytes.
    pub salt: [u8; 32],
    /// Canonical JSON (RFC 8785): what happened, personal data included.
    pub payload: Vec<u8>,
}

impl Opening {
    /// A fresh salt and the canonical text of `payload`.
    ///
    /// Errors: [`LedgerError::Canonical`] on fractions and numbers beyond 2^53 − 1, [`LedgerError::Crypto`].
    pub fn new<T: Serialize>(payload: &T) -> Result<Self, LedgerError> {
        let mut salt = [0; 32];
        rand::fill(&mut salt).map_err(|_| LedgerError::Crypto)?;
        Ok(Self { salt, payload: canonical::to_bytes(payload)? })
    }

    /// The digest that goes into the leaf.
    pub fn commit(&self) -> Commitment {
        let mut context = Context::new(&SHA256);
        context.update(COMMITMENT_DOMAIN);
        context.update(&self.salt);
        context.update(&self.payload);
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        Commitment(digest)
    }
}

/// Says how long the payload is and nothing of what is in it: an opening must not reach a log.
impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opening({} bytes)", self.payload.len())
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Commitment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Commitment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let mut digest = [0; 32];
        hex::decode_to_slice(text.as_bytes(), &mut digest).map_err(serde::de::Error::custom)?;
        Ok(Self(digest))
    }
}

/// What is known of an entry from the moment its transaction commits; its place in the tree follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it happened.
    pub at: Timestamp,
    /// What kind of thing happened.
    pub kind: Kind,
    /// The digest of what happened.
    pub commitment: Commitment,
}

/// The leaf as it is written; the names are in the order of RFC 8785.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Leaf {
    at: Timestamp,
    commitment: Commitment,
    kind: Kind,
    seq: u64,
}

/// The bytes that are hashed into the tree: `{"at":"…","commitment":"<64 hex>","kind":"…","seq":12}`.
pub fn leaf_bytes(seq: u64, entry: &Entry) -> Result<Vec<u8>, LedgerError> {
    if seq >= MAX_ENTRIES {
        return Err(LedgerError::TooLarge);
    }
    canonical::to_bytes(&Leaf { at: entry.at, commitment: entry.commitment, kind: entry.kind.clone(), seq })
}

/// Reads a leaf. Refuses whatever [`leaf_bytes`] would not have written byte for byte.
pub fn parse_leaf(bytes: &[u8]) -> Result<(u64, Entry), LedgerError> {
    if bytes.len() > MAX_LEAF_BYTES {
        return Err(LedgerError::Leaf("too long"));
    }
    let leaf: Leaf = serde_json::from_slice(bytes).map_err(|_| LedgerError::Leaf("other members or types"))?;
    let entry = Entry { at: leaf.at, kind: leaf.kind, commitment: leaf.commitment };
    if leaf_bytes(leaf.seq, &entry)? != bytes {
        return Err(LedgerError::Leaf("not in canonical form"));
    }
    Ok((leaf.seq, entry))
}

/// SHA-256(0x00 ‖ leaf): the leaf's hash in the tree (RFC 6962 section 2.1).
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    tlog_tiles::record_hash(leaf)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            at: Timestamp::parse("2026-11-22T20:33:15.250Z").unwrap(),
            kind: Kind::RECORDING_RECEIVED,
            commitment: Commitment([0xab; 32]),
        }
    }

    #[test]
    fn a_leaf_is_the_documented_text() {
        let commitment = "ab".repeat(32);
        let text = format!(
            r#"{{"at":"2026-11-22T20:33:15.250Z","commitment":"{commitment}","kind":"recording.received","seq":12}}"#
        );
        assert_eq!(leaf_bytes(12, &entry()).unwrap(), text.as_bytes());
        assert_eq!(parse_leaf(text.as_bytes()).unwrap(), (12, entry()));
    }

    #[test]
    fn a_leaf_has_no_second_text() {
        let text = String::from_utf8(leaf_bytes(12, &entry()).unwrap()).unwrap();
        for other in [
            text.replace("15.250Z", "15.25Z"),
            text.replace("T20:33:15.250Z", "T21:33:15.250+01:00"),
            text.replace("15.250Z", "15.2500001Z"),
            text.replace("abab", "ABAB"),
            text.replace(":12}", ":12,\"x\":1}"),
            text.replace(":12}", ":12.0}"),
            text.replace(":12}", ":-12}"),
            text.replace("\"kind\"", " \"kind\""),
            text.replace("\"seq\":12", "\"seq\":12,\"seq\":12"),
            format!("{text}\n"),
        ] {
            assert_ne!(other, text);
            assert!(parse_leaf(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn a_commitment_depends_on_every_part_of_its_opening() {
        let opening = Opening { salt: [7; 32], payload: br#"{"a":1}"#.to_vec() };
        // Computed with `printf 'earwitness-ledger-v1\0' … | sha256sum`, not with this program.
        let independent = "87fd6896e59dfe8f1fc1ddc620149869e9d349313e44dd4d7585e2781718a534";
        assert_eq!(opening.commit().to_string(), independent);
        let mut salted = opening.clone();
        salted.salt[31] ^= 1;
        let longer = Opening { salt: [7; 32], payload: br#"{"a":10}"#.to_vec() };
        assert_ne!(salted.commit(), opening.commit());
        assert_ne!(longer.commit(), opening.commit());
        assert_ne!(Opening::new(&1).unwrap().commit(), Opening::new(&1).unwrap().commit(), "the salt is random");
    }

    #[test]
    fn an_opening_does_not_show_itself_in_a_log() {
        let opening = Opening::new(&serde_json::json!({"number": "+32470123456"})).unwrap();
        assert!(!format!("{opening:?}").contains("32470"));
    }
}
