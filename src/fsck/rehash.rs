//! Reading every recording again, whole: does it open, and is it what was received?

use aws_lc_rs::digest::{Context, SHA256};
use futures::TryStreamExt as _;

use super::report::{Action, Problem, Report};
use super::trouble::is_of_one_object;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{RecordingRow, Stage};
use crate::recording::RecordingId;
use crate::vault::objects::{ObjectKey, RecordingPart, StoreError};
use crate::vault::{SealError, VaultError, sealed};

const PAGE: u32 = 1_000;

/// Walks over all recordings.
pub(super) async fn check(archive: &Archive, report: &mut Report) -> Result<(), ArchiveError> {
    let mut after: Option<RecordingId> = None;
    loop {
        let ids = archive.catalog.recording_ids_after(after, PAGE).await?;
        for id in &ids {
            if let Some(row) = archive.catalog.recording(*id).await?
                && row.stage == Stage::Live
            {
                report.rehashed += 1;
                if let Some(problem) = check_one(archive, &row).await? {
                    report.add(problem, Action::Reported, row.id);
                }
            }
        }
        after = ids.last().copied();
        if ids.len() < PAGE as usize {
            return Ok(());
        }
    }
}

async fn check_one(archive: &Archive, row: &RecordingRow) -> Result<Option<Problem>, ArchiveError> {
    let (key, sealed_row) = match archive.open_recording(row).await {
        Ok(opened) => opened,
        Err(error) if is_of_one_object(&error) => return Ok(Some(Problem::Unreadable)),
        Err(error) => return Err(error),
    };
    let name = ObjectKey::Recording { month: row.month, id: row.id, part: RecordingPart::Audio };
    let aad = RecordingPart::Audio.aad(row.id);
    let mut audio = Box::pin(sealed::open_range(archive.store.clone(), &name, &key, &aad, 0..row.byte_len));
    let mut hash = Context::new(&SHA256);
    loop {
        match audio.try_next().await {
            Ok(Some(bytes)) => hash.update(&bytes),
            Ok(None) => break,
            // Missing audio was reported by the walk over rows.
            Err(VaultError::Store(StoreError::NotFound)) => return Ok(None),
            Err(VaultError::Seal(SealError::RangeOutside)) => return Ok(Some(Problem::DigestMismatch)),
            Err(VaultError::Seal(_)) => return Ok(Some(Problem::Unreadable)),
            Err(error) => return Err(error.into()),
        }
    }
    let same = hex::encode(hash.finish()) == sealed_row.sha256;
    Ok((!same).then_some(Problem::DigestMismatch))
}
