//! Parts that several signed documents share.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::checkpoint::Checkpoint;
use super::entry::{Commitment, Entry, Opening, leaf_bytes};
use super::kind::Kind;
use super::proof::Proof;
use super::signing::PublicKey;
use super::{LedgerError, canonical};
use crate::clock::Timestamp;

/// Who answers for the recordings (GDPR article 4 number 7), from the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Controller {
    /// The company's name.
    #[schema(example = "Example NV")]
    pub name: String,
    /// Its postal address, on one line.
    pub address: String,
    /// Where questions about privacy go: an e-mail address or a URL.
    pub privacy_contact: String,
}

/// The signature inside a document. Present in every document that the archive hands out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DocumentSignature {
    /// Always `Ed25519` (RFC 8032).
    pub alg: String,
    /// Base64 of the 32 raw bytes of the public key.
    pub key: String,
    /// Base64 of the 64 bytes of the signature over `<type>`, a zero byte and the document's canonical JSON (RFC 8785)
    /// without this member.
    pub signature: String,
}

/// What a ledger entry's commitment commits to: SHA-256(`earwitness-ledger-v1` ‖ 0x00 ‖ salt ‖ canonical JSON of payload).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpeningText {
    /// 32 random bytes, 64 hexadecimal digits.
    #[schema(min_length = 64, max_length = 64)]
    pub salt: String,
    /// What happened.
    #[schema(value_type = Object)]
    pub payload: Value,
}

impl OpeningText {
    /// The opening as text. Errors with [`LedgerError::Canonical`] when the payload is not canonical JSON.
    pub fn of(opening: &Opening) -> Result<Self, LedgerError> {
        Ok(Self { salt: hex::encode(opening.salt), payload: canonical::parse(&opening.payload)? })
    }

    /// The opening as bytes. Errors with [`LedgerError::Document`] when the salt is not 64 hexadecimal digits.
    pub fn opening(&self) -> Result<Opening, LedgerError> {
        let mut salt = [0; 32];
        hex::decode_to_slice(&self.salt, &mut salt).map_err(|_| LedgerError::Document("salt"))?;
        Ok(Opening { salt, payload: canonical::to_bytes(&self.payload)? })
    }
}

/// Says nothing of what is in it: an opening must not reach a log.
impl std::fmt::Debug for OpeningText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpeningText")
    }
}

/// An entry that is in the tree, with all that shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProvenEntry {
    /// Its sequence number in the ledger, from 0.
    pub seq: u64,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What kind of entry it is.
    #[schema(value_type = String, example = "purge.completed")]
    pub kind: Kind,
    /// What it commits to.
    pub opening: OpeningText,
    /// Inclusion proof and, behind an empty line, the signed checkpoint word for word (C2SP tlog-proof v1).
    pub proof: String,
}

impl ProvenEntry {
    /// From the parts that a sequencer has.
    pub fn new(seq: u64, entry: &Entry, opening: &Opening, proof: &Proof) -> Result<Self, LedgerError> {
        let opening = OpeningText::of(opening)?;
        Ok(Self { seq, at: entry.at, kind: entry.kind.clone(), opening, proof: proof.encode()? })
    }

    /// The digest that the opening gives.
    pub fn commitment(&self) -> Result<Commitment, LedgerError> {
        Ok(self.opening.opening()?.commit())
    }

    /// Checks that this very entry is in the tree of a checkpoint that `key` signed.
    ///
    /// Errors: [`LedgerError::WrongProof`] among others.
    pub fn verify(&self, key: &PublicKey) -> Result<Checkpoint, LedgerError> {
        let proof = Proof::parse(&self.proof)?;
        if proof.index != self.seq {
            return Err(LedgerError::WrongProof);
        }
        let entry = Entry { at: self.at, kind: self.kind.clone(), commitment: self.commitment()? };
        proof.verify(&leaf_bytes(self.seq, &entry)?, key)
    }
}

/// The public key under which receipts, certificates and checkpoints are signed, in every form that tools take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerKey {
    /// The ledger's name, the first line of every checkpoint.
    #[schema(example = "recordings.example.com/ledger")]
    pub origin: String,
    /// The key as C2SP tools take it: `<origin>+<key id>+<base64 of 0x01 and the raw key>`.
    pub vkey: String,
    /// Always `Ed25519` (RFC 8032).
    pub alg: String,
    /// Base64 of the 32 raw bytes, as signed documents carry it.
    pub key: String,
    /// The same in PEM (RFC 8410), as `openssl pkey -pubin` reads it.
    pub pem: String,
    /// SHA-256 of the raw bytes, 64 hexadecimal digits: compare it over another channel before you trust the key.
    pub fingerprint: String,
}

impl LedgerKey {
    /// The key of the ledger of this name.
    pub fn of(origin: &str, key: &PublicKey) -> Self {
        Self {
            origin: origin.to_owned(),
            vkey: key.vkey(origin),
            alg: "Ed25519".to_owned(),
            key: key.to_base64(),
            pem: key.to_pem(),
            fingerprint: key.fingerprint(),
        }
    }
}
