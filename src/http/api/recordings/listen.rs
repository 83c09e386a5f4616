//! `GET /v1/recordings/{id}/listen`

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;

use super::audio::{original, wanted};
use super::common::{about, look, note, reader};
use crate::find::access::Action;
use crate::find::audio::{Playing, listening_copy};
use crate::find::{Opened, Reader, Sight};
use crate::http::app::App;
use crate::http::body::ApiPath;
use crate::http::may::May;
use crate::http::permission::PlayRecording;
use crate::http::problem::Problem;
use crate::http::range::{Representation, Selection};
use crate::recording::RecordingId;

/// The recording in a form that any browser plays: the original where browsers play it, else a copy as WAV (16-bit PCM),
/// made while it is read.
#[utoipa::path(
    get, path = "/v1/recordings/{id}/listen", tag = "recordings",
    params(
        ("id" = RecordingId, Path, description = "The recording"),
        ("Earwitness-Purpose" = Option<String>, Header, description = "Why, 1 to 200 characters, percent-encoded where needed"),
    ),
    responses(
        (status = 200, description = "All of it", content_type = "audio/*"),
        (status = 206, description = "The range that was asked for", content_type = "audio/*"),
        (status = 304, description = "The client has it"),
        (status = 404, description = "`not-found`: there is none, or it is not yours to hear; `not-decodable`"),
        (status = 410, description = "`expired`: its retention period is over"),
        (status = 416, description = "`range-not-satisfiable`"),
        (status = 429, description = "`too-many-requests`: as many copies are being made as can be"),
    )
)]
pub async fn get(
    may: May<PlayRecording>,
    State(app): State<App>,
    ApiPath(id): ApiPath<RecordingId>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reader = reader(&may);
    let opened = look(&app, &may, id, Sight::View(&reader.view)).await?;
    let response = match Playing::of(&opened.sealed.facts)? {
        Playing::Original => original(&app, &opened, &reader, Action::Listen, &method, &headers).await?,
        Playing::Copy { byte_len } => copy(&app, &opened, &reader, byte_len, &method, &headers).await?,
    };
    Ok(about(response, &app, &opened, reader.view.held))
}

async fn copy(
    app: &App,
    opened: &Opened,
    reader: &Reader,
    byte_len: u64,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let representation = Representation {
        total_bytes: byte_len,
        content_type: HeaderValue::from_static("audio/wav"),
        etag: format!("{}-wav", opened.sealed.sha256),
        sha256: None,
    };
    let selection = representation.select(method, headers);
    if selection != Selection::Unsatisfiable {
        note(app, opened, reader, Action::Listen).await?;
    }
    let body = match wanted(selection, &representation, method) {
        Some(range) => {
            let bytes = listening_copy(app.archive(), opened, reader, app.players(), range).await?;
            Body::from_stream(bytes)
        }
        None => Body::empty(),
    };
    Ok(representation.respond(selection, body))
}
