//! `GET /v1/recordings/{id}/receipt`

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

use super::common::{about, look, note, reader};
use crate::access::Role;
use crate::archive::row::open_receipt;
use crate::find::Sight;
use crate::find::access::Action;
use crate::http::app::App;
use crate::http::body::ApiPath;
use crate::http::may::May;
use crate::http::permission::ReadReceipt;
use crate::http::problem::Problem;
use crate::ledger::receipt::Receipt;
use crate::recording::RecordingId;

/// The signed receipt, word for word as it was given when the recording was taken in.
///
/// `ingest` reads the receipts of what the same token handed over.
#[utoipa::path(
    get, path = "/v1/recordings/{id}/receipt", tag = "recordings",
    params(("id" = RecordingId, Path, description = "The recording")),
    responses(
        (status = 200, description = "The receipt", body = Receipt),
        (status = 404, description = "`not-found`: there is none, or it is not yours to see"),
        (status = 410, description = "`expired`: its retention period is over"),
    )
)]
pub async fn get(
    may: May<ReadReceipt>,
    State(app): State<App>,
    ApiPath(id): ApiPath<RecordingId>,
) -> Result<Response, Problem> {
    let reader = reader(&may);
    let sight = if may.role == Role::Ingest { Sight::Uploaded(may.token_id) } else { Sight::View(&reader.view) };
    let opened = look(&app, &may, id, sight).await?;
    let receipt = open_receipt(id, &opened.key, &opened.row.sealed_receipt)?;
    note(&app, &opened, &reader, Action::Receipt).await?;
    let kind = HeaderValue::from_static("application/json");
    Ok(about(([(CONTENT_TYPE, kind)], receipt).into_response(), &app, &opened, reader.view.held))
}
