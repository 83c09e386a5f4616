//! `POST /v1/cases/{id}/evidence`

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::evidence::recipient::Recipient;
use crate::evidence::{self, Asked, EvidenceError};
use crate::http::api::recordings::common::{disposition, reader};
use crate::http::permission::MakeEvidence;
use crate::http::{ApiJson, ApiPath, App, Code, May, Problem};
use crate::recording::{Language, RecordingId};

/// Names the package, so that it is found in the register.
const PACKAGE: HeaderName = HeaderName::from_static("earwitness-package");

/// A package that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageRequest {
    /// Why it is handed over. It stands in the package, in the register, and in the ledger.
    #[schema(min_length = 1, max_length = 200)]
    purpose: String,
    /// To whom.
    recipient: Recipient,
    /// Which recordings; left out: all that the case holds.
    #[schema(min_items = 1, max_items = 5000)]
    recordings: Option<Vec<RecordingId>>,
    /// The language of the report; left out: the case's.
    language: Option<Language>,
}

/// Makes an evidence package: a ZIP, sent as it is made.
///
/// Before its first byte the ledger says that it is handed over, to whom and why; before its last that it is complete, with
/// its SHA-256. A ZIP without its end (the connection broke off) is noted as such: ask for another.
#[utoipa::path(post, path = "/v1/cases/{id}/evidence", tag = "evidence", request_body = PackageRequest,
    params(("id" = String, Path, format = "uuid", description = "The case")),
    responses(
        (status = 200, description = "The package", content_type = "application/zip", headers(
            ("Earwitness-Package" = String, description = "Its id, by which the register has it"))),
        (status = 404, description = "`not-found`: there is no such case or recording"),
        (status = 409, description = "`case-closed`; `nothing-to-hand-over`: the case holds no recording, and none was named; `too-many`"),
        (status = 410, description = "`expired`: the retention period of a recording is over"),
        (status = 422, description = "`invalid-body`"),
        (status = 429, description = "`too-many-requests`: as many packages are being made as this node makes at once", headers(
            ("Retry-After" = u32, description = "Seconds after which to try again"))),
        (status = 503, description = "`unavailable`"),
    ))]
pub async fn make(
    may: May<MakeEvidence>,
    State(app): State<App>,
    ApiPath(id): ApiPath<Uuid>,
    ApiJson(request): ApiJson<PackageRequest>,
) -> Result<Response, Problem> {
    let PackageRequest { purpose, recipient, recordings, language } = request;
    let asked = Asked { case_id: id, purpose, recipient, recordings, language };
    let problems = asked.problems();
    if !problems.is_empty() {
        return Err(Problem::fields(Code::InvalidBody, problems));
    }
    let (archive, reader) = (app.archive().clone(), reader(&may));
    // Whether or not the client waits for it: what was begun has an end.
    let begun = tokio::spawn(async move {
        let begun = evidence::begin(&archive, asked, reader).await?;
        Ok::<_, EvidenceError>((begun.id(), evidence::send(archive, begun)))
    });
    let (package, bytes) = begun.await.map_err(|error| Problem::internal(&error))??;
    let mut response = Response::new(Body::from_stream(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::try_from(package.to_string()) {
        headers.insert(PACKAGE, id);
    }
    disposition(&mut response, "attachment", &format!("{}.zip", evidence::bag::folder_of(package)));
    Ok(response)
}
