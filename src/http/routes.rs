//! Every route, on one screen.

use axum::http::Method;

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
