//! What can go wrong when the parts work together.

use crate::catalog::CatalogError;
use crate::ledger::LedgerError;
use crate::ledger::sequencer::SequenceError;
use crate::vault::keyring::KeyringError;
use crate::vault::objects::StoreError;
use crate::vault::{SealError, VaultError};

/// An error of the archive. The text is for logs and names no person, number or call.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The catalog.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Sealing, keys, objects.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The ledger's tree, proofs and signatures.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger's catalog and store.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// What was sealed does not have the form that this program writes.
    #[error("a sealed document could not be read: {0}")]
    Document(&'static str),
    /// The catalog believes a token to be in force that was withdrawn.
    #[error("the catalog is from before a token was withdrawn: run `earwitness restore`")]
    TokenAliveAgain,
    /// The catalog does not know of an erasure.
    #[error("the catalog is from before a recording was erased: run `earwitness restore`")]
    ErasedAliveAgain,
    /// The recording's key is destroyed.
    #[error("the recording's key is destroyed")]
    KeyDestroyed,
    /// The catalog has the recording, the store does not have its audio.
    #[error("the audio of a recording is missing from the store")]
    AudioMissing,
    /// A file or folder of the installation.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The configuration asks for something that cannot be.
    #[error("{0}")]
    Configuration(String),
}

impl ArchiveError {
    /// A stable code for clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Catalog(e) | Self::Sequence(SequenceError::Catalog(e)) => e.code(),
            Self::Vault(e) => e.code(),
            Self::KeyDestroyed => "gone",
            _ => "internal",
        }
    }

    /// Whether trying again later can help: a part does not answer.
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self.code(),
            "catalog-unavailable" | "key-provider-unavailable" | "store-unavailable" | "store-lock-not-kept"
        )
    }
}

impl From<SealError> for ArchiveError {
    fn from(error: SealError) -> Self {
        Self::Vault(error.into())
    }
}

impl From<StoreError> for ArchiveError {
    fn from(error: StoreError) -> Self {
        Self::Vault(error.into())
    }
}

impl From<KeyringError> for ArchiveError {
    fn from(error: KeyringError) -> Self {
        Self::Vault(error.into())
    }
}
