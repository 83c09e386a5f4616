//! Cases in store and catalog.

use async_trait::async_trait;
use uuid::Uuid;

use super::copies::{Kept, Role};
use super::report::Problem;
use crate::archive::{Archive, ArchiveError};
use crate::hold::case::{record, tombstone};
use crate::vault::keys::KeyName;
use crate::vault::objects::{ObjectKey, Prefix};

/// Cases. They are brought back before the recordings, whose holds refer to them, and end again behind these, which have let
/// go of them.
pub(super) struct Cases;

#[async_trait]
impl Kept for Cases {
    const ROW_MISSING: Problem = Problem::CaseRowMissing;
    const COPY_MISSING: Problem = Problem::MissingCaseCopy;

    fn prefix() -> Prefix {
        Prefix::cases()
    }

    fn role(key: ObjectKey) -> Role {
        match key {
            ObjectKey::Case(id) => Role::Copy(id),
            ObjectKey::CasePurged(id) => Role::Ended(id),
            _ => Role::Other,
        }
    }

    fn copy(id: Uuid) -> ObjectKey {
        ObjectKey::Case(id)
    }

    fn ended(id: Uuid) -> ObjectKey {
        ObjectKey::CasePurged(id)
    }

    async fn has_row(archive: &Archive, id: Uuid) -> Result<bool, ArchiveError> {
        Ok(archive.catalog.case(id).await?.is_some())
    }

    /// One of which only a hold is known has nothing to be kept.
    async fn was_stored(archive: &Archive, id: Uuid) -> Result<bool, ArchiveError> {
        let row = archive.catalog.case(id).await?;
        Ok(row.is_some_and(|row| row.stored_revision > 0 && !row.is_purging))
    }

    async fn ids_after(archive: &Archive, after: Option<Uuid>, limit: u32) -> Result<Vec<Uuid>, ArchiveError> {
        Ok(archive.catalog.case_ids_after(after, limit).await?)
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
        let purged_at = tombstone::read(archive, id).await?;
        let mut tx = archive.catalog.begin().await?;
        let rows = tx.restore_case_purge(id).await?;
        tx.restore_destroyed(&KeyName::Case(id).to_string(), purged_at).await?;
        tx.commit().await?;
        archive.keyring.forget(&KeyName::Case(id)).await;
        archive.store.delete(&ObjectKey::Case(id)).await?;
        Ok(rows > 0)
    }
}
