//! The certificate: what was deleted, when, by which rule, with the proof that the ledger says so.

use std::time::Duration;

use super::PurgeError;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::PurgeRow;
use crate::clock::Timestamp;
use crate::ledger::certificate::{Backups, BackupsEndBy, Certificate, Counts, LockedObjects, PurgeFacts};
use crate::ledger::sequencer::entry_of;
use crate::ledger::shapes::ProvenEntry;
use crate::vault::objects::ObjectKey;

/// What the purge did, as the certificate and the ledger's entry say it.
pub fn facts_of(archive: &Archive, purge: &PurgeRow, looked_again_at: Timestamp) -> Result<PurgeFacts, PurgeError> {
    let step = |at: Option<Timestamp>| at.ok_or(ArchiveError::Document("a purge without the time of a step"));
    let locked = purge.locked();
    // Counted with the others before anything was deleted.
    let kept = locked.filter(|_| purge.has_remains());
    let mut deleted = Counts::of(&purge.deleted);
    deleted.objects = deleted.objects.saturating_sub(kept.map_or(0, |kept| kept.objects));
    deleted.object_versions = deleted.object_versions.saturating_sub(kept.map_or(0, |kept| kept.versions));
    let found_again = deleted.none_left();
    Ok(PurgeFacts {
        recording_id: purge.recording_id,
        ground: purge.ground,
        rule: purge.rule.clone(),
        month: purge.month,
        expires_at: purge.expires_at,
        fenced_at: purge.fenced_at,
        keys_destroyed_at: step(purge.keys_destroyed_at)?,
        objects_deleted_at: step(purge.objects_deleted_at)?,
        rows_deleted_at: step(purge.rows_deleted_at)?,
        looked_again_at,
        deleted,
        found_again,
        locked: locked.map(|locked| LockedObjects {
            objects: locked.objects,
            object_versions: locked.versions,
            until: locked.until,
            deleted_at: purge.bytes_deleted_at,
        }),
        backups: backups(archive.config.backup_max_age, looked_again_at),
    })
}

/// A date is stated only where one is certain: the age beyond which no backup is kept. The month's key lives on while
/// anything is left under it, a held recording for years; the record of its destruction will have that date.
fn backups(greatest_age: Duration, looked_again_at: Timestamp) -> Backups {
    if greatest_age.is_zero() {
        return Backups { unreadable_from: None, by: BackupsEndBy::MonthKeyDestroyed };
    }
    Backups { unreadable_from: Some(looked_again_at.plus(greatest_age)), by: BackupsEndBy::GreatestAge }
}

/// Writes the certificate of what was looked at again; false while the ledger has not published its entry.
pub async fn certify_one(archive: &Archive, purge: &PurgeRow) -> Result<bool, PurgeError> {
    let entry_id = purge.entry_id.ok_or(ArchiveError::Document("a purge without its entry"))?;
    let Some(proven) = prove(archive, entry_id).await? else { return Ok(false) };
    // Read back, not computed again: what is configured may have changed since, and the certificate says what the
    // ledger says.
    let facts: PurgeFacts = serde_json::from_value(proven.opening.payload.clone())
        .map_err(|_| ArchiveError::Document("the facts of a purge"))?;
    if facts.recording_id != purge.recording_id {
        return Err(ArchiveError::Document("the facts of another purge").into());
    }
    let certificate = Certificate {
        document_type: String::new(),
        facts,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_stated_only_where_one_is_certain() {
        let day = Duration::from_secs(24 * 3600);
        let at = Timestamp::parse("2031-11-22T09:00:00Z").unwrap();
        let aged = Backups {
            unreadable_from: Some(Timestamp::parse("2031-12-22T09:00:00Z").unwrap()),
            by: BackupsEndBy::GreatestAge,
        };
        assert_eq!(backups(day * 30, at), aged);
        let none = Backups { unreadable_from: None, by: BackupsEndBy::MonthKeyDestroyed };
        assert_eq!(backups(Duration::ZERO, at), none);
    }
}
