//! `GET /v1/retention/certificates/{id}`

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

use super::failed;
use crate::archive::{Archive, ArchiveError};
use crate::http::permission::ReadRetention;
use crate::http::{ApiPath, App, Code, May, Problem};
use crate::recording::RecordingId;

/// One of the two certificates, by their `type`.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "says what the answer is like, which goes out as it was signed")]
pub enum CertificateAnswer {
    /// Of a recording.
    Recording(crate::ledger::certificate::Certificate),
    /// Of an account's data.
    Account(crate::ledger::account_certificate::AccountCertificate),
}

/// The certificate of the purge of a recording, or of an account's data: the signed document, byte for byte.
///
/// It appears with the purge's last step and names no person, number or account of the product's. `earwitness verify` checks it offline.
#[utoipa::path(get, path = "/v1/retention/certificates/{id}", tag = "retention",
    params(("id" = String, Path, format = "uuid", description = "The id of the recording that was purged, or the `uuid` of the account")),
    responses(
        (status = 200, description = "The certificate, in canonical JSON (RFC 8785)", body = CertificateAnswer),
        (status = 404, description = "`not-found`: there is none (yet); `detail` says whether the recording still exists, its purge is under way, or the archive never had it", body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub async fn certificate(
    _may: May<ReadRetention>,
    State(app): State<App>,
    ApiPath(id): ApiPath<RecordingId>,
) -> Result<Response, Problem> {
    let catalog = &app.archive().catalog;
    let document = match catalog.certificate(id).await.map_err(failed)? {
        Some(document) => Some(document),
        None => catalog.account_certificate(id.0).await.map_err(failed)?,
    };
    match document {
        Some(document) => {
            Ok(([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], document).into_response())
        }
        None => Err(Problem::new(Code::NotFound).detail(why_none(app.archive(), id).await.map_err(failed)?)),
    }
}

/// Every role that gets here may know this much of any recording.
async fn why_none(archive: &Archive, id: RecordingId) -> Result<&'static str, ArchiveError> {
    let now = archive.clock.now();
    Ok(match archive.catalog.recording(id).await? {
        Some(_) if archive.catalog.purge_of(id).await?.is_some() => "the purge of this recording is under way",
        Some(row) if row.expires_at > now => "the recording has not reached its deadline",
        Some(row) if row.held_since.is_some() => "the recording is past its deadline and on legal hold",
        Some(_) => "the recording is past its deadline and waits for the next purge pass",
        None if archive.catalog.purge_of(id).await?.is_some() => "the purge of this recording is under way",
        None if archive.catalog.account_purge(id.0).await?.is_some() => {
            "the purge of this account's data is under way, or they went to another account"
        }
        None if archive.catalog.account_of(id.0).await?.is_some() => {
            "the account's data have not reached their deadline"
        }
        None => "the archive knows no recording or account of this id",
    })
}
