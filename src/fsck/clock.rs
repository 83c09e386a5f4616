//! Whether the clock may say that something is old. Under a wrong one everything looks old, an upload that is under way
//! as well.

use std::time::Duration;

use crate::archive::{Archive, ArchiveError};
use crate::catalog::BrakeKind;
use crate::clock::Timestamp;

/// A heartbeat further away than this says nothing of the clock.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Two clocks that differ by more than this disagree.
const DISAGREEMENT: Duration = Duration::from_secs(60);

/// Whether no brake of the purge doubts the clock, a pass of it has looked at the clock within a day, and the catalog's
/// own, where it has one, shows the same.
pub(super) async fn is_trusted(archive: &Archive) -> Result<bool, ArchiveError> {
    let doubts = |kind| matches!(kind, BrakeKind::ClockJump | BrakeKind::ClockDisagrees);
    if archive.catalog.open_brakes().await?.iter().any(|brake| doubts(brake.kind)) {
        return Ok(false);
    }
    let Some(heartbeat) = archive.catalog.last_heartbeat().await? else { return Ok(false) };
    let theirs = archive.catalog_clock().await?;
    let now = archive.clock.now();
    let apart = |other: Timestamp| now.since(other).max(other.since(now));
    Ok(apart(heartbeat) <= DAY && theirs.is_none_or(|theirs| apart(theirs) <= DISAGREEMENT))
}
