//! `GET /v1/statistics`

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::failed;
use crate::archive::{Archive, ArchiveError};
use crate::http::csv::{self, Format};
use crate::http::permission::SeeStatistics;
use crate::http::{ApiQuery, App, May, Problem};
use crate::ledger::shapes::Controller;
use crate::ledger::statistics::{Cell, Folded};
use crate::recording::ExpiryMonth;
use crate::statistics::fold::{FEWEST_ACCOUNTS, FEWEST_CALLS};
use crate::statistics::report::{Question, report};

/// Which statistics.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatisticsQuery {
    /// Recorded in this month or later (`2026-11`). A cell of a whole year counts if the year has one of the months asked for.
    #[param(value_type = Option<String>, example = "2026-01")]
    from: Option<ExpiryMonth>,
    /// Recorded in this month or earlier.
    #[param(value_type = Option<String>, example = "2026-12")]
    to: Option<ExpiryMonth>,
    /// Of this product; what is folded over products is left out then.
    product: Option<String>,
    /// In this language.
    language: Option<String>,
    /// Of accounts of this kind of professional.
    kind: Option<String>,
    /// `json` or `csv`; left out, `Accept: text/csv` gives CSV as well.
    #[param(value_type = Option<String>, example = "csv")]
    format: Option<Format>,
}

/// What purged calls leave: de-identified counts.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatisticsReport {
    /// Who answers for the recordings.
    pub controller: Controller,
    /// The last month whose purged calls are counted in it; null while none is closed.
    #[schema(value_type = Option<String>, example = "2031-11")]
    pub closed_through: Option<ExpiryMonth>,
    /// No cell has fewer calls than this; smaller ones are folded into coarser ones.
    pub fewest_calls: u64,
    /// No cell is of fewer accounts than this.
    pub fewest_accounts: u64,
    /// The cells. Each call is in one of them, so they can be added up.
    pub cells: Vec<Cell>,
    /// The calls of all cells shown. Each part of a call that was recorded in parts counts.
    pub calls: u64,
    /// Their length together, in seconds.
    pub seconds: u64,
}

/// The statistics of purged calls, for good: by month, product, language and kind of professional.
#[utoipa::path(get, path = "/v1/statistics", tag = "retention", params(StatisticsQuery), responses(
    (status = 200, description = "The cells", content((StatisticsReport = "application/json"), (String = "text/csv"))),
    (status = 400, description = "`invalid-query`"),
))]
pub async fn statistics(
    _may: May<SeeStatistics>,
    State(app): State<App>,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<StatisticsQuery>,
) -> Result<Response, Problem> {
    let is_csv = csv::is_wanted(query.format, &headers);
    let StatisticsQuery { from, to, product, language, kind, .. } = query;
    let question = Question { from, to, product, language, kind };
    let report = StatisticsReport::gather(app.archive(), &question).await.map_err(failed)?;
    if is_csv {
        csv::answer("statistics.csv", COLUMNS, report.cells.iter().map(cells), None)
    } else {
        Ok(Json(report).into_response())
    }
}

impl StatisticsReport {
    /// Gathers what was published.
    pub async fn gather(archive: &Archive, question: &Question) -> Result<Self, ArchiveError> {
        let found = report(archive, question).await?;
        Ok(Self {
            controller: archive.controller(),
            closed_through: found.closed_through,
            fewest_calls: FEWEST_CALLS,
            fewest_accounts: FEWEST_ACCOUNTS,
            calls: found.cells.iter().map(|cell| cell.calls).sum(),
            seconds: found.cells.iter().map(|cell| cell.seconds).sum(),
            cells: found.cells,
        })
    }
}

/// The columns of the table.
pub const COLUMNS: [&str; 7] = ["period", "product", "language", "kind", "folded", "calls", "seconds"];

/// A cell in the order of the columns.
pub fn cells(cell: &Cell) -> [String; 7] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let folded: Vec<&str> = cell.folded.iter().map(|folded| word(*folded)).collect();
    let [period, product, language, kind] = [&cell.period, &cell.product, &cell.language, &cell.kind].map(text);
    [period, product, language, kind, folded.join(" "), cell.calls.to_string(), cell.seconds.to_string()]
}

fn word(folded: Folded) -> &'static str {
    match folded {
        Folded::Kind => "kind",
        Folded::Language => "language",
        Folded::Product => "product",
        Folded::Month => "month",
        Folded::Year => "year",
    }
}
