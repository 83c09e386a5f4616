//! Signed documents: canonical JSON (RFC 8785) with its key and its signature inside, so that one file can be
//! checked by anybody at any time. Every byte of it is covered by the signature.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::signing::{PublicKey, SigningKey};
use super::{LedgerError, canonical};

/// Longest document that is read, in bytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

const SIGNATURE: &str = "signature";
const ALGORITHM: &str = "Ed25519";

/// What a document is. Its word stands in the member `type` and, before a zero byte, in front of what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// That a recording was taken in: [`super::receipt::Receipt`].
    Receipt,
    /// That a recording is gone: [`super::certificate::Certificate`].
    Certificate,
    /// That an account's data are gone: [`super::account_certificate::AccountCertificate`].
    AccountCertificate,
    /// That a month's key is gone: [`super::destruction::DestructionRecord`].
    DestructionRecord,
    /// What purged calls leave: [`super::statistics::StatisticsRecord`].
    Statistics,
}

impl DocumentKind {
    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::Receipt, Self::Certificate, Self::AccountCertificate, Self::DestructionRecord, Self::Statistics];

    /// The word in the member `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "earwitness-receipt-v1",
            Self::Certificate => "earwitness-certificate-v1",
            Self::AccountCertificate => "earwitness-account-certificate-v1",
            Self::DestructionRecord => "earwitness-destruction-record-v1",
            Self::Statistics => "earwitness-statistics-v1",
        }
    }
}

/// Signs the typed shape of a document. What its members `type` and `signature` hold is replaced.
pub fn sign_shape<T: Serialize>(kind: DocumentKind, shape: &T, key: &SigningKey) -> Result<Vec<u8>, LedgerError> {
    let value = serde_json::to_value(shape).map_err(|_| LedgerError::Document("cannot be written as JSON"))?;
    let Value::Object(mut members) = value else { return Err(LedgerError::Document("not a JSON object")) };
    members.remove("type");
    members.remove(SIGNATURE);
    sign(kind, Value::Object(members), key)
}

/// Signs a JSON object. Its member `type`, if it has one, must be the kind's word; else it is added. The result is
/// the document's one text, without a newline at the end.
///
/// Errors: [`LedgerError::Document`] when it is no object or has a member `signature`; [`LedgerError::Canonical`].
pub fn sign(kind: DocumentKind, value: Value, key: &SigningKey) -> Result<Vec<u8>, LedgerError> {
    let Value::Object(mut members) = value else { return Err(LedgerError::Document("not a JSON object")) };
    if members.contains_key(SIGNATURE) {
        return Err(LedgerError::Document("is signed already"));
    }
    let word = Value::from(kind.as_str());
    if members.get("type").is_some_and(|given| *given != word) {
        return Err(LedgerError::Document("its type is that of another kind"));
    }
    members.insert("type".to_owned(), word);
    members.insert(SIGNATURE.to_owned(), json!({"alg": ALGORITHM, "key": key.public().to_base64()}));
    let signature = BASE64_STANDARD.encode(key.sign(&signed_bytes(kind, &members)?)?);
    if let Some(Value::Object(member)) = members.get_mut(SIGNATURE) {
        member.insert(SIGNATURE.to_owned(), Value::from(signature));
    }
    canonical::to_bytes(&members)
}

/// Reads a document and checks its signature against the key that it carries itself. Whether that key is the
/// archive's is for the caller to say ([`Document::key`]).
pub fn open(bytes: &[u8]) -> Result<Document, LedgerError> {
    let document = parse(bytes)?;
    if document.signature_holds() { Ok(document) } else { Err(LedgerError::Signature) }
}

/// Reads a document without checking its signature. One newline at the end is allowed.
///
/// Errors: [`LedgerError::Canonical`] for any byte that is not as it must be, [`LedgerError::Document`] when it is
/// no document of ours.
pub fn parse(bytes: &[u8]) -> Result<Document, LedgerError> {
    if bytes.len() > MAX_BYTES {
        return Err(LedgerError::Document("too long"));
    }
    let Value::Object(members) = canonical::parse(bytes.strip_suffix(b"\n").unwrap_or(bytes))? else {
        return Err(LedgerError::Document("not a JSON object"));
    };
    let kind = members.get("type").and_then(Value::as_str);
    let kind = DocumentKind::ALL.into_iter().find(|known| kind == Some(known.as_str()));
    let kind = kind.ok_or(LedgerError::Document("of no type that is known here"))?;
    let signature = members.get(SIGNATURE).and_then(Value::as_object).filter(|member| member.len() == 3);
    let signature = signature.ok_or(LedgerError::Document("without a signature"))?;
    let text = |name: &str| signature.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("alg") != ALGORITHM {
        return Err(LedgerError::Document("signed with another algorithm"));
    }
    let key = PublicKey::from_base64(text("key"))?;
    let signature = BASE64_STANDARD.decode(text(SIGNATURE)).map_err(|_| LedgerError::Document("signature"))?;
    let signed = signed_bytes(kind, &members)?;
    Ok(Document { kind, members, key, signature, signed })
}

/// A document that is well formed.
#[derive(Debug, Clone)]
pub struct Document {
    kind: DocumentKind,
    members: Map<String, Value>,
    key: PublicKey,
    signature: Vec<u8>,
    signed: Vec<u8>,
}

impl Document {
    /// What it is.
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// The key that it carries.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// All its members, `type` and `signature` included.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Whether its signature is that of [`Document::key`] over its content.
    pub fn signature_holds(&self) -> bool {
        self.key.verify(&self.signed, &self.signature)
    }

    /// Its typed shape. Members that the shape does not know are passed over: a later version may have added them.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, LedgerError> {
        serde_json::from_value(Value::Object(self.members.clone()))
            .map_err(|_| LedgerError::Document("a member is missing, or is of another form"))
    }
}

/// `<type>` ‖ 0x00 ‖ the canonical text of the document without `signature.signature`.
fn signed_bytes(kind: DocumentKind, members: &Map<String, Value>) -> Result<Vec<u8>, LedgerError> {
    let mut members = members.clone();
    if let Some(Value::Object(signature)) = members.get_mut(SIGNATURE) {
        signature.remove(SIGNATURE);
    }
    let mut bytes = kind.as_str().as_bytes().to_vec();
    bytes.push(0);
    bytes.extend(canonical::to_bytes(&members)?);
    Ok(bytes)
}
