//! That a case was purged, as the store keeps it. It says nothing of the case but when it ended.

use uuid::Uuid;

use crate::archive::{Archive, ArchiveError};
use crate::clock::Timestamp;
use crate::vault::objects::ObjectKey;

/// Keeps that a case is purged.
pub async fn keep(archive: &Archive, case: Uuid, purged_at: Timestamp) -> Result<(), ArchiveError> {
    archive.keep_time(&ObjectKey::CasePurged(case), purged_at).await
}

/// When a case was purged, as the store has it.
pub async fn read(archive: &Archive, case: Uuid) -> Result<Timestamp, ArchiveError> {
    archive.kept_time(&ObjectKey::CasePurged(case)).await
}
