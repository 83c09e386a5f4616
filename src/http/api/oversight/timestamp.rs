//! `GET /v1/ledger/timestamp/{size}`, and the kept checkpoint that it is on.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

use super::failed;
use crate::http::{ApiPath, App, Code, Problem};
use crate::ledger::checkpoint;
use crate::timestamp;
use crate::vault::objects::{ObjectKey, StoreError};

/// An authority's timestamp on a kept checkpoint (RFC 3161, a `TimeStampResp` in DER).
///
/// It is over SHA-256 of the checkpoint's text, its first three lines: `head -n 3 checkpoint | openssl ts -verify -data
/// /dev/stdin -in SIZE.tsr -CAfile ca.pem`.
#[utoipa::path(get, path = "/v1/ledger/timestamp/{size}", tag = "ledger",
    params(("size" = u64, Path, description = "The size of the checkpoint's tree")),
    responses(
        (status = 200, description = "The timestamp", body = Vec<u8>, content_type = "application/timestamp-reply"),
        (status = 404, description = "`not-found`: no checkpoint of this size is kept, or none is stamped", body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub async fn timestamp(State(app): State<App>, ApiPath(size): ApiPath<u64>) -> Result<Response, Problem> {
    kept(&app, ObjectKey::Timestamp(size), timestamp::MAX_BYTES, "application/timestamp-reply").await
}

/// A checkpoint that was kept, with the cosignatures of witnesses: one a day, and those that were attested.
#[utoipa::path(get, path = "/v1/ledger/checkpoint/{size}", tag = "ledger",
    params(("size" = u64, Path, description = "The size of its tree")),
    responses(
        (status = 200, description = "The checkpoint (C2SP tlog-checkpoint, a signed note)", body = String, content_type = "text/plain"),
        (status = 404, description = "`not-found`: none of this size is kept", body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub async fn checkpoint_at(State(app): State<App>, ApiPath(size): ApiPath<u64>) -> Result<Response, Problem> {
    kept(&app, ObjectKey::CheckpointAt(size), checkpoint::MAX_BYTES, "text/plain; charset=utf-8").await
}

async fn kept(app: &App, key: ObjectKey, most: usize, kind: &'static str) -> Result<Response, Problem> {
    match app.archive().store.get(&key, most as u64).await {
        Ok(bytes) => Ok(([(CONTENT_TYPE, HeaderValue::from_static(kind))], bytes).into_response()),
        Err(StoreError::NotFound) => Err(Problem::new(Code::NotFound)),
        Err(error) => Err(failed(error)),
    }
}
