//! Ending a hold. The last one of a case takes the case's wrap away; the last one of all, after the deadline, leaves the
//! recording to the purge's next pass.

use uuid::Uuid;

use super::{HoldError, HoldPayload};
use crate::access::Actor;
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{HoldRow, RecordingRow, Stage, Wrap};
use crate::ledger::kind::Kind;
use crate::recording::RecordingId;
use crate::vault::keys::KeyName;

/// Ends a hold on a recording, by a release if there is one. Who may ask for that, and who has to agree, is not decided
/// here.
///
/// # Errors
/// [`HoldError::NotFound`] where no such hold is in force.
pub async fn release(
    archive: &Archive,
    id: RecordingId,
    hold: Uuid,
    release_id: Option<Uuid>,
    actor: &Actor,
) -> Result<(), HoldError> {
    // Overtaken by another change of the holds, it is prepared anew from what stands then.
    while !try_release(archive, id, hold, release_id, actor).await? {}
    archive.ledger_nudge.notify_one();
    archive.refresh_sidecar(id).await?;
    archive.guard(id).await?;
    Ok(())
}

/// False when the holds changed meanwhile.
async fn try_release(
    archive: &Archive,
    id: RecordingId,
    hold: Uuid,
    release_id: Option<Uuid>,
    actor: &Actor,
) -> Result<bool, HoldError> {
    let before = archive.catalog.guard_of(id).await?.ok_or(HoldError::NotFound)?;
    let row = archive.catalog.recording(id).await?.ok_or(HoldError::NotFound)?;
    if row.stage != Stage::Live {
        return Err(HoldError::NotFound);
    }
    let holds = archive.catalog.holds_of(id).await?;
    let HoldRow { case_id, rule_id, .. } = *holds.iter().find(|other| other.id == hold).ok_or(HoldError::NotFound)?;
    let (key, sealed) = archive.open_recording(&row).await?;
    let now = archive.clock.now();
    let payload = HoldPayload { rule_id, release_id, ..HoldPayload::of(hold, case_id, id, actor) };
    let (entry, _) = archive.entry(Kind::HOLD_RELEASED, About::Recording(id, &key), &payload, now).await?;
    let kept = wraps_after(archive, &row, &holds, hold).await?;
    let lookups = archive.lookups_under(&kept, &sealed.metadata).await?;

    let mut tx = archive.catalog.begin().await?;
    if !tx.change_holds(id, before.hold_revision).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    tx.release_hold(hold, now).await?;
    if !tx.case_holds(id, case_id).await? && !kept.is_empty() {
        tx.remove_recording_key(id, &KeyName::Case(case_id).to_string()).await?;
        tx.replace_lookups(id, &row.account_id, &lookups).await?;
    }
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    Ok(true)
}

/// The wraps that stay when this hold is over. None at all stay of a recording whose month is over and which no other
/// case holds: then its last wrap is left to the purge, which has to know what it deletes.
async fn wraps_after(
    archive: &Archive,
    row: &RecordingRow,
    holds: &[HoldRow],
    hold: Uuid,
) -> Result<Vec<Wrap>, ArchiveError> {
    let cases: Vec<String> =
        holds.iter().filter(|other| other.id != hold).map(|other| KeyName::Case(other.case_id).to_string()).collect();
    let month = KeyName::Month(row.month).to_string();
    let all = archive.catalog.recording_keys(row.id).await?;
    Ok(all.into_iter().filter(|wrap| wrap.holder == month || cases.contains(&wrap.holder)).collect())
}
