//! That a case was purged, as the store keeps it: sealed under the installation's key, so that nobody without that can make
//! one, and bound to its case by its name. It says nothing of the case but when it ended.

use uuid::Uuid;

use crate::archive::{Archive, ArchiveError};
use crate::clock::Timestamp;
use crate::vault::keys::KeyName;
use crate::vault::objects::ObjectKey;
use crate::vault::small;

/// Longest one that is read.
const MAX_BYTES: u64 = 1_024;

/// Keeps that a case is purged.
pub async fn keep(archive: &Archive, case: Uuid, purged_at: Timestamp) -> Result<(), ArchiveError> {
    let key = ObjectKey::CasePurged(case);
    let secret = archive.keyring.ensure_secret(&KeyName::Installation).await?;
    let sealed = small::seal(secret.meta_key(), &aad(&key), &purged_at.micros().to_be_bytes())?;
    Ok(archive.store.put(&key, sealed.into()).await?)
}

/// When a case was purged, as the store has it.
pub async fn read(archive: &Archive, case: Uuid) -> Result<Timestamp, ArchiveError> {
    let key = ObjectKey::CasePurged(case);
    let secret = archive.keyring.secret(&KeyName::Installation).await?;
    let plain = small::open(secret.meta_key(), &aad(&key), &archive.store.get(&key, MAX_BYTES).await?)?;
    let micros = <[u8; 8]>::try_from(plain.as_slice()).map_err(|_| ArchiveError::Document("a purged case"))?;
    Ok(Timestamp::from_micros(i64::from_be_bytes(micros)))
}

fn aad(key: &ObjectKey) -> Vec<u8> {
    key.to_string().into_bytes()
}
