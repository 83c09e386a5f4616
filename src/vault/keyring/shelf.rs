//! Where wrapped secrets stand: the catalog implements this.

use std::error::Error;

use async_trait::async_trait;

use crate::vault::keys::KeyName;

/// An error of the shelf's own kind.
pub type ShelfFailure = Box<dyn Error + Send + Sync>;

/// The life of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretState {
    /// In use.
    Live,
    /// Nothing new is put under it.
    Closing,
    /// Its key is destroyed.
    Destroyed,
}

/// What the shelf knows of one secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShelfEntry {
    /// The secret, wrapped by the key provider; empty once it is destroyed and erased.
    pub wrapped: Vec<u8>,
    /// Where it is in its life.
    pub state: SecretState,
}

/// Wrapped secrets by name.
#[async_trait]
pub trait SecretShelf: Send + Sync {
    /// What is known of this secret.
    async fn load(&self, name: &KeyName) -> Result<Option<ShelfEntry>, ShelfFailure>;

    /// An error once this shelf is not the one in force any more, or another provider's keys are: what this process
    /// wraps, nobody else could open.
    async fn check_in_force(&self) -> Result<(), ShelfFailure>;

    /// Puts a secret up as `Live`, durably, unless there is one of that name: then false, and nothing changes.
    async fn save_new(&self, name: &KeyName, wrapped: &[u8]) -> Result<bool, ShelfFailure>;
}
