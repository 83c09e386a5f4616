//! One upload at a time per call: the claim, its renewal, and what becomes of the claim of an upload that died.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::ReceiveError;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{CallClaim, CallState};
use crate::recording::{ExpiryMonth, RecordingId};

/// How long a claim lasts without being renewed.
const LEASE: Duration = Duration::from_secs(60);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(15);
/// How often somebody who waits looks again.
const WAIT: Duration = Duration::from_millis(50);

/// A claim that renews itself until it is dropped.
pub struct HeldClaim {
    /// The claim.
    pub claim: CallClaim,
    /// The recording that stands for the call so far.
    pub previous: Option<RecordingId>,
    _renewal: AbortOnDropHandle<()>,
}

/// What was found at the call.
pub enum Claimed {
    /// The caller may go on.
    Held(HeldClaim),
    /// A recording stands for the call, and the caller wanted to look at it first.
    Standing(RecordingId),
}

/// Claims a call for the recording `id`. Waits while somebody else is uploading it; settles what a dead upload left.
/// With `look_first`, a recording that already stands for the call is returned before anything is claimed.
pub async fn claim(
    archive: &Arc<Archive>,
    mac: &[u8],
    id: RecordingId,
    month: ExpiryMonth,
    look_first: bool,
) -> Result<Claimed, ReceiveError> {
    let claim = CallClaim {
        mac: mac.to_vec(),
        lease_token: Uuid::new_v4().to_string(),
        pending_id: id,
        pending_month: month.to_string(),
    };
    loop {
        if look_first && let Some(standing) = archive.catalog.call_holder(mac).await.map_err(ArchiveError::from)? {
            return Ok(Claimed::Standing(standing));
        }
        let now = archive.clock.now();
        match archive.catalog.claim_call(&claim, now.plus(LEASE), now).await.map_err(ArchiveError::from)? {
            CallState::Claimed(Some(standing)) if look_first => {
                // Somebody finished between the look and the claim.
                archive.catalog.release_call(&claim).await.map_err(ArchiveError::from)?;
                return Ok(Claimed::Standing(standing));
            }
            CallState::Claimed(previous) => {
                let renewal = AbortOnDropHandle::new(tokio::spawn(renew(archive.clone(), claim.clone())));
                return Ok(Claimed::Held(HeldClaim { claim, previous, _renewal: renewal }));
            }
            CallState::Abandoned(dead) => {
                super::settle::settle(archive, &dead).await?;
            }
            CallState::Busy => tokio::time::sleep(WAIT).await,
        }
    }
}

async fn renew(archive: Arc<Archive>, claim: CallClaim) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        let until = archive.clock.now().plus(LEASE);
        match archive.catalog.renew_call(&claim, until).await {
            Ok(true) => {}
            // The commit asserts the claim once more, so a lost one harms nothing.
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "the claim on a call could not be renewed"),
        }
    }
}

/// How long a taken-over claim lasts while what is behind it is settled.
pub(super) const SETTLING: Duration = LEASE;
