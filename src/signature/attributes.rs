//! The attributes that are signed along with the content (RFC 5652 section 11, RFC 5035).

use cms::content_info::CmsVersion;
use der::asn1::{Any, ObjectIdentifier, OctetString, SetOfVec, UtcTime};
use der::{Decode, Encode, Sequence};
use x509_cert::attr::{Attribute, Attributes};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::time::Time;

use super::CmsError;
use super::algorithm::{SHA256, digest_of, is_sha1, legacy_digest_of};

/// Content that is just bytes.
pub const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
/// Signed data.
pub const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// The one version of a signer that is named by issuer and serial number.
pub const SIGNER_VERSION: CmsVersion = CmsVersion::V1;

const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
/// The unsigned attribute that holds a timestamp over the signature (CAdES-T).
pub const SIGNATURE_TIMESTAMP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.14");

/// Which certificates a signature was made with, the signer's first.
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
struct SigningCertificateV2 {
    certs: Vec<CertIdV2>,
    #[asn1(optional = "true")]
    policies: Option<Vec<Any>>,
}

#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
struct CertIdV2 {
    /// None: SHA-256, which DER leaves out as the default.
    #[asn1(optional = "true")]
    hash_algorithm: Option<AlgorithmIdentifierOwned>,
    cert_hash: OctetString,
    #[asn1(optional = "true")]
    issuer_serial: Option<IssuerSerial>,
}

/// The same in its first version, by SHA-1.
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
struct SigningCertificate {
    certs: Vec<CertId>,
    #[asn1(optional = "true")]
    policies: Option<Vec<Any>>,
}

#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
struct CertId {
    cert_hash: OctetString,
    #[asn1(optional = "true")]
    issuer_serial: Option<IssuerSerial>,
}

#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
struct IssuerSerial {
    issuer: Vec<GeneralName>,
    serial: SerialNumber,
}

/// The attributes of a signature over content with this SHA-256, made at `signed_at` (seconds since 1970) with these
/// certificates (DER, the signer's first).
pub fn signed(
    content_sha256: &[u8],
    signed_at: std::time::Duration,
    chain: &[Vec<u8>],
) -> Result<Attributes, CmsError> {
    let certs = chain.iter().map(|der| {
        let cert_hash = OctetString::new(digest_of(&SHA256, der)?).map_err(|_| CmsError::Form("a digest"))?;
        Ok(CertIdV2 { hash_algorithm: None, cert_hash, issuer_serial: None })
    });
    let certs = SigningCertificateV2 { certs: certs.collect::<Result<_, CmsError>>()?, policies: None };
    // RFC 5652 section 11.3: until 2049 with two digits of the year.
    let time = UtcTime::from_unix_duration(signed_at).map(Time::UtcTime);
    let time = time.or_else(|_| der::asn1::GeneralizedTime::from_unix_duration(signed_at).map(Time::GeneralTime));
    let time = time.map_err(|_| CmsError::Form("a time"))?;
    let digest = OctetString::new(content_sha256).map_err(|_| CmsError::Form("a digest"))?;
    let attributes = [
        attribute(CONTENT_TYPE, &DATA)?,
        attribute(MESSAGE_DIGEST, &digest)?,
        attribute(SIGNING_TIME, &time)?,
        attribute(SIGNING_CERTIFICATE_V2, &certs)?,
    ];
    SetOfVec::try_from(attributes.to_vec()).map_err(|_| CmsError::Form("attributes"))
}

/// An attribute of one value.
pub fn attribute<T: Encode>(oid: ObjectIdentifier, value: &T) -> Result<Attribute, CmsError> {
    let form = |_| CmsError::Form("an attribute");
    let value = Any::from_der(&value.to_der().map_err(form)?).map_err(form)?;
    Ok(Attribute { oid, values: SetOfVec::try_from(vec![value]).map_err(form)? })
}

/// What signed attributes say.
#[derive(Debug, Clone)]
pub struct Said {
    /// The type of the content.
    pub content_type: ObjectIdentifier,
    /// The digest of the content.
    pub message_digest: Vec<u8>,
    /// When it was signed, as the signer says: seconds since 1970.
    pub signing_time: Option<std::time::Duration>,
    certificates: Named,
}

/// How many certificates are named by their digests, and how.
#[derive(Debug, Clone)]
enum Named {
    V1(SigningCertificate),
    V2(SigningCertificateV2),
}

impl Said {
    /// Reads the attributes, each of which must be there once.
    pub fn read(attributes: &Attributes) -> Result<Self, CmsError> {
        let digest: OctetString = one(attributes, MESSAGE_DIGEST)?.ok_or(CmsError::Wrong("no message-digest"))?;
        let time: Option<Time> = one(attributes, SIGNING_TIME)?;
        let certificates = match one(attributes, SIGNING_CERTIFICATE_V2)? {
            Some(named) => Named::V2(named),
            None => Named::V1(one(attributes, SIGNING_CERTIFICATE)?.ok_or(CmsError::Wrong("no signing-certificate"))?),
        };
        Ok(Self {
            content_type: one(attributes, CONTENT_TYPE)?.ok_or(CmsError::Wrong("no content-type"))?,
            message_digest: digest.as_bytes().to_vec(),
            signing_time: time.map(|time| time.to_unix_duration()),
            certificates,
        })
    }

    /// Whether the first certificate that is named is this one (DER).
    pub fn names_first(&self, der: &[u8]) -> Result<bool, CmsError> {
        match &self.certificates {
            Named::V2(named) => named.certs.first().map_or(Ok(false), |id| id.is(der)),
            Named::V1(named) => {
                Ok(named.certs.first().is_some_and(|id| id.cert_hash.as_bytes() == legacy_digest_of(der)))
            }
        }
    }

    /// Whether these certificates are all named, and no others.
    pub fn names_exactly<'a>(&self, certificates: impl Iterator<Item = &'a [u8]>) -> Result<bool, CmsError> {
        let Named::V2(named) = &self.certificates else { return Ok(false) };
        let mut count = 0;
        for der in certificates {
            count += 1;
            if !named.certs.iter().map(|id| id.is(der)).collect::<Result<Vec<_>, _>>()?.contains(&true) {
                return Ok(false);
            }
        }
        Ok(count == named.certs.len())
    }
}

impl CertIdV2 {
    fn is(&self, der: &[u8]) -> Result<bool, CmsError> {
        let algorithm = self.hash_algorithm.as_ref().map_or(SHA256, |algorithm| algorithm.oid);
        let digest = if is_sha1(&algorithm) { legacy_digest_of(der) } else { digest_of(&algorithm, der)? };
        Ok(self.cert_hash.as_bytes() == digest)
    }
}

/// The one value of an attribute; none when it is not there.
fn one<T: for<'a> Decode<'a>>(attributes: &Attributes, oid: ObjectIdentifier) -> Result<Option<T>, CmsError> {
    let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
    let Some(attribute) = found.next() else { return Ok(None) };
    if found.next().is_some() || attribute.values.len() != 1 {
        return Err(CmsError::Wrong("an attribute is there twice"));
    }
    let value = attribute.values.get(0).ok_or(CmsError::Form("an attribute"))?;
    let der = value.to_der().map_err(|_| CmsError::Form("an attribute"))?;
    T::from_der(&der).map(Some).map_err(|_| CmsError::Form("an attribute"))
}
