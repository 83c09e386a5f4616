//! `POST /v1/accounts/{id}/persons/{person}/left`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{check, to_its_end};
use crate::account::{id_problems, person};
use crate::http::permission::ChangeAccounts;
use crate::http::{ApiPath, App, May, Problem};

/// That a person left.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftShown {
    /// False where they had left before.
    is_new: bool,
}

/// A contact person changed function or left: who it was is gone from the account at once, and nobody finds recordings by
/// the person any more but whoever answers a data subject. Recordings keep their own period.
///
/// The person, and the account, need not be known yet: what comes late does not bring the person back.
#[utoipa::path(post, path = "/v1/accounts/{id}/persons/{person}/left", tag = "accounts",
    params(
        ("id" = String, Path, description = "The product's id of the account"),
        ("person" = String, Path, description = "The product's id of the person"),
    ),
    responses(
        (status = 200, description = "Gone, or they were", body = LeftShown),
        (status = 409, description = "`account-merged`"),
        (status = 410, description = "`expired`, `erased`"),
    ))]
pub async fn left(
    may: May<ChangeAccounts>,
    State(app): State<App>,
    ApiPath((id, who)): ApiPath<(String, String)>,
) -> Result<Json<LeftShown>, Problem> {
    check(id_problems("id", &id).into_iter().chain(id_problems("person", &who)).collect())?;
    let (archive, actor) = (app.archive().clone(), may.actor());
    let is_new = to_its_end(async move { person::left(&archive, &id, &who, &actor).await }).await?;
    Ok(Json(LeftShown { is_new }))
}
