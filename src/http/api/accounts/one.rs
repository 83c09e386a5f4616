//! `PUT` and `GET /v1/accounts/{id}`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::shapes::AccountShown;
use super::{check, to_its_end};
use crate::account::read::{self, Sight};
use crate::account::{self, AccountUpdate, Put, id_problems};
use crate::http::permission::{ChangeAccounts, SeeAccounts};
use crate::http::{ApiJson, ApiPath, App, Code, May, Problem};

/// Takes in what the product says of an account: all of it, every time.
///
/// The same again changes nothing, what is older (`updated_at`) than what arrived before neither, and nothing brings a person
/// back who left. A recording may come before its account.
#[utoipa::path(put, path = "/v1/accounts/{id}", tag = "accounts", request_body = AccountUpdate,
    params(("id" = String, Path, description = "The product's id of the account")),
    responses(
        (status = 201, description = "The first word about this account", body = AccountShown),
        (status = 200, description = "Changed, or it was known", body = AccountShown),
        (status = 409, description = "`account-merged`: `into` has what belongs to it"),
        (status = 410, description = "`expired`: its data ended; `erased`: by a decision"),
        (status = 422, description = "`invalid-body`"),
    ))]
pub async fn put(
    may: May<ChangeAccounts>,
    State(app): State<App>,
    ApiPath(id): ApiPath<String>,
    ApiJson(update): ApiJson<AccountUpdate>,
) -> Result<(StatusCode, Json<AccountShown>), Problem> {
    check(id_problems("id", &id).into_iter().chain(update.problems()).collect())?;
    let (archive, actor) = (app.archive().clone(), may.actor());
    let (account, done) = to_its_end(async move { account::put(&archive, &id, &update, &actor).await }).await?;
    let status = if done == Put::Filled { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(AccountShown::plain(account))))
}

/// One account, with what is kept of it until when. The look is recorded in the ledger.
#[utoipa::path(get, path = "/v1/accounts/{id}", tag = "accounts",
    params(("id" = String, Path, description = "The product's id of the account")),
    responses(
        (status = 200, description = "The account", body = AccountShown),
        (status = 404, description = "`not-found`: there is none, or it is not yours to see"),
        (status = 410, description = "`expired`: its data ended"),
    ))]
pub async fn get(
    may: May<SeeAccounts>,
    State(app): State<App>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<AccountShown>, Problem> {
    if !id_problems("id", &id).is_empty() {
        return Err(Problem::new(Code::NotFound));
    }
    let archive = app.archive();
    let sight = Sight::of(archive, may.caller()).await?;
    Ok(Json(read::read(archive, &id, &sight, &may.actor()).await?.into()))
}
