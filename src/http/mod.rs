//! HTTP: every route, who may call it, and what is common to all answers.
//!
//! | file | what it answers for |
//! |---|---|
//! | `routes` | every route on one screen |
//! | `registry` | routes with who may call them, read from their handlers |
//! | `permission`, `may` | what can be permitted; the extractor that lets nobody else through |
//! | `problem`, `codes` | errors as clients see them |
//! | `around` | request ids, access log, common headers, panics |
//! | `state` | what this side needs of the rest |
//! | `address` | where a call came from |
//! | `body` | JSON, query and path with clear errors |
//! | `csv` | answers as a table |
//! | `range`, `cursor`, `multipart`, `vcon`, `upload`, `spooled` | parts of representations, pages, uploads |
//! | `openapi`, `api` | the document, and the handlers |

pub mod address;
pub mod api;
mod app;
pub mod around;
pub mod body;
pub mod codes;
pub mod csv;
pub mod cursor;
pub mod may;
pub mod multipart;
pub mod openapi;
pub mod permission;
pub mod problem;
pub mod range;
pub mod registry;
pub mod routes;
mod spooled;
pub mod state;
mod upload;
mod vcon;

#[cfg(test)]
mod fake;

pub use app::App;
pub use body::{ApiJson, ApiPath, ApiQuery};
pub use codes::Code;
pub use may::{May, keep_refusal};
pub use problem::Problem;
pub use registry::{Access, Guarded, Route, Routes};
pub use state::{AppState, Check, CheckStatus, HttpSettings, Readiness, Refusal, RefusalLog};

use axum::{Extension, Router};

/// The whole HTTP side: `routes` with their OpenAPI document, around `state`.
///
/// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: callers are recorded with their address.
pub fn app<S: AppState>(state: S, routes: Routes<S>, document: utoipa::openapi::OpenApi) -> Router {
    let document = openapi::ApiDocument::new(document, routes.table());
    routes.into_router(state).layer(Extension(document))
}
