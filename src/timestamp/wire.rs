//! RFC 3161 as it is sent: the request, the answer, and what a token holds.

use der::asn1::{Any, BitString, Int, ObjectIdentifier, OctetString};
use der::{Decode, Encode, Sequence};
use x509_cert::ext::Extensions;
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::TimestampError;
use crate::signature::algorithm::{SHA256, without_parameters};

/// The content type of a token.
pub const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// What is timestamped, by its digest.
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub struct MessageImprint {
    /// The digest's algorithm.
    pub hash_algorithm: AlgorithmIdentifierOwned,
    /// The digest.
    pub hashed_message: OctetString,
}

/// `TimeStampReq`
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub struct Request {
    version: u8,
    message_imprint: MessageImprint,
    #[asn1(optional = "true")]
    req_policy: Option<ObjectIdentifier>,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    #[asn1(default = "Default::default")]
    cert_req: bool,
}

/// `TimeStampResp`
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub struct Answer {
    /// Whether it was granted.
    pub status: Status,
    /// The token.
    #[asn1(optional = "true")]
    pub token: Option<Any>,
}

/// `PKIStatusInfo`
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub struct Status {
    /// 0: granted; 1: granted with modifications; else refused.
    pub status: u32,
    #[asn1(optional = "true")]
    text: Option<Vec<Any>>,
    #[asn1(optional = "true")]
    failure: Option<BitString>,
}

/// `TSTInfo`
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub struct Info {
    /// Always 1.
    pub version: u8,
    /// The authority's policy.
    pub policy: ObjectIdentifier,
    /// What was timestamped.
    pub message_imprint: MessageImprint,
    /// The authority's number of it.
    pub serial_number: Int,
    /// The time: a GeneralizedTime, whose fraction of a second the format's ordinary reader refuses.
    pub gen_time: Any,
    #[asn1(optional = "true")]
    accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    /// What the request had as nonce.
    #[asn1(optional = "true")]
    pub nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    tsa: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
struct Accuracy {
    #[asn1(optional = "true")]
    seconds: Option<u64>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    micros: Option<u16>,
}

/// Asks for a timestamp of this SHA-256, with the authority's certificate in the token.
pub fn request(sha256: &[u8; 32], nonce: &[u8; 16]) -> Result<Vec<u8>, TimestampError> {
    let wrong = |_| TimestampError::Wrong("a request cannot be written");
    let request = Request {
        version: 1,
        message_imprint: imprint(sha256)?,
        req_policy: None,
        nonce: Some(number(nonce)?),
        cert_req: true,
    };
    request.to_der().map_err(wrong)
}

/// The imprint of a SHA-256.
pub fn imprint(sha256: &[u8; 32]) -> Result<MessageImprint, TimestampError> {
    let hashed_message = OctetString::new(sha256.as_slice()).map_err(|_| TimestampError::Wrong("a digest"))?;
    Ok(MessageImprint { hash_algorithm: without_parameters(SHA256), hashed_message })
}

/// A nonce as the number that it is on the wire. Its first bit has to be 0 and its second 1.
pub fn number(nonce: &[u8; 16]) -> Result<Int, TimestampError> {
    Int::new(nonce).map_err(|_| TimestampError::Wrong("a nonce"))
}

/// Reads an answer.
pub fn answer(bytes: &[u8]) -> Result<Answer, TimestampError> {
    Answer::from_der(bytes).map_err(|_| TimestampError::Wrong("the answer is not a TimeStampResp"))
}

/// Reads what a token holds.
pub fn info(bytes: &[u8]) -> Result<Info, TimestampError> {
    let info = Info::from_der(bytes).map_err(|_| TimestampError::Wrong("the token is not of a timestamp"))?;
    if info.version == 1 { Ok(info) } else { Err(TimestampError::Wrong("the token is of another version")) }
}
