//! The algorithms by their object identifiers. Ours are ECDSA on P-256 with SHA-256; others are known because timestamp
//! authorities use them.

use aws_lc_rs::digest::{self, digest};
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use der::asn1::{ObjectIdentifier, UintRef};
use der::{Decode as _, Sequence};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use super::CmsError;

/// SHA-256.
pub const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");

/// ECDSA with SHA-256.
pub const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");

/// A key on an elliptic curve.
pub const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// The curve P-256.
pub const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// An algorithm that takes no parameters, and is written without any.
pub fn without_parameters(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters: None }
}

/// The digest of `bytes` by the algorithm of this name. SHA-1 is not for signatures: see [`legacy_digest_of`].
pub fn digest_of(oid: &ObjectIdentifier, bytes: &[u8]) -> Result<Vec<u8>, CmsError> {
    let algorithm = match *oid {
        SHA256 => &digest::SHA256,
        SHA384 => &digest::SHA384,
        SHA512 => &digest::SHA512,
        _ => return Err(CmsError::Algorithm),
    };
    Ok(digest(algorithm, bytes).as_ref().to_vec())
}

/// SHA-1, by which an older attribute of timestamps names the certificate that the signature was checked with already.
pub fn legacy_digest_of(bytes: &[u8]) -> Vec<u8> {
    digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec()
}

/// The name of SHA-1, for telling it from the others.
pub fn is_sha1(oid: &ObjectIdentifier) -> bool {
    *oid == SHA1
}

/// Checks a signature with the key of a certificate. `digest` is what the signer says beside the signature: RSA keys are
/// named without one.
///
/// # Errors
/// [`CmsError::Algorithm`], [`CmsError::Wrong`] when the signature does not hold.
pub fn verify(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: &ObjectIdentifier,
    digest: Option<&ObjectIdentifier>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), CmsError> {
    let algorithm = verification(key, algorithm, digest)?;
    let bits = key.subject_public_key.as_bytes().ok_or(CmsError::Form("a public key"))?;
    let checked = UnparsedPublicKey::new(algorithm, bits).verify(message, signature);
    checked.map_err(|_| CmsError::Wrong("the signature does not hold"))
}

fn verification(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: &ObjectIdentifier,
    digest: Option<&ObjectIdentifier>,
) -> Result<&'static dyn VerificationAlgorithm, CmsError> {
    if key.algorithm.oid == RSA {
        return match (*algorithm, digest.copied()) {
            (RSA_SHA256, _) | (RSA, Some(SHA256)) => Ok(&signature::RSA_PKCS1_2048_8192_SHA256),
            (RSA_SHA384, _) | (RSA, Some(SHA384)) => Ok(&signature::RSA_PKCS1_2048_8192_SHA384),
            (RSA_SHA512, _) | (RSA, Some(SHA512)) => Ok(&signature::RSA_PKCS1_2048_8192_SHA512),
            _ => Err(CmsError::Algorithm),
        };
    }
    match (curve(key)?, *algorithm) {
        (P256, ECDSA_SHA256) => Ok(&signature::ECDSA_P256_SHA256_ASN1),
        (P256, ECDSA_SHA384) => Ok(&signature::ECDSA_P256_SHA384_ASN1),
        (P384, ECDSA_SHA256) => Ok(&signature::ECDSA_P384_SHA256_ASN1),
        (P384, ECDSA_SHA384) => Ok(&signature::ECDSA_P384_SHA384_ASN1),
        (P521, ECDSA_SHA512) => Ok(&signature::ECDSA_P521_SHA512_ASN1),
        _ => Err(CmsError::Algorithm),
    }
}

/// Half of the order of P-256, rounded down (SEC 2, section 2.4.2).
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d,
    0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

/// `Ecdsa-Sig-Value` (RFC 3279 section 2.2.3).
#[derive(Sequence)]
struct EcdsaSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// Whether a signature on P-256 in DER is the one of its two forms that we make: its second number is in the lower half.
/// Anybody can turn the one form into the other without the key.
pub fn is_lower_half(signature: &[u8]) -> Result<bool, CmsError> {
    let signature = EcdsaSignature::from_der(signature).map_err(|_| CmsError::Form("a signature"))?;
    let s = signature.s.as_bytes();
    // Without leading zeros the longer number is the greater, and numbers of one length compare as bytes.
    Ok((s.len(), s) <= (HALF_ORDER.len(), HALF_ORDER.as_slice()))
}

/// The curve of a key on one.
pub fn curve(key: &SubjectPublicKeyInfoOwned) -> Result<ObjectIdentifier, CmsError> {
    if key.algorithm.oid != EC_KEY {
        return Err(CmsError::Algorithm);
    }
    let curve = key.algorithm.parameters.as_ref().ok_or(CmsError::Algorithm)?;
    curve.decode_as().map_err(|_| CmsError::Algorithm)
}
