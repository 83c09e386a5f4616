//! Every route, on one screen.

use axum::http::Method;

use crate::http::api::{docs, health, home, oversight as over};
use crate::http::app::App;
use crate::http::registry::Routes;
use crate::http::state::AppState;

/// What operators and browsers ask for, open to all.
pub fn operator<S: AppState>() -> Routes<S> {
    for_people_and_probes().and(metrics())
}

fn for_people_and_probes<S: AppState>() -> Routes<S> {
    Routes::new()
        .open_page("/", home::page)
        .open(Method::GET, "/healthz", health::healthz)
        .open(Method::GET, "/readyz", health::readyz::<S>)
        .open(Method::GET, "/openapi.json", docs::openapi_json)
        .open_page("/docs", docs::to_docs)
        .open_page("/docs/", docs::index)
        .open_page("/docs/{file}", docs::file)
}

/// `/metrics` alone, for an address of its own.
pub fn metrics<S: AppState>() -> Routes<S> {
    Routes::new().open(Method::GET, "/metrics", health::metrics::<S>)
}

/// Quarantine, custody, retention, purge runs; the ledger, open to witnesses.
pub fn oversight() -> Routes<App> {
    Routes::new()
        .guarded(Method::GET, "/v1/quarantine", over::quarantine::list)
        .guarded(Method::POST, "/v1/recordings/{id}/quarantine", over::decide::decide)
        .guarded(Method::GET, "/v1/recordings/{id}/custody", over::custody::custody)
        .guarded(Method::GET, "/v1/retention/report", over::report::report)
        .guarded(Method::GET, "/v1/retention/upcoming", over::upcoming::upcoming)
        .guarded(Method::GET, "/v1/retention/certificates/{id}", over::certificate::certificate)
        .guarded(Method::POST, "/v1/purge-runs", over::purge_runs::run)
        .open(Method::GET, "/v1/ledger/checkpoint", over::checkpoint::checkpoint)
        .open(Method::GET, "/v1/ledger/tile/{*path}", over::tile::tile)
        .open(Method::GET, "/v1/ledger/key", over::key::key)
}

/// All of them.
pub fn all() -> Routes<App> {
    all_but_metrics().and(metrics())
}

/// All of them where `/metrics` has an address of its own.
pub fn all_but_metrics() -> Routes<App> {
    for_people_and_probes().and(oversight())
}
