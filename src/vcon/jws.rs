//! The signed form on its way out: General JWS (RFC 7515 section 7.2.1). The payload is encoded and hashed as it passes, and
//! signed when all of it has.

use std::io;

use aws_lc_rs::digest::{Context, Digest, SHA256};
use der::Decode as _;
use der::asn1::UintRef;
use futures::future::BoxFuture;
use serde::Serialize;
use uuid::Uuid;

use super::base64url::{self, Encoder};

/// What is signed along. The certificate stands in the open header, as the draft wants it, and RFC 7515 has no name in both.
const PROTECTED: &str = r#"{"alg":"ES256"}"#;
/// Bytes of one of the two numbers of a signature on P-256.
const NUMBER_BYTES: usize = 32;

/// Who signs.
pub struct Signer {
    /// The certificates in DER, the signer's own first.
    pub chain: Vec<Vec<u8>>,
    /// Makes the signature of a digest: ECDSA on P-256, in DER.
    pub sign: Box<dyn FnOnce(Digest) -> BoxFuture<'static, io::Result<Vec<u8>>> + Send>,
}

/// A payload on its way.
pub struct Signing {
    hash: Context,
    encoder: Encoder,
}

impl Signing {
    /// Begins; the text comes before that of the payload.
    pub fn begin() -> (Self, String) {
        let mut hash = Context::new(&SHA256);
        hash.update(base64url::encode(PROTECTED).as_bytes());
        hash.update(b".");
        (Self { hash, encoder: Encoder::default() }, r#"{"payload":""#.to_owned())
    }

    /// The text of the next bytes.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let text = self.encoder.push(bytes);
        self.hash.update(text.as_bytes());
        text
    }

    /// The rest of the text, and the digest that is signed.
    pub fn finish(mut self) -> (String, Digest) {
        let text = self.encoder.finish();
        self.hash.update(text.as_bytes());
        (text, self.hash.finish())
    }
}

#[derive(Serialize)]
struct Header {
    x5c: Vec<String>,
    uuid: Uuid,
}

#[derive(Serialize)]
struct Signature {
    protected: String,
    header: Header,
    signature: String,
}

/// The text behind the payload. `signature` is in DER, `uuid` that of the vCon.
///
/// # Errors
/// Where it is no signature on P-256.
pub fn end(signature: &[u8], chain: &[Vec<u8>], uuid: Uuid) -> io::Result<String> {
    use base64::Engine as _;
    let numbers = numbers(signature).ok_or_else(|| io::Error::other("not a signature on P-256"))?;
    let x5c = chain.iter().map(|der| base64::prelude::BASE64_STANDARD.encode(der)).collect();
    let protected = base64url::encode(PROTECTED);
    let one = Signature { protected, header: Header { x5c, uuid }, signature: base64url::encode(numbers) };
    Ok(format!(r#"","signatures":[{}]}}"#, serde_json::to_string(&one)?))
}

/// The two numbers of a signature, each in 32 bytes (RFC 7518 section 3.4).
fn numbers(signature: &[u8]) -> Option<[u8; 2 * NUMBER_BYTES]> {
    #[derive(der::Sequence)]
    struct Ecdsa<'a> {
        r: UintRef<'a>,
        s: UintRef<'a>,
    }
    let Ecdsa { r, s } = Ecdsa::from_der(signature).ok()?;
    let mut numbers = [0; 2 * NUMBER_BYTES];
    for (number, place) in [r, s].into_iter().zip(numbers.chunks_exact_mut(NUMBER_BYTES)) {
        let bytes = number.as_bytes();
        place.get_mut(NUMBER_BYTES.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
    };
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_is_signed_in_pieces_is_signed_as_a_whole() {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let payload = br#"{"uuid":"019f15a6-a752-826f-b9a2-279e0d16bc46"}"#;
        // A number with a zero in front is one byte shorter in DER: of 600 signatures a few have one.
        for _ in 0..600 {
            let (mut signing, mut text) = Signing::begin();
            payload.chunks(5).for_each(|piece| text.push_str(&signing.push(piece)));
            let (rest, digest) = signing.finish();
            let signature = key.sign_digest(&digest).unwrap();
            text.push_str(&rest);
            text.push_str(&end(signature.as_ref(), &[b"certificate".to_vec()], Uuid::nil()).unwrap());
            let jws: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(base64url::decode(jws["payload"].as_str().unwrap()).unwrap(), payload);
            let one = &jws["signatures"][0];
            let input = format!("{}.{}", one["protected"].as_str().unwrap(), jws["payload"].as_str().unwrap());
            let signature = base64url::decode(one["signature"].as_str().unwrap()).unwrap();
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref());
            public.verify(input.as_bytes(), &signature).unwrap();
        }
        assert!(key.sign(&SystemRandom::new(), b"").is_ok() && end(b"no signature", &[], Uuid::nil()).is_err());
    }
}
