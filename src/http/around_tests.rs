use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde::Deserialize;

use super::*;
use crate::http::body::{ApiJson, ApiPath, ApiQuery};
use crate::http::fake::{FakeState, get, send};
use crate::http::registry::Routes;
use crate::http::state::HttpSettings;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    #[serde(rename = "n")]
    _n: u8,
}

#[expect(clippy::panic, reason = "what the test is about")]
async fn panics() -> &'static str {
    panic!("with +32470123456 in it")
}
async fn json(ApiJson(_): ApiJson<Input>) {}
async fn query(ApiQuery(_): ApiQuery<Input>) {}
async fn path(ApiPath(_): ApiPath<Uuid>) {}
async fn plain() -> (StatusCode, &'static str) {
    (StatusCode::BAD_GATEWAY, "db.internal refused")
}
async fn fine() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(CACHE_CONTROL, "public")], "fine")
}

fn app() -> Router {
    let settings = HttpSettings { max_body_bytes: 100, ..HttpSettings::default() };
    let routes = Routes::new()
        .open(Method::GET, "/panics", panics)
        .open(Method::POST, "/json", json)
        .open(Method::GET, "/query", query)
        .open(Method::GET, "/path/{id}", path)
        .open(Method::GET, "/plain", plain)
        .open(Method::GET, "/v1/silent", || async { "nothing said" })
        .open(Method::GET, "/v1/tile", fine)
        .open(Method::GET, "/fine", fine);
    FakeState { settings, ..FakeState::default() }.app(routes)
}

#[tokio::test]
async fn whatever_goes_wrong_is_a_problem_that_repeats_nothing() {
    let app = app();
    for (path, status, code) in [
        ("/panics", 500, "internal"),
        ("/plain", 500, "internal"),
        ("/query?n=+32470123456", 400, "invalid-query"),
        ("/query?n=1&m=+32470123456", 400, "invalid-query"),
        ("/path/+32470123456", 404, "not-found"),
    ] {
        let answer = get(&app, path, None).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{path}");
        assert_eq!(answer.headers[CONTENT_TYPE], PROBLEM_JSON, "{path}");
        let text = answer.text();
        assert!(!text.contains("32470") && !text.contains("db.internal"), "{text}");
        let id = answer.headers["x-request-id"].to_str().unwrap();
        assert_eq!(answer.json()["instance"], format!("urn:uuid:{id}"));
        assert_eq!(answer.headers[CACHE_CONTROL], "no-store");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_says_why() {
    let app = app();
    for (kind, body, status, code) in [
        ("text/plain", "{}".to_owned(), 415, "unsupported-media-type"),
        ("application/json", "{".to_owned(), 400, "invalid-json"),
        ("application/json", r#"{"n": "x"}"#.to_owned(), 422, "invalid-body"),
        ("application/json", format!("\"{}\"", "x".repeat(200)), 413, "too-large"),
    ] {
        let request = Request::post("/json").header(CONTENT_TYPE, kind).body(Body::from(body)).unwrap();
        let answer = send(&app, request).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{code}");
    }
}

#[tokio::test]
async fn common_headers_are_on_every_answer() {
    let app = app();
    // Within the API nothing is kept unless its handler says so.
    let cases = [("/v1/silent", "no-store"), ("/v1/tile", "public"), ("/fine", "public"), ("/nothing", "no-store")];
    for (path, cache) in cases {
        let answer = get(&app, path, None).await;
        assert_eq!(answer.headers[CACHE_CONTROL], cache, "{path}");
        assert_eq!(answer.headers[X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(answer.headers[REFERRER_POLICY], "no-referrer", "{path}");
    }
    let first = get(&app, "/fine", None).await;
    assert_ne!(first.headers["x-request-id"], get(&app, "/fine", None).await.headers["x-request-id"]);
}
