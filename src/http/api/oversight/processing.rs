//! `GET /v1/retention/processing`

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::failed;
use crate::archive::{Archive, ArchiveError};
use crate::clock::Timestamp;
use crate::holdings::{Category, Holding, gather, page, texts};
use crate::http::permission::ReadRetention;
use crate::http::{ApiQuery, App, May, Problem, csv};
use crate::ledger::shapes::Controller;
use crate::recording::Language;

/// In which form and language.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProcessingQuery {
    /// The language of its texts; English when left out.
    #[param(value_type = Option<String>, example = "nl")]
    language: Option<Language>,
    /// `json`, `csv` or `html`; left out, the header `Accept` decides.
    #[param(value_type = Option<String>, example = "html")]
    format: Option<Form>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    Json,
    Csv,
    Html,
}

/// The record of processing activities (GDPR article 30): what is held, on what ground, until when.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProcessingRecord {
    /// The instant of all figures.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// Who answers for the data.
    pub controller: Controller,
    /// The kinds of data.
    pub holdings: Vec<Described>,
    /// Who may receive them (article 30(1)(d)).
    pub recipients: &'static str,
    /// Transfers to third countries (article 30(1)(e)).
    pub transfers: &'static str,
    /// How they are secured (article 30(1)(g)).
    pub security: &'static str,
}

/// A kind of data, with what is said of it to people.
#[derive(Debug, Serialize, ToSchema)]
pub struct Described {
    /// In figures and codes.
    #[serde(flatten)]
    pub holding: Holding,
    /// What they are.
    pub name: &'static str,
    /// What for.
    pub purpose: &'static str,
    /// Whose data they are.
    pub data_subjects: &'static str,
    /// The ground in words.
    pub ground_text: &'static str,
    /// What decides when they are purged, in words.
    pub until_text: &'static str,
}

/// What the archive holds, on what ground, and until when: the record of processing activities (GDPR article 30), in figures of
/// now, without personal data.
#[utoipa::path(get, path = "/v1/retention/processing", tag = "retention", params(ProcessingQuery), responses(
    (status = 200, description = "The record",
        content((ProcessingRecord = "application/json"), (String = "text/csv"), (String = "text/html"))),
    (status = 400, description = "`invalid-query`"),
))]
pub async fn processing(
    _may: May<ReadRetention>,
    State(app): State<App>,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<ProcessingQuery>,
) -> Result<Response, Problem> {
    let language = query.language.unwrap_or(Language::En);
    let record = ProcessingRecord::gather(app.archive(), language).await.map_err(failed)?;
    match query.format.unwrap_or_else(|| accepted(&headers)) {
        Form::Json => Ok(Json(record).into_response()),
        Form::Csv => csv::answer("processing.csv", COLUMNS, record.holdings.iter().map(cells), None),
        Form::Html => {
            let page = record.page(app.archive(), language);
            Ok(([(CONTENT_SECURITY_POLICY, page::policy())], Html(page)).into_response())
        }
    }
}

fn accepted(headers: &HeaderMap) -> Form {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.starts_with("text/html") {
        Form::Html
    } else if csv::is_wanted(None, headers) {
        Form::Csv
    } else {
        Form::Json
    }
}

impl ProcessingRecord {
    /// Gathers the figures of this instant.
    pub async fn gather(archive: &Archive, language: Language) -> Result<Self, ArchiveError> {
        let texts = texts::of(language);
        let described = |holding: Holding| {
            let kind = texts.kind(holding.category);
            Described {
                name: kind.name,
                purpose: kind.purpose,
                data_subjects: kind.subjects,
                ground_text: texts.ground(holding.ground),
                until_text: texts.until(holding.until),
                holding,
            }
        };
        Ok(Self {
            as_of: archive.clock.now(),
            controller: archive.controller(),
            holdings: gather(archive).await?.into_iter().map(described).collect(),
            recipients: texts.recipients.text,
            transfers: texts.transfers.text,
            security: texts.security.text,
        })
    }

    /// The same as a page.
    pub fn page(&self, archive: &Archive, language: Language) -> String {
        let holdings: Vec<Holding> = self.holdings.iter().map(|described| described.holding.clone()).collect();
        let (as_of, controller, zone) = (self.as_of, &self.controller, archive.policy.zone);
        page::render(&page::Shown { as_of, controller, zone, holdings: &holdings }, language)
    }
}

/// The columns of the table.
pub const COLUMNS: [&str; 10] =
    ["category", "name", "purpose", "data_subjects", "ground", "until", "rule", "count", "first_end", "last_end"];

/// A kind of data in the order of the columns.
pub fn cells(described: &Described) -> [String; 10] {
    let Described { holding, name, purpose, data_subjects, ground_text, until_text } = described;
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    [
        category(holding.category),
        (*name).to_owned(),
        (*purpose).to_owned(),
        (*data_subjects).to_owned(),
        (*ground_text).to_owned(),
        (*until_text).to_owned(),
        holding.rule.clone().unwrap_or_default(),
        holding.count.to_string(),
        time(holding.first_end),
        time(holding.last_end),
    ]
}

/// The category's word, as in JSON.
fn category(category: Category) -> String {
    serde_json::to_value(category).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
