//! The certificate that signed a token: which it is, what it may do, who vouches for it.

use std::time::Duration;

use cms::signed_data::{SignerIdentifier, SignerInfo};
use der::asn1::{Any, ObjectIdentifier};
use der::{Decode as _, Encode as _};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::aws_lc_rs as algorithms;
use webpki::{EndEntityCert, KeyUsage};
use x509_cert::Certificate;
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectKeyIdentifier};
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::TimestampError;
use super::asn1::{SHA256, SHA384, SHA512};
use crate::clock::Timestamp;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
/// The same, as the content of an OBJECT IDENTIFIER.
const TIME_STAMPING_DER: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

/// Certificates of authorities that are trusted to vouch for a timestamp's.
#[derive(Clone)]
pub struct Roots(Vec<TrustAnchor<'static>>);

impl Roots {
    /// Reads PEM with one certificate or several.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TimestampError> {
        const WRONG: TimestampError = TimestampError::Settings("the file of roots has no certificate that can be read");
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.map_err(|_| WRONG)?;
        let anchor = |der| webpki::anchor_from_trusted_cert(der).map(|anchor| anchor.to_owned()).map_err(|_| WRONG);
        let anchors = found.iter().map(anchor).collect::<Result<Vec<_>, _>>()?;
        if anchors.is_empty() { Err(WRONG) } else { Ok(Self(anchors)) }
    }
}

impl std::fmt::Debug for Roots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Roots({})", self.0.len())
    }
}

/// The signing certificate among those that came with a token.
pub(super) struct Signer {
    der: Vec<u8>,
    certificate: Certificate,
    others: Vec<CertificateDer<'static>>,
}

impl Signer {
    pub(super) fn find(
        id: &SignerIdentifier,
        certificates: impl Iterator<Item = Vec<u8>>,
    ) -> Result<Self, TimestampError> {
        let mut found = None;
        let mut others = Vec::new();
        for der in certificates {
            match Certificate::from_der(&der) {
                Ok(certificate) if found.is_none() && is_meant(id, &certificate) => found = Some((der, certificate)),
                _ => others.push(CertificateDer::from(der)),
            }
        }
        let (der, certificate) = found.ok_or(TimestampError::Form("the signer's certificate did not come along"))?;
        Ok(Self { der, certificate, others })
    }

    /// Its bytes.
    pub(super) fn certificate(&self) -> &[u8] {
        &self.der
    }

    pub(super) fn subject(&self) -> String {
        self.certificate.tbs_certificate.subject.to_string()
    }

    pub(super) fn verify(&self, signature: &SignerInfo, message: &[u8]) -> Result<(), TimestampError> {
        const WRONG: TimestampError = TimestampError::Signature("does not hold");
        let der = CertificateDer::from(self.der.as_slice());
        let certificate = EndEntityCert::try_from(&der).map_err(|_| TimestampError::Signature("a certificate"))?;
        let stated = &signature.signature_algorithm;
        let candidates = candidates(stated.oid, signature.digest_alg.oid);
        if candidates.is_empty() || candidates.iter().any(|one| !has_usual_parameters(stated, *one)) {
            return Err(TimestampError::Signature("by an unknown algorithm"));
        }
        let octets = signature.signature.as_bytes();
        let holds = candidates.iter().any(|one| certificate.verify_signature(*one, message, octets).is_ok());
        if holds { Ok(()) } else { Err(WRONG) }
    }

    /// RFC 3161 section 2.3: one extended use, time stamping, and critical. And valid at the time that it states.
    pub(super) fn check_usage(&self, at: Timestamp) -> Result<(), TimestampError> {
        let usage = self.certificate.tbs_certificate.get::<ExtendedKeyUsage>();
        let only_stamps = |(critical, usage): (bool, ExtendedKeyUsage)| critical && usage.0 == [TIME_STAMPING];
        if !usage.ok().flatten().is_some_and(only_stamps) {
            return Err(TimestampError::Signature("by a certificate that is not for timestamps alone"));
        }
        let validity = &self.certificate.tbs_certificate.validity;
        let at = Duration::from_secs(at.seconds().try_into().unwrap_or(0));
        if at < validity.not_before.to_unix_duration() || at > validity.not_after.to_unix_duration() {
            return Err(TimestampError::Signature("at a time at which its certificate is not valid"));
        }
        Ok(())
    }

    pub(super) fn check_chain(&self, roots: &Roots, at: Timestamp) -> Result<(), TimestampError> {
        let der = CertificateDer::from(self.der.as_slice());
        let certificate = EndEntityCert::try_from(&der).map_err(|_| TimestampError::NotVouched)?;
        let at = UnixTime::since_unix_epoch(Duration::from_secs(at.seconds().try_into().unwrap_or(0)));
        let usage = KeyUsage::required(TIME_STAMPING_DER);
        let all = webpki::ALL_VERIFICATION_ALGS;
        let path = certificate.verify_for_usage(all, &roots.0, &self.others, at, usage, None, None);
        path.map(drop).map_err(|_| TimestampError::NotVouched)
    }
}

/// Nothing covers the parameters but what is known about them: those of RSA-PSS are the ones of its digest, all others
/// are absent or NULL.
fn has_usual_parameters(stated: &AlgorithmIdentifierOwned, algorithm: Algorithm) -> bool {
    if stated.oid != RSA_PSS {
        return stated.parameters.as_ref().is_none_or(Any::is_null);
    }
    let parameters = stated.parameters.as_ref().and_then(|parameters| parameters.to_der().ok());
    parameters.is_some_and(|parameters| algorithm.signature_alg_id().as_ref().ends_with(&parameters))
}

fn is_meant(id: &SignerIdentifier, certificate: &Certificate) -> bool {
    let inner = &certificate.tbs_certificate;
    match id {
        SignerIdentifier::IssuerAndSerialNumber(id) => {
            // Names are compared as they are written: who signs copies them from the certificate.
            let same_issuer = matches!((id.issuer.to_der(), inner.issuer.to_der()), (Ok(a), Ok(b)) if a == b);
            same_issuer && id.serial_number == inner.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(id) => {
            let own = inner.get::<SubjectKeyIdentifier>().ok().flatten();
            own.is_some_and(|(_, own)| own.0.as_bytes() == id.0.as_bytes())
        }
    }
}

/// What the two identifiers can mean; which of them, the key says. Nothing with SHA-1 or MD5.
fn candidates(signature: ObjectIdentifier, digest: ObjectIdentifier) -> Vec<Algorithm> {
    use algorithms::{
        ECDSA_P256_SHA256, ECDSA_P256_SHA384, ECDSA_P256_SHA512, ECDSA_P384_SHA256, ECDSA_P384_SHA384,
        ECDSA_P384_SHA512, ECDSA_P521_SHA256, ECDSA_P521_SHA384, ECDSA_P521_SHA512, RSA_PKCS1_2048_8192_SHA256,
        RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        RSA_PSS_2048_8192_SHA384_LEGACY_KEY, RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
    };
    match (signature, digest) {
        (RSA | RSA_SHA256, SHA256) => vec![RSA_PKCS1_2048_8192_SHA256],
        (RSA | RSA_SHA384, SHA384) => vec![RSA_PKCS1_2048_8192_SHA384],
        (RSA | RSA_SHA512, SHA512) => vec![RSA_PKCS1_2048_8192_SHA512],
        (RSA_PSS, SHA256) => vec![RSA_PSS_2048_8192_SHA256_LEGACY_KEY],
        (RSA_PSS, SHA384) => vec![RSA_PSS_2048_8192_SHA384_LEGACY_KEY],
        (RSA_PSS, SHA512) => vec![RSA_PSS_2048_8192_SHA512_LEGACY_KEY],
        (ECDSA_SHA256, SHA256) => vec![ECDSA_P256_SHA256, ECDSA_P384_SHA256, ECDSA_P521_SHA256],
        (ECDSA_SHA384, SHA384) => vec![ECDSA_P256_SHA384, ECDSA_P384_SHA384, ECDSA_P521_SHA384],
        (ECDSA_SHA512, SHA512) => vec![ECDSA_P256_SHA512, ECDSA_P384_SHA512, ECDSA_P521_SHA512],
        (ED25519, _) => vec![algorithms::ED25519],
        _ => Vec::new(),
    }
}
