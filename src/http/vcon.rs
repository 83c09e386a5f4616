//! The body of `POST /v1/recordings` as a vCon: spooled as it comes, then read as a stream.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Request};
use tokio::time::Instant;

use crate::find::related::MAX_RELATED_BYTES;
use crate::http::app::App;
use crate::http::problem::Problem;
use crate::http::spooled::spool;
use crate::http::state::{AppState as _, HttpSettings};
use crate::http::upload::Upload;
use crate::receive::vcon::{Arrived, MediaRules, VconRules, take};
use crate::vcon::{MEDIA_TYPE, MEDIA_TYPE_JSON};

/// The media type of a signed vCon for who knows it as a JWS alone (RFC 7515 section 9.2.1).
const MEDIA_TYPE_JWS: &str = "application/jose+json";

/// Whether a body is a vCon by what its head says.
pub(super) fn is_vcon(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    [MEDIA_TYPE, MEDIA_TYPE_JSON, MEDIA_TYPE_JWS].contains(&kind.as_str())
}

/// Reads a vCon. Memory stays bounded whatever the client does; nothing is left behind when it fails.
pub(super) async fn receive(request: Request<Body>, app: &App) -> Result<Arrived, Problem> {
    let (parts, body) = request.into_parts();
    let settings = app.settings();
    let rules = rules(app, settings);
    let end = Instant::now() + settings.upload_time_limit;
    let mut upload = Upload::new(body);
    upload.head_guard().expect_content();
    let spooled = spool(&parts.headers, &mut upload, settings, rules.max_body_bytes(), "the contents").await;
    match spooled {
        Ok(spooled) => Ok(take(spooled, rules, end).await?),
        Err(problem) => {
            upload.drop_the_rest();
            Err(problem)
        }
    }
}

fn rules(app: &App, settings: &HttpSettings) -> VconRules {
    let archive = app.archive();
    let config = &archive.config.vcon;
    VconRules {
        spool_folder: settings.spool_folder.clone(),
        max_upload_bytes: settings.max_upload_bytes,
        max_metadata_bytes: settings.max_metadata_bytes,
        max_attachment_bytes: MAX_RELATED_BYTES,
        signers: archive.vcon_signers.clone(),
        media: MediaRules {
            hosts: config.media_hosts.clone(),
            networks: config.media_networks.clone(),
            authorities: archive.authorities.clone(),
        },
    }
}
