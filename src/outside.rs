//! Asking somebody outside over HTTP (a timestamp authority, a witness): bounded in time and size, and nobody else than
//! who was named.

use std::io;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Certificate, Client, Response, Url, redirect};

/// Time to reach them.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for one question and its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Somebody outside, at an address.
#[derive(Debug, Clone)]
pub struct Outsider {
    http: Client,
    url: Url,
}

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The media type, empty where none was stated.
    pub media_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer. The texts carry no address and nothing that the other side wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutsideError {
    /// The address or the file of authorities cannot be used.
    #[error("{0}")]
    Settings(&'static str),
    /// Nobody answers.
    #[error("{0}")]
    Unreachable(String),
    /// The answer is larger than any that makes sense.
    #[error("answers with more than anybody should read")]
    TooLarge,
}

impl Outsider {
    /// Somebody at `url`. `tls_ca_pem`: authorities that their TLS is checked against, beside the system's.
    pub fn at(url: &str, tls_ca_pem: Option<&[u8]>) -> Result<Self, OutsideError> {
        let url = Url::parse(url).map_err(|_| OutsideError::Settings("the address is not a URL"))?;
        let mut http = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(redirect::Policy::none())
            .user_agent("earwitness");
        if let Some(pem) = tls_ca_pem {
            let authorities = Certificate::from_pem_bundle(pem);
            let authorities = authorities.map_err(|_| OutsideError::Settings("ca_file holds no certificates"))?;
            http = http.tls_certs_merge(authorities);
        }
        let http = http.build().map_err(|_| OutsideError::Settings("no HTTP client can be made"))?;
        Ok(Self { http, url })
    }

    /// Posts `body` of `media_type`, and reads an answer of at most `most` bytes. Once: whoever needs it tries again.
    pub async fn post(
        &self,
        media_type: &'static str,
        accept: &'static str,
        body: Vec<u8>,
        most: usize,
    ) -> Result<Answer, OutsideError> {
        let question = self.http.post(self.url.clone()).header(CONTENT_TYPE, media_type).header(ACCEPT, accept);
        let response = question.body(body).send().await.map_err(|error| not_reached(&error))?;
        let status = response.status().as_u16();
        let stated = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = stated.and_then(|text| text.split(';').next()).unwrap_or_default().trim().to_owned();
        Ok(Answer { status, media_type, body: read(response, most).await? })
    }
}

async fn read(mut response: Response, most: usize) -> Result<Vec<u8>, OutsideError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| not_reached(&error))? {
        if bytes.len() + chunk.len() > most {
            return Err(OutsideError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What the system said: what an HTTP library says may repeat what the other side sent.
fn not_reached(error: &reqwest::Error) -> OutsideError {
    if error.is_timeout() {
        return OutsideError::Unreachable("does not answer in time".to_owned());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    OutsideError::Unreachable(match cause.downcast_ref::<io::Error>() {
        Some(error) => format!("cannot be reached: {}", error.kind()),
        None => "cannot be reached".to_owned(),
    })
}
