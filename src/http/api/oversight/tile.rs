//! `GET /v1/ledger/tile/…`

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

use super::failed;
use crate::http::{ApiPath, App, Code, Problem};
use crate::ledger::entry::MAX_LEAF_BYTES;
use crate::ledger::tiles::{FULL_WIDTH, Tile};
use crate::vault::objects::{ObjectKey, StoreError};

/// A full tile never changes.
const FULL: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Nor does a partial one; it may go once the full one is there.
const PARTIAL: HeaderValue = HeaderValue::from_static("public, max-age=60");
/// The longest bundle: 256 leaves, each behind two bytes that say its length.
const MAX_BYTES: u64 = FULL_WIDTH as u64 * (MAX_LEAF_BYTES as u64 + 2);

/// A tile of the ledger's tree, or a bundle of its entries (C2SP tlog-tiles).
///
/// The path goes on as the specification says: `0/x001/234` (level, index), `entries/x001/234`, `0/000.p/17` for a
/// partial one of 17. Entries carry no personal data.
#[utoipa::path(get, path = "/v1/ledger/tile/{path}", tag = "ledger",
    params(("path" = String, Path, description = "Level (0 to 5) or `entries`, index in groups of three digits, and `.p/<width>` for a partial tile. Its slashes stand as they are", example = "0/000.p/17")),
    responses(
        (status = 200, description = "32 bytes per hash; for entries, each behind its length in 16 bits, big-endian", body = Vec<u8>, content_type = "application/octet-stream", headers(
            ("Cache-Control" = String, description = "Full tiles are immutable; partial ones may go"))),
        (status = 404, description = "`not-found`: no such tile", body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub async fn tile(State(app): State<App>, ApiPath(path): ApiPath<String>) -> Result<Response, Problem> {
    let tile: Tile = format!("tile/{path}").parse().map_err(|_| Problem::new(Code::NotFound))?;
    let key: ObjectKey = format!("ledger/{}", tile.path()).parse().map_err(|_| Problem::new(Code::NotFound))?;
    let bytes = match app.archive().store.get(&key, MAX_BYTES).await {
        Ok(bytes) => bytes,
        Err(StoreError::NotFound) => return Err(Problem::new(Code::NotFound)),
        Err(error) => return Err(failed(error)),
    };
    let caching = if tile.is_full() { FULL } else { PARTIAL };
    let kind = HeaderValue::from_static("application/octet-stream");
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, caching)], bytes).into_response())
}
