//! Past its deadline a held recording leaves its month: the month's wrap and look-ups go, so that the month's key can be
//! destroyed, and with it what backups hold of everybody else. From then on it opens by its cases' keys alone.

use crate::archive::{Archive, ArchiveError, Round};
use crate::catalog::Stage;
use crate::recording::RecordingId;
use crate::vault::keys::KeyName;

/// Recordings that one pass takes.
const BATCH: u64 = 100;
/// Recordings that one look at the catalog gives.
const PAGE: u32 = 100;

/// Takes held recordings whose deadline has passed out of their months, a batch at the most. Returns how many, or the
/// first failure, which keeps no other from being let go.
pub async fn let_go_of_months(archive: &Archive) -> Result<u64, ArchiveError> {
    let (mut round, now) = (Round::begin(&archive.bookmarks.months, BATCH), archive.clock.now());
    while round.goes_on() {
        let page = archive.catalog.held_past_deadline(now, round.after(), PAGE).await?;
        round.turn(page.last().copied());
        for (_, id) in page {
            let gone = let_go(archive, id).await.inspect_err(|error| {
                tracing::error!(recording = %id, %error, "a held recording could not leave its month");
            });
            round.count(gone.map(u64::from));
        }
    }
    round.end()
}

async fn let_go(archive: &Archive, id: RecordingId) -> Result<bool, ArchiveError> {
    // The sidecar must have the cases' wraps before the month's key may go: it is what a lost catalog is rebuilt from.
    archive.refresh_sidecar(id).await?;
    let Some(row) = archive.catalog.recording(id).await?.filter(|row| row.stage == Stage::Live) else {
        return Ok(false);
    };
    let Some(before) = archive.catalog.guard_of(id).await? else { return Ok(false) };
    let month = KeyName::Month(row.month).to_string();
    let mut cases = archive.catalog.recording_keys(id).await?;
    cases.retain(|wrap| wrap.holder != month);
    // By a case's key, not the month's: what does not open now would not open afterwards either.
    let key = archive.unwrap_any(id, &cases).await?;
    let sealed = crate::archive::row::open_row(id, &key, &row.sealed)?;
    let lookups = archive.lookups_under(&cases, &sealed.metadata).await?;
    let mut tx = archive.catalog.begin().await?;
    // Where they changed meanwhile, the next pass takes it.
    if !tx.change_holds(id, before.hold_revision).await? || !tx.is_held(id).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    tx.remove_recording_key(id, &month).await?;
    tx.replace_lookups(id, &row.account_id, &lookups).await?;
    tx.commit().await?;
    archive.refresh_sidecar(id).await?;
    Ok(true)
}
