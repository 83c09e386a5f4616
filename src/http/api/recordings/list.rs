//! `GET /v1/recordings`

use axum::Json;
use axum::extract::State;

use super::common::reader;
use super::query::SearchRequest;
use super::search::page;
use super::shapes::FoundRecordings;
use crate::http::app::App;
use crate::http::body::ApiQuery;
use crate::http::codes::Code;
use crate::http::may::May;
use crate::http::permission::FindRecordings;
use crate::http::problem::Problem;

/// Lists recordings, newest first.
///
/// Unknown parameters are refused. What is personal data is searched for with `POST /v1/recordings/search`.
#[utoipa::path(
    get, path = "/v1/recordings", tag = "recordings",
    params(
        ("account" = Option<String>, Query, description = "The customer's account, exactly", example = "A-1001"),
        ("lead" = Option<String>, Query, description = "The lead, exactly"),
        ("listing" = Option<String>, Query, description = "The listing, exactly"),
        ("call" = Option<String>, Query, description = "The product's id of the call, exactly"),
        ("product" = Option<String>, Query, description = "The product, exactly", example = "lead-contact"),
        ("from" = Option<String>, Query, format = DateTime, example = "2026-11-01T00:00:00+01:00", description = "Recorded at or after this instant (RFC 3339)"),
        ("to" = Option<String>, Query, format = DateTime, example = "2026-12-01T00:00:00+01:00", description = "Recorded before this instant (RFC 3339)"),
        ("status" = Option<crate::recording::Status>, Query, description = "The status"),
        ("held" = Option<bool>, Query, description = "On legal hold, or not; for `legal` and `privacy`"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Recordings on a page: 50 unless asked otherwise"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("Earwitness-Purpose" = Option<String>, Header, description = "Why, 1 to 200 characters, percent-encoded where needed"),
    ),
    responses(
        (status = 200, description = "A page", body = FoundRecordings),
        (status = 400, description = "`invalid-query`, `invalid-cursor`"),
    )
)]
pub async fn list(
    may: May<FindRecordings>,
    State(app): State<App>,
    ApiQuery(query): ApiQuery<Vec<(String, String)>>,
) -> Result<Json<FoundRecordings>, Problem> {
    let reader = reader(&may);
    let (question, asked) = SearchRequest::from_query(query)?.check(&reader.view, Code::InvalidQuery)?;
    page(&app, &reader, &question, asked).await
}
