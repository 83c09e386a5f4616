//! What a lock of the store keeps of an erased recording: its bytes, which nothing opens, because their key is destroyed at
//! once. They go when the lock ends, or as soon as a credential bypasses it; then the recording is certified once more.

use std::collections::BTreeSet;

use super::certify::facts_of;
use super::failures::Failures;
use super::steps::{LOCK_TOLERANCE, not_before};
use super::{BATCH, PurgeError};
use crate::archive::journal::About;
use crate::archive::{Archive, Swept};
use crate::catalog::{Locked, PurgeRow};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;
use crate::vault::objects::{ObjectKey, Prefix, StoreError};

fn prefix_of(purge: &PurgeRow) -> Prefix {
    Prefix::recording(purge.month, purge.recording_id)
}

fn objects_of(swept: &Swept) -> BTreeSet<ObjectKey> {
    swept.locked.iter().filter_map(|version| version.key).collect()
}

/// Deletes what can be deleted of an erased recording, and says what is locked.
pub(super) async fn delete_but_locked(archive: &Archive, purge: &PurgeRow) -> Result<Option<Locked>, PurgeError> {
    let swept = archive.delete_erased(&prefix_of(purge)).await?;
    let objects = objects_of(&swept);
    if objects.is_empty() {
        return Ok(None);
    }
    let mut until: Option<Timestamp> = None;
    for key in &objects {
        let found = archive.store.head(key).await?;
        until = until.max(found.and_then(|found| found.locked_until));
    }
    // What somebody put on hold there has no end: asked again from the deadline on.
    let until = until.unwrap_or(purge.expires_at);
    let (objects, versions) = (objects.len() as u64, swept.locked.len() as u64);
    tracing::warn!(recording = %purge.recording_id, objects, %until, "locked bytes of an erased recording wait for their lock to end");
    Ok(Some(Locked { objects, versions, until }))
}

/// Looks for an erased recording again, and deletes what is found beside what its lock keeps. Returns how many things that
/// were.
pub(super) async fn look_again(archive: &Archive, purge: &PurgeRow) -> Result<u64, PurgeError> {
    let swept = archive.delete_erased(&prefix_of(purge)).await?;
    let known = purge.locked().map_or(0, |locked| locked.versions);
    if swept.locked.len() as u64 > known {
        return Err(StoreError::Locked.into());
    }
    // A lock that ended meanwhile is deleted behind, like the others.
    let ended = known - swept.locked.len() as u64;
    Ok(swept.deleted.saturating_sub(ended))
}

/// Deletes at once what locks keep of erased recordings, where they may be bypassed by now, or somebody took them away.
/// Returns how many recordings are gone for good by that.
pub async fn erase_locked(archive: &Archive) -> Result<u64, PurgeError> {
    let mut failures = Failures::default();
    let gone = delete_remains(archive, Timestamp::from_micros(i64::MAX), &mut failures).await?;
    failures.end().1.map_or(Ok(gone), Err)
}

/// Deletes what locks kept that end by then, as far as the store lets it. Returns how many recordings are gone for good by
/// that; each gets a certificate anew.
pub(super) async fn delete_remains(
    archive: &Archive,
    by: Timestamp,
    failures: &mut Failures,
) -> Result<u64, PurgeError> {
    let (mut gone, mut after) = (0, None);
    loop {
        let page = archive.catalog.remains_after(by, after, BATCH).await?;
        let Some(last) = page.last() else { break };
        after = last.locked_until.map(|until| (until, last.recording_id));
        for purge in &page {
            match delete_one(archive, purge).await {
                Ok(done) => gone += u64::from(done),
                Err(error) => failures.of_recording(purge.recording_id, error),
            }
        }
    }
    metrics::gauge!("earwitness_erasures_locked").set(archive.catalog.count_remains().await? as f64);
    Ok(gone)
}

/// False while it is locked.
async fn delete_one(archive: &Archive, purge: &PurgeRow) -> Result<bool, PurgeError> {
    let until = purge.locked_until.unwrap_or(purge.expires_at);
    if !archive.delete_erased(&prefix_of(purge)).await?.locked.is_empty() {
        // The store counts whole seconds, by a clock of its own.
        let is_over = archive.clock.now() >= until.plus(LOCK_TOLERANCE);
        return if is_over { Err(StoreError::Locked.into()) } else { Ok(false) };
    }
    crate::failpoint::hit("purge.locked_gone");
    let at = not_before(archive, purge.looked_again_at.unwrap_or(purge.fenced_at));
    let gone = PurgeRow { bytes_deleted_at: Some(at), ..purge.clone() };
    let facts = facts_of(archive, &gone, at)?;
    let (entry, _) = archive.entry(Kind::PURGE_BYTES_DELETED, About::NothingPersonal, &facts, at).await?;
    let mut tx = archive.catalog.begin().await?;
    if !tx.bytes_deleted(purge.recording_id, at, entry.id).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    crate::failpoint::hit("purge.bytes_deleted");
    Ok(true)
}
