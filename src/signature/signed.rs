//! Reading a signature, and whether it holds.

use std::time::Duration;

use cms::cert::CertificateChoices;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Decode, Encode};

use super::CmsError;
use super::algorithm::{self, ECDSA_SHA256, SHA256, digest_of, without_parameters};
use super::attributes::{DATA, SIGNATURE_TIMESTAMP, SIGNED_DATA, SIGNER_VERSION, Said};
use super::certificate::Known;

/// Longest signature that is read, in bytes: room for a chain and a timestamp with its own.
pub const MAX_BYTES: usize = 1 << 20;

/// A signature of one signer, whose certificate it carries. Well formed; [`Signed::check`] says whether it holds.
#[derive(Debug, Clone)]
pub struct Signed {
    bytes: Vec<u8>,
    data: SignedData,
    signer: SignerInfo,
    said: Said,
    certificates: Vec<Known>,
    own: usize,
}

impl Signed {
    /// Reads a signature in DER.
    pub fn parse(bytes: &[u8]) -> Result<Self, CmsError> {
        if bytes.len() > MAX_BYTES {
            return Err(CmsError::Form("too long"));
        }
        let info = ContentInfo::from_der(bytes).map_err(|_| CmsError::Form("CMS in DER"))?;
        if info.content_type != SIGNED_DATA {
            return Err(CmsError::Wrong("not signed data"));
        }
        let data: SignedData = info.content.decode_as().map_err(|_| CmsError::Form("signed data"))?;
        let [signer] = data.signer_infos.0.as_slice() else { return Err(CmsError::Wrong("not of exactly one signer")) };
        let attributes = signer.signed_attrs.as_ref().ok_or(CmsError::Wrong("no signed attributes"))?;
        let (signer, said) = (signer.clone(), Said::read(attributes)?);
        let certificates = certificates_of(&data)?;
        let own = certificates.iter().position(|known| is_signer(&signer, known));
        let own = own.ok_or(CmsError::Wrong("without the signer's certificate"))?;
        Ok(Self { bytes: bytes.to_vec(), data, signer, said, certificates, own })
    }

    /// The signer's certificate.
    pub fn certificate(&self) -> &Known {
        &self.certificates[self.own]
    }

    /// Every certificate that it carries.
    pub fn certificates(&self) -> &[Known] {
        &self.certificates
    }

    /// When it was signed, as the signer says: since 1970.
    pub fn signing_time(&self) -> Option<Duration> {
        self.said.signing_time
    }

    /// The signature alone.
    pub fn signature(&self) -> &[u8] {
        self.signer.signature.as_bytes()
    }

    /// What it is over, where it carries that along.
    pub fn content(&self) -> Result<Option<(ObjectIdentifier, Vec<u8>)>, CmsError> {
        let info = &self.data.encap_content_info;
        let Some(content) = &info.econtent else { return Ok(None) };
        let octets: OctetString = content.decode_as().map_err(|_| CmsError::Form("content"))?;
        Ok(Some((info.econtent_type, octets.as_bytes().to_vec())))
    }

    /// The timestamp's token over the signature, if there is one.
    pub fn timestamp(&self) -> Result<Option<Vec<u8>>, CmsError> {
        let Some(attributes) = &self.signer.unsigned_attrs else { return Ok(None) };
        let one = attributes.iter().find(|attribute| attribute.oid == SIGNATURE_TIMESTAMP);
        let token = one.and_then(|attribute| attribute.values.get(0));
        token.map(|token| token.to_der().map_err(|_| CmsError::Form("a timestamp"))).transpose()
    }

    /// Checks that the signer signed this content with the key of the certificate that the signature names.
    ///
    /// Who that is, and whether to believe them, is for the caller to say.
    pub fn check(&self, content: &[u8]) -> Result<(), CmsError> {
        let content_type = self.data.encap_content_info.econtent_type;
        if self.said.content_type != content_type {
            return Err(CmsError::Wrong("its content is said to be of another type"));
        }
        if self.said.message_digest != digest_of(&self.signer.digest_alg.oid, content)? {
            return Err(CmsError::Wrong("the content is not what was signed"));
        }
        if !self.said.names_first(&self.certificate().der)? {
            return Err(CmsError::Wrong("it was made with another certificate"));
        }
        let attributes = self.signer.signed_attrs.as_ref().ok_or(CmsError::Wrong("no signed attributes"))?;
        let message = attributes.to_der().map_err(|_| CmsError::Form("attributes"))?;
        let (algorithm, digest) = (&self.signer.signature_algorithm.oid, &self.signer.digest_alg.oid);
        algorithm::verify(self.certificate().key(), algorithm, Some(digest), &message, self.signature())
    }

    /// Checks that no byte of it could be another: the form of [`super::build`], every certificate of which is signed
    /// along. What is not signed is the timestamp, which carries its own signature.
    pub fn check_form(&self) -> Result<(), CmsError> {
        let plain = |oid| without_parameters(oid);
        let info = &self.data.encap_content_info;
        let signer = &self.signer;
        let unsigned = signer.unsigned_attrs.as_ref();
        let only_timestamp = unsigned.is_none_or(|attributes| {
            attributes.len() == 1 && attributes.iter().all(|a| a.oid == SIGNATURE_TIMESTAMP && a.values.len() == 1)
        });
        let as_we_make_it = self.data.version == CmsVersion::V1
            && self.data.digest_algorithms.as_slice() == [plain(SHA256)]
            && info.econtent_type == DATA
            && info.econtent.is_none()
            && self.data.crls.is_none()
            && signer.version == SIGNER_VERSION
            && matches!(signer.sid, SignerIdentifier::IssuerAndSerialNumber(_))
            && signer.digest_alg == plain(SHA256)
            && signer.signature_algorithm == plain(ECDSA_SHA256)
            && only_timestamp;
        if !as_we_make_it {
            return Err(CmsError::Wrong("not in the one form of our signatures"));
        }
        if !algorithm::is_lower_half(self.signature())? {
            return Err(CmsError::Wrong("its signature is not in the one form that we make"));
        }
        if !self.said.names_exactly(self.certificates.iter().map(|known| known.der.as_slice()))? {
            return Err(CmsError::Wrong("it carries a certificate that is not signed along"));
        }
        let content = der::asn1::Any::encode_from(&self.data).map_err(|_| CmsError::Form("signed data"))?;
        let again = ContentInfo { content_type: SIGNED_DATA, content }.to_der();
        if again.is_ok_and(|again| again == self.bytes) {
            Ok(())
        } else {
            Err(CmsError::Wrong("not in the one form of our signatures"))
        }
    }
}

fn certificates_of(data: &SignedData) -> Result<Vec<Known>, CmsError> {
    let mut found = Vec::new();
    for choice in data.certificates.iter().flat_map(|set| set.0.iter()) {
        let CertificateChoices::Certificate(certificate) = choice else { continue };
        found.push(Known::from_der(&certificate.to_der().map_err(|_| CmsError::Form("a certificate"))?)?);
    }
    Ok(found)
}

fn is_signer(signer: &SignerInfo, known: &Known) -> bool {
    let tbs = &known.certificate.tbs_certificate;
    match &signer.sid {
        SignerIdentifier::IssuerAndSerialNumber(named) => {
            named.issuer == tbs.issuer && named.serial_number == tbs.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(id) => {
            tbs.get().is_ok_and(|found: Option<(bool, x509_cert::ext::pkix::SubjectKeyIdentifier)>| {
                found.is_some_and(|(_, own)| own == *id)
            })
        }
    }
}
