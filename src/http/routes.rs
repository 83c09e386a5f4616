//! Every route, on one screen.

use axum::http::Method;

use crate::http::api::oversight::{
    certificate, checkpoint, custody, decide, key, purge_runs, quarantine, report, tile, upcoming,
};
use crate::http::api::recordings::{audio, get, list, listen, post, receipt, related, search, waveform};
use crate::http::api::{docs, health, home};
use crate::http::app::App;
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

/// Handing recordings over, finding, reading and playing them. HEAD works where GET does.
pub fn recordings() -> Routes<App> {
    Routes::new()
        .guarded(Method::POST, "/v1/recordings", post::post)
        .guarded(Method::GET, "/v1/recordings", list::list)
        .guarded(Method::POST, "/v1/recordings/search", search::search)
        .guarded(Method::GET, "/v1/recordings/{id}", get::get)
        .guarded(Method::GET, "/v1/recordings/{id}/receipt", receipt::get)
        .guarded(Method::GET, "/v1/recordings/{id}/audio", audio::get)
        .guarded(Method::GET, "/v1/recordings/{id}/listen", listen::get)
        .guarded(Method::GET, "/v1/recordings/{id}/waveform", waveform::json)
        .guarded(Method::GET, "/v1/recordings/{id}/waveform.svg", waveform::svg)
        .guarded(Method::PUT, "/v1/recordings/{id}/related/{name}", related::put)
        .guarded(Method::GET, "/v1/recordings/{id}/related/{name}", related::get)
}

/// Quarantine, custody, retention, purge runs; the ledger, open to witnesses.
pub fn oversight() -> Routes<App> {
    Routes::new()
        .guarded(Method::GET, "/v1/quarantine", quarantine::list)
        .guarded(Method::POST, "/v1/recordings/{id}/quarantine", decide::decide)
        .guarded(Method::GET, "/v1/recordings/{id}/custody", custody::custody)
        .guarded(Method::GET, "/v1/retention/report", report::report)
        .guarded(Method::GET, "/v1/retention/upcoming", upcoming::upcoming)
        .guarded(Method::GET, "/v1/retention/certificates/{id}", certificate::certificate)
        .guarded(Method::POST, "/v1/purge-runs", purge_runs::run)
        .open(Method::GET, "/v1/ledger/checkpoint", checkpoint::checkpoint)
        .open(Method::GET, "/v1/ledger/tile/{*path}", tile::tile)
        .open(Method::GET, "/v1/ledger/key", key::key)
}

/// All of them.
pub fn all() -> Routes<App> {
    operator().and(recordings()).and(oversight())
}
