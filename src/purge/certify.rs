//! The certificate: what was deleted, when, by which rule, with the proof that the ledger says so.

use std::collections::BTreeMap;

use super::{BATCH, PurgeError};
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{PurgeRow, PurgeStage};
use crate::clock::Timestamp;
use crate::ledger::certificate::{Backups, BackupsEndBy, Certificate, Counts, PurgeFacts, PurgeGround};
use crate::ledger::sequencer::entry_of;
use crate::ledger::shapes::ProvenEntry;
use crate::vault::objects::ObjectKey;

/// Counts that are not rows of a table.
const NOT_TABLES: [&str; 5] = ["objects", "object_versions", "pending_uploads", "keys", "ledger_openings"];

/// What the purge did, as the certificate and the ledger's entry say it.
pub fn facts_of(archive: &Archive, purge: &PurgeRow, looked_again_at: Timestamp) -> Result<PurgeFacts, PurgeError> {
    let count = |name: &str| purge.deleted.get(name).copied().unwrap_or(0);
    let tables = || purge.deleted.iter().filter(|(name, _)| !NOT_TABLES.contains(&name.as_str()));
    let step = |at: Option<Timestamp>| at.ok_or(ArchiveError::Document("a purge without the time of a step"));
    let deleted = Counts {
        objects: count("objects"),
        object_versions: count("object_versions"),
        pending_uploads: count("pending_uploads"),
        keys: count("keys"),
        ledger_openings: count("ledger_openings"),
        rows: tables().map(|(name, n)| (name.clone(), *n)).collect(),
    };
    let rows: BTreeMap<String, u64> = tables().map(|(name, _)| (name.clone(), 0)).collect();
    Ok(PurgeFacts {
        recording_id: purge.recording_id,
        ground: PurgeGround::Deadline,
        rule: purge.rule.clone(),
        month: purge.month,
        expires_at: purge.expires_at,
        fenced_at: purge.fenced_at,
        keys_destroyed_at: step(purge.keys_destroyed_at)?,
        objects_deleted_at: step(purge.objects_deleted_at)?,
        rows_deleted_at: step(purge.rows_deleted_at)?,
        looked_again_at,
        deleted,
        found_again: Counts { rows, ..Counts::default() },
        backups: backups(archive, purge, looked_again_at),
    })
}

/// Backups end with the month's key, or earlier where none is kept that long.
fn backups(archive: &Archive, purge: &PurgeRow, looked_again_at: Timestamp) -> Backups {
    let month = super::months::destroyed_from(archive, purge.month);
    let age = archive.config.backup_max_age;
    let aged = (!age.is_zero()).then(|| looked_again_at.plus(age));
    match (month, aged) {
        (Some(month), Some(aged)) if aged < month => {
            Backups { unreadable_from: Some(aged), by: BackupsEndBy::GreatestAge }
        }
        (month, _) => Backups { unreadable_from: month, by: BackupsEndBy::MonthKeyDestroyed },
    }
}

/// Writes the certificates of what was looked at again, once the ledger has published its entry.
pub async fn certify(archive: &Archive) -> Result<u64, PurgeError> {
    let batch = archive.catalog.purges_at(PurgeStage::LookedAgain, BATCH).await?;
    if batch.is_empty() {
        return Ok(0);
    }
    archive.publish_ledger().await?;
    let mut certified = 0;
    for purge in &batch {
        certified += u64::from(certify_one(archive, purge).await?);
    }
    Ok(certified)
}

async fn certify_one(archive: &Archive, purge: &PurgeRow) -> Result<bool, PurgeError> {
    let entry_id = purge.entry_id.ok_or(ArchiveError::Document("a purge without its entry"))?;
    let Some(proven) = prove(archive, entry_id).await? else { return Ok(false) };
    let looked_again_at = purge.looked_again_at.ok_or(ArchiveError::Document("a purge that did not look again"))?;
    let certificate = Certificate {
        document_type: String::new(),
        facts: facts_of(archive, purge, looked_again_at)?,
        controller: archive.controller(),
        ledger: proven,
        signature: None,
    };
    let document = certificate.sign(&archive.signing)?;
    let name = ObjectKey::Certificate { month: purge.month, id: purge.recording_id };
    archive.store.put(&name, document.clone().into()).await?;
    crate::failpoint::hit("purge.certificate_stored");
    let mut tx = archive.catalog.begin().await?;
    tx.certify(purge, &document, archive.clock.now()).await?;
    tx.commit().await?;
    crate::failpoint::hit("purge.certified");
    Ok(true)
}

/// The entry with its opening, its proof and the checkpoint; none while the ledger has not published it.
pub async fn prove(archive: &Archive, entry_id: uuid::Uuid) -> Result<Option<ProvenEntry>, PurgeError> {
    let Some(row) = archive.catalog.opening(entry_id).await? else {
        return Err(ArchiveError::Document("an entry without its opening").into());
    };
    let opening = archive.open_plain(&row.sealed_under, &row.sealed)?;
    let Some((_, proof)) = archive.ledger().prove(&row.entry).await? else { return Ok(None) };
    let Some(seq) = row.entry.seq else { return Ok(None) };
    Ok(Some(ProvenEntry::new(seq, &entry_of(&row.entry.entry)?, &opening, &proof)?))
}
