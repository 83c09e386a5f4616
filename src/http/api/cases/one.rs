//! `GET` and `PATCH /v1/cases/{id}`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::shapes::CaseShown;
use super::{check, to_its_end};
use crate::clock::Timestamp;
use crate::hold::case::Change;
use crate::hold::{self, case};
use crate::http::permission::{ManageCases, SeeCases};
use crate::http::{ApiJson, ApiPath, App, May, Problem};
use crate::recording::Language;

/// What is to be changed of a case; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseChangeRequest {
    /// What the company calls it.
    #[schema(min_length = 1, max_length = 200)]
    reference: Option<String>,
    /// Why recordings are held for it.
    #[schema(min_length = 1, max_length = 1000)]
    ground: Option<String>,
    /// Who answers for it.
    #[schema(min_length = 1, max_length = 200)]
    owner: Option<String>,
    /// In which language reports of it are written.
    language: Option<Language>,
    /// When somebody has to look whether it is still needed; in the future.
    #[schema(value_type = Option<String>, format = DateTime)]
    review_at: Option<Timestamp>,
}

/// One case, with its notes, rules and releases. The look is recorded in the ledger.
#[utoipa::path(get, path = "/v1/cases/{id}", tag = "cases",
    params(("id" = String, Path, format = "uuid", description = "The case")),
    responses(
        (status = 200, description = "The case", body = CaseShown),
        (status = 404, description = "`not-found`: there is none, or it was purged"),
    ))]
pub async fn get(
    may: May<SeeCases>,
    State(app): State<App>,
    ApiPath(id): ApiPath<Uuid>,
) -> Result<Json<CaseShown>, Problem> {
    let archive = app.archive();
    let case = case::read::read(archive, id, &may.actor()).await?;
    let (rules, releases) = (hold::rules_of(archive, id).await?, hold::releases_of(archive, id).await?);
    Ok(Json(CaseShown::whole(case, archive.clock.now()).with(rules, releases)))
}

/// Changes what a case says, or puts its review date off.
#[utoipa::path(patch, path = "/v1/cases/{id}", tag = "cases", request_body = CaseChangeRequest,
    params(("id" = String, Path, format = "uuid", description = "The case")),
    responses(
        (status = 200, description = "Changed", body = CaseShown),
        (status = 404, description = "`not-found`: there is none, or it was purged"),
        (status = 409, description = "`case-closed`"),
        (status = 422, description = "`invalid-body`"),
    ))]
pub async fn change(
    may: May<ManageCases>,
    State(app): State<App>,
    ApiPath(id): ApiPath<Uuid>,
    ApiJson(request): ApiJson<CaseChangeRequest>,
) -> Result<Json<CaseShown>, Problem> {
    let CaseChangeRequest { reference, ground, owner, language, review_at } = request;
    let change = Change { reference, ground, owner, language, review_at };
    let archive = app.archive().clone();
    check(change.problems(archive.clock.now()))?;
    let actor = may.actor();
    let case = to_its_end(async move { case::change(&archive, id, &change, &actor).await }).await?;
    Ok(Json(CaseShown::whole(case, app.archive().clock.now())))
}
