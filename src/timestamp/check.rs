//! Whether a timestamp holds: pure, and offline.

use aws_lc_rs::digest;
use chrono::NaiveDateTime;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Decode, Encode as _, Tag, Tagged as _};
use x509_cert::attr::Attributes;

use super::TimestampError;
use super::asn1::{
    Response, SHA1, SHA256, SHA384, SHA512, SIGNED_DATA, SignedData, SigningCertificate, SigningCertificateV2,
    TST_INFO, TstInfo,
};
use super::signer::{Roots, Signer};
use crate::clock::Timestamp;

/// Longest answer or token that is read, in bytes: a long chain of certificates has some ten thousand.
pub const MAX_BYTES: usize = 64 * 1024;

const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// What a timestamp says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// The time at which the authority saw the digest.
    pub at: Timestamp,
    /// The token's serial number, in hexadecimal digits.
    pub serial: String,
    /// The authority's policy, an OID.
    pub policy: String,
    /// The subject of the certificate that signed (RFC 4514).
    pub authority: String,
    /// Whether that certificate leads to given roots; otherwise nobody vouches for it but the token.
    pub vouched: bool,
}

/// Checks a `TimeStampResp` or a bare token over a SHA-256, both in DER. With `roots`, the certificate has to lead
/// to one of them at the time that the token states.
///
/// Errors: everything but [`TimestampError::Unreachable`] and its like.
pub fn check(der: &[u8], sha256: &[u8; 32], roots: Option<&Roots>) -> Result<Stamped, TimestampError> {
    check_token(&token_of(der)?, sha256, roots).map(|(_, stamped)| stamped)
}

/// The token of an answer; a bare one as it is.
pub(super) fn token_of(der: &[u8]) -> Result<Vec<u8>, TimestampError> {
    if der.len() > MAX_BYTES {
        return Err(TimestampError::Form("too long"));
    }
    if ContentInfo::from_der(der).is_ok() {
        return Ok(der.to_vec());
    }
    let response = Response::from_der(der).map_err(|_| TimestampError::Form("neither an answer nor a token in DER"))?;
    if !response.status.is_granted() {
        let (status, failure) = (response.status.status, response.status.failure());
        return Err(TimestampError::Refused { status, failure });
    }
    let token = response.token.ok_or(TimestampError::Form("granted, and no token"))?;
    token.to_der().map_err(|_| TimestampError::Form("a token that is not DER"))
}

/// Checks a bare token, and gives what the authority signed beside what it says.
pub(super) fn check_token(
    token: &[u8],
    sha256: &[u8; 32],
    roots: Option<&Roots>,
) -> Result<(TstInfo, Stamped), TimestampError> {
    let signed = signed_data(token)?;
    let content = signed.content.econtent.as_ref().ok_or(TimestampError::Form("no content"))?;
    let content = content.decode_as::<OctetString>().map_err(|_| TimestampError::Form("no octets as content"))?;
    let info = TstInfo::from_der(content.as_bytes()).map_err(|_| TimestampError::Form("the content is no TSTInfo"))?;
    if info.version != 1 || info.extensions.iter().flatten().any(|extension| extension.critical) {
        return Err(TimestampError::Form("a version or an extension that is unknown"));
    }
    if !info.imprint.is_of(sha256) {
        return Err(TimestampError::Other("the digest is another one"));
    }
    let at = general_time(info.time.tag(), info.time.value())?;
    let [signature] = signed.signers.0.as_slice() else { return Err(TimestampError::Form("not one signer")) };
    let by_name = matches!(signature.sid, SignerIdentifier::IssuerAndSerialNumber(_));
    if signature.version != if by_name { CmsVersion::V1 } else { CmsVersion::V3 } {
        return Err(TimestampError::Form("a signer's version that is unknown"));
    }
    if !signed.digest_algorithms.iter().eq([&signature.digest_alg]) {
        return Err(TimestampError::Form("the digest's algorithm is not the one that is announced"));
    }
    let signer = Signer::find(&signature.sid, signed.certificates())?;
    let attributes = signature.signed_attrs.as_ref().ok_or(TimestampError::Form("no signed attributes"))?;
    check_attributes(attributes, signature, content.as_bytes(), signer.certificate())?;
    let message = attributes.to_der().map_err(|_| TimestampError::Form("attributes that are not DER"))?;
    signer.verify(signature, &message)?;
    signer.check_usage(at)?;
    if let Some(roots) = roots {
        signer.check_chain(roots, at)?;
    }
    let stamped = Stamped {
        at,
        serial: hex::encode(info.serial.as_bytes()),
        policy: info.policy.to_string(),
        authority: signer.subject(),
        vouched: roots.is_some(),
    };
    Ok((info, stamped))
}

fn signed_data(token: &[u8]) -> Result<SignedData, TimestampError> {
    let outer = ContentInfo::from_der(token).map_err(|_| TimestampError::Form("not a token in DER"))?;
    if outer.content_type != SIGNED_DATA {
        return Err(TimestampError::Form("not signed data"));
    }
    let inner = outer.content.to_der().map_err(|_| TimestampError::Form("signed data that is not DER"))?;
    // A set of certificates out of order, as some authorities send it, is refused by other strict readers as well.
    let signed = SignedData::from_der(&inner).map_err(|_| TimestampError::Form("signed data that is not DER"))?;
    if signed.version != 3 || signed.content.econtent_type != TST_INFO {
        return Err(TimestampError::Form("signed data of another kind"));
    }
    Ok(signed)
}

/// `GeneralizedTime` as RFC 3161 section 2.4.2 wants it: to the second, fractions if any, always UTC.
fn general_time(tag: Tag, value: &[u8]) -> Result<Timestamp, TimestampError> {
    const WRONG: TimestampError = TimestampError::Form("not a time in UTC");
    let text = std::str::from_utf8(value).map_err(|_| WRONG)?;
    let body = text.strip_suffix('Z').filter(|_| tag == Tag::GeneralizedTime).ok_or(WRONG)?;
    let (whole, fraction) = body.split_once('.').unwrap_or((body, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || !digits(fraction) {
        return Err(WRONG);
    }
    let seconds = NaiveDateTime::parse_from_str(whole, "%Y%m%d%H%M%S").map_err(|_| WRONG)?;
    let micros: String = fraction.chars().chain(std::iter::repeat('0')).take(6).collect();
    let micros: i64 = micros.parse().map_err(|_| WRONG)?;
    Ok(Timestamp::from_micros(seconds.and_utc().timestamp_micros() + micros))
}

/// What the signature covers has to name the content, its digest and the certificate (RFC 3161 section 2.4.2).
fn check_attributes(
    attributes: &Attributes,
    signature: &SignerInfo,
    content: &[u8],
    certificate: &[u8],
) -> Result<(), TimestampError> {
    let kind: ObjectIdentifier = single(attributes, CONTENT_TYPE)?.ok_or(TimestampError::Form("no content type"))?;
    if kind != TST_INFO {
        return Err(TimestampError::Signature("over content of another kind"));
    }
    let digest: OctetString = single(attributes, MESSAGE_DIGEST)?.ok_or(TimestampError::Form("no message digest"))?;
    let algorithm = strong_digest(signature.digest_alg.oid)?;
    if digest.as_bytes() != digest::digest(algorithm, content).as_ref() {
        return Err(TimestampError::Signature("over other content"));
    }
    let v2: Option<SigningCertificateV2> = single(attributes, SIGNING_CERTIFICATE_V2)?;
    let v1: Option<SigningCertificate> = single(attributes, SIGNING_CERTIFICATE)?;
    let named_v2 = v2.as_ref().and_then(|named| named.certificates.first());
    let named_v1 = v1.as_ref().and_then(|named| named.certificates.first());
    let same = |algorithm, digest: &OctetString| digest::digest(algorithm, certificate).as_ref() == digest.as_bytes();
    let is_named = match (named_v2, named_v1) {
        (Some(id), _) => same(strong_digest(id.algorithm.as_ref().map_or(SHA256, |a| a.oid))?, &id.digest),
        // SHA-1 says here which certificate is meant; what vouches for it is the signature.
        (None, Some(id)) => same(&digest::SHA1_FOR_LEGACY_USE_ONLY, &id.digest),
        (None, None) => return Err(TimestampError::Form("the signing certificate is not named")),
    };
    if is_named { Ok(()) } else { Err(TimestampError::Signature("the signing certificate is another one")) }
}

/// The one value of an attribute; none where there is no such attribute.
fn single<'a, T>(attributes: &'a Attributes, oid: ObjectIdentifier) -> Result<Option<T>, TimestampError>
where
    T: der::Choice<'a> + der::DecodeValue<'a>,
{
    let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
    let Some(attribute) = found.next() else { return Ok(None) };
    match (attribute.values.as_slice(), found.next()) {
        ([value], None) => value.decode_as().map(Some).map_err(|_| TimestampError::Form("an attribute")),
        _ => Err(TimestampError::Form("an attribute with several values")),
    }
}

pub(super) fn strong_digest(oid: ObjectIdentifier) -> Result<&'static digest::Algorithm, TimestampError> {
    match oid {
        SHA256 => Ok(&digest::SHA256),
        SHA384 => Ok(&digest::SHA384),
        SHA512 => Ok(&digest::SHA512),
        SHA1 => Err(TimestampError::Signature("over SHA-1")),
        _ => Err(TimestampError::Signature("with an unknown digest")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_may_have_fractions_and_is_always_utc() {
        let read = |text: &str| general_time(Tag::GeneralizedTime, text.as_bytes()).map(|at| at.to_string()).ok();
        let same = |text: &str, expected: &str| assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        same("20261122100200Z", "2026-11-22T10:02:00Z");
        same("20261122100200.5Z", "2026-11-22T10:02:00.500Z");
        same("20261122100200.1234567Z", "2026-11-22T10:02:00.123456Z");
        for bad in
            ["", "Z", "20261122100200", "20261122100200.Z", "20261122100200+0100", "202611221002Z", "20261322100200Z"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert!(general_time(Tag::UtcTime, b"20261122100200Z").is_err());
    }
}
