//! `POST` and `GET /v1/cases`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::shapes::{CasePage, CaseShown};
use super::{check, to_its_end};
use crate::catalog::CaseFilter;
use crate::clock::Timestamp;
use crate::hold::case::{self, NewCase};
use crate::http::api::oversight::page;
use crate::http::cursor::Cursor;
use crate::http::permission::{ManageCases, SeeCases};
use crate::http::{ApiJson, ApiQuery, App, May, Problem};
use crate::recording::{Language, RecordingId};

/// A case that is to be opened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCaseRequest {
    /// Its id, where the client wants to choose one: then the same request again opens no second case.
    #[schema(value_type = Option<String>, format = "uuid")]
    id: Option<Uuid>,
    /// What the company calls it.
    #[schema(min_length = 1, max_length = 200, example = "2026/0147")]
    reference: String,
    /// Why recordings are to be held for it.
    #[schema(min_length = 1, max_length = 1000)]
    ground: String,
    /// Who answers for it.
    #[schema(min_length = 1, max_length = 200)]
    owner: String,
    /// In which language reports of it are written.
    language: Language,
    /// When somebody has to look whether it is still needed; in the future.
    #[schema(value_type = String, format = DateTime)]
    review_at: Timestamp,
}

/// Which cases.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CaseQuery {
    /// Only `open` ones, `closed` ones, or open ones that are `overdue`: past their review date.
    #[param(value_type = Option<String>, example = "open")]
    state: Option<StateAsked>,
    /// How many cases a page has at the most: 1 to 200, 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Where the page begins: `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StateAsked {
    Open,
    Closed,
    Overdue,
}

/// Opens a case.
#[utoipa::path(post, path = "/v1/cases", tag = "cases", request_body = NewCaseRequest, responses(
    (status = 201, description = "Opened", body = CaseShown),
    (status = 200, description = "It was opened before, with this id and these words", body = CaseShown),
    (status = 409, description = "`conflict`: there is another case of this id"),
    (status = 422, description = "`invalid-body`"),
))]
pub async fn open(
    may: May<ManageCases>,
    State(app): State<App>,
    ApiJson(request): ApiJson<NewCaseRequest>,
) -> Result<(StatusCode, Json<CaseShown>), Problem> {
    let NewCaseRequest { id, reference, ground, owner, language, review_at } = request;
    let new = NewCase { id, reference, ground, owner, language, review_at };
    let archive = app.archive().clone();
    check(new.problems(archive.clock.now()))?;
    let actor = may.actor();
    let (case, is_new) = to_its_end(async move { case::open(&archive, &new, &actor).await }).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(CaseShown::whole(case, app.archive().clock.now()))))
}

/// Lists cases, newest first. The look is recorded in the ledger.
#[utoipa::path(get, path = "/v1/cases", tag = "cases", params(CaseQuery), responses(
    (status = 200, description = "A page", body = CasePage),
    (status = 400, description = "`invalid-query`, `invalid-cursor`"),
))]
pub async fn list(
    may: May<SeeCases>,
    State(app): State<App>,
    ApiQuery(query): ApiQuery<CaseQuery>,
) -> Result<Json<CasePage>, Problem> {
    let archive = app.archive();
    let limit = page::limit(query.limit)?;
    let after = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let after = after.map(|cursor| (cursor.recorded_at, cursor.id.0));
    let filter = match query.state {
        None => CaseFilter::All,
        Some(StateAsked::Open) => CaseFilter::Open,
        Some(StateAsked::Closed) => CaseFilter::Closed,
        Some(StateAsked::Overdue) => CaseFilter::Overdue,
    };
    let (cases, next) = case::page(archive, filter, after, limit, &may.actor()).await?;
    let now = archive.clock.now();
    let next_cursor = next.map(|(at, id)| Cursor { recorded_at: at, id: RecordingId(id) }.encode());
    Ok(Json(CasePage { cases: cases.into_iter().map(|case| CaseShown::listed(case, now)).collect(), next_cursor }))
}
