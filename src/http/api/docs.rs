//! The OpenAPI document, and pages to browse it that ask no third party for anything.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use utoipa_swagger_ui::Config;

use crate::http::codes::Code;
use crate::http::openapi::ApiDocument;
use crate::http::problem::{Problem, log_cause};

/// Scripts, pictures and calls from here alone. The viewer sets style attributes, so inline styles are let through.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value)))]
pub async fn openapi_json(Extension(ApiDocument(document)): Extension<ApiDocument>) -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(CONTENT_TYPE, kind)], Body::from((*document).clone())).into_response()
}

/// `/docs` → `/docs/`, so that the viewer's relative links work.
pub async fn to_docs() -> Redirect {
    Redirect::permanent("/docs/")
}

/// The viewer's page.
pub async fn index() -> Result<Response, Problem> {
    viewer("index.html")
}

/// The viewer's files.
pub async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    viewer(&name)
}

fn viewer(name: &str) -> Result<Response, Problem> {
    // No check of the document by the viewer's makers' server, and tokens are not kept in the browser.
    let config = Config::from("/openapi.json").validator_url("none").persist_authorization(false);
    let file = utoipa_swagger_ui::serve(name, Arc::new(config)).map_err(|error| {
        log_cause(Code::Internal, &*error);
        Problem::new(Code::Internal)
    })?;
    let file = file.ok_or(Problem::new(Code::NotFound))?;
    let mut response = Response::new(Body::from(file.bytes.into_owned()));
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::try_from(file.content_type) {
        headers.insert(CONTENT_TYPE, kind);
    }
    if file.gzpipped {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::fake::{FakeState, get};
    use crate::http::routes;

    #[tokio::test]
    async fn the_viewer_comes_whole_from_here() {
        let app = FakeState::default().app(routes::operator());
        let page = get(&app, "/docs/", None).await;
        assert_eq!((page.status, &page.headers[CONTENT_TYPE]), (200, &HeaderValue::from_static("text/html")));
        assert!(page.headers[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("script-src 'self';"));
        let html = page.text();
        let links = html.split(['"', '\'']).filter(|part| part.ends_with(".js") || part.ends_with(".css"));
        let mut seen = 0;
        for link in links {
            assert!(!link.contains("//"), "{link}");
            let file = get(&app, &format!("/docs/{}", link.trim_start_matches("./")), None).await;
            assert_eq!(file.status, 200, "{link}");
            seen += 1;
        }
        assert!(seen >= 4, "{html}");
        let start = get(&app, "/docs/swagger-initializer.js", None).await.text();
        assert!(start.contains("/openapi.json") && !start.contains("petstore"), "{start}");
    }

    #[tokio::test]
    async fn the_document_is_served_and_strangers_get_a_404() {
        let app = FakeState::default().app(routes::operator());
        let document = get(&app, "/openapi.json", None).await;
        assert_eq!(document.json()["info"]["title"], "Earwitness");
        assert_eq!(get(&app, "/docs", None).await.status, 308);
        for path in ["/docs/nothing.js", "/docs/..%2f..%2fCargo.toml"] {
            assert_eq!(get(&app, path, None).await.json()["code"], "not-found", "{path}");
        }
    }
}
