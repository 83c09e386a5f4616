//! The documents that go to the transit engine and come back.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::answer::Fault;

/// The one type of key that is used: AES-256-GCM with random nonces.
pub(super) const KEY_TYPE: &str = "aes256-gcm96";

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

/// What the engine tells about a key.
#[derive(Deserialize)]
pub(super) struct KeyFacts {
    #[serde(rename = "type")]
    key_type: String,
    #[serde(default)]
    exportable: bool,
    #[serde(default)]
    allow_plaintext_backup: bool,
    #[serde(default)]
    derived: bool,
    #[serde(default)]
    imported_key: bool,
    /// OpenBao: taken out of use, and can be brought back.
    #[serde(default)]
    pub(super) soft_deleted: bool,
}

impl KeyFacts {
    /// Why such a key must not be used, if so: a key that can be copied out of the server cannot be destroyed.
    pub(super) fn unfit(&self) -> Option<&'static str> {
        match self {
            k if k.key_type != KEY_TYPE => Some("it is not of the type aes256-gcm96"),
            k if k.exportable => Some("it can be exported"),
            k if k.allow_plaintext_backup => Some("it can be backed up in the clear"),
            k if k.imported_key => Some("it was imported, so that others may have it"),
            k if k.derived => Some("it is a key for derivation"),
            _ => None,
        }
    }
}

/// What the server tells about a mount.
#[derive(Deserialize)]
pub(super) struct MountFacts {
    #[serde(rename = "type")]
    pub(super) engine: String,
    #[serde(default)]
    pub(super) uuid: String,
    #[serde(default)]
    pub(super) accessor: String,
}

/// What the server tells about our token.
#[derive(Deserialize)]
pub(super) struct TokenFacts {
    /// Seconds that are left; none: it has no end.
    #[serde(default)]
    pub(super) ttl: u64,
    #[serde(default)]
    pub(super) renewable: bool,
}

/// The engine's setting whether encrypting makes keys.
#[derive(Deserialize, Serialize)]
pub(super) struct KeysConfig {
    pub(super) disable_upsert: bool,
}

#[derive(Deserialize)]
pub(super) struct Names {
    pub(super) keys: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Encrypted {
    pub(super) ciphertext: String,
}

#[derive(Deserialize)]
struct Decrypted<'a> {
    #[serde(borrow)]
    plaintext: Cow<'a, str>,
}

/// The `data` of an answer.
pub(super) fn data<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice::<Envelope<T>>(answer).map(|envelope| envelope.data).map_err(|_| strange())
}

/// The plaintext in an answer.
pub(super) fn plaintext(answer: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    #[derive(Deserialize)]
    struct Borrowed<'a> {
        #[serde(borrow)]
        data: Decrypted<'a>,
    }
    let read: Borrowed<'_> = serde_json::from_slice(answer).map_err(|_| strange())?;
    let mut plain = Zeroizing::new(vec![0; base64::decoded_len_estimate(read.data.plaintext.len())]);
    let decoded = STANDARD.decode_slice(read.data.plaintext.as_bytes(), &mut plain);
    if let Cow::Owned(mut copy) = read.data.plaintext {
        copy.zeroize();
    }
    plain.truncate(decoded.map_err(|_| strange())?);
    Ok(plain)
}

/// The question to encrypt. Base64 needs no escapes, so the document is put together in a buffer that is wiped.
pub(super) fn to_encrypt(aad: &[u8], plain: &[u8]) -> Zeroizing<Vec<u8>> {
    let plain = Zeroizing::new(STANDARD.encode(plain));
    document(&[r#"{"associated_data":""#, &STANDARD.encode(aad), r#"","plaintext":""#, &plain, r#""}"#])
}

/// The question to decrypt; None for what is no text of the engine's.
pub(super) fn to_decrypt(aad: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(wrapped).ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '+' | '/' | '=' | '-' | '_');
    let known = text.chars().all(plain) && text.len() > "vault:v1:".len();
    known.then(|| document(&[r#"{"associated_data":""#, &STANDARD.encode(aad), r#"","ciphertext":""#, text, r#""}"#]))
}

/// A document that is no secret.
pub(super) fn plain(document: &serde_json::Value) -> Option<Zeroizing<Vec<u8>>> {
    Some(Zeroizing::new(document.to_string().into_bytes()))
}

fn document(parts: &[&str]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| text.extend_from_slice(part.as_bytes()));
    text
}

fn strange() -> Fault {
    Fault::Unavailable("the key server's answer is not a transit engine's".to_owned())
}
