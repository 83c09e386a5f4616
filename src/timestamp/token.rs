//! A token, and whether it says what it should: over these bytes, by an authority's key, at which time.

use der::asn1::OctetString;
use der::{Tag, Tagged};

use super::TimestampError;
use super::wire::{self, Info, TST_INFO};
use crate::clock::Timestamp;
use crate::signature::algorithm::{SHA256, digest_of};
use crate::signature::certificate::Known;
use crate::signature::signed::Signed;

/// Certificates between the authority's and the one that vouches for all of them.
const LONGEST_CHAIN: usize = 8;

/// A timestamp whose signature holds.
#[derive(Debug, Clone)]
pub struct Token {
    signed: Signed,
    info: Info,
    at: Timestamp,
}

impl Token {
    /// Reads a token (CMS in DER) and checks its signature with the certificate that it carries, which must be one for
    /// timestamps and valid at the time that it states.
    pub fn open(bytes: &[u8]) -> Result<Self, TimestampError> {
        let signed = Signed::parse(bytes)?;
        let (content_type, content) = signed.content()?.ok_or(TimestampError::Wrong("the token is empty"))?;
        if content_type != TST_INFO {
            return Err(TimestampError::Wrong("the token is not of a timestamp"));
        }
        signed.check(&content)?;
        let info = wire::info(&content)?;
        let at = time_of(&info)?;
        let authority = signed.certificate();
        if !authority.is_for_timestamps() {
            return Err(TimestampError::Wrong("its certificate is not one for timestamps alone"));
        }
        if !authority.is_valid_at(since_1970(at)) {
            return Err(TimestampError::Wrong("its certificate was not valid at its time"));
        }
        let token = Self { signed, info, at };
        token.check_chain()?;
        Ok(token)
    }

    /// When the bytes were there, as the authority says.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The authority's certificate.
    pub fn authority(&self) -> &Known {
        self.signed.certificate()
    }

    /// Checks that it is over these bytes.
    pub fn check_over(&self, bytes: &[u8]) -> Result<(), TimestampError> {
        let imprint = &self.info.message_imprint;
        let digest = digest_of(&imprint.hash_algorithm.oid, bytes)?;
        if imprint.hashed_message.as_bytes() != digest {
            return Err(TimestampError::Wrong("it is over other bytes"));
        }
        Ok(())
    }

    /// Checks that it answers this very request.
    pub fn check_answers(&self, sha256: &[u8; 32], nonce: &[u8; 16]) -> Result<(), TimestampError> {
        let expected = OctetString::new(sha256.as_slice()).map_err(|_| TimestampError::Wrong("a digest"))?;
        let imprint = &self.info.message_imprint;
        if imprint.hash_algorithm.oid != SHA256 || imprint.hashed_message != expected {
            return Err(TimestampError::Wrong("it is over other bytes"));
        }
        if self.info.nonce != Some(wire::number(nonce)?) {
            return Err(TimestampError::Wrong("it answers another request"));
        }
        Ok(())
    }

    /// Every certificate that the token carries above the authority's must have signed the one below it. Whether the
    /// last one is to be trusted is for the reader to say.
    fn check_chain(&self) -> Result<(), TimestampError> {
        let mut below = self.authority().clone();
        for _ in 0..LONGEST_CHAIN {
            if below.is_self_made() {
                return Ok(below.check_issued_by(&below)?);
            }
            let above =
                self.signed.certificates().iter().find(|known| {
                    known.subject() == &below.certificate.tbs_certificate.issuer && known.der != below.der
                });
            let Some(above) = above else { return Ok(()) };
            below.check_issued_by(above)?;
            below = above.clone();
        }
        Err(TimestampError::Wrong("its chain of certificates does not end"))
    }
}

fn since_1970(at: Timestamp) -> std::time::Duration {
    at.since(Timestamp::from_micros(0))
}

/// `YYYYMMDDhhmmss[.f…]Z` (RFC 3161 section 2.4.2).
fn time_of(info: &Info) -> Result<Timestamp, TimestampError> {
    let wrong = TimestampError::Wrong("its time cannot be read");
    if info.gen_time.tag() != Tag::GeneralizedTime {
        return Err(wrong);
    }
    let Ok(text) = std::str::from_utf8(info.gen_time.value()) else { return Err(wrong) };
    let Some((digits, rest)) =
        text.split_at_checked(14).filter(|(digits, _)| digits.bytes().all(|b| b.is_ascii_digit()))
    else {
        return Err(wrong);
    };
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    let (date, time) =
        ([part(0, 4), part(4, 6), part(6, 8)].join("-"), [part(8, 10), part(10, 12), part(12, 14)].join(":"));
    Timestamp::parse(&format!("{date}T{time}{rest}")).map_err(|_| wrong)
}
