//! `GET /v1/ledger/key`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::App;

/// The public key under which receipts, certificates and checkpoints are signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerKey {
    /// The ledger's name, the first line of every checkpoint.
    #[schema(example = "recordings.example.com/ledger")]
    origin: String,
    /// The key as C2SP tools take it: `<origin>+<key id>+<base64 of 0x01 and the raw key>`.
    vkey: String,
    /// Always `Ed25519` (RFC 8032).
    alg: String,
    /// Base64 of the 32 raw bytes, as signed documents carry it.
    key: String,
    /// The same in PEM (RFC 8410), as `openssl pkey -pubin` reads it.
    pem: String,
    /// SHA-256 of the raw bytes, 64 hexadecimal digits: compare it over another channel before you trust the key.
    fingerprint: String,
}

/// The public key of the ledger and of all signed documents.
///
/// Whoever pins it must have it from elsewhere: a key that comes with what it signs proves nothing by itself.
#[utoipa::path(get, path = "/v1/ledger/key", tag = "ledger", responses(
    (status = 200, description = "The key", body = LedgerKey),
))]
pub async fn key(State(app): State<App>) -> Json<LedgerKey> {
    let archive = app.archive();
    let key = archive.signing.public();
    Json(LedgerKey {
        origin: archive.origin.clone(),
        vkey: key.vkey(&archive.origin),
        alg: "Ed25519".to_owned(),
        key: key.to_base64(),
        pem: key.to_pem(),
        fingerprint: key.fingerprint(),
    })
}
