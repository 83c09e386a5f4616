//! A row that is older than its sidecar: decisions, related data and holds since the backup are applied.

use std::collections::HashSet;

use crate::archive::row::open_row;
use crate::archive::{Archive, ArchiveError};
use crate::recording::{ExpiryMonth, RecordingId};

/// Brings the row up to its sidecar. True when it was older.
pub(super) async fn catch_up(archive: &Archive, month: ExpiryMonth, id: RecordingId) -> Result<bool, ArchiveError> {
    let Some(row) = archive.catalog.recording(id).await? else { return Ok(false) };
    let Some(sidecar) = archive.read_sidecar(month, id).await? else { return Ok(false) };
    if row.revision >= sidecar.body.revision {
        return Ok(false);
    }
    let opened = open_row(id, &sidecar.key, &sidecar.body.sealed)?;
    let lookups = archive.lookups_under(&sidecar.wraps, &opened.metadata).await?;
    let wraps = archive.catalog.recording_keys(id).await?;
    let held: HashSet<_> = archive.catalog.holds_of(id).await?.into_iter().map(|hold| hold.id).collect();
    let now = archive.clock.now();
    let mut tx = archive.catalog.begin().await?;
    let body = &sidecar.body;
    if !tx.restore_revision(id, row.revision, body.revision, body.status, &body.sealed).await? {
        return Ok(false);
    }
    tx.replace_lookups(id, &row.account_id, &lookups).await?;
    for wrap in &sidecar.wraps {
        tx.add_recording_key(id, wrap).await?;
    }
    // A case that let go of it since, or its month, whose key may be gone.
    for over in wraps.iter().filter(|old| !sidecar.wraps.iter().any(|new| new.holder == old.holder)) {
        tx.remove_recording_key(id, &over.holder).await?;
    }
    for related in &body.related {
        tx.put_related(id, &related.into()).await?;
    }
    for hold in body.holds.iter().filter(|hold| !held.contains(&hold.id)) {
        tx.restore_hold(&hold.to_row(id)).await?;
    }
    for released in held.iter().filter(|hold| !body.holds.iter().any(|h| h.id == **hold)) {
        tx.release_hold(*released, now).await?;
    }
    for released in &body.released {
        tx.restore_released_hold(&released.hold.to_row(id), released.released_at).await?;
    }
    for entry in &body.entries {
        tx.append_missing_entry(&entry.to_new(Some(id))?).await?;
    }
    tx.commit().await?;
    Ok(true)
}
