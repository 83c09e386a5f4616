//! Why a migration did not come to its end.

use crate::archive::ArchiveError;
use crate::catalog::CatalogError;
use crate::vault::keyring::KeyringError;
use crate::vault::objects::{ObjectKey, StoreError};

/// An error of a migration. Whatever it is, the old place is still the archive's, and running it again goes on.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// One of the archive's parts.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// From and to are the same.
    #[error("it is there already: from and to are the same")]
    SamePlace,
    /// There is something at the target that this migration did not put there.
    #[error("the target is not empty, and what is there is not of this migration; give it an empty place")]
    TargetNotEmpty,
    /// Something is served, or another command writes.
    #[error("the archive is in use: stop every `serve` and every other command, and run this again")]
    InUse,
    /// Something was written during a pass in which nothing may be.
    #[error("something was written meanwhile: stop every `serve` and every other command, and run this again")]
    Changed,
    /// What was read back is not what was written.
    #[error("what was read back of {0} is not what was written")]
    ReadBack(ObjectKey),
    /// What was read back is not what was written.
    #[error("what was read back of the table {0} is not what was written")]
    TableReadBack(&'static str),
    /// The tree that was copied is not the one that the ledger states.
    #[error("the ledger's hashes do not give the root that it states")]
    Root,
    /// There is nothing to migrate.
    #[error("there is no archive in the configured catalog")]
    NoArchive,
    /// Keys that were never this archive's, or that cannot tell whose they are.
    #[error("these are not the keys that this archive was moved away from: nothing was destroyed")]
    NotTheOldKeys,
    /// It was migrated before.
    #[error("this catalog was moved to {0} already: set `catalog` to that address")]
    Moved(String),
    /// Some objects could not be copied; the others were.
    #[error("{failed} objects could not be copied, the first of them because: {first}")]
    Incomplete {
        /// How many.
        failed: u64,
        /// Why the first one could not be.
        first: Box<MigrateError>,
    },
    /// The list of what is verified already cannot be read or written.
    #[error("the list of verified objects: {0}")]
    Journal(#[from] std::io::Error),
}

impl MigrateError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Archive(error) => error.code(),
            Self::SamePlace => "same-place",
            Self::TargetNotEmpty => "target-not-empty",
            Self::InUse => "in-use",
            Self::Changed => "changed-meanwhile",
            Self::ReadBack(_) | Self::TableReadBack(_) | Self::Root => "read-back-differs",
            Self::NoArchive => "no-archive",
            Self::NotTheOldKeys => "not-the-old-keys",
            Self::Moved(_) => "moved",
            Self::Incomplete { .. } => "incomplete",
            Self::Journal(_) => "internal",
        }
    }

    /// Whether it lies with everything and not with the one object at hand, so that going on is in vain.
    pub(crate) fn is_of_all(&self) -> bool {
        matches!(self.code(), "store-unavailable" | "store-full" | "catalog-unavailable" | "internal")
    }
}

impl From<KeyringError> for MigrateError {
    fn from(error: KeyringError) -> Self {
        Self::Archive(error.into())
    }
}

impl From<StoreError> for MigrateError {
    fn from(error: StoreError) -> Self {
        Self::Archive(error.into())
    }
}

impl From<CatalogError> for MigrateError {
    fn from(error: CatalogError) -> Self {
        Self::Archive(error.into())
    }
}
