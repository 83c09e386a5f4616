//! Every route, on one screen.

use axum::http::Method;
use utoipa::openapi::OpenApi;

use crate::http::api::recordings::{audio, get, list, listen, post, receipt, related, search, vcon, waveform};
use crate::http::api::{accounts as mirror, cases, docs, evidence, health, home, oversight as over};
use crate::http::app::App;
use crate::http::registry::Routes;
use crate::http::state::AppState;

/// Every route of the archive. `metrics_here`: false when `/metrics` has an address of its own.
pub fn all_routes(metrics_here: bool) -> Routes<App> {
    let probes = if metrics_here { operator() } else { for_people_and_probes() };
    probes.and(recordings()).and(accounts()).and(legal()).and(oversight())
}

/// No document, for an address that serves none.
pub fn no_document() -> OpenApi {
    OpenApi::default()
}

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

/// The product's accounts, mirrored, and their life.
pub fn accounts() -> Routes<App> {
    Routes::new()
        .guarded(Method::GET, "/v1/accounts", mirror::list::list)
        .guarded(Method::PUT, "/v1/accounts/{id}", mirror::one::put)
        .guarded(Method::GET, "/v1/accounts/{id}", mirror::one::get)
        .guarded(Method::POST, "/v1/accounts/{id}/close", mirror::life::close)
        .guarded(Method::POST, "/v1/accounts/{id}/reopen", mirror::life::reopen)
        .guarded(Method::POST, "/v1/accounts/{id}/end-relation", mirror::life::end_relation)
        .guarded(Method::POST, "/v1/accounts/{id}/persons/{person}/left", mirror::person::left)
        .guarded(Method::POST, "/v1/accounts/{id}/merge", mirror::merge::merge)
}

/// Cases, what they hold, and how that ends; what was handed over for them.
pub fn legal() -> Routes<App> {
    Routes::new()
        .guarded(Method::POST, "/v1/cases", cases::list::open)
        .guarded(Method::GET, "/v1/cases", cases::list::list)
        .guarded(Method::GET, "/v1/cases/{id}", cases::one::get)
        .guarded(Method::PATCH, "/v1/cases/{id}", cases::one::change)
        .guarded(Method::POST, "/v1/cases/{id}/notes", cases::note::add)
        .guarded(Method::POST, "/v1/cases/{id}/holds", cases::holds::place)
        .guarded(Method::GET, "/v1/cases/{id}/holds", cases::holds::list)
        .guarded(Method::POST, "/v1/cases/{id}/release", cases::release::ask)
        .guarded(Method::POST, "/v1/cases/{id}/release/approve", cases::release::decide)
        .guarded(Method::POST, "/v1/cases/{id}/close", cases::close::close)
        .guarded(Method::POST, "/v1/cases/{id}/evidence", evidence::package::make)
        .guarded(Method::GET, "/v1/disclosures", evidence::register::list)
}

/// Quarantine, custody, retention, purge runs; the ledger, open to witnesses.
pub fn oversight() -> Routes<App> {
    Routes::new()
        .guarded(Method::GET, "/v1/quarantine", over::quarantine::list)
        .guarded(Method::POST, "/v1/recordings/{id}/quarantine", over::decide::decide)
        .guarded(Method::GET, "/v1/recordings/{id}/custody", over::custody::custody)
        .guarded(Method::GET, "/v1/retention/report", over::report::report)
        .guarded(Method::GET, "/v1/retention/upcoming", over::upcoming::upcoming)
        .guarded(Method::GET, "/v1/retention/processing", over::processing::processing)
        .guarded(Method::GET, "/v1/statistics", over::statistics::statistics)
        .guarded(Method::GET, "/v1/retention/certificates/{id}", over::certificate::certificate)
        .guarded(Method::POST, "/v1/purge-runs", over::purge_runs::run)
        .open(Method::GET, "/v1/ledger/checkpoint", over::checkpoint::checkpoint)
        .open(Method::GET, "/v1/ledger/checkpoint/{size}", over::timestamp::checkpoint_at)
        .open(Method::GET, "/v1/ledger/timestamp/{size}", over::timestamp::timestamp)
        .open(Method::GET, "/v1/ledger/tile/{*path}", over::tile::tile)
        .open(Method::GET, "/v1/ledger/key", over::key::key)
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
        .guarded(Method::GET, "/v1/recordings/{id}/vcon", vcon::get)
        .guarded(Method::PUT, "/v1/recordings/{id}/related/{name}", related::put)
        .guarded(Method::GET, "/v1/recordings/{id}/related/{name}", related::get)
}
