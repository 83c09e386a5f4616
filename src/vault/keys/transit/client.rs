//! Questions to the key server over HTTP: bounded in time, size and number, and never to another server than ours.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Certificate, Client, Method, Response, Url, redirect};
use tokio::time::Instant;
use zeroize::{Zeroize, Zeroizing};

use super::answer::{Fault, is_passing, read_fault};
use super::token::TokenSource;

/// Time to reach the server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for one question and its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Pauses before the second and the third attempt.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];
/// After a server that could not be reached nobody tries for this long: those who wait in a row for the same secret
/// must not each wait for the whole timeout.
const REST: Duration = Duration::from_secs(1);
/// No answer is larger: a list of 100,000 names has some 4 MB.
const MAX_ANSWER_BYTES: usize = 8 << 20;

/// One server, one mount, one token.
#[derive(Debug)]
pub(super) struct TransitClient {
    http: Client,
    base: Url,
    mount: String,
    namespace: Option<HeaderValue>,
    token: TokenSource,
    unreachable: Mutex<Option<(Instant, String)>>,
}

/// The bytes of an answer, wiped when dropped as far as they are ours alone.
pub(super) struct Answer(Bytes);

impl Answer {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Ok(mut bytes) = std::mem::take(&mut self.0).try_into_mut() {
            bytes.zeroize();
        }
    }
}

/// A question's body, wiped once it is sent.
struct Body(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl TransitClient {
    /// Talks to `server` (`https://HOST:PORT`), checked against the system's authorities and those in `ca_pem`.
    pub(super) fn new(
        server: &str,
        mount: &str,
        namespace: Option<&str>,
        token: TokenSource,
        ca_pem: Option<&[u8]>,
    ) -> io::Result<Self> {
        let bad = |what: &'static str| io::Error::new(io::ErrorKind::InvalidInput, what);
        let base = Url::parse(server).map_err(|_| bad("the key server's address is not a URL"))?;
        let namespace = namespace.map(HeaderValue::from_str).transpose().map_err(|_| bad("not a namespace"))?;
        let mut http = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent("earwitness");
        if let Some(pem) = ca_pem {
            let authorities = Certificate::from_pem_bundle(pem).map_err(|_| bad("ca_file holds no certificates"))?;
            http = http.tls_certs_merge(authorities);
        }
        let http = http.build().map_err(io::Error::other)?;
        Ok(Self { http, base, mount: mount.to_owned(), namespace, token, unreachable: Mutex::default() })
    }

    pub(super) fn token(&self) -> &TokenSource {
        &self.token
    }

    /// Asks below the mount: `["encrypt", "month-2031-11"]`.
    pub(super) async fn engine(&self, method: Method, path: &[&str], body: Option<Zeroizing<Vec<u8>>>) -> Asked {
        let mount = self.mount.split('/');
        self.ask(method, self.url(mount.chain(path.iter().copied()))?, body).await
    }

    /// What the server says about our mount.
    pub(super) async fn mount(&self) -> Asked {
        let path = ["sys", "internal", "ui", "mounts"].into_iter().chain(self.mount.split('/'));
        self.ask(Method::GET, self.url(path)?, None).await
    }

    /// Asks about our own token: `lookup-self`, `renew-self`.
    pub(super) async fn own_token(&self, method: Method, what: &str) -> Asked {
        self.ask(method, self.url(["auth", "token", what].into_iter())?, None).await
    }

    /// The names of all keys.
    pub(super) async fn list(&self) -> Asked {
        let mut url = self.url(self.mount.split('/').chain(["keys"]))?;
        url.set_query(Some("list=true"));
        self.ask(Method::GET, url, None).await
    }

    fn url<'a>(&self, path: impl Iterator<Item = &'a str>) -> Result<Url, Fault> {
        let mut url = self.base.clone();
        let mut parts = url.path_segments_mut().map_err(|()| Fault::Unavailable("not a server's URL".to_owned()))?;
        parts.clear().push("v1").extend(path);
        drop(parts);
        Ok(url)
    }

    async fn ask(&self, method: Method, url: Url, body: Option<Zeroizing<Vec<u8>>>) -> Asked {
        if let Some(why) = self.resting() {
            return Err(Fault::Unavailable(why));
        }
        let body = body.map(|body| Bytes::from_owner(Body(body)));
        let mut pauses = PAUSES.into_iter();
        loop {
            let (fault, passing) = match self.attempt(&method, &url, body.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            match pauses.next().filter(|_| passing) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(fault),
            }
        }
    }

    /// One attempt; where it fails, why, and whether another may help.
    async fn attempt(&self, method: &Method, url: &Url, body: Option<Bytes>) -> Result<Answer, (Fault, bool)> {
        let token = self.token.header().await.map_err(|e| (Fault::Unavailable(e.to_string()), false))?;
        let mut question = self.http.request(method.clone(), url.clone()).header("X-Vault-Token", token);
        question = question.header("X-Vault-Request", "true");
        if let Some(namespace) = &self.namespace {
            question = question.header("X-Vault-Namespace", namespace);
        }
        if let Some(body) = body {
            question = question.header(CONTENT_TYPE, "application/json").body(body);
        }
        let sent = question.send().await;
        let response = sent.map_err(|error| (self.not_reached(&error), !error.is_timeout()))?;
        *self.unreachable.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let status = response.status();
        let answer = read(response).await.map_err(|why| (Fault::Unavailable(why), true))?;
        if status.is_success() { Ok(answer) } else { Err((read_fault(status, answer.bytes()), is_passing(status))) }
    }

    fn resting(&self) -> Option<String> {
        let unreachable = self.unreachable.lock().unwrap_or_else(PoisonError::into_inner);
        unreachable.as_ref().filter(|(since, _)| since.elapsed() < REST).map(|(_, why)| why.clone())
    }

    fn not_reached(&self, error: &reqwest::Error) -> Fault {
        let why = match error {
            e if e.is_timeout() => "the key server does not answer in time".to_owned(),
            e => format!("the key server cannot be reached: {}", root_cause(e)),
        };
        *self.unreachable.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), why.clone()));
        Fault::Unavailable(why)
    }
}

pub(super) type Asked = Result<Answer, Fault>;

/// What the system said, without the address.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

async fn read(mut response: Response) -> Result<Answer, String> {
    let mut bytes = bytes::BytesMut::new();
    let broke_off = |_| "the key server's answer broke off".to_owned();
    while let Some(chunk) = response.chunk().await.map_err(broke_off)? {
        if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err("the key server's answer is too large".to_owned());
        }
        bytes.extend_from_slice(&chunk);
        wipe(chunk);
    }
    Ok(Answer(bytes.freeze()))
}

fn wipe(bytes: Bytes) {
    drop(Answer(bytes));
}
