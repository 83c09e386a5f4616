//! Keys: Ed25519 (RFC 8032), in the forms that openssl and C2SP tools read.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use zeroize::Zeroizing;

use super::LedgerError;
use crate::signature::pem;

/// Signature type of plain Ed25519 in C2SP signed-note.
const NOTE_ED25519: u8 = 1;

/// What stands before the 32 raw bytes in a SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The archive's signing key. Backed up and rotatable, unlike the keys that seal recordings.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

/// The public half: 32 raw bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

impl SigningKey {
    /// A new random key.
    pub fn generate() -> Result<Self, LedgerError> {
        Self::of(Ed25519KeyPair::generate().map_err(|_| LedgerError::Crypto)?)
    }

    /// Reads PEM around PKCS#8 (RFC 5958), as [`SigningKey::to_pem`] and `openssl genpkey -algorithm ed25519` write it.
    pub fn from_pem(pem: &[u8]) -> Result<Self, LedgerError> {
        let der = pem::read(pem, "PRIVATE KEY").ok_or(LedgerError::Key("not a PEM file with a private key"))?;
        let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|_| LedgerError::Key("not an Ed25519 key in PKCS#8"))?;
        Self::of(pair)
    }

    /// PEM around PKCS#8 version 1, which every tool reads. Secret.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, LedgerError> {
        let der = self.pair.to_pkcs8v1().map_err(|_| LedgerError::Crypto)?;
        Ok(pem::write(der.as_ref(), "PRIVATE KEY"))
    }

    /// Signs a message; the signature is 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64], LedgerError> {
        let signature = self.pair.try_sign(message).map_err(|_| LedgerError::Crypto)?;
        signature.as_ref().try_into().map_err(|_| LedgerError::Crypto)
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    fn of(pair: Ed25519KeyPair) -> Result<Self, LedgerError> {
        let public = PublicKey::from_raw(pair.public_key().as_ref())?;
        Ok(Self { pair, public })
    }
}

/// Shows the fingerprint of the public half, never the key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.short_fingerprint())
    }
}

impl PublicKey {
    /// From its 32 raw bytes.
    pub fn from_raw(raw: &[u8]) -> Result<Self, LedgerError> {
        raw.try_into().map(Self).map_err(|_| LedgerError::Key("an Ed25519 public key has 32 bytes"))
    }

    /// From base64 of its 32 raw bytes.
    pub fn from_base64(text: &str) -> Result<Self, LedgerError> {
        Self::from_raw(&BASE64_STANDARD.decode(text).map_err(|_| LedgerError::Key("not base64"))?)
    }

    /// From PEM around a SubjectPublicKeyInfo (RFC 8410), as `openssl pkey -pubout` writes it.
    pub fn from_pem(pem: &[u8]) -> Result<Self, LedgerError> {
        let der = pem::read(pem, "PUBLIC KEY").ok_or(LedgerError::Key("not a PEM file with a public key"))?;
        Self::from_raw(der.strip_prefix(&SPKI_PREFIX).ok_or(LedgerError::Key("not an Ed25519 key"))?)
    }

    /// From a C2SP signed-note verifier key, `<name>+<key id>+<base64>`: the name and the key.
    pub fn from_vkey(text: &str) -> Result<(String, Self), LedgerError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(LedgerError::Key("not a verifier key"));
        };
        let bytes = BASE64_STANDARD.decode(key).map_err(|_| LedgerError::Key("not a verifier key"))?;
        let raw = bytes.strip_prefix(&[NOTE_ED25519]).ok_or(LedgerError::Key("not a verifier key of type Ed25519"))?;
        let key = Self::from_raw(raw)?;
        if key.vkey(name) == text { Ok((name.to_owned(), key)) } else { Err(LedgerError::Key("its key id is wrong")) }
    }

    /// The 32 raw bytes.
    pub fn raw(&self) -> &[u8; 32] {
        &self.0
    }

    /// Base64 of the raw bytes, as signed documents carry it.
    pub fn to_base64(&self) -> String {
        BASE64_STANDARD.encode(self.0)
    }

    /// PEM, as `openssl pkey -pubin` reads it.
    pub fn to_pem(&self) -> String {
        pem::write(&[&SPKI_PREFIX[..], &self.0].concat(), "PUBLIC KEY").to_string()
    }

    /// SHA-256 of the raw bytes.
    pub fn fingerprint_bytes(&self) -> [u8; 32] {
        sha256(&self.0)
    }

    /// SHA-256 of the raw bytes in 64 hexadecimal digits: what people compare, by telephone if need be.
    pub fn fingerprint(&self) -> String {
        hex::encode(self.fingerprint_bytes())
    }

    /// The first 16 digits of [`PublicKey::fingerprint`], for a line of a log. Too short to trust a key by.
    pub fn short_fingerprint(&self) -> String {
        hex::encode(&self.fingerprint_bytes()[..8])
    }

    /// The key id in C2SP signed-note under `name`: the first 32 bits of SHA-256(name ‖ LF ‖ 0x01 ‖ raw key).
    pub fn key_id(&self, name: &str) -> u32 {
        signed_note::key_id(name, &self.typed())
    }

    /// The verifier key that C2SP tools take: `<name>+<key id in 8 hexadecimal digits>+<base64 of 0x01 ‖ raw key>`.
    pub fn vkey(&self, name: &str) -> String {
        format!("{name}+{:08x}+{}", self.key_id(name), BASE64_STANDARD.encode(self.typed()))
    }

    /// Whether `signature` is this key's over `message` (RFC 8032 section 5.1.7).
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }

    fn typed(&self) -> Vec<u8> {
        [&[NOTE_ED25519], &self.0[..]].concat()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.short_fingerprint())
    }
}

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}
