//! `PUT` and `GET /v1/recordings/{id}/related/{name}`

use std::str::FromStr as _;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::audio::{media_type, wanted};
use super::common::{about, disposition, look, note, reader};
use crate::find::access::Action;
use crate::find::beside::is_media_type;
use crate::find::related::{
    Incoming, MAX_RELATED_BYTES, RelatedItem, RelatedName, Stored, content, find, put as store,
};
use crate::find::{FindError, Opened, Sight};
use crate::http::app::App;
use crate::http::body::ApiPath;
use crate::http::codes::Code;
use crate::http::may::May;
use crate::http::permission::{PutRelated, ReadRelated};
use crate::http::problem::Problem;
use crate::http::range::{Representation, Selection};
use crate::http::spooled::spool;
use crate::http::state::AppState as _;
use crate::http::upload::Upload;
use crate::receive::spool::SpooledAudio;
use crate::recording::RecordingId;

/// Stores a piece of related data (a transcript, a note) beside a recording, sealed under its key and with its fate.
///
/// The same content again stores nothing; other content takes the place of what has the name.
#[utoipa::path(
    put, path = "/v1/recordings/{id}/related/{name}", tag = "recordings",
    params(
        ("id" = RecordingId, Path, description = "The recording"),
        ("name" = String, Path, description = "1 to 64 of `a-z 0-9 . _ -`, the first a letter or digit; no personal data", pattern = "^[a-z0-9][a-z0-9._-]{0,63}$", example = "transcript.json"),
        ("Content-Type" = String, Header, description = "The media type, kept with it"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "At most 16 MiB"),
    responses(
        (status = 201, description = "Stored", body = RelatedItem),
        (status = 200, description = "It was here already, or took the place of what had the name", body = RelatedItem),
        (status = 404, description = "`not-found`: there is no such recording; a name that cannot be"),
        (status = 408, description = "`upload-timeout`"),
        (status = 409, description = "`too-many-related`: the recording has 256 pieces already, and none of this name"),
        (status = 410, description = "`expired`: the recording's retention period is over"),
        (status = 413, description = "`too-large`"),
        (status = 415, description = "`unsupported-media-type`: no media type, or not one"),
    )
)]
pub async fn put(
    may: May<PutRelated>,
    State(app): State<App>,
    ApiPath((id, name)): ApiPath<(RecordingId, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let name = RelatedName::from_str(&name).map_err(|_| Problem::new(Code::NotFound))?;
    let (head, body) = request.into_parts();
    let mut body = Upload::new(body);
    body.head_guard().expect_content();
    let (opened, media_type, content) = match take(&app, &may, id, &head.headers, &mut body).await {
        Ok(taken) => taken,
        Err(problem) => {
            body.drop_the_rest();
            return Err(problem);
        }
    };
    let incoming = Incoming { name, media_type, content, actor: may.actor() };
    let may_know = may.view().held;
    let task = app.clone();
    // On a task of its own: a client that hangs up must not leave an object without a row.
    let storing = tokio::spawn(async move {
        let stored = store(task.archive(), &opened, incoming).await;
        stored.map(|(outcome, item)| (outcome, item, opened))
    });
    let (outcome, item, opened) = storing.await.map_err(|error| Problem::internal(&error))??;
    let status = if outcome == Stored::New { StatusCode::CREATED } else { StatusCode::OK };
    Ok(about((status, Json(item)).into_response(), &app, &opened, may_know))
}

/// What is needed for storing: the recording, then the media type, then the body.
async fn take(
    app: &App,
    may: &May<PutRelated>,
    id: RecordingId,
    headers: &HeaderMap,
    body: &mut Upload,
) -> Result<(Opened, String, SpooledAudio), Problem> {
    let opened = look(app, may, id, Sight::ToWrite).await?;
    let media_type = stated_media_type(headers)?;
    let content = spool(headers, body, app.settings(), MAX_RELATED_BYTES, "related data").await?;
    Ok((opened, media_type, content))
}

fn stated_media_type(headers: &HeaderMap) -> Result<String, Problem> {
    let wrong = || Problem::new(Code::UnsupportedMediaType).detail("send the media type in Content-Type");
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).ok_or_else(wrong)?;
    if is_media_type(text) { Ok(text.to_owned()) } else { Err(wrong()) }
}

/// A piece of related data, as it was handed over.
#[utoipa::path(
    get, path = "/v1/recordings/{id}/related/{name}", tag = "recordings",
    params(
        ("id" = RecordingId, Path, description = "The recording"),
        ("name" = String, Path, description = "Its name", example = "transcript.json"),
        ("Earwitness-Purpose" = Option<String>, Header, description = "Why, 1 to 200 characters, percent-encoded where needed"),
    ),
    responses(
        (status = 200, description = "Its content, with the media type that was stated", content_type = "*/*"),
        (status = 206, description = "The range that was asked for", content_type = "*/*"),
        (status = 304, description = "The client has it"),
        (status = 404, description = "`not-found`: there is none, or it is not yours to see"),
        (status = 410, description = "`expired`: the recording's retention period is over"),
        (status = 416, description = "`range-not-satisfiable`"),
    )
)]
pub async fn get(
    may: May<ReadRelated>,
    State(app): State<App>,
    ApiPath((id, name)): ApiPath<(RecordingId, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reader = reader(&may);
    let opened = look(&app, &may, id, Sight::View(&reader.view)).await?;
    let name = RelatedName::from_str(&name).map_err(|_| FindError::NotFound)?;
    let item = find(app.archive(), &opened, &name).await?;
    let mut sha256 = [0; 32];
    let known = hex::decode_to_slice(&item.sha256, &mut sha256).is_ok();
    let representation = Representation {
        total_bytes: item.byte_len,
        content_type: media_type(&item.media_type),
        etag: item.sha256.clone(),
        sha256: known.then_some(sha256),
    };
    let selection = representation.select(&method, &headers);
    if selection != Selection::Unsatisfiable {
        note(&app, &opened, &reader, Action::Related(name.as_str())).await?;
    }
    let body = match wanted(selection, &representation, &method) {
        Some(range) => Body::from_stream(content(app.archive(), &opened, &reader, &item, range).await?),
        None => Body::empty(),
    };
    let mut response = representation.respond(selection, body);
    // Whoever handed it over chose its type: it must not run as a page of ours.
    let policy = HeaderValue::from_static("default-src 'none'; sandbox");
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    disposition(&mut response, "attachment", name.as_str());
    Ok(about(response, &app, &opened, reader.view.held))
}
