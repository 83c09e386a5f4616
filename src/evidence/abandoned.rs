//! Packages that nobody sends any more: the process died. That they broke off is noted by whoever finds them.

use super::begin::PackagePayload;
use super::register::{self, Disclosure};
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::ledger::kind::Kind;

/// Rows that one pass takes.
const BATCH: u32 = 100;
/// Why they ended.
const FAILURE: &str = "abandoned";

/// Notes of packages that nobody sends any more that they broke off, a batch at the most. Gives how many.
pub async fn end_abandoned(archive: &Archive) -> Result<u64, ArchiveError> {
    let mut ended = 0;
    for row in archive.catalog.disclosures_abandoned(archive.clock.now(), BATCH).await? {
        let (id, case_id) = (row.id, row.case_id);
        let Disclosure { told, .. } = register::open(archive, row).await?;
        let payload = PackagePayload {
            package_id: id,
            case_id,
            actor: &told.actor,
            purpose: &told.purpose,
            recipient: &told.recipient,
            seal: &told.seal,
            sha256: None,
            byte_len: None,
            failure: Some(FAILURE),
        };
        let now = archive.clock.now();
        let (entry, _) = archive.entry(Kind::EVIDENCE_BROKEN, About::Case(case_id), &payload, now).await?;
        let mut tx = archive.catalog.begin().await?;
        if !tx.disclosure_abandoned(id, now).await? {
            tx.rollback().await?;
            continue;
        }
        tx.append_entry(&entry).await?;
        tx.commit().await?;
        archive.ledger_nudge.notify_one();
        register::keep(archive, id).await;
        ended += 1;
    }
    Ok(ended)
}
