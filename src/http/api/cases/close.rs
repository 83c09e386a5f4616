//! `POST /v1/cases/{id}/close`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::shapes::CaseShown;
use super::{check, to_its_end};
use crate::hold::case;
use crate::http::permission::ManageCases;
use crate::http::{ApiJson, ApiPath, App, May, Problem};

/// Why a case is closed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    /// Why, for the ledger.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// Closes a case that holds nothing any more. Its own retention period counts from here; then it is purged, with its notes
/// and all that the ledger says about it.
#[utoipa::path(post, path = "/v1/cases/{id}/close", tag = "cases", request_body = CloseRequest,
    params(("id" = String, Path, format = "uuid", description = "The case")),
    responses(
        (status = 200, description = "Closed, or it was", body = CaseShown),
        (status = 404, description = "`not-found`: there is none, or it was purged"),
        (status = 409, description = "`case-in-force`: a hold or a rule is in force, or a release waits"),
        (status = 422, description = "`invalid-body`"),
    ))]
pub async fn close(
    may: May<ManageCases>,
    State(app): State<App>,
    ApiPath(id): ApiPath<Uuid>,
    ApiJson(request): ApiJson<CloseRequest>,
) -> Result<Json<CaseShown>, Problem> {
    check(case::reason_problems(&request.reason))?;
    let (archive, actor) = (app.archive().clone(), may.actor());
    let case = to_its_end(async move { case::close(&archive, id, &request.reason, &actor).await }).await?;
    Ok(Json(CaseShown::whole(case, app.archive().clock.now())))
}
