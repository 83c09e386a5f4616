//! The signed form of a vCon: General JWS JSON Serialization (RFC 7515 section 7.2.1).
//!
//! Every signature has to hold. By whom it has to be is the operator's to say (`vcon_signers`); where nothing is said a
//! signature shows no more than that the document is as its signer left it. A certificate's chain and dates are not
//! judged: a document may be older than they are.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};

use aws_lc_rs::digest::{Context, Digest, SHA256};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::VconError;
use crate::signature::certificate::Known;
use crate::vcon::base64url::{Encoder, decode};
use crate::vcon::signers::{Signers, public_key};

/// The most signatures of one document.
const MAX_SIGNATURES: usize = 4;
/// The longest protected header, as it stands in the document: a chain of certificates and little else.
const MAX_PROTECTED_CHARS: usize = 64 * 1024;
/// Bytes of the payload that are hashed together.
const CHUNK_BYTES: usize = 48 * 1024;

/// Verifies a document's signatures over its payload. Gives the UUIDs that their headers name.
pub(super) fn verify(payload: &mut File, signatures: &Value, signers: &Signers) -> Result<Vec<Uuid>, VconError> {
    let list = signatures.as_array().ok_or_else(|| wrong("signatures", "must be a list"))?;
    if !(1..=MAX_SIGNATURES).contains(&list.len()) {
        let rule = format!("must be 1 to {MAX_SIGNATURES}");
        return Err(VconError::invalid("signatures", "too-many", rule));
    }
    let (mut named, mut admitted) = (Vec::new(), false);
    for (at, one) in list.iter().enumerate() {
        let signature = Signature::read(&format!("signatures[{at}]"), one)?;
        let input = signing_input(payload, &signature.protected).map_err(super::draft::spool_error)?;
        let key = UnparsedPublicKey::new(signature.algorithm, &signature.key);
        key.verify_digest(&input, &signature.bytes).map_err(|_| VconError::Signature("it is not of this document"))?;
        admitted |= signers.admit(&signature.key);
        named.extend(signature.uuid);
    }
    if admitted { Ok(named) } else { Err(VconError::Signature("it is of nobody whose signature counts here")) }
}

fn wrong(path: impl Into<String>, rule: &'static str) -> VconError {
    VconError::invalid(path, "wrong-type", rule)
}

struct Signature {
    /// As it stands in the document.
    protected: String,
    algorithm: &'static dyn VerificationAlgorithm,
    key: Vec<u8>,
    bytes: Vec<u8>,
    uuid: Option<Uuid>,
}

impl Signature {
    fn read(path: &str, one: &Value) -> Result<Self, VconError> {
        let text = |name: &str| one.get(name).and_then(Value::as_str);
        let protected = text("protected").ok_or_else(|| wrong(format!("{path}.protected"), "must be a text"))?;
        if protected.len() > MAX_PROTECTED_CHARS {
            let rule = format!("must have at most {MAX_PROTECTED_CHARS} characters");
            return Err(VconError::invalid(format!("{path}.protected"), "too-long", rule));
        }
        let bytes = text("signature").and_then(|text| decode(text).ok());
        let bytes = bytes.ok_or_else(|| wrong(format!("{path}.signature"), "must be base64url"))?;
        let header = Header::read(path, protected, one.get("header"))?;
        if header.get("crit").is_some() {
            return Err(VconError::unsupported(format!("{path}.protected"), "names a critical header"));
        }
        let algorithm: &'static dyn VerificationAlgorithm = match header.get("alg").and_then(Value::as_str) {
            Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
            Some("PS256") => &RSA_PSS_2048_8192_SHA256,
            Some("ES256") => &ECDSA_P256_SHA256_FIXED,
            _ => return Err(VconError::unsupported(format!("{path}.header.alg"), "must be RS256, PS256 or ES256")),
        };
        let Some(leaf) = header.get("x5c").and_then(|chain| chain.get(0)?.as_str()) else {
            return Err(VconError::unsupported(format!("{path}.header.x5c"), "must have the signer's certificate"));
        };
        let der = BASE64_STANDARD.decode(leaf).ok();
        let certificate = der.and_then(|der| Known::from_der(&der).ok());
        let key = certificate.and_then(|certificate| public_key(&certificate).ok());
        let key = key.ok_or_else(|| wrong(format!("{path}.header.x5c[0]"), "must be a certificate"))?;
        let uuid = header.get("uuid").map(|uuid| uuid.as_str().and_then(|text| Uuid::try_parse(text).ok()));
        let uuid = match uuid {
            Some(None) => return Err(wrong(format!("{path}.header.uuid"), "must be a UUID")),
            Some(uuid) => uuid,
            None => None,
        };
        Ok(Self { protected: protected.to_owned(), algorithm, key, bytes, uuid })
    }
}

/// The protected and the other header together. RFC 7515 has each name in one of them alone; the draft's own examples
/// have some in both, so that is taken as long as they do not contradict one another.
struct Header<'a> {
    protected: Map<String, Value>,
    open: Option<&'a Map<String, Value>>,
}

impl<'a> Header<'a> {
    fn read(path: &str, protected: &str, open: Option<&'a Value>) -> Result<Self, VconError> {
        let decoded = decode(protected).ok().and_then(|json| serde_json::from_slice::<Map<String, Value>>(&json).ok());
        let protected =
            decoded.ok_or_else(|| wrong(format!("{path}.protected"), "must be a JSON object in base64url"))?;
        let open = match open {
            None | Some(Value::Null) => None,
            Some(Value::Object(open)) => Some(open),
            Some(_) => return Err(wrong(format!("{path}.header"), "must be an object")),
        };
        let contradicts = |(name, value): (&String, &Value)| protected.get(name).is_some_and(|signed| signed != value);
        if open.is_some_and(|open| open.iter().any(contradicts)) {
            return Err(VconError::Signature("its two headers contradict one another"));
        }
        Ok(Self { protected, open })
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.protected.get(name).or_else(|| self.open?.get(name))
    }
}

/// SHA-256 of what a signature signs: the protected header, a full stop, the payload, both as base64url.
fn signing_input(payload: &mut File, protected: &str) -> io::Result<Digest> {
    payload.rewind()?;
    let mut hash = Context::new(&SHA256);
    hash.update(protected.as_bytes());
    hash.update(b".");
    let (mut encoder, mut bytes) = (Encoder::default(), vec![0; CHUNK_BYTES]);
    loop {
        let count = payload.read(&mut bytes)?;
        if count == 0 {
            hash.update(encoder.finish().as_bytes());
            return Ok(hash.finish());
        }
        hash.update(encoder.push(&bytes[..count]).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::vcon::base64url::encode;

    fn refused(protected: &str, open: Value) -> &'static str {
        let one = json!({"protected": protected, "signature": "QQ", "header": open});
        match Signature::read("signatures[0]", &one) {
            Err(VconError::Invalid(problems)) => problems[0].code,
            Err(error) => error.code(),
            Ok(_) => "ok",
        }
    }

    #[test]
    fn headers_are_short_and_agree() {
        let protected = encode(br#"{"alg": "none", "x": 1}"#);
        assert_eq!(refused(&protected, json!({"x": 2})), "invalid-signature");
        assert_eq!(
            refused(&protected, json!({"x": 1, "y": 2})),
            "unsupported-vcon",
            "they agree; the algorithm is none"
        );
        assert_eq!(refused(&protected, json!({"crit": ["y"]})), "unsupported-vcon");
        assert_eq!(refused(&protected, json!([])), "wrong-type");
        assert_eq!(refused(&"A".repeat(MAX_PROTECTED_CHARS + 1), json!({})), "too-long");
    }
}
