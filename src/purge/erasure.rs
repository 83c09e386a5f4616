//! A decided erasure (GDPR article 17): the recording is fenced before its deadline, and everything after that is the
//! ordinary pass. Whoever calls this has the decision of two persons, in the ledger.

use uuid::Uuid;

use super::PurgeError;
use super::steps::fenced_entry;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{EarlyFence, ErasureRow, PurgeRow, RecordingRow, Stage};
use crate::recording::RecordingId;
use crate::vault::keys::KeyName;

/// What became of an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasureOutcome {
    /// Nobody can read or hold it any more; the purge does the rest.
    Fenced,
    /// A legal hold, or a rule in force, keeps it (GDPR article 17(3)(e)). Nothing was done.
    Held,
    /// Its deadline has come, or it is being purged already.
    Gone,
    /// There is no such recording, and never was.
    NotFound,
}

/// Erases a recording before its deadline, on a request that was approved. May be repeated: what a request has fenced stays
/// [`ErasureOutcome::Fenced`] for it. From the commit on, the same call is refused until its month is over.
pub async fn erase(archive: &Archive, recording: RecordingId, request: Uuid) -> Result<ErasureOutcome, PurgeError> {
    let Some(row) = archive.catalog.recording(recording).await? else {
        return is_gone(archive, recording, request, ErasureOutcome::NotFound).await;
    };
    if row.stage != Stage::Live {
        return is_gone(archive, recording, request, ErasureOutcome::Gone).await;
    }
    let call = call_of(archive, &row).await?;
    let mac = archive.erased_mac(row.month, &call).await?;

    let mut tx = archive.catalog.begin().await?;
    // The call first, then the recording: an upload of the same call takes them in this order as well.
    tx.take_call(&call).await?;
    let now = archive.clock.now();
    let purge = match tx.fence_early(recording, request, now).await? {
        EarlyFence::Fenced(purge) => purge,
        EarlyFence::Held => {
            tx.rollback().await?;
            return Ok(ErasureOutcome::Held);
        }
        EarlyFence::NotLive => {
            tx.rollback().await?;
            return is_gone(archive, recording, request, ErasureOutcome::Gone).await;
        }
    };
    let erasure = ErasureRow { recording_id: recording, month: purge.month, mac, erased_at: now };
    tx.keep_erasure(&erasure).await?;
    tx.append_entry(&fenced_entry(archive, &purge).await?).await?;
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    // The pass does it before it destroys anything; here, so that a catalog that is lost in this moment gets it back.
    if let Err(error) = archive.keep_tombstone(&erasure, &purge).await {
        tracing::warn!(%recording, %error, "the store does not know yet that a recording is erased");
    }
    archive.purge_nudge.notify_one();
    Ok(ErasureOutcome::Fenced)
}

async fn is_gone(
    archive: &Archive,
    recording: RecordingId,
    request: Uuid,
    otherwise: ErasureOutcome,
) -> Result<ErasureOutcome, PurgeError> {
    Ok(match archive.catalog.purge_of(recording).await? {
        Some(purge) if purge.request_id == Some(request) => ErasureOutcome::Fenced,
        Some(_) => ErasureOutcome::Gone,
        None => otherwise,
    })
}

/// The hash of the recording's call in the whole installation.
async fn call_of(archive: &Archive, row: &RecordingRow) -> Result<Vec<u8>, PurgeError> {
    let (_, sealed) = archive.open_recording(row).await?;
    let installation = archive.keyring.ensure_secret(&KeyName::Installation).await.map_err(ArchiveError::from)?;
    Ok(installation.call_uniqueness_mac(&sealed.metadata.call_id, sealed.metadata.part).to_vec())
}

/// Before anything of an erased recording is destroyed the store has its tombstone: an old catalog then brings back neither
/// the recording nor its call.
pub(super) async fn keep_tombstone(archive: &Archive, purge: &PurgeRow) -> Result<(), PurgeError> {
    let erasure = archive.catalog.erasure(purge.recording_id).await?;
    let erasure = erasure.ok_or(ArchiveError::Document("an erasure without its tombstone"))?;
    archive.keep_tombstone(&erasure, purge).await?;
    crate::failpoint::hit("erasure.tombstone_kept");
    Ok(())
}
