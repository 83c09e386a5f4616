//! `GET /v1/recordings/{id}/vcon`

use std::io;

use aws_lc_rs::digest::Digest;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use futures::FutureExt as _;
use serde::Deserialize;

use super::common::{about, disposition, look, note, reader};
use crate::access::Role;
use crate::archive::Archive;
use crate::archive::row::open_receipt;
use crate::clock::Timestamp;
use crate::evidence::EvidenceError;
use crate::evidence::seal::{self, Sealer as _};
use crate::find::access::Action;
use crate::find::vcon::{Beside, document, signed_document};
use crate::find::{Sight, related};
use crate::http::app::App;
use crate::http::body::{ApiPath, ApiQuery};
use crate::http::may::May;
use crate::http::permission::{HearRecording, Permission, ReadReceipt, ReadRelated};
use crate::http::problem::Problem;
use crate::recording::RecordingId;
use crate::vcon::jws::Signer;
use crate::vcon::{MEDIA_TYPE, MEDIA_TYPE_JSON};

/// What is asked of the document.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asked {
    signed: bool,
}

/// The recording as a vCon (IETF draft-ietf-vcon-vcon-core, syntax 0.4.0).
///
/// One JSON document with the original audio in it (`dialog[0].body`), made while it is sent. The metadata are its first
/// attachment, word for word; related data and the receipt follow for those who may read them. `POST /v1/recordings`
/// takes it back. With `signed=true` the archive's seal (ES256) is around it, as General JWS with the certificate in `x5c`. Sent as `application/vcon`, or as `application/vcon+json` to who accepts that alone.
#[utoipa::path(
    get, path = "/v1/recordings/{id}/vcon", tag = "recordings",
    params(
        ("id" = RecordingId, Path, description = "The recording"),
        ("signed" = Option<bool>, Query, description = "Whether it is signed; false when left out"),
        ("Earwitness-Purpose" = String, Header, description = "Why, 1 to 200 characters, percent-encoded where needed"),
    ),
    responses(
        (status = 200, description = "The document", content_type = "application/vcon", headers(
            ("Sunset" = String, description = "The deadline (RFC 8594), at which the transfer is cut; left out while it is held"))),
        (status = 400, description = "`purpose-required`, `invalid-purpose`, `invalid-query`"),
        (status = 404, description = "`not-found`: there is none, or it is not yours to hear"),
        (status = 410, description = "`expired`: its retention period is over"),
    )
)]
pub async fn get(
    may: May<HearRecording>,
    State(app): State<App>,
    ApiPath(id): ApiPath<RecordingId>,
    ApiQuery(asked): ApiQuery<Asked>,
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
    // A seal that cannot be used is an error before anything is noted or sent.
    let signer = if asked.signed { Some(signer(app.archive())?) } else { None };
    note(&app, &opened, &reader, Action::Vcon).await?;
    let bytes = match signer {
        Some(signer) => signed_document(app.archive(), &opened, &reader, beside, signer).await?,
        None => document(app.archive(), &opened, &reader, beside).await?,
    };
    let mut response = Response::new(Body::from_stream(bytes));
    response.headers_mut().insert(CONTENT_TYPE, media_type(&headers));
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    disposition(&mut response, "attachment", &format!("recording-{id}.vcon"));
    Ok(about(response, &app, &opened, reader.view.held))
}

/// The archive's seal as who signs.
fn signer(archive: &Archive) -> Result<Signer, Problem> {
    let since_1970 = archive.clock.now().since(Timestamp::from_micros(0));
    let sealer = seal::open(&archive.config.seal, &archive.controller().name, since_1970);
    let sealer = sealer.map_err(EvidenceError::from)?;
    let chain = sealer.chain().to_vec();
    let sign = move |digest: Digest| async move { sealer.sign_digest(&digest).map_err(io::Error::other) }.boxed();
    Ok(Signer { chain, sign: Box::new(sign) })
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
