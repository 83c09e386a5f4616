//! `/`: what this is, and where to go on.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const STYLE: &str = include_str!("home.css");
const PAGE: &str = include_str!("home.html");

/// The page with its style in it, and the policy that lets in this one style and nothing else.
static RENDERED: LazyLock<(String, String)> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let page = PAGE.replace("{{style}}", STYLE).replace("{{version}}", env!("CARGO_PKG_VERSION"));
    (page, policy)
});

/// The page.
pub async fn page() -> Response {
    let (page, policy) = &*RENDERED;
    ([(CONTENT_SECURITY_POLICY, policy.as_str())], Html(page.as_str())).into_response()
}

#[cfg(test)]
mod tests {
    use crate::http::fake::{FakeState, get};
    use crate::http::routes;

    #[tokio::test]
    async fn every_link_of_the_page_leads_somewhere() {
        let app = FakeState::default().app(routes::operator());
        let page = get(&app, "/", None).await.text();
        let links: Vec<&str> = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(links.len() >= 4, "{page}");
        for link in links {
            assert_eq!(get(&app, link, None).await.status, 200, "{link}");
        }
        assert!(!page.contains("{{"));
    }
}
