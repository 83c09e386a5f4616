//! The steps of a purge. Each takes what stands at one stage to the next, and can be repeated after a crash.
//!
//! A step takes a bounded number of recordings. Those that fail do not count, or as many broken ones as that would keep
//! all others from ever being purged: the look goes on behind them.

use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use super::certify::{certify_one, facts_of};
use super::erasure::keep_tombstone;
use super::failures::Failures;
use super::remains;
use super::{BATCH, PurgeError};
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{CatalogError, NewEntry, PurgeRow, PurgeStage};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;
use crate::recording::RecordingId;
use crate::retention::PurgeGround;
use crate::statistics::{self, Contribution};
use crate::vault::VaultError;
use crate::vault::objects::{ObjectKey, Prefix, RecordingPart, StoreError};

/// What the fence's entry commits to. No personal data.
#[derive(Serialize)]
struct Fenced<'a> {
    recording_id: RecordingId,
    ground: PurgeGround,
    rule: &'a str,
    expires_at: Timestamp,
    /// The request on which an erasure was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Uuid>,
}

/// The entry that says that a recording is fenced, and why.
pub(super) async fn fenced_entry(archive: &Archive, purge: &PurgeRow) -> Result<NewEntry, ArchiveError> {
    let payload = Fenced {
        recording_id: purge.recording_id,
        ground: purge.ground,
        rule: &purge.rule,
        expires_at: purge.expires_at,
        request_id: purge.request_id,
    };
    let entry = archive.entry(Kind::PURGE_FENCED, About::NothingPersonal, &payload, purge.fenced_at).await?;
    Ok(entry.0)
}

/// Fences what is due. From here on nobody can read or hold it.
pub async fn fence(archive: &Archive, failures: &mut Failures) -> Result<u64, PurgeError> {
    let now = archive.clock.now();
    let (mut fenced, mut tried) = (0, 0);
    let mut after = None;
    while tried < BATCH {
        let page = archive.catalog.due_after(now, after, BATCH - tried).await?;
        let Some(last) = page.last() else { break };
        after = Some(*last);
        for (_, id) in &page {
            match fence_one(archive, *id).await {
                Ok(done) => (fenced, tried) = (fenced + u64::from(done), tried + 1),
                Err(error) => failures.of_recording(*id, error),
            }
        }
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
    tx.append_entry(&fenced_entry(archive, &purge).await?).await?;
    tx.commit().await?;
    crate::failpoint::hit("purge.fenced");
    Ok(true)
}

/// Takes what stands at `stage` to the next one. Returns how many got there.
pub async fn advance(archive: &Archive, stage: PurgeStage, failures: &mut Failures) -> Result<u64, PurgeError> {
    let (mut done, mut tried) = (0, 0);
    let mut after = None;
    while tried < BATCH {
        let page = archive.catalog.purges_after(stage, after, BATCH - tried).await?;
        let Some(last) = page.last() else { break };
        if after.is_none() && !make_ready(archive, stage).await? {
            break;
        }
        after = Some((last.fenced_at, last.recording_id));
        for purge in &page {
            match advance_one(archive, stage, purge).await {
                Ok(moved) => (done, tried) = (done + u64::from(moved), tried + 1),
                Err(error) => failures.of_recording(purge.recording_id, error),
            }
        }
    }
    Ok(done)
}

/// What a stage needs once before its first recording; false when it has to wait for the next pass.
pub(super) async fn make_ready(archive: &Archive, stage: PurgeStage) -> Result<bool, PurgeError> {
    match stage {
        PurgeStage::RowsDeleted => {
            let settled = archive.catalog.settle().await?;
            if !settled {
                tracing::warn!(
                    "a long read keeps deleted rows in the catalog's log: looked for again by the next pass"
                );
            }
            Ok(settled)
        }
        PurgeStage::LookedAgain => {
            archive.publish_ledger().await?;
            Ok(true)
        }
        _ => Ok(true),
    }
}

/// Takes one recording's purge a step further; false when it has to wait.
async fn advance_one(archive: &Archive, stage: PurgeStage, purge: &PurgeRow) -> Result<bool, PurgeError> {
    match stage {
        PurgeStage::Fenced => destroy_keys(archive, purge).await,
        PurgeStage::KeysDestroyed => delete_objects(archive, purge).await,
        PurgeStage::ObjectsDeleted => delete_rows(archive, purge).await,
        PurgeStage::RowsDeleted => look_again(archive, purge).await,
        PurgeStage::LookedAgain => certify_one(archive, purge).await,
        PurgeStage::Certified => Ok(false),
    }
}

/// Destroys the wrapped keys: first the sidecar's, then the catalog's.
async fn destroy_keys(archive: &Archive, purge: &PurgeRow) -> Result<bool, PurgeError> {
    if purge.ground == PurgeGround::Erasure {
        keep_tombstone(archive, purge).await?;
    }
    let found = archive.count_objects(&Prefix::recording(purge.month, purge.recording_id)).await?;
    let sidecar = ObjectKey::Recording { month: purge.month, id: purge.recording_id, part: RecordingPart::Sidecar };
    archive.store.delete(&sidecar).await?;
    crate::failpoint::hit("purge.sidecar_deleted");
    let mut tx = archive.catalog.begin().await?;
    tx.destroy_keys(purge, &found, not_before(archive, purge.fenced_at)).await?;
    tx.commit().await?;
    crate::failpoint::hit("purge.keys_destroyed");
    Ok(true)
}

/// How long after a deadline the store's clock may still take an object for locked: it counts whole seconds, and is not
/// ours.
pub(super) const LOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// Deletes every object, in all versions, and what unfinished writes left. False while the store's lock, which ends on
/// the whole second, still stands; an erasure leaves behind what is locked, and which nothing opens any more.
async fn delete_objects(archive: &Archive, purge: &PurgeRow) -> Result<bool, PurgeError> {
    let guard = archive.catalog.guard_of(purge.recording_id).await?;
    if guard.is_some_and(|guard| guard.was_ever_held) {
        archive.lift_holds(purge.month, purge.recording_id).await?;
    }
    let mut locked = None;
    if purge.ground == PurgeGround::Erasure {
        locked = remains::delete_but_locked(archive, purge).await?;
    } else {
        match archive.delete_all(&Prefix::recording(purge.month, purge.recording_id)).await {
            Ok(_) => {}
            Err(ArchiveError::Vault(VaultError::Store(StoreError::Locked)))
                if archive.clock.now() < purge.expires_at.plus(LOCK_TOLERANCE) =>
            {
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
    }
    crate::failpoint::hit("purge.objects_gone");
    let at = not_before(archive, purge.keys_destroyed_at.unwrap_or(purge.fenced_at));
    let mut tx = archive.catalog.begin().await?;
    tx.objects_deleted(purge, at, locked.as_ref()).await?;
    tx.commit().await?;
    crate::failpoint::hit("purge.objects_deleted");
    Ok(true)
}

/// How long a purge waits for the key that seals its count.
const COUNT_PATIENCE: Duration = Duration::from_secs(3600);

/// What the statistics are to count. That a call is gone matters more than that it was counted: once its purge has waited for
/// long enough, it goes on without.
async fn counted(archive: &Archive, purge: &PurgeRow, at: Timestamp) -> Result<Option<Contribution>, PurgeError> {
    match statistics::contribution(archive, purge.recording_id, at).await {
        Err(error) if at.since(purge.fenced_at) >= COUNT_PATIENCE => {
            statistics::lost();
            tracing::error!(recording = %purge.recording_id, %error, "a purged call is missing in the statistics");
            Ok(None)
        }
        counted => Ok(counted?),
    }
}

/// Deletes the rows and erases the openings of the ledger's entries.
async fn delete_rows(archive: &Archive, purge: &PurgeRow) -> Result<bool, PurgeError> {
    let at = not_before(archive, purge.objects_deleted_at.unwrap_or(purge.fenced_at));
    let counted = counted(archive, purge, at).await?;
    let mut tx = archive.catalog.begin().await?;
    if let Some(counted) = &counted {
        statistics::count(&mut tx, counted).await?;
    }
    tx.delete_rows(purge, at).await?;
    tx.commit().await?;
    crate::failpoint::hit("purge.rows_deleted");
    Ok(true)
}

/// Looks for everything again, in store and catalog. What is found is deleted again; only when nothing is found does
/// the purge go on to its certificate.
async fn look_again(archive: &Archive, purge: &PurgeRow) -> Result<bool, PurgeError> {
    let deleted = if purge.ground == PurgeGround::Erasure {
        remains::look_again(archive, purge).await?
    } else {
        archive.delete_all(&Prefix::recording(purge.month, purge.recording_id)).await?
    };
    if deleted > 0 {
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
pub(super) fn not_before(archive: &Archive, earlier: Timestamp) -> Timestamp {
    archive.clock.now().max(earlier)
}
