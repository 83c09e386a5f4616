//! Placing a hold: the case's key first, then one transaction with the hold, the wrap under that key, and the entry.

use uuid::Uuid;

use super::{HoldError, HoldPayload};
use crate::access::Actor;
use crate::archive::Archive;
use crate::archive::journal::About;
use crate::archive::row::lookups_of;
use crate::catalog::{HoldOutcome, HoldRow, Stage, Wrap};
use crate::clock::Timestamp;
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
    /// By which rule, and since when that is in force; none where somebody named the recording.
    pub rule: Option<(Uuid, Timestamp)>,
}

/// What became of a hold that did not come too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It is in force.
    Placed,
    /// The case (or the rule) holds the recording already, or the rule has let go of it; nothing was done.
    Already,
}

/// Places a hold. From its commit on nothing purges the recording, and the case's key opens it as well as its month's.
/// A rule kept the recording since before: what counts is that it came before the deadline.
///
/// # Errors
/// [`HoldError::TooLate`] at or after the deadline, and after the purge's fence. Errors of the store come after the
/// hold was committed: it stands, and the store is told again by the next pass.
pub async fn place(archive: &Archive, hold: &NewHold, actor: &Actor) -> Result<Placed, HoldError> {
    let row = archive.catalog.recording(hold.recording_id).await?.ok_or(HoldError::NotFound)?;
    // What arrives under a rule is kept from its arrival on.
    let since = hold.rule.map_or_else(|| archive.clock.now(), |(_, placed_at)| placed_at.max(row.received_at));
    if row.stage != Stage::Live || row.expires_at <= since {
        return Err(HoldError::TooLate);
    }
    let (key, sealed) = archive.open_recording(&row).await?;
    let name = KeyName::Case(hold.case_id);
    let case = archive.keyring.ensure_secret(&name).await.map_err(crate::archive::ArchiveError::from)?;
    let wrapped = case.wrap_data_key(row.id, &key).map_err(crate::archive::ArchiveError::from)?;
    let wrap = Wrap { holder: name.to_string(), wrapped };
    let who = archive.person_macs(&sealed.metadata).await?;
    let now = archive.clock.now();
    let placed_at = if hold.rule.is_some() { since } else { now };
    let rule_id = hold.rule.map(|(rule, _)| rule);
    let payload = HoldPayload { rule_id, ..HoldPayload::of(hold.id, hold.case_id, row.id, actor) };
    let (entry, _) = archive.entry(Kind::HOLD_PLACED, About::Recording(row.id, &key), &payload, now).await?;

    let mut tx = archive.catalog.begin().await?;
    // The row first: it is what the purge's fence waits for.
    let placed = HoldRow { rule_id, ..HoldRow::direct(hold.id, hold.case_id, row.id, placed_at) };
    let outcome = tx.place_hold(&placed).await?;
    if outcome != HoldOutcome::Placed {
        tx.rollback().await?;
        if outcome == HoldOutcome::AlreadyHeld {
            // Whoever placed it may not have come so far.
            tell_the_store(archive, row.id).await?;
        }
        return not_placed(outcome);
    }
    tx.add_recording_key(row.id, &wrap).await?;
    tx.add_lookups(row.id, &row.account_id, &lookups_of(&case, &sealed.metadata, &who)).await?;
    tx.append_entry(&entry).await?;
    // Waiting for the row takes its time, and the deadline does not wait.
    if hold.rule.is_none() && row.expires_at <= archive.clock.now() {
        tx.rollback().await?;
        return Err(HoldError::TooLate);
    }
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    tell_the_store(archive, row.id).await?;
    Ok(Placed::Placed)
}

/// The sidecar has the hold, and the store's own hold is set: an old catalog gets it back from there.
async fn tell_the_store(archive: &Archive, id: RecordingId) -> Result<(), HoldError> {
    archive.refresh_sidecar(id).await?;
    archive.guard(id).await?;
    Ok(())
}

fn not_placed(outcome: HoldOutcome) -> Result<Placed, HoldError> {
    match outcome {
        HoldOutcome::Placed => Ok(Placed::Placed),
        HoldOutcome::AlreadyHeld => Ok(Placed::Already),
        HoldOutcome::TooLate => Err(HoldError::TooLate),
        HoldOutcome::NoCase => Err(HoldError::CaseClosed),
        HoldOutcome::RuleEnded => Err(HoldError::RuleEnded),
    }
}
