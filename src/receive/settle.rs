//! What becomes of an upload that died half-way: with its sidecar written it is whole, and is brought to its end;
//! without, its objects are deleted. Nothing of it was acknowledged, so both keep every promise.

use uuid::Uuid;

use super::ReceiveError;
use super::claim::SETTLING;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::CallClaim;
use crate::recording::{ExpiryMonth, RecordingId};
use crate::vault::objects::{ObjectKey, Prefix, RecordingPart};

/// Dead uploads that one pass settles.
const BATCH: u32 = 100;

/// Settles one dead upload. Does nothing when somebody else was quicker.
pub async fn settle(archive: &Archive, dead: &CallClaim) -> Result<(), ReceiveError> {
    let now = archive.clock.now();
    let token = Uuid::new_v4().to_string();
    let until = now.plus(SETTLING);
    if !archive.catalog.take_over_call(dead, &token, until, now).await.map_err(ArchiveError::from)? {
        return Ok(());
    }
    let claim = CallClaim { lease_token: token, ..dead.clone() };
    let month: ExpiryMonth =
        claim.pending_month.parse().map_err(|_| ArchiveError::Document("a month of a pending upload"))?;
    if !archive.adopt(month, claim.pending_id, Some(&claim)).await?.is_whole() {
        discard(archive, month, claim.pending_id).await?;
        archive.catalog.release_call(&claim).await.map_err(ArchiveError::from)?;
    }
    Ok(())
}

/// Settles every upload whose claim ran out, a batch at the most. Returns how many.
pub async fn settle_abandoned(archive: &Archive) -> Result<usize, ReceiveError> {
    let dead = archive.catalog.abandoned_calls(archive.clock.now(), BATCH).await.map_err(ArchiveError::from)?;
    for claim in &dead {
        settle(archive, claim).await?;
    }
    Ok(dead.len())
}

/// Deletes the objects of an upload that was never acknowledged, its sidecar first: without it nothing else opens.
pub async fn discard(archive: &Archive, month: ExpiryMonth, id: RecordingId) -> Result<(), ArchiveError> {
    archive.store.delete(&ObjectKey::Recording { month, id, part: RecordingPart::Sidecar }).await?;
    archive.delete_all(&Prefix::recording(month, id)).await?;
    Ok(())
}
