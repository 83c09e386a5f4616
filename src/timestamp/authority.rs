//! Asking an authority for a timestamp (RFC 3161 section 3.4), and taking no answer but one to this question.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use der::Encode as _;
use der::asn1::Int;

use super::asn1::{MessageImprint, Request};
use super::check::{MAX_BYTES, Stamped, check_token, token_of};
use super::{Roots, TimestampError};
use crate::clock::{Clock, Timestamp};
use crate::outside::{OutsideError, Outsider};

/// How far an authority's time may be off our own.
const PLAUSIBLE: Duration = Duration::from_secs(5 * 60);

/// A timestamp authority.
pub struct Authority {
    outside: Outsider,
    roots: Option<Roots>,
    clock: Arc<dyn Clock>,
}

/// A timestamp that was just given, and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    response: Vec<u8>,
    token: Vec<u8>,
    stamped: Stamped,
}

impl Token {
    /// The whole answer, in DER: a `.tsr` file for `openssl ts -verify -in`.
    pub fn response(&self) -> &[u8] {
        &self.response
    }

    /// The token alone, in DER: for an attribute of a signature.
    pub fn token(&self) -> &[u8] {
        &self.token
    }

    /// What it says.
    pub fn stamped(&self) -> &Stamped {
        &self.stamped
    }
}

impl Authority {
    /// An authority at `url`. `roots` have to vouch for its timestamps; without them its tokens are believed by the
    /// certificate that they carry. `tls_ca_pem`: authorities for its TLS, beside the system's.
    pub fn new(
        url: &str,
        roots: Option<Roots>,
        tls_ca_pem: Option<&[u8]>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TimestampError> {
        let outside = Outsider::at(url, tls_ca_pem)?;
        Ok(Self { outside, roots, clock })
    }

    /// Asks for a timestamp over a SHA-256. Once: whoever needs it tries again later.
    ///
    /// The answer is believed when it is granted, over this digest, in answer to this very question (nonce), signed
    /// by a certificate that may give timestamps, and its time is near ours.
    pub async fn stamp(&self, sha256: [u8; 32]) -> Result<Token, TimestampError> {
        let nonce = nonce()?;
        let imprint = MessageImprint::of(&sha256)?;
        let request = Request { version: 1, imprint, nonce: nonce.clone(), certificate_wanted: true };
        let request = request.to_der().map_err(|_| TimestampError::Crypto)?;
        let asked_at = self.clock.now();
        let response = self.ask(request).await?;
        let token = token_of(&response)?;
        let (info, stamped) = check_token(&token, &sha256, self.roots.as_ref())?;
        if info.nonce != Some(nonce) {
            return Err(TimestampError::Other("the answer is to another question"));
        }
        if !is_plausible(stamped.at, asked_at, self.clock.now()) {
            return Err(TimestampError::Time);
        }
        Ok(Token { response, token, stamped })
    }

    async fn ask(&self, request: Vec<u8>) -> Result<Vec<u8>, TimestampError> {
        let (query, reply) = ("application/timestamp-query", "application/timestamp-reply");
        let answer = self.outside.post(query, reply, request, MAX_BYTES).await?;
        if (200..300).contains(&answer.status) { Ok(answer.body) } else { Err(TimestampError::Status(answer.status)) }
    }
}

impl From<OutsideError> for TimestampError {
    fn from(error: OutsideError) -> Self {
        match error {
            OutsideError::Settings(what) => Self::Settings(what),
            OutsideError::Unreachable(what) => Self::Unreachable(what),
            OutsideError::TooLarge => Self::Form("too long"),
        }
    }
}

/// 8 random bytes, as a positive number.
fn nonce() -> Result<Int, TimestampError> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|_| TimestampError::Crypto)?;
    // Neither negative nor with zeros in front: a number has one form in DER.
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Int::new(&bytes).map_err(|_| TimestampError::Crypto)
}

fn is_plausible(stamped: Timestamp, asked: Timestamp, now: Timestamp) -> bool {
    asked.minus(PLAUSIBLE) <= stamped && stamped <= now.plus(PLAUSIBLE)
}
