//! Which key comes from which, and the look-up MACs. Pure.
//!
//! ```text
//! provider key (month, case, installation)
//!   └ secret: 32 random bytes, wrapped
//!       ├ wrap    wraps data keys
//!       ├ meta    seals what belongs to no single recording
//!       └ lookup  HMAC-SHA256 keys of what can be searched for
//! data key: 32 random bytes per recording, wrapped under one secret per month and holding case
//!   ├ itself  seals the audio, so that a public tool opens it with this key alone
//!   └ row, ledger, object/<name>: HKDF-SHA256
//! ```

use aws_lc_rs::hmac;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::keys::KeyName;
use super::objects::RecordingPart;
use super::{Key32, SealError, small};
use crate::recording::RecordingId;

/// What can be searched for. The names are part of the MACs and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LookupField {
    /// The product's id of the call.
    Call,
    /// The lead.
    Lead,
    /// The listing.
    Listing,
    /// The telephone number, E.164.
    Number,
    /// The agent's id.
    Agent,
    /// The contact person's id.
    Person,
    /// The contact person's name, brought to its search form by the caller.
    PersonName,
    /// A label.
    Tag,
}

impl LookupField {
    /// The name, as it enters the MAC and the catalog.
    pub fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Lead => "lead",
            Self::Listing => "listing",
            Self::Number => "number",
            Self::Agent => "agent",
            Self::Person => "person",
            Self::PersonName => "person-name",
            Self::Tag => "tag",
        }
    }
}

/// The secret under a provider key, with the keys that come from it. Wiped when dropped.
#[derive(Debug)]
pub struct Secret {
    name: KeyName,
    secret: Key32,
    wrap: Key32,
    meta: Key32,
    lookup: Key32,
}

impl Secret {
    /// A new random secret.
    pub fn generate(name: KeyName) -> Result<Self, SealError> {
        Self::from_key(name, Key32::generate()?)
    }

    /// The secret with these bytes; exactly 32.
    pub fn from_slice(name: KeyName, bytes: &[u8]) -> Result<Self, SealError> {
        Self::from_key(name, Key32::from_slice(bytes)?)
    }

    fn from_key(name: KeyName, secret: Key32) -> Result<Self, SealError> {
        let sub_key = |purpose: &str| secret.derive(&[], &[b"earwitness-secret-v1\0", purpose.as_bytes()]);
        let (wrap, meta, lookup) = (sub_key("wrap")?, sub_key("meta")?, sub_key("lookup")?);
        Ok(Self { name, secret, wrap, meta, lookup })
    }

    /// Whose secret it is.
    pub fn name(&self) -> KeyName {
        self.name
    }

    /// The bytes, for wrapping them.
    pub(super) fn key(&self) -> &Key32 {
        &self.secret
    }

    /// The key that seals what belongs to no single recording, with [`small`].
    pub fn meta_key(&self) -> &Key32 {
        &self.meta
    }

    /// Wraps a recording's data key; bound to the recording and to this secret's name.
    pub fn wrap_data_key(&self, id: RecordingId, key: &DataKey) -> Result<Vec<u8>, SealError> {
        small::seal(&self.wrap, &self.data_key_aad(id), key.0.expose())
    }

    /// Opens what [`Self::wrap_data_key`] wrapped for the same recording.
    pub fn unwrap_data_key(&self, id: RecordingId, wrapped: &[u8]) -> Result<DataKey, SealError> {
        DataKey::from_slice(&small::open(&self.wrap, &self.data_key_aad(id), wrapped)?)
    }

    fn data_key_aad(&self, id: RecordingId) -> Vec<u8> {
        format!("data-key\0{}\0{id}", self.name).into_bytes()
    }

    /// The HMAC-SHA256 under which a value is found in the catalog; another under every secret and field. The caller
    /// brings the value to its one form (case, spaces) first.
    pub fn lookup_mac(&self, field: LookupField, value: &str) -> [u8; 32] {
        mac(&self.lookup, &["lookup", field.name(), value])
    }

    /// The HMAC-SHA256 that keeps a call's part unique in the whole archive. Meant for [`KeyName::Installation`].
    pub fn call_uniqueness_mac(&self, call_id: &str, part: u32) -> [u8; 32] {
        mac(&self.lookup, &["call-uniqueness", &part.to_string(), call_id])
    }

    /// The HMAC-SHA256 by which a call is known that was erased in this month, made of [`Self::call_uniqueness_mac`]: it
    /// means nothing without both secrets. Meant for [`KeyName::Month`].
    pub fn erased_call_mac(&self, call: &[u8]) -> [u8; 32] {
        mac(&self.lookup, &["erased-call", &hex::encode(call)])
    }
}

/// No label has a zero byte in it; only the last of the parts may.
fn mac(key: &Key32, parts: &[&str]) -> [u8; 32] {
    let mut text = Zeroizing::new(String::from("earwitness-mac-v1"));
    for part in parts {
        text.push('\0');
        text.push_str(part);
    }
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()), text.as_bytes());
    let mut mac = [0; 32];
    mac.copy_from_slice(tag.as_ref());
    mac
}

/// A recording's key: with it goes the audio and everything else about the recording. Wiped when dropped.
#[derive(Debug, Clone)]
pub struct DataKey(Key32);

impl DataKey {
    /// A new random key.
    pub fn generate() -> Result<Self, SealError> {
        Key32::generate().map(Self)
    }

    /// The key with these bytes; exactly 32.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, SealError> {
        Key32::from_slice(bytes).map(Self)
    }

    /// The key of the streaming AEAD, for sealing one object with [`super::stream`].
    pub fn key(&self) -> &Key32 {
        &self.0
    }

    /// The key that seals the recording's row in the catalog, with [`small`].
    pub fn row_key(&self) -> Result<Key32, SealError> {
        self.derive("row")
    }

    /// The key that seals the payloads and salts of the recording's ledger entries, with [`small`].
    pub fn ledger_key(&self) -> Result<Key32, SealError> {
        self.derive("ledger")
    }

    /// The key that seals one of the recording's objects: this key itself for the audio, another for each other.
    pub fn object_key(&self, part: RecordingPart) -> Result<DataKey, SealError> {
        match part {
            RecordingPart::Audio => Ok(self.clone()),
            other => self.derive(&format!("object/{other}")).map(DataKey),
        }
    }

    /// The key of one entry of related data that is kept in the catalog, with [`small`].
    pub fn related_key(&self, id: Uuid) -> Result<Key32, SealError> {
        self.derive(&format!("related/{}", id.as_hyphenated()))
    }

    fn derive(&self, purpose: &str) -> Result<Key32, SealError> {
        self.0.derive(&[], &[b"earwitness-data-key-v1\0", purpose.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const MONTH: &str = "month-2031-11";

    fn secret(name: &str, byte: u8) -> Secret {
        Secret::from_slice(name.parse().unwrap(), &[byte; 32]).unwrap()
    }

    #[test]
    fn a_data_key_opens_only_for_its_recording_and_secret() {
        let (id, other) = (RecordingId(Uuid::from_u128(1)), RecordingId(Uuid::from_u128(2)));
        let (month, key) = (secret(MONTH, 1), DataKey::generate().unwrap());
        let wrapped = month.wrap_data_key(id, &key).unwrap();
        assert_eq!(month.unwrap_data_key(id, &wrapped).unwrap().0.expose(), key.0.expose());
        assert!(month.unwrap_data_key(other, &wrapped).is_err());
        assert!(secret(MONTH, 2).unwrap_data_key(id, &wrapped).is_err());
        assert!(secret("month-2031-12", 1).unwrap_data_key(id, &wrapped).is_err());
    }

    #[test]
    fn every_purpose_has_a_key_of_its_own() {
        let (data, month) = (DataKey::from_slice(&[1; 32]).unwrap(), secret(MONTH, 1));
        let objects = [RecordingPart::Audio, RecordingPart::Waveform, RecordingPart::Related(Uuid::nil())];
        let mut keys: Vec<Key32> = objects.map(|p| data.object_key(p).unwrap().0).into();
        keys.extend([data.row_key(), data.ledger_key(), data.related_key(Uuid::nil())].map(Result::unwrap));
        keys.extend([month.wrap, month.meta, month.lookup]);
        assert_eq!(keys.iter().map(|k| *k.expose()).collect::<HashSet<_>>().len(), 9);
        assert_eq!(data.object_key(RecordingPart::Audio).unwrap().0.expose(), &[1; 32]);
    }

    #[test]
    fn macs_differ_by_field_value_and_secret_and_stay_the_same_for_ever() {
        let one = secret(MONTH, 1).lookup_mac(LookupField::Number, "+32470123456");
        assert_ne!(one, secret(MONTH, 1).lookup_mac(LookupField::Agent, "+32470123456"));
        assert_ne!(one, secret(MONTH, 1).lookup_mac(LookupField::Number, "+32470123457"));
        assert_ne!(one, secret(MONTH, 2).lookup_mac(LookupField::Number, "+32470123456"));
        let home = secret("installation", 1);
        assert_ne!(home.call_uniqueness_mac("c1", 1), home.call_uniqueness_mac("c", 11));
        let call = home.call_uniqueness_mac("c1", 1);
        assert_ne!(secret(MONTH, 1).erased_call_mac(&call), secret(MONTH, 2).erased_call_mac(&call));
        // Computed apart, with HMAC and HKDF written out.
        assert_eq!(hex::encode(one), "0874418ef00006b23c4dcc974a798bdb345e6759607668b6e4b0afd6daad0792");
    }
}
