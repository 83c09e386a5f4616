//! What becomes of an upload that died half-way: with its sidecar written it is whole, and is brought to its end;
//! without, its objects are deleted. Nothing of it was acknowledged, so both keep every promise.

use super::ReceiveError;
use super::claim::SETTLING;
use crate::archive::{Adoption, Archive, ArchiveError};
use crate::catalog::CallClaim;
use crate::recording::{ExpiryMonth, RecordingId};
use crate::vault::objects::{ObjectKey, Prefix, RecordingPart};

/// Dead uploads that one pass settles.
const BATCH: u32 = 100;

/// Settles one dead upload. Does nothing when somebody else was quicker.
pub async fn settle(archive: &Archive, dead: &CallClaim) -> Result<(), ReceiveError> {
    let now = archive.clock.now();
    let claim = dead.renamed();
    let taken = archive.catalog.take_over_call(dead, &claim.lease_token, now.plus(SETTLING), now).await;
    if !taken.map_err(ArchiveError::from)? {
        return Ok(());
    }
    let month: ExpiryMonth =
        claim.pending_month.parse().map_err(|_| ArchiveError::Document("a month of a pending upload"))?;
    let adoption = if claim.is_given_up() {
        Adoption::NotWhole
    } else {
        archive.adopt(month, claim.pending_id, Some(&claim)).await?
    };
    match adoption {
        Adoption::Adopted => Ok(()),
        Adoption::Known => Ok(let_go_of_known(archive, &claim).await?),
        // It may have been acknowledged, if the catalog was restored since: people look at it.
        Adoption::Conflict => Ok(archive.catalog.release_call(&claim).await.map_err(ArchiveError::from)?),
        Adoption::Pending => Ok(()),
        Adoption::NotWhole | Adoption::Duplicate | Adoption::Purged => Ok(give_up(archive, &claim, month).await?),
    }
}

/// The row is there already: it stands for its call, unless another recording does.
async fn let_go_of_known(archive: &Archive, claim: &CallClaim) -> Result<(), ArchiveError> {
    if archive.catalog.call_holder(&claim.mac).await?.is_some() {
        return Ok(archive.catalog.release_call(claim).await?);
    }
    let mut tx = archive.catalog.begin().await?;
    tx.settle_call(claim, claim.pending_id, None).await?;
    Ok(tx.commit().await?)
}

/// Settles every upload whose claim ran out, a batch at the most. Returns how many. One that fails does not keep the
/// others from being settled; the first error is returned at the end.
pub async fn settle_abandoned(archive: &Archive) -> Result<usize, ReceiveError> {
    let dead = archive.catalog.abandoned_calls(archive.clock.now(), BATCH).await.map_err(ArchiveError::from)?;
    let (mut settled, mut first) = (0, None);
    for claim in &dead {
        match settle(archive, claim).await {
            Ok(()) => settled += 1,
            Err(error) => {
                metrics::counter!("earwitness_settle_failures_total").increment(1);
                tracing::error!(recording = %claim.pending_id, %error, "a dead upload could not be settled");
                first.get_or_insert(error);
            }
        }
    }
    first.map_or(Ok(settled), Err)
}

/// Deletes what an upload left and lets go of its claim. Touches nothing when the claim is no longer the caller's, or
/// the upload became a recording: then it is somebody else's, who may have acknowledged it.
pub async fn give_up(archive: &Archive, claim: &CallClaim, month: ExpiryMonth) -> Result<(), ArchiveError> {
    let until = archive.clock.now().plus(SETTLING);
    let Some(claim) = archive.catalog.give_up_call(claim, until).await? else { return Ok(()) };
    discard(archive, month, claim.pending_id).await?;
    Ok(archive.catalog.release_call(&claim).await?)
}

/// Deletes the objects of an upload that was never acknowledged, its sidecar first: without it nothing else opens.
async fn discard(archive: &Archive, month: ExpiryMonth, id: RecordingId) -> Result<(), ArchiveError> {
    archive.store.delete(&ObjectKey::Recording { month, id, part: RecordingPart::Sidecar }).await?;
    archive.delete_all(&Prefix::recording(month, id)).await?;
    Ok(())
}
