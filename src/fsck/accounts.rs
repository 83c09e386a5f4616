//! Accounts in store and catalog.

use async_trait::async_trait;
use uuid::Uuid;

use super::believe;
use super::copies::{Kept, Role};
use super::report::Problem;
use crate::account::{end, record};
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{EndedAccount, PurgeStage};
use crate::ledger::document;
use crate::vault::keys::KeyName;
use crate::vault::objects::{ObjectKey, Prefix, StoreError};

/// Accounts. Those that ended do so again before any is brought back, and all before the recordings, which are found by what
/// is known of who left.
pub(super) struct Accounts;

#[async_trait]
impl Kept for Accounts {
    const ROW_MISSING: Problem = Problem::AccountRowMissing;
    const COPY_MISSING: Problem = Problem::MissingAccountCopy;

    fn prefix() -> Prefix {
        Prefix::accounts()
    }

    fn role(key: ObjectKey) -> Role {
        match key {
            ObjectKey::Account(id) => Role::Copy(id),
            ObjectKey::AccountPurged(id) => Role::Ended(id),
            _ => Role::Other,
        }
    }

    fn copy(id: Uuid) -> ObjectKey {
        ObjectKey::Account(id)
    }

    fn ended(id: Uuid) -> ObjectKey {
        ObjectKey::AccountPurged(id)
    }

    /// Of one that was merged into another only its end is left, until that has come.
    async fn has_row(archive: &Archive, id: Uuid) -> Result<bool, ArchiveError> {
        let ending = archive.catalog.account_purge(id).await?.is_some_and(|end| end.stage != PurgeStage::Certified);
        Ok(ending || archive.catalog.account_of(id).await?.is_some())
    }

    async fn was_stored(archive: &Archive, id: Uuid) -> Result<bool, ArchiveError> {
        let row = archive.catalog.account_of(id).await?;
        Ok(row.is_some_and(|row| row.stored_revision > 0 && !row.is_purging))
    }

    async fn ids_after(archive: &Archive, after: Option<Uuid>, limit: u32) -> Result<Vec<Uuid>, ArchiveError> {
        Ok(archive.catalog.account_uuids_after(after, limit).await?)
    }

    async fn refresh(archive: &Archive, id: Uuid) -> Result<(), ArchiveError> {
        record::refresh(archive, id).await
    }

    async fn restore(archive: &Archive, id: Uuid) -> Result<bool, ArchiveError> {
        record::restore(archive, id).await
    }

    /// Its key may have come back with a backup of the keys: it is as destroyed as the store says, and is destroyed again
    /// ([`crate::purge::returned`]).
    async fn end_again(archive: &Archive, id: Uuid) -> Result<bool, ArchiveError> {
        let ended = end::read(archive, id).await?;
        if archive.catalog.account_purge(id).await?.is_some() {
            return Ok(false);
        }
        let certificate = certificate(archive, id).await?;
        let mark = ended.mark.map(|mark| (mark.id_mac, mark.forget_at));
        let again = EndedAccount {
            uuid: id,
            ground: ended.ground.into(),
            at: ended.at,
            rule: ended.rule.as_deref(),
            expires_at: ended.expires_at,
            mark: mark.as_ref(),
            certificate: certificate.as_deref(),
        };
        let mut tx = archive.catalog.begin().await?;
        let was_there = tx.restore_account_purge(&again).await?;
        tx.commit().await?;
        archive.keyring.forget(&KeyName::Account(id)).await;
        archive.store.delete(&ObjectKey::Account(id)).await?;
        Ok(was_there)
    }
}

/// The certificate as the store has it; none where it was not written yet, or is not to be believed.
async fn certificate(archive: &Archive, id: Uuid) -> Result<Option<Vec<u8>>, ArchiveError> {
    match archive.store.get(&ObjectKey::AccountCertificate(id), document::MAX_BYTES as u64).await {
        Ok(bytes) => {
            let facts = believe::account_certificate(archive, &bytes)?;
            if facts.account == id {
                Ok(Some(bytes.to_vec()))
            } else {
                Err(ArchiveError::Document("a certificate of another account"))
            }
        }
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
