//! How a package ended, in the ledger and in the register: complete, broken off, or abandoned because the process died.

use super::EvidenceError;
use super::begin::Begun;
use super::payload::PackagePayload;
use super::register::{self, Disclosure};
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::NewEntry;
use crate::find::{FindError, Sight, look_up};
use crate::ledger::kind::Kind;
use crate::recording::RecordingId;

/// Abandoned packages that one pass takes.
const BATCH: u32 = 100;
/// Why they ended.
const ABANDONED: &str = "abandoned";

/// Notes that a package is complete: nothing in it may have ended meanwhile.
pub(super) async fn made(archive: &Archive, begun: &Begun, sha256: &str, byte_len: u64) -> Result<(), EvidenceError> {
    let payload = PackagePayload { sha256: Some(sha256), byte_len: Some(byte_len), ..begun.payload() };
    let now = archive.clock.now();
    let recordings: Vec<RecordingId> = begun.recordings().collect();
    let entries = entries(archive, &Kind::EVIDENCE_MADE, &payload, &recordings).await?;
    if entries.len() < recordings.len() {
        return Err(FindError::Gone.into());
    }
    for id in &recordings {
        look_up(archive, *id, Sight::View(&begun.reader.view)).await?;
    }
    let (of_case, _) = archive.entry(Kind::EVIDENCE_MADE, About::Case(begun.case.id), &payload, now).await?;
    let mut tx = archive.catalog.begin().await?;
    for (id, entry) in &entries {
        if !tx.keep_live(*id).await? {
            tx.rollback().await?;
            return Err(FindError::Gone.into());
        }
        tx.append_entry(entry).await?;
    }
    tx.disclosure_made(begun.id(), now, byte_len, sha256).await?;
    tx.append_entry(&of_case).await?;
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    metrics::counter!("earwitness_packages_made_total").increment(1);
    Ok(())
}

/// Notes that a package was not sent to its end.
pub(super) async fn broken(archive: &Archive, begun: &Begun, failure: &'static str) -> Result<(), ArchiveError> {
    let payload = PackagePayload { failure: Some(failure), ..begun.payload() };
    let recordings: Vec<RecordingId> = begun.recordings().collect();
    note_broken(archive, &payload, &recordings).await.map(|_| ())
}

/// Notes of packages that nobody sends any more that they broke off, a batch at the most. Gives how many.
pub async fn end_abandoned(archive: &Archive) -> Result<u64, ArchiveError> {
    let mut ended = 0;
    for row in archive.catalog.disclosures_abandoned(archive.clock.now(), BATCH).await? {
        let (id, case_id) = (row.id, row.case_id);
        let recordings = archive.catalog.recordings_disclosed(id).await?;
        let Disclosure { told, .. } = register::open(archive, row).await?;
        let payload = PackagePayload {
            package_id: id,
            case_id,
            actor: &told.actor,
            purpose: &told.purpose,
            recipient: &told.recipient,
            seal: &told.seal,
            package_sha256: None,
            promise: None,
            sha256: None,
            byte_len: None,
            failure: Some(ABANDONED),
        };
        ended += u64::from(note_broken(archive, &payload, &recordings).await?);
    }
    Ok(ended)
}

/// False where somebody said before how it ended, or sends it after all.
async fn note_broken(
    archive: &Archive,
    payload: &PackagePayload<'_>,
    recordings: &[RecordingId],
) -> Result<bool, ArchiveError> {
    let (id, case, now) = (payload.package_id, payload.case_id, archive.clock.now());
    let entries = entries(archive, &Kind::EVIDENCE_BROKEN, payload, recordings).await?;
    let (of_case, _) = archive.entry(Kind::EVIDENCE_BROKEN, About::Case(case), payload, now).await?;
    let mut tx = archive.catalog.begin().await?;
    for (id, entry) in &entries {
        if tx.keep_live(*id).await? {
            tx.append_entry(entry).await?;
        }
    }
    let is_abandoned = payload.failure == Some(ABANDONED);
    let is_news =
        if is_abandoned { tx.disclosure_abandoned(id, now).await? } else { tx.disclosure_broken(id, now).await? };
    if !is_news {
        tx.rollback().await?;
        return Ok(false);
    }
    tx.append_entry(&of_case).await?;
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    register::keep(archive, id).await;
    Ok(true)
}

/// An entry about each recording, in the order in which everybody takes their rows. One that is gone by now gets none.
async fn entries(
    archive: &Archive,
    kind: &Kind,
    payload: &PackagePayload<'_>,
    recordings: &[RecordingId],
) -> Result<Vec<(RecordingId, NewEntry)>, ArchiveError> {
    let now = archive.clock.now();
    let mut entries = Vec::with_capacity(recordings.len());
    for id in recordings {
        let Some(row) = archive.catalog.recording(*id).await? else { continue };
        let key = match archive.open_recording(&row).await {
            Ok((key, _)) => key,
            Err(error) if matches!(error.code(), "gone" | "key-gone") => continue,
            Err(error) => return Err(error),
        };
        let (entry, _) = archive.entry(kind.clone(), About::Recording(*id, &key), payload, now).await?;
        entries.push((*id, entry));
    }
    entries.sort_by_key(|(id, _)| *id);
    Ok(entries)
}
