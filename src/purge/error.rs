//! What can go wrong in a purge.

use super::PassReport;
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
    /// The pass went to its end, but not for everything: what failed is tried again by the next pass.
    #[error("{} of the purge failed, first: {first}", report.failed)]
    Incomplete {
        /// What the pass did.
        report: Box<PassReport>,
        /// The first failure.
        first: Box<PurgeError>,
    },
}

impl PurgeError {
    /// A stable code for logs and clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Archive(error) => error.code(),
            Self::RowsLeft { .. } => "rows-left",
            Self::KeyStillWorks => "key-still-works",
            Self::Incomplete { first, .. } => first.code(),
        }
    }
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
