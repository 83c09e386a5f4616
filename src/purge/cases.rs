//! The end of cases. A closed one is kept for the configured period; then its key is destroyed at the provider, and with it
//! whatever backups hold of it, and everything that was kept of it is deleted. That it was purged stays: in the ledger, and
//! as an object that keeps a restored catalog from bringing it back.

use serde::Serialize;
use uuid::Uuid;

use super::PurgeError;
use super::failures::Failures;
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{CasePurgeStage, ClosedCase, Deleted};
use crate::clock::Timestamp;
use crate::hold::case::{expires_at, tombstone};
use crate::ledger::kind::Kind;
use crate::vault::VaultError;
use crate::vault::keys::KeyName;
use crate::vault::objects::{ObjectKey, Prefix};

/// Cases that one look at the catalog gives.
const PAGE: u32 = 100;

/// What the entry says. No personal data.
#[derive(Serialize)]
struct Purged<'a> {
    case_id: Uuid,
    closed_at: Timestamp,
    retention: String,
    key_provider: &'static str,
    deleted: &'a Deleted,
}

/// Purges every closed case whose period is over, and goes on with those whose purge was broken off. Returns how many came
/// to their end. One that fails keeps no other.
pub async fn end_cases(archive: &Archive, failures: &mut Failures) -> Result<u64, PurgeError> {
    let (mut ended, mut after) = (0, None);
    loop {
        let page = archive.catalog.closed_cases(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(ended) };
        after = Some((last.closed_at, last.id));
        for case in page {
            let done = end(archive, case).await;
            ended += u64::from(failures.keep("case", done));
        }
    }
}

async fn end(archive: &Archive, case: ClosedCase) -> Result<bool, PurgeError> {
    let mut stage = case.stage;
    loop {
        stage = Some(match stage {
            None if !is_over(archive, &case) || !fence(archive, case.id).await? => return Ok(false),
            None => CasePurgeStage::Fenced,
            Some(CasePurgeStage::Fenced) => destroy_key(archive, case.id).await?,
            Some(CasePurgeStage::KeyDestroyed) => delete_objects(archive, case.id).await?,
            Some(CasePurgeStage::ObjectsDeleted) => {
                delete_rows(archive, &case).await?;
                return Ok(true);
            }
        });
    }
}

fn is_over(archive: &Archive, case: &ClosedCase) -> bool {
    expires_at(archive, case.closed_at).is_some_and(|expires_at| expires_at <= archive.clock.now())
}

async fn fence(archive: &Archive, id: Uuid) -> Result<bool, PurgeError> {
    let mut tx = archive.catalog.begin().await?;
    if !tx.fence_case(id, archive.clock.now()).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    tx.commit().await?;
    crate::failpoint::hit("case.fenced");
    Ok(true)
}

/// First the store is told, then the key goes: a catalog that is lost in between finds both, or what explains the key's end.
async fn destroy_key(archive: &Archive, id: Uuid) -> Result<CasePurgeStage, PurgeError> {
    tombstone::keep(archive, id, archive.clock.now()).await?;
    crate::failpoint::hit("case.end_kept");
    let name = KeyName::Case(id);
    archive.keyring.destroy(&name).await.map_err(ArchiveError::from)?;
    if archive.keyring.provider().exists(&name).await.map_err(|error| ArchiveError::Vault(VaultError::from(error)))? {
        return Err(PurgeError::KeyStillWorks);
    }
    let mut tx = archive.catalog.begin().await?;
    tx.case_key_destroyed(id, archive.clock.now()).await?;
    tx.commit().await?;
    crate::failpoint::hit("case.key_destroyed");
    Ok(CasePurgeStage::KeyDestroyed)
}

async fn delete_objects(archive: &Archive, id: Uuid) -> Result<CasePurgeStage, PurgeError> {
    archive.store.delete(&ObjectKey::Case(id)).await?;
    delete_register(archive, id).await?;
    let mut tx = archive.catalog.begin().await?;
    tx.case_objects_deleted(id).await?;
    tx.commit().await?;
    crate::failpoint::hit("case.objects_deleted");
    Ok(CasePurgeStage::ObjectsDeleted)
}

/// The store's copies of what the register has of a case, in all their versions.
async fn delete_register(archive: &Archive, id: Uuid) -> Result<(), PurgeError> {
    loop {
        let page = archive.store.list(&Prefix::disclosures_of(id), None, PAGE as usize).await?;
        if page.found.is_empty() {
            return Ok(());
        }
        for result in archive.store.delete_versions(&page.found).await {
            result?;
        }
    }
}

/// Looks at the store once more, then deletes the rows and says so in the ledger, in one transaction.
async fn delete_rows(archive: &Archive, case: &ClosedCase) -> Result<(), PurgeError> {
    // Whoever was writing the copy when the case was fenced deletes it again; this is for one that died over it.
    archive.store.delete(&ObjectKey::Case(case.id)).await?;
    delete_register(archive, case.id).await?;
    let mut tx = archive.catalog.begin().await?;
    let deleted = tx.delete_case(case.id).await?;
    let payload = Purged {
        case_id: case.id,
        closed_at: case.closed_at,
        retention: archive.config.cases_retention.to_string(),
        key_provider: archive.keyring.provider().kind(),
        deleted: &deleted,
    };
    let (entry, _) = archive.entry(Kind::CASE_PURGED, About::NothingPersonal, &payload, archive.clock.now()).await?;
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    crate::failpoint::hit("case.purged");
    archive.ledger_nudge.notify_one();
    tracing::info!(case = %case.id, "a case is purged");
    Ok(())
}
