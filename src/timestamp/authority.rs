//! Asking an authority for a timestamp (RFC 3161 section 3.4), and taking no answer but one to this question.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use der::Encode as _;
use der::asn1::Int;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Certificate, Client, Response, Url, redirect};

use super::asn1::{MessageImprint, Request};
use super::check::{MAX_BYTES, Stamped, check_token, token_of};
use super::{Roots, TimestampError};
use crate::clock::{Clock, Timestamp};

/// Time to reach the authority.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for one question and its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// How far an authority's time may be off our own.
const PLAUSIBLE: Duration = Duration::from_secs(5 * 60);

/// A timestamp authority.
pub struct Authority {
    http: Client,
    url: Url,
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
        let url = Url::parse(url).map_err(|_| TimestampError::Settings("the authority's address is not a URL"))?;
        let mut http = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(redirect::Policy::none())
            .user_agent("earwitness");
        if let Some(pem) = tls_ca_pem {
            let authorities = Certificate::from_pem_bundle(pem);
            let authorities = authorities.map_err(|_| TimestampError::Settings("ca_file holds no certificates"))?;
            http = http.tls_certs_merge(authorities);
        }
        let http = http.build().map_err(|_| TimestampError::Settings("no HTTP client can be made"))?;
        Ok(Self { http, url, roots, clock })
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
        let question = self.http.post(self.url.clone()).header(CONTENT_TYPE, "application/timestamp-query");
        let question = question.header(ACCEPT, "application/timestamp-reply").body(request);
        let response = question.send().await.map_err(|error| not_reached(&error))?;
        if !response.status().is_success() {
            return Err(TimestampError::Status(response.status().as_u16()));
        }
        read(response).await
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

async fn read(mut response: Response) -> Result<Vec<u8>, TimestampError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| not_reached(&error))? {
        if bytes.len() + chunk.len() > MAX_BYTES {
            return Err(TimestampError::Form("too long"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What the system said, without the address.
fn not_reached(error: &reqwest::Error) -> TimestampError {
    if error.is_timeout() {
        return TimestampError::Unreachable("does not answer in time".to_owned());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    // What the HTTP library says may repeat what the other side sent.
    let what = match cause.downcast_ref::<io::Error>() {
        Some(error) => format!("cannot be reached: {}", error.kind()),
        None => "cannot be reached".to_owned(),
    };
    TimestampError::Unreachable(what)
}
