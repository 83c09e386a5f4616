//! Every object of ours from the configured store into another one.
//!
//! A first pass ([`copy_objects`]) runs while the archive is served; it can be repeated, and the less has changed since
//! the one before the shorter it is. The last one ([`finish`]) runs alone: it deletes from the target what the source
//! does not have any more, so that no purge is undone, and then moves the catalog's pin, if nothing was written since
//! it began. What was purged at the source between two passes is at the target until the next one: the catalog's
//! backups are older than that, and under the same keys.

mod copy;
mod finish;
mod journal;
mod pass;
mod walk;

use std::sync::Arc;

use serde::Serialize;

use super::MigrateError;
use crate::archive::{Archive, open_store};
use crate::catalog::pin;
use crate::config::StoreUrl;
use crate::vault::objects::ObjectStore;

pub use finish::finish;
pub use pass::copy_objects;

/// What a pass did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StorePass {
    /// Objects of ours at the source.
    pub objects: u64,
    /// Objects copied and read back.
    pub copied: u64,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Objects that were at the target already, the same.
    pub same: u64,
    /// Objects deleted from the target because the source does not have them any more.
    pub deleted: u64,
    /// Objects that only the target has, left for the last pass.
    pub left_over: u64,
    /// Objects that were deleted from the source while the pass went over it.
    pub gone_meanwhile: u64,
}

/// A store that objects are being copied to.
pub struct Target {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// Which one it is.
    pub identity: String,
    /// Its address, for people.
    pub place: String,
    source_identity: String,
}

impl Target {
    /// Opens the target and notes in the catalog that objects are copied to it. It has to be empty, unless it is the one
    /// that was begun with.
    pub async fn open(archive: &Archive, to: &StoreUrl, place: &str) -> Result<Self, MigrateError> {
        let mut config = archive.config.clone();
        config.store = to.clone();
        let store = open_store(&config, &archive.clock).await?;
        let (identity, source_identity) = (store.identity().await?, archive.store.identity().await?);
        if identity == source_identity {
            return Err(MigrateError::SamePlace);
        }
        if archive.catalog.pins().await?.get(pin::STORE_COPY) != Some(&identity) {
            if !walk::is_empty(store.as_ref()).await? {
                return Err(MigrateError::TargetNotEmpty);
            }
            let mut tx = archive.catalog.begin().await?;
            tx.move_pin(pin::STORE_COPY, &identity).await?;
            tx.commit().await?;
        }
        Ok(Self { store, identity, place: place.to_owned(), source_identity })
    }
}
