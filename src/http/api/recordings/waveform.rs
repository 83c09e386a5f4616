//! `GET /v1/recordings/{id}/waveform` and `/waveform.svg`

use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

use super::common::{about, look, note, reader};
use crate::audio::{self, Waveform};
use crate::find::access::Action;
use crate::find::audio::waveform;
use crate::find::{Opened, Reader, Sight};
use crate::http::app::App;
use crate::http::body::ApiPath;
use crate::http::may::May;
use crate::http::permission::PlayRecording;
use crate::http::problem::Problem;
use crate::recording::RecordingId;

/// The picture's natural size.
const WIDTH_PX: u32 = 1_200;
const HEIGHT_PX: u32 = 160;

/// The waveform as BBC audiowaveform's JSON (version 2): peaks.js and waveform-data.js read it.
#[utoipa::path(
    get, path = "/v1/recordings/{id}/waveform", tag = "recordings",
    params(("id" = RecordingId, Path, description = "The recording")),
    responses(
        (status = 200, description = "The waveform; without points when nothing could be decoded", body = Waveform),
        (status = 404, description = "`not-found`: there is none, or it is not yours to hear"),
        (status = 410, description = "`expired`: its retention period is over"),
    )
)]
pub async fn json(
    may: May<PlayRecording>,
    State(app): State<App>,
    ApiPath(id): ApiPath<RecordingId>,
) -> Result<Response, Problem> {
    let (waveform, opened, reader) = read(&may, &app, id).await?;
    Ok(about(Json(waveform).into_response(), &app, &opened, reader.view.held))
}

/// The waveform as a picture, in the colour of the text around it (`currentColor`) where it is put into a page.
#[utoipa::path(
    get, path = "/v1/recordings/{id}/waveform.svg", tag = "recordings",
    params(("id" = RecordingId, Path, description = "The recording")),
    responses(
        (status = 200, description = "The picture, 1200 × 160 pixels; it scales", body = String, content_type = "image/svg+xml"),
        (status = 404, description = "`not-found`: there is none, or it is not yours to hear"),
        (status = 410, description = "`expired`: its retention period is over"),
    )
)]
pub async fn svg(
    may: May<PlayRecording>,
    State(app): State<App>,
    ApiPath(id): ApiPath<RecordingId>,
) -> Result<Response, Problem> {
    let (waveform, opened, reader) = read(&may, &app, id).await?;
    let kind = HeaderValue::from_static("image/svg+xml");
    let picture = ([(CONTENT_TYPE, kind)], audio::svg(&waveform, WIDTH_PX, HEIGHT_PX)).into_response();
    Ok(about(picture, &app, &opened, reader.view.held))
}

async fn read(may: &May<PlayRecording>, app: &App, id: RecordingId) -> Result<(Waveform, Opened, Reader), Problem> {
    let reader = reader(may);
    let opened = look(app, may, id, Sight::View(&reader.view)).await?;
    let waveform = waveform(app.archive(), &opened).await?;
    note(app, &opened, &reader, Action::Waveform).await?;
    Ok((waveform, opened, reader))
}
