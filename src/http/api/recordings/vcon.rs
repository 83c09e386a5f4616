//! `GET /v1/recordings/{id}/vcon`

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use super::common::{about, disposition, look, note, reader};
use crate::access::Role;
use crate::archive::row::open_receipt;
use crate::find::access::Action;
use crate::find::vcon::{Beside, document};
use crate::find::{Sight, related};
use crate::http::app::App;
use crate::http::body::ApiPath;
use crate::http::may::May;
use crate::http::permission::{HearRecording, Permission, ReadReceipt, ReadRelated};
use crate::http::problem::Problem;
use crate::recording::RecordingId;
use crate::vcon::{MEDIA_TYPE, MEDIA_TYPE_JSON};

/// The recording as a vCon (IETF draft-ietf-vcon-vcon-core, syntax 0.4.0).
///
/// One JSON document with the original audio in it (`dialog[0].body`), made while it is sent. The metadata are its first
/// attachment, word for word; related data and the receipt follow for those who may read them. `POST /v1/recordings`
/// takes it back. Sent as `application/vcon`, or as `application/vcon+json` to who accepts that alone.
#[utoipa::path(
    get, path = "/v1/recordings/{id}/vcon", tag = "recordings",
    params(
        ("id" = RecordingId, Path, description = "The recording"),
        ("Earwitness-Purpose" = String, Header, description = "Why, 1 to 200 characters, percent-encoded where needed"),
    ),
    responses(
        (status = 200, description = "The document", content_type = "application/vcon", headers(
            ("Sunset" = String, description = "The deadline (RFC 8594), at which the transfer is cut; left out while it is held"))),
        (status = 400, description = "`purpose-required`, `invalid-purpose`"),
        (status = 404, description = "`not-found`: there is none, or it is not yours to hear"),
        (status = 410, description = "`expired`: its retention period is over"),
    )
)]
pub async fn get(
    may: May<HearRecording>,
    State(app): State<App>,
    ApiPath(id): ApiPath<RecordingId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reader = reader(&may);
    let opened = look(&app, &may, id, Sight::View(&reader.view)).await?;
    let mut beside = Beside::default();
    if may_read::<ReadReceipt>(may.role) {
        beside.receipt = Some(open_receipt(id, &opened.key, &opened.row.sealed_receipt)?);
    }
    if reader.view.related && may_read::<ReadRelated>(may.role) {
        beside.related = related::list(app.archive(), &opened).await?;
    }
    note(&app, &opened, &reader, Action::Vcon).await?;
    let mut response = Response::new(Body::from_stream(document(app.archive(), &opened, &reader, beside).await?));
    response.headers_mut().insert(CONTENT_TYPE, media_type(&headers));
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    disposition(&mut response, "attachment", &format!("recording-{id}.vcon"));
    Ok(about(response, &app, &opened, reader.view.held))
}

fn may_read<P: Permission>(role: Role) -> bool {
    P::ROLES.contains(role)
}

/// The registered media type, unless only the other one is asked for.
fn media_type(headers: &HeaderMap) -> HeaderValue {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let accepted: Vec<&str> = lines.flat_map(|line| line.split(',')).map(named).collect();
    let only_json = accepted.contains(&MEDIA_TYPE_JSON)
        && !accepted.iter().any(|kind| [MEDIA_TYPE, "application/*", "*/*"].contains(kind));
    HeaderValue::from_static(if only_json { MEDIA_TYPE_JSON } else { MEDIA_TYPE })
}

/// A media type without its parameters.
fn named(kind: &str) -> &str {
    kind.split(';').next().unwrap_or_default().trim()
}
