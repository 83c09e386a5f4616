//! `POST /v1/accounts/{id}/close`, `/reopen`, `/end-relation`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::shapes::AccountShown;
use super::{check, to_its_end};
use crate::account::{self, id_problems};
use crate::clock::Timestamp;
use crate::http::permission::ChangeAccounts;
use crate::http::{ApiJson, ApiPath, App, May, Problem};

/// When the relation ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndRelationRequest {
    /// When; not in the future. The retention period of the account's data counts from here.
    #[schema(value_type = String, format = DateTime)]
    ended_at: Timestamp,
}

/// Closes an account: the portal does not reach it from here on. Staff and retention go on.
#[utoipa::path(post, path = "/v1/accounts/{id}/close", tag = "accounts",
    params(("id" = String, Path, description = "The product's id of the account")),
    responses(
        (status = 200, description = "Closed, or it was", body = AccountShown),
        (status = 409, description = "`account-merged`"),
        (status = 410, description = "`expired`, `erased`"),
    ))]
pub async fn close(
    may: May<ChangeAccounts>,
    State(app): State<App>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<AccountShown>, Problem> {
    check(id_problems("id", &id))?;
    let (archive, actor) = (app.archive().clone(), may.actor());
    let account = to_its_end(async move { account::close(&archive, &id, &actor).await }).await?;
    Ok(Json(AccountShown::plain(account)))
}

/// Opens an account again. A relation that had ended goes on: nothing is purged by that end any more.
#[utoipa::path(post, path = "/v1/accounts/{id}/reopen", tag = "accounts",
    params(("id" = String, Path, description = "The product's id of the account")),
    responses(
        (status = 200, description = "Open, or it was", body = AccountShown),
        (status = 409, description = "`account-merged`"),
        (status = 410, description = "`expired`, `erased`"),
    ))]
pub async fn reopen(
    may: May<ChangeAccounts>,
    State(app): State<App>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<AccountShown>, Problem> {
    check(id_problems("id", &id))?;
    let (archive, actor) = (app.archive().clone(), may.actor());
    let account = to_its_end(async move { account::reopen(&archive, &id, &actor).await }).await?;
    Ok(Json(AccountShown::plain(account)))
}

/// The relation with an account ended. The portal does not reach it any more, and its data are purged when their period
/// (`accounts_retention`) is over. Another time takes the place of the one before.
#[utoipa::path(post, path = "/v1/accounts/{id}/end-relation", tag = "accounts", request_body = EndRelationRequest,
    params(("id" = String, Path, description = "The product's id of the account")),
    responses(
        (status = 200, description = "Ended, or it had", body = AccountShown),
        (status = 409, description = "`account-merged`"),
        (status = 410, description = "`expired`, `erased`"),
        (status = 422, description = "`invalid-body`: the time lies in the future"),
    ))]
pub async fn end_relation(
    may: May<ChangeAccounts>,
    State(app): State<App>,
    ApiPath(id): ApiPath<String>,
    ApiJson(EndRelationRequest { ended_at }): ApiJson<EndRelationRequest>,
) -> Result<Json<AccountShown>, Problem> {
    check(id_problems("id", &id))?;
    let (archive, actor) = (app.archive().clone(), may.actor());
    let account = to_its_end(async move { account::end_relation(&archive, &id, ended_at, &actor).await }).await?;
    Ok(Json(AccountShown::plain(account)))
}
