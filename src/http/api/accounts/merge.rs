//! `POST /v1/accounts/{id}/merge`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::shapes::AccountShown;
use super::{check, to_its_end};
use crate::account::{self, id_problems};
use crate::http::permission::ChangeAccounts;
use crate::http::{ApiJson, ApiPath, App, May, Problem};

/// Into which account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeRequest {
    /// The product's id of the account that has everything from then on.
    #[schema(min_length = 1, max_length = 200)]
    into: String,
}

/// Merges an account into another, which has its persons, reps and contact data from then on, and whose name finds the
/// recordings of both. Recordings stay stamped with the account they came with.
#[utoipa::path(post, path = "/v1/accounts/{id}/merge", tag = "accounts", request_body = MergeRequest,
    params(("id" = String, Path, description = "The product's id of the account that is merged")),
    responses(
        (status = 200, description = "The other account, merged now or before", body = AccountShown),
        (status = 409, description = "`account-merged`: one of them was merged into a third; `conflict`: into itself"),
        (status = 410, description = "`expired`, `erased`"),
        (status = 422, description = "`invalid-body`"),
    ))]
pub async fn merge(
    may: May<ChangeAccounts>,
    State(app): State<App>,
    ApiPath(id): ApiPath<String>,
    ApiJson(MergeRequest { into }): ApiJson<MergeRequest>,
) -> Result<Json<AccountShown>, Problem> {
    check(id_problems("id", &id).into_iter().chain(id_problems("into", &into)).collect())?;
    let (archive, actor) = (app.archive().clone(), may.actor());
    let account = to_its_end(async move { account::merge(&archive, &id, &into, &actor).await }).await?;
    Ok(Json(AccountShown::plain(account)))
}
