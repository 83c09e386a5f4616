//! What has a row, and a copy of that in the store: a case, an account. How the copy follows the row.

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{Archive, ArchiveError, Bookmark, Round};
use crate::vault::keys::KeyName;
use crate::vault::objects::{ObjectKey, StoreError};
use crate::vault::small;

/// Longest copy that is written, and so the longest that is read, in bytes.
pub const MAX_BYTES: u64 = 64 << 20;
/// Copies that one round writes.
const BATCH: u64 = 100;
/// Ids that one look at the catalog gives.
const PAGE: u32 = 100;

/// A kind of thing that has a copy.
#[async_trait]
pub trait Copied {
    /// What it is called in the log.
    const WHAT: &'static str;
    /// Its row.
    type Row: Send + Sync;

    /// Whoever writes copies: one at a time in this process, so that an older state cannot overtake a newer one.
    fn writer(archive: &Archive) -> &Mutex<()>;
    /// The name of the copy.
    fn key(id: Uuid) -> ObjectKey;
    /// The row; none where nothing is to be kept, or not any more.
    async fn row(archive: &Archive, id: Uuid) -> Result<Option<Self::Row>, ArchiveError>;
    /// The row's revision.
    fn revision(row: &Self::Row) -> u64;
    /// The copy, sealed.
    async fn sealed(archive: &Archive, row: &Self::Row) -> Result<Vec<u8>, ArchiveError>;
    /// Called when the copy lies in the store: a fail point.
    fn was_put();
    /// Notes that the copy of this revision is in the store.
    async fn note_stored(archive: &Archive, id: Uuid, revision: u64) -> Result<(), ArchiveError>;
    /// Where the next round over these rows begins.
    fn bookmark(archive: &Archive) -> &Bookmark<Uuid>;
    /// Rows whose copy is older, in the order of their ids, after `after`.
    async fn not_stored(archive: &Archive, after: Option<Uuid>, limit: u32) -> Result<Vec<Uuid>, ArchiveError>;
}

/// Brings the store's copy up to its row. Looked at again after the write: an older state must not stay over a newer one, nor
/// anything of what the purge took meanwhile.
pub async fn refresh<C: Copied>(archive: &Archive, id: Uuid) -> Result<(), ArchiveError> {
    let _one_at_a_time = C::writer(archive).lock().await;
    let mut row = C::row(archive, id).await?;
    while let Some(written) = row {
        let sealed = C::sealed(archive, &written).await?;
        if sealed.len() as u64 > MAX_BYTES {
            return Err(StoreError::TooLarge { max_bytes: MAX_BYTES }.into());
        }
        archive.store.put(&C::key(id), sealed.into()).await?;
        C::was_put();
        row = C::row(archive, id).await?;
        match &row {
            Some(now) if C::revision(now) == C::revision(&written) => {
                return C::note_stored(archive, id, C::revision(&written)).await;
            }
            Some(_) => {}
            None => archive.store.delete(&C::key(id)).await?,
        }
    }
    Ok(())
}

/// The same for whoever just changed the row: what fails is left to the background pass.
pub async fn keep<C: Copied>(archive: &Archive, id: Uuid) {
    if let Err(error) = refresh::<C>(archive, id).await {
        tracing::warn!(what = C::WHAT, %id, %error, "the store's copy is left to the background pass");
    }
}

/// Brings the copies up to date that are not, a batch at the most. Returns how many, or the first failure, which keeps no
/// other copy from being written.
pub async fn refresh_stale<C: Copied>(archive: &Archive) -> Result<u64, ArchiveError> {
    let mut round = Round::begin(C::bookmark(archive), BATCH);
    while round.goes_on() {
        let page = C::not_stored(archive, round.after(), PAGE).await?;
        round.turn(page.last().copied());
        for id in page {
            let kept = refresh::<C>(archive, id).await.inspect_err(|error| {
                tracing::error!(what = C::WHAT, %id, %error, "the store has no new copy");
            });
            round.count(kept.map(|()| 1));
        }
    }
    round.end()
}

impl Archive {
    /// Seals something under a secret that is there, bound to what it is.
    pub async fn seal_under<T: Serialize>(
        &self,
        name: KeyName,
        what: &str,
        value: &T,
    ) -> Result<Vec<u8>, ArchiveError> {
        let secret = self.keyring.secret(&name).await?;
        let text = serde_json::to_vec(value).map_err(|_| ArchiveError::Document("something sealed"))?;
        Ok(small::seal(secret.meta_key(), what.as_bytes(), &text)?)
    }

    /// Opens what [`Archive::seal_under`] sealed.
    pub async fn open_under<T: DeserializeOwned>(
        &self,
        name: KeyName,
        what: &str,
        sealed: &[u8],
    ) -> Result<T, ArchiveError> {
        let secret = self.keyring.secret(&name).await?;
        let text = small::open(secret.meta_key(), what.as_bytes(), sealed)?;
        serde_json::from_slice(&text).map_err(|_| ArchiveError::Document("something sealed"))
    }
}
