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
use crate::find::beside::keep;
use crate::http::app::App;
use crate::http::may::May;
use crate::http::multipart::{self, Received as Multipart};
use crate::http::permission::Ingest;
use crate::http::problem::Problem;
use crate::http::state::AppState as _;
use crate::http::vcon;
use crate::ledger::receipt::Receipt;
use crate::receive::vcon::Arrived;
use crate::receive::{Outcome, Received, Submission, receive_found};
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

/// An upload as one document: draft-ietf-vcon-vcon-core, syntax 0.4.0.
#[derive(ToSchema)]
#[schema(as = Vcon)]
#[allow(dead_code, reason = "describes a body that is read as a stream")]
pub struct VconUpload {
    /// `0.4.0`, or left out.
    vcon: Option<String>,
    /// The name of the vCon; the call's id, unless the metadata have one.
    uuid: String,
    /// Extensions that have to be known; only `CC` is.
    critical: Option<Vec<String>>,
    /// At most 64. `role` (of the extension `CC`) says who is `customer` and who `agent`.
    #[schema(value_type = Option<Vec<Object>>)]
    parties: Option<Vec<serde_json::Value>>,
    /// One object: `type` `recording`, `start`, and `body` in base64url or `url` with `content_hash`.
    #[schema(value_type = Vec<Object>, min_items = 1, max_items = 1)]
    dialog: Vec<serde_json::Value>,
    /// At most 64. That of `purpose` `earwitness-metadata` has the metadata as `body`; the others are stored as related data.
    #[schema(value_type = Option<Vec<Object>>)]
    attachments: Option<Vec<serde_json::Value>>,
    /// At most 64; stored as related data.
    #[schema(value_type = Option<Vec<Object>>)]
    analysis: Option<Vec<serde_json::Value>>,
}

/// Hands a recording over.
///
/// As two parts, or as a vCon (`application/vcon`, `application/vcon+json`; signed, as General JWS, the same or
/// `application/jose+json`), which is read like this: an attachment of purpose `earwitness-metadata` has the metadata; what
/// it lacks of `call_id`, `account_id`, `recorded_at`, or all that can be told where there is none, comes from the vCon:
/// its `uuid`; the recording's `start` and `duration`; `org`, `tel`, `name` and `uuid` of the party with the role
/// `customer`; `uuid` or `name` of the `agent`; the originator. Audio by `url` is fetched only from hosts that the operator
/// has named. Audio that is not what `content_hash` says is quarantined as `digest-mismatch`. Not taken: several dialogs,
/// dialogs of another type, encrypted and redacted vCons.
///
/// The answer is the signed receipt. The same call, part and bytes again give the same receipt, word for word, and
/// store nothing: a client that got no answer sends the upload again.
#[utoipa::path(
    post, path = "/v1/recordings", tag = "recordings",
    request_body(content((Upload = "multipart/form-data"), (VconUpload = "application/vcon+json"), (VconUpload = "application/vcon"))),
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
        (status = 422, description = "`invalid-metadata`, `recorded-in-future`, `past-deadline`; of a vCon `invalid-vcon`, `unsupported-vcon`, `invalid-signature`, `media-host-not-allowed`, `media-unavailable`"),
        (status = 503, description = "`unavailable`, `key-provider-unavailable`: try again after `Retry-After` seconds", headers(("Retry-After" = u32, description = "Seconds"))),
        (status = 507, description = "`storage-full`"),
    )
)]
pub async fn post(may: May<Ingest>, State(app): State<App>, request: Request<Body>) -> Result<Response, Problem> {
    let arrived = if vcon::is_vcon(request.headers()) {
        vcon::receive(request, &app).await?
    } else {
        let Multipart { metadata, audio } = multipart::receive(request, app.settings()).await?;
        Arrived { metadata, audio, found: Vec::new(), beside: Vec::new() }
    };
    let (archive, actor) = (app.archive().clone(), may.actor());
    // On a task of its own: a client that hangs up must not break off a commit that is under way.
    let taking_in = tokio::spawn(async move {
        let Arrived { metadata, audio, found, beside } = arrived;
        let submission = Submission { metadata, audio, actor: actor.clone() };
        let received = receive_found(&archive, submission, found).await?;
        keep(&archive, received.id, &actor, beside).await?;
        Ok::<_, Problem>(received)
    });
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
