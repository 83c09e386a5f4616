//! Answers as a table (RFC 4180), for those who ask for CSV.

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use crate::http::api::recordings::common::disposition;
use crate::http::codes::Code;
use crate::http::problem::Problem;

/// Where the next page of a table begins, which has no other place for it.
const NEXT: HeaderName = HeaderName::from_static("earwitness-next-cursor");

/// In which form an answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON.
    Json,
    /// A table.
    Csv,
}

/// Whether a table is wanted: the query says so or, where it says nothing, the header `Accept`.
pub fn is_wanted(query: Option<Format>, headers: &HeaderMap) -> bool {
    query.map_or_else(|| accepts_csv(headers), |format| format == Format::Csv)
}

fn accepts_csv(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|range| range.trim().split(';').next().is_some_and(|kind| kind.trim() == "text/csv"))
}

/// A table with its head, to be saved as `name`; `next` is the cursor of the next page.
pub fn answer<const N: usize>(
    name: &str,
    columns: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
    next: Option<String>,
) -> Result<Response, Problem> {
    let table = table(columns, rows).ok_or(Problem::new(Code::Internal))?;
    let mut response = table.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    if let Some(next) = next.and_then(|next| HeaderValue::try_from(next).ok()) {
        response.headers_mut().insert(NEXT, next);
    }
    disposition(&mut response, "attachment", name);
    Ok(response)
}

/// The table. None where it could not be written, which no text of ours is the cause of.
pub fn table<const N: usize>(columns: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Option<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(columns).ok()?;
    for row in rows {
        writer.write_record(row.map(|cell| harmless(&cell))).ok()?;
    }
    writer.into_inner().ok()
}

/// A text that no spreadsheet takes for a formula: one that begins like one gets an apostrophe in front.
fn harmless(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_cell_is_taken_for_a_formula() {
        for text in ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1", "＝1"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for text in ["", "a=b", "Example BV", "2026-11-22T09:15:00Z"] {
            assert_eq!(harmless(text), text);
        }
    }

    #[test]
    fn a_table_is_asked_for_by_query_or_header() {
        let accept = |text: &'static str| HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(text))]);
        assert!(is_wanted(None, &accept("text/html, text/csv;q=0.9")));
        assert!(is_wanted(Some(Format::Csv), &HeaderMap::new()));
        assert!(!is_wanted(Some(Format::Json), &accept("text/csv")));
        assert!(!is_wanted(None, &accept("application/json")));
    }
}
