//! The catalog as the shelf of the keyring.

use async_trait::async_trait;
use std::sync::Arc;

use crate::catalog::{Catalog, SecretState as RowState};
use crate::clock::Clock;
use crate::vault::keyring::{SecretShelf, SecretState, ShelfEntry, ShelfFailure};
use crate::vault::keys::KeyName;

/// Wrapped secrets in the catalog.
pub(super) struct CatalogShelf {
    pub catalog: Catalog,
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl SecretShelf for CatalogShelf {
    async fn load(&self, name: &KeyName) -> Result<Option<ShelfEntry>, ShelfFailure> {
        let row = self.catalog.load_secret(&name.to_string()).await?;
        Ok(row.map(|row| ShelfEntry {
            wrapped: row.wrapped.unwrap_or_default(),
            state: match row.state {
                RowState::Live => SecretState::Live,
                RowState::Closing => SecretState::Closing,
                RowState::Destroyed => SecretState::Destroyed,
            },
        }))
    }

    async fn check_in_force(&self) -> Result<(), ShelfFailure> {
        Ok(self.catalog.ping().await?)
    }

    async fn save_new(&self, name: &KeyName, wrapped: &[u8]) -> Result<bool, ShelfFailure> {
        Ok(self.catalog.save_secret(&name.to_string(), wrapped, self.clock.now()).await?)
    }
}
