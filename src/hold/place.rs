//! Placing a hold: the case's key first, then one transaction with the hold, the wrap under that key, and the entry.

use uuid::Uuid;

use super::{HoldError, HoldPayload};
use crate::access::Actor;
use crate::archive::Archive;
use crate::archive::journal::About;
use crate::archive::row::lookups_of;
use crate::catalog::{HoldOutcome, Stage, Wrap};
use crate::ledger::kind::Kind;
use crate::recording::RecordingId;
use crate::vault::keys::KeyName;

/// A hold that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct NewHold {
    /// Its own id, chosen by the caller.
    pub id: Uuid,
    /// The case in whose name the recording is kept. Its row is there already.
    pub case_id: Uuid,
    /// The recording.
    pub recording_id: RecordingId,
}

/// Places a hold. From its commit on nothing purges the recording, and the case's key opens it as well as its month's.
///
/// # Errors
/// [`HoldError::TooLate`] at or after the deadline, and after the purge's fence. Errors of the store come after the
/// hold was committed: it stands, and the store is told again by the next pass.
pub async fn place(archive: &Archive, hold: &NewHold, actor: &Actor) -> Result<(), HoldError> {
    let row = archive.catalog.recording(hold.recording_id).await?.ok_or(HoldError::NotFound)?;
    if row.stage != Stage::Live || row.expires_at <= archive.clock.now() {
        return Err(HoldError::TooLate);
    }
    let (key, sealed) = archive.open_recording(&row).await?;
    let name = KeyName::Case(hold.case_id);
    let case = archive.keyring.ensure_secret(&name).await.map_err(crate::archive::ArchiveError::from)?;
    let wrapped = case.wrap_data_key(row.id, &key).map_err(crate::archive::ArchiveError::from)?;
    let wrap = Wrap { holder: name.to_string(), wrapped };
    let now = archive.clock.now();
    let payload = HoldPayload { hold_id: hold.id, case_id: hold.case_id, recording_id: row.id, actor };
    let (entry, _) = archive.entry(Kind::HOLD_PLACED, About::Recording(row.id, &key), &payload, now).await?;

    let mut tx = archive.catalog.begin().await?;
    // The row first: it is what the purge's fence waits for.
    if tx.place_hold(hold.id, hold.case_id, row.id, now).await? == HoldOutcome::TooLate {
        tx.rollback().await?;
        return Err(HoldError::TooLate);
    }
    tx.add_recording_key(row.id, &wrap).await?;
    tx.add_lookups(row.id, &lookups_of(&case, &sealed.metadata)).await?;
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    archive.refresh_sidecar(row.id).await?;
    archive.guard(row.id).await?;
    Ok(())
}
