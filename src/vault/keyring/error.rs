//! What can go wrong with secrets.

use super::ShelfFailure;
use crate::vault::SealError;
use crate::vault::keys::{KeyError, KeyName};
use crate::vault::objects::StoreError;

/// Why there is no secret to be had, or why it could not be destroyed.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// Destroyed, or never made.
    #[error("the secret {0} is gone")]
    Gone(KeyName),
    /// Its copies do not open, or are not the same.
    #[error("the wrapped secret {0} does not open: it was changed or belongs to another key")]
    Corrupt(KeyName),
    /// The key is there, but no copy of the secret.
    #[error("no copy of the secret {0} is left, though its key is there")]
    Lost(KeyName),
    /// After its destruction something of it is still there.
    #[error("the key {0} was to be destroyed and is still there")]
    StillThere(KeyName),
    /// This key is never destroyed.
    #[error("the key {0} is never destroyed")]
    Kept(KeyName),
    /// The provider cannot be used now.
    #[error(transparent)]
    Provider(KeyError),
    /// The object store cannot be used now.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The shelf (the catalog) cannot be used now.
    #[error("the shelf of secrets is not available: {0}")]
    Shelf(#[source] ShelfFailure),
}

impl KeyringError {
    /// A stable name of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Gone(_) => "key-gone",
            Self::Corrupt(_) => "secret-corrupt",
            Self::Lost(_) => "secret-lost",
            Self::StillThere(_) => "key-still-there",
            Self::Kept(_) => "key-kept",
            Self::Provider(e) => e.code(),
            Self::Store(e) => e.code(),
            Self::Shelf(_) => "catalog-unavailable",
        }
    }

    /// Whether trying again later may help: then the answer is 503.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Gone(_) | Self::Corrupt(_) | Self::Lost(_) | Self::Kept(_) => false,
            Self::Provider(_) | Self::Store(_) | Self::Shelf(_) | Self::StillThere(_) => true,
        }
    }
}

impl From<KeyError> for KeyringError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Gone(name) => Self::Gone(name),
            KeyError::Corrupt(name) => Self::Corrupt(name),
            other => Self::Provider(other),
        }
    }
}

impl From<SealError> for KeyringError {
    fn from(error: SealError) -> Self {
        Self::Provider(KeyError::Seal(error))
    }
}
