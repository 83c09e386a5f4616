//! `POST /v1/cases/{id}/notes`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::shapes::NoteShown;
use super::{check, to_its_end};
use crate::hold::case;
use crate::http::permission::ManageCases;
use crate::http::{ApiJson, ApiPath, App, May, Problem};

/// A note that is to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteRequest {
    /// Its id, where the client wants to choose one: then the same request again adds no second note.
    #[schema(value_type = Option<String>, format = "uuid")]
    id: Option<Uuid>,
    /// What it says.
    #[schema(min_length = 1, max_length = 4000)]
    text: String,
}

/// Adds a note to a case. It is sealed, and ends with the case.
#[utoipa::path(post, path = "/v1/cases/{id}/notes", tag = "cases", request_body = NoteRequest,
    params(("id" = String, Path, format = "uuid", description = "The case")),
    responses(
        (status = 201, description = "Added, or it was there", body = NoteShown),
        (status = 404, description = "`not-found`: there is no such case, or it was purged"),
        (status = 409, description = "`case-closed`; `too-many`: it has 1,000 notes; `conflict`: another note has this id"),
        (status = 422, description = "`invalid-body`"),
    ))]
pub async fn add(
    may: May<ManageCases>,
    State(app): State<App>,
    ApiPath(id): ApiPath<Uuid>,
    ApiJson(request): ApiJson<NoteRequest>,
) -> Result<(StatusCode, Json<NoteShown>), Problem> {
    check(case::note_problems(&request.text))?;
    let (archive, actor) = (app.archive().clone(), may.actor());
    let note = to_its_end(async move { case::note(&archive, id, request.id, &request.text, &actor).await }).await?;
    Ok((StatusCode::CREATED, Json(note.into())))
}
