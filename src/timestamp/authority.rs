//! Asking an authority over HTTP (RFC 3161 section 3.4).

use std::time::Duration;

use aws_lc_rs::rand;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, Url};

use super::{TimestampError, Token, wire};
use crate::signature::build::sha256_of;
use crate::signature::signed::MAX_BYTES;

/// How long an authority has for its answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is asked before it is given up, and how long the first pause is; the next ones are twice as long.
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// A timestamp authority.
#[derive(Debug, Clone)]
pub struct Authority {
    client: Client,
    url: Url,
}

/// A token as it came, and what it says.
#[derive(Debug, Clone)]
pub struct Stamped {
    /// The token, CMS in DER.
    pub der: Vec<u8>,
    /// The same, opened.
    pub token: Token,
}

impl Authority {
    /// The one at this `http://` or `https://` address.
    pub fn at(url: &str) -> Result<Self, TimestampError> {
        let url = Url::parse(url).map_err(|_| TimestampError::Address)?;
        let client = Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        Ok(Self { client: client.build().map_err(|_| TimestampError::Address)?, url })
    }

    /// A timestamp over `bytes`, checked: granted, over these bytes, in answer to this request, signed by a certificate
    /// for timestamps.
    pub async fn stamp(&self, bytes: &[u8]) -> Result<Stamped, TimestampError> {
        let sha256 = sha256_of(bytes)?;
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            match self.ask(&sha256).await {
                Err(error @ (TimestampError::NoAnswer(_) | TimestampError::Refused(_))) => {
                    tracing::warn!(%error, "a timestamp authority is asked again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                done => return done,
            }
        }
        self.ask(&sha256).await
    }

    async fn ask(&self, sha256: &[u8; 32]) -> Result<Stamped, TimestampError> {
        let nonce = nonce()?;
        let answer = self.send(wire::request(sha256, &nonce)?).await?;
        let answer = wire::answer(&answer)?;
        if answer.status.status > 1 {
            return Err(TimestampError::Refused(answer.status.status));
        }
        let token = answer.token.ok_or(TimestampError::Wrong("the answer has no token"))?;
        let der = der::Encode::to_der(&token).map_err(|_| TimestampError::Wrong("the token cannot be read"))?;
        let token = Token::open(&der)?;
        token.check_answers(sha256, &nonce)?;
        Ok(Stamped { der, token })
    }

    async fn send(&self, request: Vec<u8>) -> Result<Vec<u8>, TimestampError> {
        let lost = |error: reqwest::Error| TimestampError::NoAnswer(error.without_url().to_string());
        let post = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/timestamp-query");
        let mut answer = post.header(ACCEPT, "application/timestamp-reply").body(request).send().await.map_err(lost)?;
        if !answer.status().is_success() {
            return Err(TimestampError::NoAnswer(format!("status {}", answer.status())));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_BYTES {
                return Err(TimestampError::Wrong("the answer is too long"));
            }
        }
        Ok(bytes)
    }
}

/// Sixteen random bytes, the first bit of which is 0 so that the number is positive, and the second 1 so that it has one
/// form.
fn nonce() -> Result<[u8; 16], TimestampError> {
    let mut nonce = [0; 16];
    rand::fill(&mut nonce).map_err(|_| TimestampError::Crypto)?;
    nonce[0] = nonce[0] & 0x7f | 0x40;
    Ok(nonce)
}
