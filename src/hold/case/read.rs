//! Reading cases. Each look is in the ledger before anything is shown.

use serde::Serialize;
use uuid::Uuid;

use super::{Case, HoldError, open_note, open_row, row};
use crate::access::Actor;
use crate::archive::Archive;
use crate::archive::journal::About;
use crate::catalog::{CaseFilter, CaseRow};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;

#[derive(Serialize)]
struct ReadPayload<'a> {
    actor: &'a Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<u64>,
}

/// A case with its notes, for those who are known to be allowed. Notes nothing in the ledger.
///
/// # Errors
/// [`HoldError::NoCase`] where there is none, or it is being purged.
pub async fn look_up(archive: &Archive, id: Uuid) -> Result<Case, HoldError> {
    with_notes(archive, &row(archive, id).await?).await
}

pub(super) async fn with_notes(archive: &Archive, row: &CaseRow) -> Result<Case, HoldError> {
    let mut case = open_row(archive, row).await?;
    for note in archive.catalog.case_notes(row.id).await? {
        case.notes.push(open_note(archive, row.id, &note).await?);
    }
    Ok(case)
}

/// The same, noted in the ledger.
pub async fn read(archive: &Archive, id: Uuid, actor: &Actor) -> Result<Case, HoldError> {
    let case = look_up(archive, id).await?;
    let payload = ReadPayload { actor, case_id: Some(id), found: None };
    archive.enter(Kind::CASE_READ, About::Case(id), &payload, archive.clock.now()).await?;
    Ok(case)
}

/// A page of cases, newest first, without their notes; noted in the ledger. One that does not open is passed over, loudly.
pub async fn page(
    archive: &Archive,
    filter: CaseFilter,
    after: Option<(Timestamp, Uuid)>,
    limit: u32,
    actor: &Actor,
) -> Result<(Vec<Case>, Option<(Timestamp, Uuid)>), HoldError> {
    let now = archive.clock.now();
    let mut rows = archive.catalog.cases(filter, after, now, limit.saturating_add(1)).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|row| (row.opened_at, row.id));
    let mut cases = Vec::with_capacity(rows.len());
    for row in &rows {
        match open_row(archive, row).await {
            Ok(case) => cases.push(case),
            Err(error) if error.is_unavailable() => return Err(error.into()),
            Err(error) => tracing::error!(case = %row.id, %error, "a case does not open"),
        }
    }
    let payload = ReadPayload { actor, case_id: None, found: Some(cases.len() as u64) };
    archive.enter(Kind::CASE_READ, About::Activity, &payload, archive.clock.now()).await?;
    Ok((cases, next))
}
