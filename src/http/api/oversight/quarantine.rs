//! `GET /v1/quarantine`

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{failed, page};
use crate::access::Caller;
use crate::archive::row::SealedRow;
use crate::archive::{Archive, ArchiveError};
use crate::audio::Finding;
use crate::catalog::RecordingRow;
use crate::clock::Timestamp;
use crate::find::Question;
use crate::find::access::record_search;
use crate::http::api::recordings::common::reader;
use crate::http::cursor::Cursor;
use crate::http::permission::SeeQuarantine;
use crate::http::{ApiQuery, App, May, Problem};
use crate::recording::{Metadata, RecordingId, Status};

/// Which page of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QuarantineQuery {
    /// How many recordings a page has at the most: 1 to 200, 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Where the page begins: `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of what waits for a decision, oldest recording first.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuarantinePage {
    /// The recordings.
    recordings: Vec<QuarantinedRecording>,
    /// What to send as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// A recording that failed a check and waits for a decision, or for a better upload of the same call.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuarantinedRecording {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: RecordingId,
    /// Always `quarantined`.
    #[schema(value_type = String, example = "quarantined")]
    status: Status,
    /// When it was recorded, as the product says.
    #[schema(value_type = String, format = DateTime)]
    recorded_at: Timestamp,
    /// When it arrived here.
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// Its deadline: a recording in quarantine is under retention like any other.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// What the check found: every warning and every ground for quarantine.
    findings: Vec<Finding>,
    /// Everything that the product said about it. Left out for `operator`.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    /// SHA-256 of the audio as it arrived, 64 hexadecimal digits. Left out for `operator`.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// How much of it could be decoded, in milliseconds. Left out for `operator`.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    /// Length of the audio in bytes. Left out for `operator`.
    #[serde(skip_serializing_if = "Option::is_none")]
    byte_len: Option<u64>,
}

/// What waits in quarantine.
///
/// `operator` sees ids, times and findings alone. The look is recorded in the ledger before the answer is sent.
#[utoipa::path(get, path = "/v1/quarantine", tag = "quarantine", params(QuarantineQuery), responses(
    (status = 200, description = "A page of recordings in quarantine", body = QuarantinePage),
))]
pub async fn list(
    may: May<SeeQuarantine>,
    State(app): State<App>,
    ApiQuery(query): ApiQuery<QuarantineQuery>,
) -> Result<Json<QuarantinePage>, Problem> {
    let archive = app.archive();
    let limit = page::limit(query.limit)?;
    let after = query.cursor.as_deref().map(Cursor::decode).transpose()?.map(|cursor| (cursor.recorded_at, cursor.id));
    let mut rows = archive.catalog.quarantined(archive.clock.now(), after, limit + 1).await.map_err(failed)?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.last().map(|row| Cursor { recorded_at: row.recorded_at, id: row.id });
    let next_cursor = last.filter(|_| more).map(Cursor::encode);
    let recordings = open_all(archive, &may, &rows).await.map_err(failed)?;
    let asked = Question { status: Some(Status::Quarantined), ..Question::default() };
    let noted = record_search(archive, &reader(&may), &asked, recordings.len()).await;
    noted.map_err(failed)?;
    // What reached its deadline while the look was being recorded is no longer shown.
    let now = archive.clock.now();
    let recordings = recordings.into_iter().filter(|recording| recording.expires_at > now).collect();
    Ok(Json(QuarantinePage { recordings, next_cursor }))
}

async fn open_all(
    archive: &Archive,
    caller: &Caller,
    rows: &[RecordingRow],
) -> Result<Vec<QuarantinedRecording>, ArchiveError> {
    let mut opened = Vec::with_capacity(rows.len());
    for row in rows {
        match archive.open_recording(row).await {
            Ok((_, sealed)) => opened.push(shown(row, sealed, caller.view().sealed_metadata)),
            // The purge was faster.
            Err(ArchiveError::KeyDestroyed) => {}
            Err(error) if error.is_unavailable() => return Err(error),
            // One damaged row must not hide all the others; fsck names it.
            Err(error) => tracing::error!(recording = %row.id, %error, "a quarantined recording does not open"),
        }
    }
    Ok(opened)
}

/// What is told of a recording, with or without what is sealed. Pure.
fn shown(row: &RecordingRow, sealed: SealedRow, with_metadata: bool) -> QuarantinedRecording {
    QuarantinedRecording {
        id: row.id,
        status: row.status,
        recorded_at: row.recorded_at,
        received_at: row.received_at,
        expires_at: row.expires_at,
        findings: sealed.findings,
        metadata: with_metadata.then_some(sealed.metadata),
        sha256: with_metadata.then_some(sealed.sha256),
        duration_ms: with_metadata.then_some(row.duration_ms),
        byte_len: with_metadata.then_some(row.byte_len),
    }
}
