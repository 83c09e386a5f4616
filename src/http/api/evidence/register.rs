//! `GET /v1/disclosures`

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::archive::{Archive, ArchiveError};
use crate::catalog::{DisclosureFilter, DisclosureRow};
use crate::clock::Timestamp;
use crate::evidence::recipient::RecipientKind;
use crate::evidence::register::{self, Told};
use crate::http::api::oversight::page;
use crate::http::csv::{self, Format};
use crate::http::cursor::Cursor;
use crate::http::permission::SeeDisclosures;
use crate::http::{ApiQuery, App, May, Problem};
use crate::recording::RecordingId;

/// The columns of the table, in their order.
const COLUMNS: [&str; 12] = [
    "id",
    "case_id",
    "state",
    "begun_at",
    "ended_at",
    "recipient_kind",
    "recipient_name",
    "purpose",
    "made_by",
    "recordings",
    "byte_len",
    "sha256",
];

/// Which rows of the register.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DisclosureQuery {
    /// Packages of this case.
    #[param(value_type = Option<String>, format = "uuid")]
    case: Option<Uuid>,
    /// Packages that have this recording.
    #[param(value_type = Option<String>, format = "uuid")]
    recording: Option<RecordingId>,
    /// Packages for recipients of this kind.
    kind: Option<RecipientKind>,
    /// Begun at this time or later (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Begun before this time (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// `json` or `csv`; left out, `Accept: text/csv` gives CSV as well.
    #[param(value_type = Option<String>, example = "csv")]
    format: Option<Format>,
    /// How many rows a page has at the most: 1 to 200, 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Where the page begins: `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of the register, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisclosurePage {
    /// The packages.
    disclosures: Vec<DisclosureShown>,
    /// What to send as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// A package that was handed over, or was to be.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisclosureShown {
    /// The package's id.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// The case.
    #[schema(value_type = String, format = "uuid")]
    case_id: Uuid,
    /// `begun`: it is being sent; `made`: all of it was sent; `broken`: it was not sent to its end.
    #[schema(example = "made")]
    state: &'static str,
    /// When it was begun.
    #[schema(value_type = String, format = DateTime)]
    begun_at: Timestamp,
    /// When it ended, one way or the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// What the recipient is to the company.
    #[schema(value_type = RecipientKind)]
    recipient_kind: String,
    /// Who received it. Left out for `auditor`, as is what follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_name: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
    /// Who handed it over.
    #[serde(skip_serializing_if = "Option::is_none")]
    made_by: Option<String>,
    /// How many recordings it has.
    recordings: u64,
    /// Length of the ZIP in bytes, once it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    byte_len: Option<u64>,
    /// SHA-256 of the ZIP, once it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

impl DisclosureShown {
    fn of(row: DisclosureRow, told: Option<Told>) -> Self {
        let (name, purpose, by) = told
            .map_or((None, None, None), |told| (Some(told.recipient.name), Some(told.purpose), Some(told.actor.name)));
        Self {
            id: row.id,
            case_id: row.case_id,
            state: row.state.as_str(),
            begun_at: row.begun_at,
            ended_at: row.ended_at,
            recipient_kind: row.recipient_kind,
            recipient_name: name,
            purpose,
            made_by: by,
            recordings: row.recordings,
            byte_len: row.byte_len,
            sha256: row.sha256,
        }
    }

    /// In the order of the table's columns.
    fn cells(&self) -> [String; 12] {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_default();
        [
            self.id.to_string(),
            self.case_id.to_string(),
            self.state.to_owned(),
            self.begun_at.to_string(),
            self.ended_at.map(|at| at.to_string()).unwrap_or_default(),
            self.recipient_kind.clone(),
            or_none(&self.recipient_name),
            or_none(&self.purpose),
            or_none(&self.made_by),
            self.recordings.to_string(),
            self.byte_len.map(|len| len.to_string()).unwrap_or_default(),
            or_none(&self.sha256),
        ]
    }
}

/// To whom evidence was handed over, newest first. The look is recorded in the ledger.
///
/// `auditor` gets no names and no purposes. As CSV a page is a table; the header `Earwitness-Next-Cursor` says where the
/// next begins.
#[utoipa::path(get, path = "/v1/disclosures", tag = "evidence", params(DisclosureQuery), responses(
    (status = 200, description = "A page", content((DisclosurePage = "application/json"), (String = "text/csv"))),
    (status = 400, description = "`invalid-query`, `invalid-cursor`"),
))]
pub async fn list(
    may: May<SeeDisclosures>,
    State(app): State<App>,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<DisclosureQuery>,
) -> Result<Response, Problem> {
    let archive = app.archive();
    let limit = page::limit(query.limit)?;
    let after = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let after = after.map(|cursor| (cursor.recorded_at, cursor.id.0));
    let is_csv = csv::is_wanted(query.format, &headers);
    let filter = DisclosureFilter {
        case_id: query.case,
        recording_id: query.recording,
        recipient_kind: query.kind.map(|kind| kind.as_str().to_owned()),
        from: query.from,
        to: query.to,
    };
    let (rows, next) = register::page(archive, &filter, after, limit, &may.actor()).await?;
    let names = may.view().sealed_metadata;
    let mut disclosures = Vec::with_capacity(rows.len());
    for row in rows {
        disclosures.extend(shown(archive, row, names).await?);
    }
    let next = next.map(|(at, id)| Cursor { recorded_at: at, id: RecordingId(id) }.encode());
    if is_csv {
        csv::answer("disclosures.csv", COLUMNS, disclosures.iter().map(DisclosureShown::cells), next)
    } else {
        Ok(Json(DisclosurePage { disclosures, next_cursor: next }).into_response())
    }
}

/// A row that does not open is passed over, loudly: its case is being purged.
async fn shown(archive: &Archive, row: DisclosureRow, names: bool) -> Result<Option<DisclosureShown>, ArchiveError> {
    if !names {
        return Ok(Some(DisclosureShown::of(row, None)));
    }
    let id = row.id;
    match register::open(archive, row).await {
        Ok(opened) => Ok(Some(DisclosureShown::of(opened.row, Some(opened.told)))),
        Err(error) if error.is_unavailable() => Err(error),
        Err(error) => {
            tracing::error!(package = %id, %error, "a disclosure does not open");
            Ok(None)
        }
    }
}
