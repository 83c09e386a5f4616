//! Every route, on one screen.

use axum::http::Method;

use crate::http::api::{docs, health, home};
use crate::http::registry::Routes;
use crate::http::state::AppState;

/// What operators and browsers ask for, open to all.
pub fn operator<S: AppState>() -> Routes<S> {
    Routes::new()
        .open_page("/", home::page)
        .open(Method::GET, "/healthz", health::healthz)
        .open(Method::GET, "/readyz", health::readyz::<S>)
        .and(metrics())
        .open(Method::GET, "/openapi.json", docs::openapi_json)
        .open_page("/docs", docs::to_docs)
        .open_page("/docs/", docs::index)
        .open_page("/docs/{file}", docs::file)
}

/// `/metrics` alone, for an address of its own.
pub fn metrics<S: AppState>() -> Routes<S> {
    Routes::new().open(Method::GET, "/metrics", health::metrics::<S>)
}
