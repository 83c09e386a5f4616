//! What goes around every call: a request id, the access log, common headers, panics, and problems for whatever
//! came without one.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::access::Role;
use crate::http::codes::Code;
use crate::http::problem::{PROBLEM_JSON, Problem};

/// What is known of a request: its id, and the caller's role once there is one.
#[derive(Debug, Clone)]
pub struct RequestFacts {
    id: Uuid,
    role: Arc<OnceLock<Role>>,
}

impl RequestFacts {
    /// The request's id, as the client gets it.
    pub fn id(&self) -> Uuid {
        self.id
    }

    pub(super) fn set_role(&self, role: Role) {
        // A second extractor of the same request brings the same role.
        let _ = self.role.set(role);
    }
}

/// Tells the metrics recorder what this side counts. Call it once, after the recorder is in place.
pub fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_histogram};
    describe_counter!("earwitness_http_requests_total", "Requests by method, route template and status");
    describe_histogram!(
        "earwitness_http_request_seconds",
        Unit::Seconds,
        "Time until an answer's head, by route template"
    );
    describe_counter!("earwitness_http_unknown_tokens_total", "Credentials that are malformed or belong to nobody");
    describe_counter!("earwitness_http_refusals_total", "Known callers turned away, by reason");
    describe_counter!("earwitness_http_refusals_not_recorded_total", "Refusals that could not be recorded");
    describe_counter!("earwitness_http_panics_total", "Handlers that panicked");
}

/// Puts everything around a router.
pub(super) fn wrap<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.layer(CatchPanicLayer::custom(panicked)).layer(from_fn(around))
}

/// The fallback for paths that are not there.
pub(super) async fn not_found() -> Problem {
    Problem::new(Code::NotFound)
}

/// The fallback for methods that a path does not answer; axum adds `Allow`.
pub(super) async fn method_not_allowed() -> Problem {
    Problem::new(Code::MethodNotAllowed)
}

/// The payload of a panic may quote what a client sent, so it is not repeated here.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    metrics::counter!("earwitness_http_panics_total").increment(1);
    tracing::error!(code = Code::Internal.as_str(), "a handler panicked");
    Problem::new(Code::Internal).into_response()
}

async fn around(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let facts = RequestFacts { id: Uuid::new_v4(), role: Arc::default() };
    request.extensions_mut().insert(facts.clone());
    // The template, never the path as it was sent: what a client types is not ours to log.
    let route =
        request.extensions().get::<MatchedPath>().map_or("(none)".into(), |path| Arc::<str>::from(path.as_str()));
    let method = request.method().clone();
    let is_api = request.uri().path().starts_with("/v1/") || request.uri().path() == "/v1";
    let span = tracing::info_span!("request", request_id = %facts.id);
    let response = next.run(request).instrument(span).await;
    let response = finish(response, facts.id, is_api);

    let (status, took) = (response.status().as_u16(), started.elapsed());
    let role = facts.role.get().map_or("none", |role| role.as_str());
    // A client may send any word as method; only known ones become labels.
    let method_label = if is_common(method.as_str()) { method.as_str().to_owned() } else { "other".to_owned() };
    let labels = [("method", method_label.clone()), ("route", route.to_string()), ("status", status.to_string())];
    metrics::counter!("earwitness_http_requests_total", &labels).increment(1);
    metrics::histogram!("earwitness_http_request_seconds", "route" => route.to_string()).record(took.as_secs_f64());
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(target: "earwitness::access", request_id = %facts.id, method = method_label, route = &*route, status, ms, role);
    response
}

fn is_common(method: &str) -> bool {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(&method)
}

/// Makes every error a problem that names the request, and adds the common headers.
fn finish(response: Response, request_id: Uuid, is_api: bool) -> Response {
    let mut response = with_problem(response, request_id);
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(request_id.to_string()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // A handler of the API may know better: the ledger's tiles never change.
    if is_error || (is_api && !headers.contains_key(CACHE_CONTROL)) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

fn with_problem(mut response: Response, request_id: Uuid) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let known = response.extensions_mut().remove::<Arc<Problem>>();
    let problem = match known {
        Some(problem) => problem,
        // Readiness answers 503 with its own JSON; only bodies that nobody designed are replaced.
        None if is_json(&response) => return response,
        None => Arc::new(Problem::new(Code::of_status(status))),
    };
    *response.body_mut() = problem.body(Some(request_id));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    response.headers_mut().remove(CONTENT_LENGTH);
    *response.status_mut() = problem.status();
    response
}

fn is_json(response: &Response) -> bool {
    response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/"))
}

#[cfg(test)]
#[path = "around_tests.rs"]
mod tests;
