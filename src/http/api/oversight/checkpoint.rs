//! `GET /v1/ledger/checkpoint`

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

use super::failed;
use crate::http::{App, Code, Problem};

/// The newest published checkpoint: the ledger's size and root hash, signed (C2SP tlog-checkpoint, a signed note).
#[utoipa::path(get, path = "/v1/ledger/checkpoint", tag = "ledger", responses(
    (status = 200, description = "The checkpoint", body = String, content_type = "text/plain"),
    (status = 404, description = "`not-found`: none was published yet", body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
))]
pub async fn checkpoint(State(app): State<App>) -> Result<Response, Problem> {
    let state = app.archive().catalog.ledger_state().await.map_err(failed)?;
    if state.checkpoint.is_empty() {
        return Err(Problem::new(Code::NotFound).detail("no checkpoint was published yet"));
    }
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(([(CONTENT_TYPE, kind)], state.checkpoint).into_response())
}
