//! `GET /v1/ledger/key`

use axum::Json;
use axum::extract::State;

use crate::http::App;
use crate::ledger::shapes::LedgerKey;

/// The public key of the ledger and of all signed documents.
///
/// Whoever pins it must have it from elsewhere: a key that comes with what it signs proves nothing by itself.
#[utoipa::path(get, path = "/v1/ledger/key", tag = "ledger", responses(
    (status = 200, description = "The key", body = LedgerKey),
))]
pub async fn key(State(app): State<App>) -> Json<LedgerKey> {
    let archive = app.archive();
    Json(LedgerKey::of(&archive.origin, &archive.signing.public()))
}
