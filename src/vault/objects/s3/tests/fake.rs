//! A store of a few lines that misbehaves as it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode};

/// What a fake store does otherwise than it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Writes are answered with this status and code, and not done.
    Refuse(u16, &'static str),
    /// A write is done, and its answer lost.
    LoseAnswer,
}

/// Lasting peculiarities.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ways {
    /// Locks are taken, and not kept.
    pub drops_locks: bool,
    /// Locks are kept, an hour shorter than asked for.
    pub shortens_locks: bool,
    /// Locks are kept, and what is locked is deleted all the same.
    pub deletes_locked: bool,
    /// First writes overwrite.
    pub overwrites: bool,
    /// Every deletion is refused with this code, in an answer with status 200.
    pub refuses_deletion: Option<&'static str>,
    /// Ranges are ignored.
    pub ignores_ranges: bool,
    /// This question about the bucket is answered with this status and code.
    pub refuses_question: Option<(&'static str, u16, &'static str)>,
}

#[derive(Debug)]
struct Object {
    name: String,
    version: String,
    body: Bytes,
    write_id: Option<String>,
    locked_until: Option<String>,
    held: bool,
}

#[derive(Debug, Default)]
struct Inner {
    ways: Ways,
    /// Oldest first.
    objects: Mutex<Vec<Object>>,
    faults: Mutex<VecDeque<Fault>>,
    writes: Mutex<usize>,
    /// What the last upload was begun with.
    upload: Mutex<HeaderMap>,
    /// How many requests to set lifecycle rules came.
    rules_set: Mutex<usize>,
}

/// A running fake store.
pub(super) struct Fake {
    inner: Arc<Inner>,
    pub endpoint: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    pub async fn start(ways: Ways, faults: &[Fault]) -> Self {
        let inner = Arc::new(Inner { ways, faults: Mutex::new(faults.iter().copied().collect()), ..Inner::default() });
        let routes = axum::Router::new().fallback(answer).with_state(inner.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(serve(listener, routes));
        Self { inner, endpoint, task }
    }

    /// How many requests to store something came.
    pub fn writes(&self) -> usize {
        *self.inner.writes.lock().unwrap()
    }

    /// How often lifecycle rules were set.
    pub fn rules_set(&self) -> usize {
        *self.inner.rules_set.lock().unwrap()
    }

    /// How many versions there are.
    pub fn versions(&self) -> usize {
        self.inner.objects.lock().unwrap().len()
    }
}

async fn serve(listener: tokio::net::TcpListener, routes: axum::Router) {
    // They end with this future.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let service = hyper_util::service::TowerToHyperService::new(routes.clone());
        connections.spawn(async move {
            let io = hyper_util::rt::TokioIo::new(stream);
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
        });
    }
}

async fn answer(State(store): State<Arc<Inner>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20).await.unwrap();
    let name = head.uri.path().trim_start_matches('/').split_once('/').map(|(_, name)| name.to_owned());
    let query = head.uri.query().unwrap_or("").to_owned();
    let asks = |what: &str| query.split('&').any(|part| part.split('=').next() == Some(what));
    let name = name.filter(|name| !name.is_empty());
    if let Some((what, status, code)) = store.ways.refuses_question
        && head.method == Method::GET
        && name.is_none()
        && asks(what)
    {
        return refused(status, code);
    }
    match (head.method, name) {
        (Method::PUT, None) if asks("lifecycle") => {
            *store.rules_set.lock().unwrap() += 1;
            xml(200, "")
        }
        (Method::POST, None) if asks("delete") => store.delete(&body),
        (Method::GET, None) if asks("versioning") => {
            xml(200, "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
        }
        (Method::GET, None) if asks("object-lock") => xml(
            200,
            "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
        ),
        (Method::GET, None) if asks("uploads") => xml(200, "<ListMultipartUploadsResult/>"),
        (Method::GET, None) if asks("versions") => store.list(),
        (_, None) => xml(200, ""),
        (Method::POST, Some(_)) if asks("uploads") => {
            *store.upload.lock().unwrap() = head.headers;
            xml(200, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
        }
        (Method::PUT, Some(_)) if asks("partNumber") => xml(200, ""),
        (Method::POST, Some(name)) => {
            let mut headers = store.upload.lock().unwrap().clone();
            headers.extend(head.headers);
            store.put(&name, &headers, Bytes::from_static(b"parts"))
        }
        (Method::DELETE, Some(_)) => xml(204, ""),
        (Method::PUT, Some(name)) if asks("retention") => store.lock(&name, &body),
        (Method::GET, Some(name)) if asks("retention") => store.retention(&name),
        (Method::PUT, Some(name)) if asks("legal-hold") => store.hold(&name, &body),
        (Method::GET, Some(name)) if asks("legal-hold") => store.held(&name),
        (Method::PUT, Some(name)) => store.put(&name, &head.headers, body),
        (method, Some(name)) => store.get(&name, method == Method::HEAD, &head.headers),
    }
}

fn xml(status: u16, text: &str) -> Response<Body> {
    let declared = if text.is_empty() { String::new() } else { format!("<?xml version=\"1.0\"?>{text}") };
    Response::builder().status(status).header("content-type", "application/xml").body(Body::from(declared)).unwrap()
}

fn refused(status: u16, code: &str) -> Response<Body> {
    xml(status, &format!("<Error><Code>{code}</Code><Message>no</Message></Error>"))
}

fn between<'a>(text: &'a str, tag: &str) -> Vec<&'a str> {
    let open = format!("<{tag}>");
    text.split(open.as_str()).skip(1).filter_map(|rest| rest.split('<').next()).collect()
}

impl Inner {
    fn put(&self, name: &str, headers: &HeaderMap, body: Bytes) -> Response<Body> {
        *self.writes.lock().unwrap() += 1;
        let fault = self.faults.lock().unwrap().pop_front();
        if let Some(Fault::Refuse(status, code)) = fault {
            return refused(status, code);
        }
        let mut objects = self.objects.lock().unwrap();
        let only_first = headers.contains_key("if-none-match") && !self.ways.overwrites;
        if only_first && objects.iter().any(|object| object.name == name) {
            return refused(412, "PreconditionFailed");
        }
        let version = format!("v{}", *self.writes.lock().unwrap());
        let write_id = headers.get("x-amz-meta-write-id").map(|id| id.to_str().unwrap().to_owned());
        let (name, locked_until) = (name.to_owned(), None);
        objects.push(Object { name, version: version.clone(), body, write_id, locked_until, held: false });
        if fault == Some(Fault::LoseAnswer) {
            return refused(500, "InternalError");
        }
        let mut stored = xml(200, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>");
        stored.headers_mut().insert("x-amz-version-id", version.parse().unwrap());
        stored
    }

    fn get(&self, name: &str, only_head: bool, headers: &HeaderMap) -> Response<Body> {
        let objects = self.objects.lock().unwrap();
        let Some(object) = objects.iter().rev().find(|object| object.name == name) else {
            return if only_head { xml(404, "") } else { refused(404, "NoSuchKey") };
        };
        let mut answer = Response::builder()
            .header("last-modified", "Sun, 23 Nov 2025 10:00:00 GMT")
            .header("x-amz-version-id", &object.version)
            .header("content-length", object.body.len());
        if let Some(write_id) = &object.write_id {
            answer = answer.header("x-amz-meta-write-id", write_id);
        }
        if let Some(until) = &object.locked_until {
            answer = answer.header("x-amz-object-lock-retain-until-date", until);
            answer = answer.header("x-amz-object-lock-mode", "GOVERNANCE");
        }
        if headers.contains_key("range") && !self.ways.ignores_ranges {
            return refused(501, "NotImplemented");
        }
        let body = if only_head { Body::empty() } else { Body::from(object.body.clone()) };
        answer.status(StatusCode::OK).body(body).unwrap()
    }

    fn list(&self) -> Response<Body> {
        let mut text = String::from("<ListVersionsResult><IsTruncated>false</IsTruncated>");
        for object in self.objects.lock().unwrap().iter().rev() {
            let (name, version, len) = (&object.name, &object.version, object.body.len());
            text += &format!(
                "<Version><Key>{name}</Key><VersionId>{version}</VersionId><Size>{len}</Size>\
                 <LastModified>2025-11-23T10:00:00Z</LastModified></Version>"
            );
        }
        xml(200, &(text + "</ListVersionsResult>"))
    }

    fn delete(&self, body: &[u8]) -> Response<Body> {
        let text = String::from_utf8_lossy(body).into_owned();
        let mut answer = String::from("<DeleteResult>");
        for (name, version) in between(&text, "Key").into_iter().zip(between(&text, "VersionId")) {
            let mut objects = self.objects.lock().unwrap();
            let is_it = |object: &Object| object.name == name && object.version == version;
            let locked = objects.iter().any(|object| is_it(object) && (object.locked_until.is_some() || object.held));
            let locked = locked && !self.ways.shortens_locks;
            let code = match self.ways.refuses_deletion {
                Some(code) => Some(code),
                None if locked && !self.ways.deletes_locked => Some("AccessDenied"),
                None => None,
            };
            match code {
                Some(code) => {
                    answer +=
                        &format!("<Error><Key>{name}</Key><VersionId>{version}</VersionId><Code>{code}</Code></Error>");
                }
                None => objects.retain(|object| !is_it(object)),
            }
        }
        xml(200, &(answer + "</DeleteResult>"))
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Object)) -> Response<Body> {
        match self.objects.lock().unwrap().iter_mut().rev().find(|object| object.name == name) {
            Some(object) => {
                change(object);
                xml(200, "")
            }
            None => refused(404, "NoSuchKey"),
        }
    }

    fn lock(&self, name: &str, body: &[u8]) -> Response<Body> {
        let text = String::from_utf8_lossy(body).into_owned();
        let asked = crate::clock::Timestamp::parse(between(&text, "RetainUntilDate")[0]).unwrap();
        let shorter = std::time::Duration::from_secs(if self.ways.shortens_locks { 3_600 } else { 0 });
        let drops = self.ways.drops_locks;
        self.change(name, |object| object.locked_until = (!drops).then(|| asked.minus(shorter).to_string()))
    }

    fn retention(&self, name: &str) -> Response<Body> {
        let objects = self.objects.lock().unwrap();
        match objects.iter().rev().find(|object| object.name == name).and_then(|object| object.locked_until.clone()) {
            Some(until) => xml(
                200,
                &format!("<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>"),
            ),
            None => refused(404, "NoSuchObjectLockConfiguration"),
        }
    }

    fn hold(&self, name: &str, body: &[u8]) -> Response<Body> {
        let on = String::from_utf8_lossy(body).contains("ON") && !self.ways.drops_locks;
        self.change(name, |object| object.held = on)
    }

    fn held(&self, name: &str) -> Response<Body> {
        let objects = self.objects.lock().unwrap();
        let held = objects.iter().any(|object| object.name == name && object.held);
        xml(200, &format!("<LegalHold><Status>{}</Status></LegalHold>", if held { "ON" } else { "OFF" }))
    }
}
