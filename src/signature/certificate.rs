//! Certificates: one of one's own, and what is asked of others.

use std::time::Duration;

use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair as _};
use der::asn1::{Any, BitString, GeneralizedTime, ObjectIdentifier, OctetString, SetOfVec, UtcTime, Utf8StringRef};
use der::{Decode, Encode};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};
use x509_cert::{Certificate, TbsCertificate, Version};

use super::algorithm::{self, EC_KEY, ECDSA_SHA256, P256, SHA256, digest_of, without_parameters};
use super::{CmsError, pem};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const SUBJECT_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");

/// What stands around it in PEM.
const LABEL: &str = "CERTIFICATE";
/// Longest name in a certificate (X.520, ub-common-name), in characters.
const LONGEST_NAME: usize = 64;
/// From when on it is valid, before it is made: clocks of readers differ.
const BEFORE: Duration = Duration::from_secs(24 * 3600);
/// How long: thirty years. Packages are looked at for decades, and nobody renews what nobody trusts by its age.
const LIFE: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// Makes a certificate that vouches for itself, for a key on P-256: for signing, and for nothing else. `made_at` is the
/// time since 1970.
pub fn self_made(key: &EcdsaKeyPair, name: &str, organization: &str, made_at: Duration) -> Result<Vec<u8>, CmsError> {
    let form = |_| CmsError::Form("a certificate");
    let subject = RdnSequence(vec![named(ORGANIZATION, organization)?, named(COMMON_NAME, name)?]);
    let point = key.public_key().as_ref();
    let public = SubjectPublicKeyInfoOwned {
        algorithm: AlgorithmIdentifierOwned { oid: EC_KEY, parameters: Some(Any::encode_from(&P256).map_err(form)?) },
        subject_public_key: BitString::from_bytes(point).map_err(form)?,
    };
    let tbs = TbsCertificate {
        version: Version::V3,
        serial_number: serial()?,
        signature: without_parameters(ECDSA_SHA256),
        issuer: subject.clone(),
        validity: Validity { not_before: time(made_at.saturating_sub(BEFORE))?, not_after: time(made_at + LIFE)? },
        subject,
        subject_public_key_info: public,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions(point)?),
    };
    let message = tbs.to_der().map_err(form)?;
    let signature = key.sign(&SystemRandom::new(), &message).map_err(|_| CmsError::Crypto)?;
    let certificate = Certificate {
        tbs_certificate: tbs,
        signature_algorithm: without_parameters(ECDSA_SHA256),
        signature: BitString::from_bytes(signature.as_ref()).map_err(form)?,
    };
    certificate.to_der().map_err(form)
}

fn extensions(point: &[u8]) -> Result<Vec<Extension>, CmsError> {
    let form = |_| CmsError::Form("an extension");
    let usage = KeyUsage(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation);
    let constraints = BasicConstraints { ca: false, path_len_constraint: None };
    let id = OctetString::new(&digest_of(&SHA256, point)?[..20]).map_err(form)?;
    let extension = |extn_id, critical, der: Result<Vec<u8>, der::Error>| {
        Ok(Extension { extn_id, critical, extn_value: OctetString::new(der.map_err(form)?).map_err(form)? })
    };
    Ok(vec![
        extension(BASIC_CONSTRAINTS, true, constraints.to_der())?,
        extension(KEY_USAGE, true, usage.to_der())?,
        extension(SUBJECT_KEY_ID, false, SubjectKeyIdentifier(id).to_der())?,
    ])
}

/// A part of a name; what is too long for a certificate is cut.
fn named(oid: ObjectIdentifier, text: &str) -> Result<RelativeDistinguishedName, CmsError> {
    let form = |_| CmsError::Form("a name");
    let text: String = text.chars().take(LONGEST_NAME).collect();
    let value = Any::encode_from(&Utf8StringRef::new(&text).map_err(form)?).map_err(form)?;
    Ok(RelativeDistinguishedName(SetOfVec::try_from(vec![AttributeTypeAndValue { oid, value }]).map_err(form)?))
}

/// Sixteen random bytes, the first bit of which is 0 so that the number is positive, and the second 1 so that it is long.
fn serial() -> Result<SerialNumber, CmsError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| CmsError::Crypto)?;
    bytes[0] = bytes[0] & 0x7f | 0x40;
    SerialNumber::new(&bytes).map_err(|_| CmsError::Form("a serial number"))
}

/// RFC 5280 section 4.1.2.5: until 2049 with two digits of the year.
fn time(since_1970: Duration) -> Result<Time, CmsError> {
    let whole = Duration::from_secs(since_1970.as_secs());
    let short = UtcTime::from_unix_duration(whole).map(Time::UtcTime);
    let time = short.or_else(|_| GeneralizedTime::from_unix_duration(whole).map(Time::GeneralTime));
    time.map_err(|_| CmsError::Form("a time"))
}

/// A certificate with the bytes that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its content.
    pub certificate: Certificate,
    /// Its bytes.
    pub der: Vec<u8>,
}

impl Known {
    /// Reads a certificate in DER. Only the one form of it is taken.
    pub fn from_der(der: &[u8]) -> Result<Self, CmsError> {
        let certificate = Certificate::from_der(der).map_err(|_| CmsError::Form("a certificate"))?;
        if certificate.to_der().map_err(|_| CmsError::Form("a certificate"))? != der {
            return Err(CmsError::Form("a certificate that is not in DER"));
        }
        Ok(Self { certificate, der: der.to_vec() })
    }

    /// SHA-256 of the certificate in 64 hexadecimal digits: `openssl x509 -noout -fingerprint -sha256` without the colons.
    pub fn fingerprint(&self) -> Result<String, CmsError> {
        Ok(hex::encode(digest_of(&SHA256, &self.der)?))
    }

    /// Its public key.
    pub fn key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.certificate.tbs_certificate.subject_public_key_info
    }

    /// Whom it is of.
    pub fn subject(&self) -> &Name {
        &self.certificate.tbs_certificate.subject
    }

    /// Whether nobody but itself vouches for it.
    pub fn is_self_made(&self) -> bool {
        self.certificate.tbs_certificate.issuer == self.certificate.tbs_certificate.subject
    }

    /// Whether `at` (since 1970) lies in its time.
    pub fn is_valid_at(&self, at: Duration) -> bool {
        let validity = &self.certificate.tbs_certificate.validity;
        (validity.not_before.to_unix_duration()..=validity.not_after.to_unix_duration()).contains(&at)
    }

    /// Whether it may sign timestamps, and nothing else (RFC 3161 section 2.3).
    pub fn is_for_timestamps(&self) -> bool {
        let extensions = self.certificate.tbs_certificate.extensions.as_deref().unwrap_or_default();
        let mut usages = extensions.iter().filter(|extension| extension.extn_id == EXTENDED_KEY_USAGE);
        let (Some(usage), None) = (usages.next(), usages.next()) else { return false };
        let only = ExtendedKeyUsage::from_der(usage.extn_value.as_bytes());
        usage.critical && only.is_ok_and(|usage| usage.0 == [TIME_STAMPING])
    }

    /// Checks that `issuer` signed it.
    pub fn check_issued_by(&self, issuer: &Self) -> Result<(), CmsError> {
        if self.certificate.tbs_certificate.issuer != *issuer.subject() {
            return Err(CmsError::Wrong("a certificate is of another issuer"));
        }
        let message = self.certificate.tbs_certificate.to_der().map_err(|_| CmsError::Form("a certificate"))?;
        let signature = self.certificate.signature.as_bytes().ok_or(CmsError::Form("a certificate"))?;
        algorithm::verify(issuer.key(), &self.certificate.signature_algorithm.oid, None, &message, signature)
    }

    /// As `openssl x509` writes it.
    pub fn to_pem(&self) -> String {
        pem::write(&self.der, LABEL).to_string()
    }
}

/// Every certificate of a PEM file, in its order.
pub fn read_pem(text: &str) -> Result<Vec<Known>, CmsError> {
    let blocks = pem::blocks(text, LABEL);
    let found = blocks.map(|der| Known::from_der(&der.ok_or(CmsError::Form("a certificate's PEM"))?));
    let found: Vec<Known> = found.collect::<Result<_, _>>()?;
    if found.is_empty() { Err(CmsError::Form("a PEM file with a certificate")) } else { Ok(found) }
}
