//! `GET /v1/accounts`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::shapes::{AccountPage, AccountShown};
use crate::account::read::{self, Sight};
use crate::catalog::AccountFilter;
use crate::http::api::oversight::page;
use crate::http::cursor::Cursor;
use crate::http::permission::SeeAccounts;
use crate::http::{ApiQuery, App, May, Problem};
use crate::recording::RecordingId;

/// Which accounts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountQuery {
    /// Only `open` ones, `closed` ones, or those whose relation `ended`.
    #[param(value_type = Option<String>, example = "open")]
    state: Option<StateAsked>,
    /// How many accounts a page has at the most: 1 to 200, 50 when left out.
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
    Ended,
}

/// Lists accounts, newest first, with what is kept of each until when: a rep's own, else all. The look is recorded in the
/// ledger.
#[utoipa::path(get, path = "/v1/accounts", tag = "accounts", params(AccountQuery), responses(
    (status = 200, description = "A page", body = AccountPage),
    (status = 400, description = "`invalid-query`, `invalid-cursor`"),
))]
pub async fn list(
    may: May<SeeAccounts>,
    State(app): State<App>,
    ApiQuery(query): ApiQuery<AccountQuery>,
) -> Result<Json<AccountPage>, Problem> {
    let archive = app.archive();
    let limit = page::limit(query.limit)?;
    let after = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let after = after.map(|cursor| (cursor.recorded_at, cursor.id.0));
    let filter = match query.state {
        None => AccountFilter::All,
        Some(StateAsked::Open) => AccountFilter::Open,
        Some(StateAsked::Closed) => AccountFilter::Closed,
        Some(StateAsked::Ended) => AccountFilter::Ended,
    };
    let sight = Sight::of(archive, may.caller()).await?;
    let (accounts, next) = read::page(archive, filter, after, limit, &sight, &may.actor()).await?;
    let next_cursor = next.map(|(at, uuid)| Cursor { recorded_at: at, id: RecordingId(uuid) }.encode());
    Ok(Json(AccountPage { accounts: accounts.into_iter().map(AccountShown::from).collect(), next_cursor }))
}
