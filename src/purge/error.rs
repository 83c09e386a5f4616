//! What can go wrong in a purge.

use crate::archive::ArchiveError;
use crate::catalog::CatalogError;
use crate::ledger::LedgerError;
use crate::ledger::sequencer::SequenceError;
use crate::vault::objects::StoreError;

/// Why a pass broke off. Nothing is lost by it: the next pass goes on.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// One of the archive's parts.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Something of a recording is still there after everything was deleted.
    #[error("{left} rows of a purged recording are still in the catalog")]
    RowsLeft {
        /// How many rows.
        left: u64,
    },
    /// A month's key still opens what it should not, after it was destroyed.
    #[error("a destroyed key still works")]
    KeyStillWorks,
}

impl From<CatalogError> for PurgeError {
    fn from(error: CatalogError) -> Self {
        Self::Archive(error.into())
    }
}

impl From<StoreError> for PurgeError {
    fn from(error: StoreError) -> Self {
        Self::Archive(error.into())
    }
}

impl From<SequenceError> for PurgeError {
    fn from(error: SequenceError) -> Self {
        Self::Archive(error.into())
    }
}

impl From<LedgerError> for PurgeError {
    fn from(error: LedgerError) -> Self {
        Self::Archive(error.into())
    }
}
