//! `POST /v1/recordings/search`

use axum::Json;
use axum::extract::State;

use super::common::reader;
use super::query::SearchRequest;
use super::shapes::{FoundRecordings, Recording};
use crate::find::{self, PageAsked, Question, Reader};
use crate::http::app::App;
use crate::http::body::ApiJson;
use crate::http::codes::Code;
use crate::http::cursor::Cursor;
use crate::http::may::May;
use crate::http::permission::FindRecordings;
use crate::http::problem::Problem;

/// Searches for recordings, newest first, by personal data as well.
#[utoipa::path(
    post, path = "/v1/recordings/search", tag = "recordings", request_body = SearchRequest,
    params(("Earwitness-Purpose" = Option<String>, Header, description = "Why, 1 to 200 characters, percent-encoded where needed")),
    responses(
        (status = 200, description = "A page", body = FoundRecordings),
        (status = 400, description = "`invalid-json`, `invalid-cursor`"),
        (status = 422, description = "`invalid-body`"),
    )
)]
pub async fn search(
    may: May<FindRecordings>,
    State(app): State<App>,
    ApiJson(request): ApiJson<SearchRequest>,
) -> Result<Json<FoundRecordings>, Problem> {
    let reader = reader(&may);
    let (question, asked) = request.check(&reader.view, Code::InvalidBody)?;
    page(&app, &reader, &question, asked).await
}

/// One page, as JSON.
pub(super) async fn page(
    app: &App,
    reader: &Reader,
    question: &Question,
    asked: PageAsked,
) -> Result<Json<FoundRecordings>, Problem> {
    let found = find::search(app.archive(), reader, question, asked).await?;
    Ok(Json(FoundRecordings {
        recordings: found.recordings.iter().map(|opened| Recording::of(opened, &reader.view, None)).collect(),
        next_cursor: found.next.map(|(recorded_at, id)| Cursor { recorded_at, id }.encode()),
    }))
}
