//! Asking a witness to cosign a checkpoint (C2SP tlog-witness, `add-checkpoint`).
//!
//! A witness remembers the largest tree that it cosigned, and cosigns only what begins with that one. Who rewrote the
//! ledger gets no cosignature any more.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::ledger::cosignature::WitnessKey;
use crate::ledger::{Hash, checkpoint};
use crate::outside::{OutsideError, Outsider};

/// Longest consistency proof that a witness takes, in hashes.
const MAX_PROOF: usize = 63;

/// A witness, at an address.
#[derive(Debug, Clone)]
pub struct Witness {
    key: WitnessKey,
    outside: Outsider,
}

/// Why a witness did not cosign. The texts carry nothing that it wrote.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// Its address cannot be used.
    #[error("the settings of a witness: {0}")]
    Settings(&'static str),
    /// It does not answer.
    #[error("a witness {0}")]
    Unreachable(String),
    /// It does not know this ledger, or another key of it.
    #[error("a witness does not know this ledger or its key: HTTP status {0}")]
    Unknown(u16),
    /// It cosigned a tree of this size last: prove from there.
    #[error("a witness knows a tree of {0} entries")]
    Knows(u64),
    /// It says that this tree does not begin with the one that it cosigned: the ledger was rewritten.
    #[error("a witness refuses: this tree does not begin with the one that it cosigned")]
    Rewritten,
    /// It answers with what the protocol does not provide for.
    #[error("a witness answers with HTTP status {0}")]
    Status(u16),
    /// What it answers is no cosignature of its own on this checkpoint.
    #[error("a witness answers with no cosignature of its own")]
    Answer,
}

impl WitnessError {
    /// A stable word for logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Settings(_) => "witness-settings",
            Self::Unreachable(_) => "witness-unreachable",
            Self::Unknown(_) => "witness-unknown-ledger",
            Self::Knows(_) => "witness-knows-another-size",
            Self::Rewritten => "witness-rewritten",
            Self::Status(_) => "witness-http-status",
            Self::Answer => "witness-answer",
        }
    }
}

impl From<OutsideError> for WitnessError {
    fn from(error: OutsideError) -> Self {
        match error {
            OutsideError::Settings(what) => Self::Settings(what),
            OutsideError::Unreachable(what) => Self::Unreachable(what),
            OutsideError::TooLarge => Self::Answer,
        }
    }
}

impl Witness {
    /// The witness with this key, at this submission prefix. `tls_ca_pem`: authorities for its TLS beside the system's.
    pub fn new(key: WitnessKey, prefix: &str, tls_ca_pem: Option<&[u8]>) -> Result<Self, WitnessError> {
        let url = format!("{}/add-checkpoint", prefix.trim_end_matches('/'));
        Ok(Self { key, outside: Outsider::at(&url, tls_ca_pem)? })
    }

    /// Its key.
    pub fn key(&self) -> &WitnessKey {
        &self.key
    }

    /// Submits a checkpoint with the proof that its tree begins with the one of `old` entries. Gives the signature lines
    /// of the answer, which nobody has checked yet.
    pub async fn add_checkpoint(&self, old: u64, proof: &[Hash], note: &[u8]) -> Result<Vec<u8>, WitnessError> {
        let body = request(old, proof, note);
        let answer = self.outside.post("text/plain", "text/plain", body, checkpoint::MAX_BYTES).await?;
        match answer.status {
            200 => Ok(answer.body),
            403 | 404 => Err(WitnessError::Unknown(answer.status)),
            409 => {
                let stated = std::str::from_utf8(&answer.body).ok().and_then(|text| text.strip_suffix('\n'));
                let size =
                    stated.and_then(|text| text.parse().ok()).filter(|_| answer.media_type == "text/x.tlog.size");
                // Of the same size, and yet in conflict: another root.
                Err(size.filter(|size| *size != old).map_or(WitnessError::Rewritten, WitnessError::Knows))
            }
            422 => Err(WitnessError::Rewritten),
            other => Err(WitnessError::Status(other)),
        }
    }
}

fn request(old: u64, proof: &[Hash], note: &[u8]) -> Vec<u8> {
    let mut body = format!("old {old}\n").into_bytes();
    for hash in proof.iter().take(MAX_PROOF) {
        body.extend_from_slice(BASE64_STANDARD.encode(hash.0).as_bytes());
        body.push(b'\n');
    }
    body.push(b'\n');
    body.extend_from_slice(note);
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_size_proof_and_checkpoint() {
        let body = request(7, &[Hash([0; 32]), Hash([255; 32])], b"log\n9\nroot\n\n\xe2\x80\x94 log sig\n");
        let text = String::from_utf8(body).unwrap();
        let lines: Vec<&str> = text.split('\n').collect();
        assert_eq!(
            lines[..5],
            ["old 7", &format!("{}=", "A".repeat(43)), "//////////////////////////////////////////8=", "", "log"]
        );
        assert!(text.ends_with("— log sig\n"));
    }
}
