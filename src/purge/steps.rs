//! The steps of a purge. Each takes what stands at one stage to the next, and can be repeated after a crash.

use serde::Serialize;

use super::certify::facts_of;
use super::{BATCH, PurgeError};
use crate::archive::Archive;
use crate::archive::journal::About;
use crate::catalog::{CatalogError, PurgeRow, PurgeStage};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;
use crate::recording::RecordingId;
use crate::vault::objects::{ObjectKey, Prefix, RecordingPart};

/// What the fence's entry commits to. No personal data.
#[derive(Serialize)]
struct Fenced<'a> {
    recording_id: RecordingId,
    rule: &'a str,
    expires_at: Timestamp,
}

/// Fences what is due. From here on nobody can read or hold it.
pub async fn fence(archive: &Archive) -> Result<u64, PurgeError> {
    let mut fenced = 0;
    for id in archive.catalog.due(archive.clock.now(), BATCH).await? {
        fenced += u64::from(fence_one(archive, id).await?);
    }
    Ok(fenced)
}

async fn fence_one(archive: &Archive, id: RecordingId) -> Result<bool, PurgeError> {
    let now = archive.clock.now();
    let mut tx = archive.catalog.begin().await?;
    let purge = match tx.fence(id, now).await {
        Ok(Some(purge)) => purge,
        Ok(None) => return Ok(false),
        // A hold was committed between the look and the fence: it wins.
        Err(CatalogError::Unexpected(_)) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let payload = Fenced { recording_id: id, rule: &purge.rule, expires_at: purge.expires_at };
    let (entry, _) = archive.entry(Kind::PURGE_FENCED, About::NothingPersonal, &payload, now).await?;
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    crate::failpoint::hit("purge.fenced");
    Ok(true)
}

/// Destroys the wrapped keys: first the sidecar's, then the catalog's.
pub async fn destroy_keys(archive: &Archive) -> Result<u64, PurgeError> {
    let batch = archive.catalog.purges_at(PurgeStage::Fenced, BATCH).await?;
    for purge in &batch {
        let found = archive.count_objects(&Prefix::recording(purge.month, purge.recording_id)).await?;
        let sidecar = ObjectKey::Recording { month: purge.month, id: purge.recording_id, part: RecordingPart::Sidecar };
        archive.store.delete(&sidecar).await?;
        crate::failpoint::hit("purge.sidecar_deleted");
        let mut tx = archive.catalog.begin().await?;
        tx.destroy_keys(purge, &found, not_before(archive, purge.fenced_at)).await?;
        tx.commit().await?;
        crate::failpoint::hit("purge.keys_destroyed");
    }
    Ok(batch.len() as u64)
}

/// Deletes every object, in all versions, and what unfinished writes left.
pub async fn delete_objects(archive: &Archive) -> Result<u64, PurgeError> {
    let batch = archive.catalog.purges_at(PurgeStage::KeysDestroyed, BATCH).await?;
    for purge in &batch {
        archive.delete_all(&Prefix::recording(purge.month, purge.recording_id)).await?;
        crate::failpoint::hit("purge.objects_gone");
        let at = not_before(archive, purge.keys_destroyed_at.unwrap_or(purge.fenced_at));
        let mut tx = archive.catalog.begin().await?;
        tx.objects_deleted(purge, at).await?;
        tx.commit().await?;
        crate::failpoint::hit("purge.objects_deleted");
    }
    Ok(batch.len() as u64)
}

/// Deletes the rows and erases the openings of the ledger's entries.
pub async fn delete_rows(archive: &Archive) -> Result<u64, PurgeError> {
    let batch = archive.catalog.purges_at(PurgeStage::ObjectsDeleted, BATCH).await?;
    for purge in &batch {
        let at = not_before(archive, purge.objects_deleted_at.unwrap_or(purge.fenced_at));
        let mut tx = archive.catalog.begin().await?;
        tx.delete_rows(purge, at).await?;
        tx.commit().await?;
        crate::failpoint::hit("purge.rows_deleted");
    }
    Ok(batch.len() as u64)
}

/// Looks for everything again, in store and catalog. What is found is deleted again; only when nothing is found does
/// the purge go on to its certificate.
pub async fn look_again(archive: &Archive) -> Result<u64, PurgeError> {
    let batch = archive.catalog.purges_at(PurgeStage::RowsDeleted, BATCH).await?;
    if batch.is_empty() {
        return Ok(0);
    }
    archive.catalog.settle().await?;
    let mut clean = 0;
    for purge in &batch {
        clean += u64::from(look_again_at(archive, purge).await?);
    }
    Ok(clean)
}

async fn look_again_at(archive: &Archive, purge: &PurgeRow) -> Result<bool, PurgeError> {
    let prefix = Prefix::recording(purge.month, purge.recording_id);
    if archive.delete_all(&prefix).await? > 0 {
        tracing::warn!(recording = %purge.recording_id, "an upload in flight had left objects behind the purge");
        return Ok(false);
    }
    let at = not_before(archive, purge.rows_deleted_at.unwrap_or(purge.fenced_at));
    let facts = facts_of(archive, purge, at)?;
    let (entry, _) = archive.entry(Kind::PURGE_COMPLETED, About::NothingPersonal, &facts, at).await?;
    let mut tx = archive.catalog.begin().await?;
    tx.looked_again(purge.recording_id, at, entry.id).await?;
    let left = tx.rows_left(purge.recording_id).await?;
    if left > 0 {
        tx.rollback().await?;
        return Err(PurgeError::RowsLeft { left });
    }
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    crate::failpoint::hit("purge.looked_again");
    Ok(true)
}

/// Now, or `earlier` where the clock went back: a certificate's times never run backwards.
fn not_before(archive: &Archive, earlier: Timestamp) -> Timestamp {
    archive.clock.now().max(earlier)
}
