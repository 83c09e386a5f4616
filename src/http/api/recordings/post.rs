//! `POST /v1/recordings`

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::shapes::path_of;
use crate::clock::Timestamp;
use crate::http::app::App;
use crate::http::may::May;
use crate::http::multipart;
use crate::http::permission::Ingest;
use crate::http::problem::Problem;
use crate::http::state::AppState as _;
use crate::ledger::receipt::Receipt;
use crate::receive::{self, Outcome, Received, Submission};
use crate::recording::Metadata;
use crate::retention::http_date;

/// An upload: two parts, in either order.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes a body that is read as a stream")]
pub struct Upload {
    /// What the product says about the call (`application/json`).
    metadata: Metadata,
    /// The audio file, byte for byte as the recorder wrote it. Its form is told from its content; file name and media
    /// type of the part are not looked at.
    #[schema(value_type = String, format = Binary)]
    audio: Vec<u8>,
}

/// Hands a recording over.
///
/// The answer is the signed receipt. The same call, part and bytes again give the same receipt, word for word, and
/// store nothing: a client that got no answer sends the upload again.
#[utoipa::path(
    post, path = "/v1/recordings", tag = "recordings",
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "Kept, durably. `supersedes` names the quarantined upload whose place it took", body = Receipt,
            headers(("Location" = String, description = "The recording"), ("Sunset" = String, description = "Its deadline (RFC 8594)"))),
        (status = 202, description = "Kept in quarantine; `findings` says why. A better upload of the call takes its place", body = Receipt),
        (status = 200, description = "It was here already: the receipt of then", body = Receipt),
        (status = 400, description = "`invalid-multipart`, `missing-part`, `duplicate-part`, `unknown-part`, `invalid-purpose`"),
        (status = 408, description = "`upload-timeout`"),
        (status = 409, description = "`call-exists`: archived with other audio; `metadata-mismatch`: archived with other metadata"),
        (status = 413, description = "`too-large`"),
        (status = 415, description = "`not-audio`, `unsupported-media-type`"),
        (status = 422, description = "`invalid-metadata`, `recorded-in-future`, `past-deadline`"),
        (status = 503, description = "`unavailable`, `key-provider-unavailable`: try again after `Retry-After` seconds", headers(("Retry-After" = u32, description = "Seconds"))),
        (status = 507, description = "`storage-full`"),
    )
)]
pub async fn post(may: May<Ingest>, State(app): State<App>, request: Request<Body>) -> Result<Response, Problem> {
    let upload = multipart::receive(request, app.settings()).await?;
    let submission = Submission { metadata: upload.metadata, audio: upload.audio, actor: may.actor() };
    let archive = app.archive().clone();
    // On a task of its own: a client that hangs up must not break off a commit that is under way.
    let taking_in = tokio::spawn(async move { receive::receive(&archive, submission).await });
    let received = taking_in.await.map_err(|error| Problem::internal(&error))??;
    Ok(answer(received))
}

/// What of a receipt goes into headers.
#[derive(Deserialize)]
struct Deadline {
    expires_at: Timestamp,
}

fn answer(received: Received) -> Response {
    let status = match received.outcome {
        Outcome::Accepted => StatusCode::CREATED,
        Outcome::Quarantined => StatusCode::ACCEPTED,
        Outcome::Repeated => StatusCode::OK,
    };
    let deadline = serde_json::from_slice::<Deadline>(&received.receipt).ok();
    let mut response = (status, received.receipt).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(path) = HeaderValue::try_from(path_of(received.id)) {
        headers.insert(LOCATION, path);
    }
    if let Some(date) = deadline.and_then(|d| HeaderValue::try_from(http_date(d.expires_at)).ok()) {
        headers.insert(HeaderName::from_static("sunset"), date);
    }
    response
}
