//! `GET /v1/recordings/{id}/custody`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{failed, page};
use crate::archive::{Archive, ArchiveError};
use crate::catalog::OpeningRow;
use crate::clock::Timestamp;
use crate::find::Sight;
use crate::find::access::Action;
use crate::http::api::recordings::common::{about, look, note, reader};
use crate::http::permission::ReadCustody;
use crate::http::{ApiPath, ApiQuery, App, Code, May, Problem};
use crate::ledger::LedgerError;
use crate::ledger::entry::Commitment;
use crate::ledger::proof::Proof;
use crate::ledger::shapes::OpeningText;
use crate::recording::RecordingId;
use crate::vault::secrets::DataKey;

/// Which page of the entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CustodyQuery {
    /// How many entries a page has at the most: 1 to 200, 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Where the page begins: `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of a recording's ledger entries, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustodyPage {
    /// The recording.
    #[schema(value_type = String, format = "uuid")]
    recording_id: RecordingId,
    /// The newest published checkpoint (C2SP tlog-checkpoint, a signed note), word for word: every proof of this
    /// page leads to it. Null before the first.
    checkpoint: Option<String>,
    /// What happened to the recording, this look included.
    entries: Vec<CustodyEntry>,
    /// What to send as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// One entry of the ledger about the recording.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustodyEntry {
    /// The entry's id: the one that the receipt names.
    #[schema(value_type = String, format = "uuid")]
    entry: Uuid,
    /// Its index in the ledger's tree, from 0; null for the second or so until it has one.
    seq: Option<u64>,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What happened.
    #[schema(example = "recording.received")]
    kind: String,
    /// What the leaf commits to: SHA-256 over `earwitness-ledger-v1`, a zero byte, salt and payload; 64 hexadecimal
    /// digits.
    commitment: String,
    /// Salt and payload: who, why, from where. Left out for `auditor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    opening: Option<OpeningText>,
    /// The text of a `.tlog-proof` file (C2SP tlog-proof): index, inclusion proof, checkpoint. Left out until a
    /// published checkpoint covers the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<String>,
}

/// What happened to a recording: its ledger entries, with proofs.
///
/// Looking is recorded as well, before the answer is sent. `auditor` gets no openings: every entry and proof, and
/// nobody's name.
#[utoipa::path(get, path = "/v1/recordings/{id}/custody", tag = "custody",
    params(("id" = String, Path, format = "uuid", description = "The recording's id"), CustodyQuery),
    responses(
        (status = 200, description = "A page of entries", body = CustodyPage, headers(
            ("Sunset" = String, description = "The recording's deadline as an HTTP date (RFC 8594); left out while it is held"))),
        (status = 404, description = "`not-found`: no such recording", body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "`expired`: its retention period is over", body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub async fn custody(
    may: May<ReadCustody>,
    State(app): State<App>,
    ApiPath(id): ApiPath<RecordingId>,
    ApiQuery(query): ApiQuery<CustodyQuery>,
) -> Result<Response, Problem> {
    let archive = app.archive();
    let limit = page::limit(query.limit)?;
    let from = query.cursor.as_deref().map_or(Ok(0), decode_cursor)?;
    let reader = reader(&may);
    let opened = look(&app, &may, id, Sight::View(&reader.view)).await?;
    note(&app, &opened, &reader, Action::Custody { continued: from > 0 }).await?;
    let rows = archive.catalog.custody(id, limit + 1, from).await.map_err(failed)?;
    let opening_key = reader.view.sealed_metadata.then_some(&opened.key);
    let page = assemble(archive, id, rows, opening_key, (from, limit)).await.map_err(failed)?;
    // The deadline, or the purge's fence, may have come in the meantime.
    let opened = look(&app, &may, id, Sight::View(&reader.view)).await?;
    Ok(about(Json(page).into_response(), &app, &opened, reader.view.held))
}

async fn assemble(
    archive: &Archive,
    id: RecordingId,
    mut rows: Vec<OpeningRow>,
    key: Option<&DataKey>,
    (from, limit): (u64, u32),
) -> Result<CustodyPage, ArchiveError> {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let state = archive.catalog.ledger_state().await?;
    let sequenced: Vec<_> = rows.iter().map(|row| &row.entry).collect();
    let proofs = archive.ledger().prove_all(&state, &sequenced).await?;
    let mut entries = Vec::with_capacity(rows.len());
    for (row, proof) in rows.iter().zip(proofs) {
        let opening = key.map(|key| archive.open_custody(key, row)).transpose()?;
        let opening = opening.as_ref().map(OpeningText::of).transpose()?;
        entries.push(shown(row, opening, proof.as_ref())?);
    }
    Ok(CustodyPage {
        recording_id: id,
        checkpoint: (!state.checkpoint.is_empty()).then(|| String::from_utf8_lossy(&state.checkpoint).into_owned()),
        entries,
        next_cursor: more.then(|| encode_cursor(from + u64::from(limit))),
    })
}

fn shown(row: &OpeningRow, opening: Option<OpeningText>, proof: Option<&Proof>) -> Result<CustodyEntry, LedgerError> {
    let entry = &row.entry.entry;
    Ok(CustodyEntry {
        entry: entry.id,
        seq: row.entry.seq,
        at: entry.at,
        kind: entry.kind.clone(),
        commitment: Commitment(entry.commitment).to_string(),
        opening,
        proof: proof.map(Proof::encode).transpose()?,
    })
}

/// Entries about a recording are only ever added behind the last, so a page is found again by how many stand before.
fn encode_cursor(from: u64) -> String {
    URL_SAFE_NO_PAD.encode(from.to_be_bytes())
}

fn decode_cursor(text: &str) -> Result<u64, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    let from = bytes.map(u64::from_be_bytes).filter(|from| *from <= i64::MAX as u64);
    from.ok_or(Problem::new(Code::InvalidCursor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_is_one() {
        for from in [0, 50, i64::MAX as u64] {
            assert_eq!(decode_cursor(&encode_cursor(from)).unwrap(), from);
        }
        for bad in ["", "AA", "AAAAAAAAAAAA", &encode_cursor(u64::MAX), "é"] {
            assert_eq!(decode_cursor(bad).unwrap_err().code(), Code::InvalidCursor, "{bad}");
        }
    }
}
