//! Making a detached signature: what it is over stays outside, in a file of its own.

use std::time::Duration;

use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use der::asn1::{Any, OctetString, SetOfVec};
use der::{Decode, Encode};
use x509_cert::Certificate;
use x509_cert::attr::Attributes;

use super::CmsError;
use super::algorithm::{ECDSA_SHA256, SHA256, digest_of, without_parameters};
use super::attributes::{DATA, SIGNATURE_TIMESTAMP, SIGNED_DATA, SIGNER_VERSION, attribute, signed};

/// A signature that waits for its signing: the two halves of making one, so that the key may be anywhere.
#[derive(Debug, Clone)]
pub struct Unsigned {
    chain: Vec<Certificate>,
    attributes: Attributes,
}

/// A signature, to which a timestamp can be added.
#[derive(Debug, Clone)]
pub struct Detached {
    unsigned: Unsigned,
    signature: Vec<u8>,
    timestamp: Option<Any>,
}

impl Unsigned {
    /// Over content with this SHA-256, at this time since 1970, with these certificates (DER, the signer's own first).
    pub fn new(content_sha256: &[u8; 32], signed_at: Duration, chain: &[Vec<u8>]) -> Result<Self, CmsError> {
        let certificates = chain.iter().map(|der| Certificate::from_der(der));
        let certificates: Vec<_> =
            certificates.collect::<Result<_, _>>().map_err(|_| CmsError::Form("a certificate"))?;
        if certificates.is_empty() {
            return Err(CmsError::Key("no certificate"));
        }
        Ok(Self { chain: certificates, attributes: signed(content_sha256, signed_at, chain)? })
    }

    /// What has to be signed: ECDSA on P-256 over the SHA-256 of these bytes.
    pub fn message(&self) -> Result<Vec<u8>, CmsError> {
        self.attributes.to_der().map_err(|_| CmsError::Form("attributes"))
    }

    /// With its signature, in DER.
    pub fn with(self, signature: Vec<u8>) -> Detached {
        Detached { unsigned: self, signature, timestamp: None }
    }
}

impl Detached {
    /// The signature alone: what a timestamp is over.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Adds the token of a timestamp authority over [`Detached::signature`].
    pub fn add_timestamp(&mut self, token: &[u8]) -> Result<(), CmsError> {
        self.timestamp = Some(Any::from_der(token).map_err(|_| CmsError::Form("a timestamp"))?);
        Ok(())
    }

    /// The file, in DER.
    pub fn to_der(&self) -> Result<Vec<u8>, CmsError> {
        let form = |_| CmsError::Form("a signature");
        let choices = self.unsigned.chain.iter().cloned().map(CertificateChoices::Certificate).collect::<Vec<_>>();
        let signed = SignedData {
            version: CmsVersion::V1,
            digest_algorithms: SetOfVec::try_from(vec![without_parameters(SHA256)]).map_err(form)?,
            encap_content_info: EncapsulatedContentInfo { econtent_type: DATA, econtent: None },
            certificates: Some(CertificateSet(SetOfVec::try_from(choices).map_err(form)?)),
            crls: None,
            signer_infos: SignerInfos(SetOfVec::try_from(vec![self.signer()?]).map_err(form)?),
        };
        let content = Any::encode_from(&signed).map_err(form)?;
        ContentInfo { content_type: SIGNED_DATA, content }.to_der().map_err(form)
    }

    fn signer(&self) -> Result<SignerInfo, CmsError> {
        let form = |_| CmsError::Form("a signature");
        let own = self.unsigned.chain.first().ok_or(CmsError::Key("no certificate"))?;
        let sid = SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: own.tbs_certificate.issuer.clone(),
            serial_number: own.tbs_certificate.serial_number.clone(),
        });
        let unsigned_attrs = match &self.timestamp {
            Some(token) => Some(SetOfVec::try_from(vec![attribute(SIGNATURE_TIMESTAMP, token)?]).map_err(form)?),
            None => None,
        };
        Ok(SignerInfo {
            version: SIGNER_VERSION,
            sid,
            digest_alg: without_parameters(SHA256),
            signed_attrs: Some(self.unsigned.attributes.clone()),
            signature_algorithm: without_parameters(ECDSA_SHA256),
            signature: OctetString::new(self.signature.clone()).map_err(form)?,
            unsigned_attrs,
        })
    }
}

/// SHA-256 of the content of a signature.
pub fn sha256_of(content: &[u8]) -> Result<[u8; 32], CmsError> {
    digest_of(&SHA256, content)?.try_into().map_err(|_| CmsError::Crypto)
}
