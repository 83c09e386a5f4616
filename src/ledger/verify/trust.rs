//! The key that whoever checks has decided to trust.

use std::str::FromStr;

use serde::Deserialize;

use crate::ledger::LedgerError;
use crate::ledger::signing::PublicKey;

/// A key to trust, or the fingerprint of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    key: Option<PublicKey>,
    origin: Option<String>,
    fingerprint: [u8; 32],
}

impl TrustedKey {
    /// The key itself, if more than its fingerprint is known.
    pub fn key(&self) -> Option<&PublicKey> {
        self.key.as_ref()
    }

    /// The ledger that the key is of, if it came with its name.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The fingerprint, 64 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        hex::encode(self.fingerprint)
    }

    /// Whether `key` is the one.
    pub fn is(&self, key: &PublicKey) -> bool {
        key.fingerprint_bytes() == self.fingerprint
    }
}

impl From<PublicKey> for TrustedKey {
    fn from(key: PublicKey) -> Self {
        Self { key: Some(key), origin: None, fingerprint: key.fingerprint_bytes() }
    }
}

/// The answer of `GET /v1/ledger/key`, as somebody saved it.
#[derive(Deserialize)]
struct SavedKey {
    origin: String,
    vkey: String,
    key: String,
    pem: String,
    fingerprint: String,
}

impl SavedKey {
    /// The key, if every form of it in the answer is of the same one.
    fn read(text: &str) -> Result<TrustedKey, LedgerError> {
        let saved: Self = serde_json::from_str(text).map_err(|_| LedgerError::Key("JSON, but not a saved key"))?;
        let (name, key) = PublicKey::from_vkey(&saved.vkey)?;
        let same = name == saved.origin
            && PublicKey::from_base64(&saved.key).is_ok_and(|other| other == key)
            && PublicKey::from_pem(saved.pem.as_bytes()).is_ok_and(|other| other == key)
            && saved.fingerprint == key.fingerprint();
        if !same {
            return Err(LedgerError::Key("the forms of the saved key contradict each other"));
        }
        Ok(TrustedKey { origin: Some(name), ..TrustedKey::from(key) })
    }
}

/// Reads any of: a fingerprint (64 hexadecimal digits), a C2SP verifier key (`name+id+base64`), base64 of the raw
/// key, PEM of the public key, the JSON of `GET /v1/ledger/key`. Errors with [`LedgerError::Key`].
impl FromStr for TrustedKey {
    type Err = LedgerError;
    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let text = text.trim();
        let mut fingerprint = [0; 32];
        if hex::decode_to_slice(text, &mut fingerprint).is_ok() {
            return Ok(Self { key: None, origin: None, fingerprint });
        }
        if text.starts_with('{') {
            return SavedKey::read(text);
        }
        if text.starts_with("-----BEGIN") {
            return PublicKey::from_pem(text.as_bytes()).map(Self::from);
        }
        // A plus is a digit of base64 as well.
        if let Ok(key) = PublicKey::from_base64(text) {
            return Ok(Self::from(key));
        }
        let (name, key) = PublicKey::from_vkey(text)?;
        Ok(Self { origin: Some(name), ..Self::from(key) })
    }
}
