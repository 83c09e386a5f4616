//! `GET /v1/recordings/{id}`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};

use super::common::{about, look, note, reader};
use super::shapes::Recording;
use crate::find::access::Action;
use crate::find::{Sight, related};
use crate::http::app::App;
use crate::http::body::ApiPath;
use crate::http::may::May;
use crate::http::permission::ReadRecording;
use crate::http::problem::Problem;
use crate::recording::RecordingId;

/// What is known about one recording.
#[utoipa::path(
    get, path = "/v1/recordings/{id}", tag = "recordings",
    params(
        ("id" = RecordingId, Path, description = "The recording"),
        ("Earwitness-Purpose" = Option<String>, Header, description = "Why, 1 to 200 characters, percent-encoded where needed"),
    ),
    responses(
        (status = 200, description = "The recording", body = Recording, headers(("Sunset" = String, description = "The deadline (RFC 8594)"))),
        (status = 404, description = "`not-found`: there is none, or it is not yours to see"),
        (status = 410, description = "`expired`: its retention period is over"),
    )
)]
pub async fn get(
    may: May<ReadRecording>,
    State(app): State<App>,
    ApiPath(id): ApiPath<RecordingId>,
) -> Result<Response, Problem> {
    let reader = reader(&may);
    let opened = look(&app, &may, id, Sight::View(&reader.view)).await?;
    let related = if reader.view.related { Some(related::list(app.archive(), &opened).await?) } else { None };
    note(&app, &opened, &reader, Action::Metadata).await?;
    let recording = Recording::of(&opened, &reader.view, related);
    Ok(about(Json(recording).into_response(), &app, &opened, reader.view.held))
}
