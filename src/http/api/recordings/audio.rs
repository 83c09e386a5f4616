//! `GET /v1/recordings/{id}/audio`

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;

use super::common::{about, disposition, look, note, reader};
use crate::find::access::Action;
use crate::find::{Opened, Reader, Sight, audio};
use crate::http::app::App;
use crate::http::body::ApiPath;
use crate::http::may::May;
use crate::http::permission::HearRecording;
use crate::http::problem::Problem;
use crate::http::range::{Representation, Selection};
use crate::recording::RecordingId;
use crate::vcon::file_name;

/// The original audio, byte for byte.
#[utoipa::path(
    get, path = "/v1/recordings/{id}/audio", tag = "recordings",
    params(
        ("id" = RecordingId, Path, description = "The recording"),
        ("Earwitness-Purpose" = String, Header, description = "Why, 1 to 200 characters, percent-encoded where needed"),
    ),
    responses(
        (status = 200, description = "All of it", content_type = "audio/*", headers(
            ("Repr-Digest" = String, description = "`sha-256=:…:` of the whole original (RFC 9530)"))),
        (status = 206, description = "The range that was asked for", content_type = "audio/*", headers(
            ("Repr-Digest" = String, description = "`sha-256=:…:` of the whole original, not of the range (RFC 9530)"))),
        (status = 304, description = "The client has it"),
        (status = 400, description = "`purpose-required`, `invalid-purpose`"),
        (status = 404, description = "`not-found`: there is none, or it is not yours to hear"),
        (status = 410, description = "`expired`: its retention period is over"),
        (status = 416, description = "`range-not-satisfiable`"),
    )
)]
pub async fn get(
    may: May<HearRecording>,
    State(app): State<App>,
    ApiPath(id): ApiPath<RecordingId>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reader = reader(&may);
    let opened = look(&app, &may, id, Sight::View(&reader.view)).await?;
    let mut response = original(&app, &opened, &reader, Action::Audio, &method, &headers).await?;
    let name = file_name(id, opened.sealed.facts.container);
    disposition(&mut response, "attachment", &name);
    Ok(about(response, &app, &opened, reader.view.held))
}

/// The original, or the part of it that is asked for, once the access is noted.
pub(super) async fn original(
    app: &App,
    opened: &Opened,
    reader: &Reader,
    action: Action<'_>,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let facts = &opened.sealed.facts;
    let mut sha256 = [0; 32];
    let known = hex::decode_to_slice(&opened.sealed.sha256, &mut sha256).is_ok();
    let representation = Representation {
        total_bytes: opened.row.byte_len,
        content_type: media_type(&facts.media_type),
        etag: opened.sealed.sha256.clone(),
        sha256: known.then_some(sha256),
    };
    let selection = representation.select(method, headers);
    if selection != Selection::Unsatisfiable {
        note(app, opened, reader, action).await?;
    }
    let body = match wanted(selection, &representation, method) {
        Some(range) => Body::from_stream(audio::original(app.archive(), opened, reader, range).await?),
        None => Body::empty(),
    };
    Ok(representation.respond(selection, body))
}

/// The bytes that the answer's body has; none when it has no body.
pub(super) fn wanted(
    selection: Selection,
    representation: &Representation,
    method: &Method,
) -> Option<std::ops::Range<u64>> {
    let range = match selection {
        Selection::Whole => 0..representation.total_bytes,
        Selection::Part(part) => part.start..part.end,
        Selection::NotModified | Selection::Unsatisfiable => return None,
    };
    (method != Method::HEAD && !range.is_empty()).then_some(range)
}

/// A media type as a header.
pub(super) fn media_type(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}
