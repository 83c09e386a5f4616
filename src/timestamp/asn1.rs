//! Request, answer and token as they stand in RFC 3161 and RFC 5652. Only what is DER is read.

use cms::signed_data::{EncapsulatedContentInfo, SignerInfos};
use der::asn1::{Any, BitString, Int, ObjectIdentifier, OctetString, SetOfVec};
use der::{Encode as _, Sequence, Tag, Tagged as _};
use x509_cert::ext::Extensions;
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::TimestampError;

pub(super) const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
pub(super) const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
pub(super) const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
pub(super) const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
pub(super) const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
pub(super) const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// What is stamped: a digest, never the thing itself.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct MessageImprint {
    pub(super) algorithm: AlgorithmIdentifierOwned,
    pub(super) digest: OctetString,
}

impl MessageImprint {
    pub(super) fn of(sha256: &[u8; 32]) -> Result<Self, TimestampError> {
        let algorithm = AlgorithmIdentifierOwned { oid: SHA256, parameters: Some(Any::null()) };
        let digest = OctetString::new(sha256.as_slice()).map_err(|_| TimestampError::Crypto)?;
        Ok(Self { algorithm, digest })
    }

    /// The parameters of SHA-256 are absent or NULL (RFC 5754 section 2): both mean the same.
    pub(super) fn is_of(&self, sha256: &[u8; 32]) -> bool {
        let no_parameters = self.algorithm.parameters.as_ref().is_none_or(Any::is_null);
        self.algorithm.oid == SHA256 && no_parameters && self.digest.as_bytes() == sha256
    }
}

/// `TimeStampReq`. The policy is the authority's to choose.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct Request {
    pub(super) version: u8,
    pub(super) imprint: MessageImprint,
    pub(super) nonce: Int,
    pub(super) certificate_wanted: bool,
}

/// `TimeStampResp`. The token is kept as it came: its bytes are what was signed.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct Response {
    pub(super) status: Status,
    pub(super) token: Option<Any>,
}

/// `PKIStatusInfo`.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct Status {
    pub(super) status: u32,
    /// `PKIFreeText`: not shown to anybody.
    pub(super) text: Option<Vec<String>>,
    pub(super) failure: Option<BitString>,
}

impl Status {
    /// Granted, or granted with other modifications than we would notice: we look at all of it.
    pub(super) fn is_granted(&self) -> bool {
        self.status <= 1
    }

    /// The failure in a word that cannot have been made up by the authority.
    pub(super) fn failure(&self) -> &'static str {
        const NAMES: [(usize, &str); 8] = [
            (0, "badAlg"),
            (2, "badRequest"),
            (5, "badDataFormat"),
            (14, "timeNotAvailable"),
            (15, "unacceptedPolicy"),
            (16, "unacceptedExtension"),
            (17, "addInfoNotAvailable"),
            (25, "systemFailure"),
        ];
        let Some(bits) = &self.failure else { return "not stated" };
        let is_set = |place: usize| bits.bits().nth(place) == Some(true);
        NAMES.iter().find(|(place, _)| is_set(*place)).map_or("unknown", |(_, name)| name)
    }
}

/// `SignedData`. Certificates are kept as they came: they are compared and checked byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct SignedData {
    pub(super) version: u8,
    pub(super) digest_algorithms: SetOfVec<AlgorithmIdentifierOwned>,
    pub(super) content: EncapsulatedContentInfo,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub(super) certificates: Option<SetOfVec<Any>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub(super) revocations: Option<SetOfVec<Any>>,
    pub(super) signers: SignerInfos,
}

impl SignedData {
    /// The X.509 certificates that came along.
    pub(super) fn certificates(&self) -> impl Iterator<Item = Vec<u8>> {
        let all = self.certificates.iter().flat_map(SetOfVec::iter);
        all.filter(|one| one.tag() == Tag::Sequence).filter_map(|one| one.to_der().ok())
    }
}

/// `TSTInfo`: what the authority says. The time is read by hand: it may have fractions of a second.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct TstInfo {
    pub(super) version: u8,
    pub(super) policy: ObjectIdentifier,
    pub(super) imprint: MessageImprint,
    pub(super) serial: Int,
    pub(super) time: Any,
    pub(super) accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    pub(super) ordering: bool,
    pub(super) nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) authority: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub(super) extensions: Option<Extensions>,
}

/// How exact the authority says that its time is.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct Accuracy {
    pub(super) seconds: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) micros: Option<u16>,
}

/// `ESSCertIDv2` (RFC 5816): which certificate signed.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct CertificateIdV2 {
    /// SHA-256 where it is left out.
    pub(super) algorithm: Option<AlgorithmIdentifierOwned>,
    pub(super) digest: OctetString,
    pub(super) issuer: Option<Any>,
}

/// `SigningCertificateV2`.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct SigningCertificateV2 {
    pub(super) certificates: Vec<CertificateIdV2>,
    pub(super) policies: Option<Any>,
}

/// `ESSCertID` (RFC 2634): the same by SHA-1.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct CertificateId {
    pub(super) digest: OctetString,
    pub(super) issuer: Option<Any>,
}

/// `SigningCertificate`.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct SigningCertificate {
    pub(super) certificates: Vec<CertificateId>,
    pub(super) policies: Option<Any>,
}
