//! Why there is no package.

use super::close::CloseError;
use super::seal::SealError;
use super::zip::ZipError;
use crate::archive::ArchiveError;
use crate::catalog::CatalogError;
use crate::find::FindError;
use crate::hold::HoldError;
use crate::ledger::LedgerError;
use crate::ledger::sequencer::SequenceError;
use crate::receive::spool::SpoolError;
use crate::timestamp::TimestampError;
use crate::vault::objects::StoreError;

/// Why a package was not begun, or not sent to its end.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The case holds nothing, and no recording was named.
    #[error("there is nothing to hand over: the case holds no recording")]
    Nothing,
    /// More recordings than a package has.
    #[error("a package has at most {0} recordings")]
    TooMany(u64),
    /// As many packages are being made as there may be at once.
    #[error("too many packages are being made at once")]
    Busy,
    /// The case: there is none, or it is closed.
    #[error(transparent)]
    Case(#[from] HoldError),
    /// A recording: there is none, or its time is over, also while it was packaged.
    #[error(transparent)]
    Recording(#[from] FindError),
    /// What is in the store is not what was received.
    #[error("a recording's audio is not what was received")]
    OtherAudio,
    /// What is known of a recording is not what the ledger was told when the package was begun.
    #[error("a recording changed while it was packaged")]
    Changed,
    /// The ledger did not publish the package's own entries in time.
    #[error("the ledger does not publish what was entered")]
    NotPublished,
    /// Nobody takes the bytes any more.
    #[error("the client is gone")]
    ClientGone,
    /// The register does not take it for one that is being sent any more.
    #[error("it was taken for abandoned while it was being sent")]
    GivenUp,
    /// The seal cannot be used.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The signature or its timestamp.
    #[error(transparent)]
    Close(#[from] CloseError),
    /// The page for people could not be put aside while it was made.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The ZIP.
    #[error(transparent)]
    Zip(#[from] ZipError),
    /// One of the archive's parts.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl EvidenceError {
    /// A stable code for clients, and for the ledger.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing-to-hand-over",
            Self::TooMany(_) => "too-many",
            Self::Busy => "too-many-requests",
            Self::Case(error) => error.code(),
            Self::Recording(error) => error.code(),
            Self::OtherAudio => "audio-damaged",
            Self::Changed => "changed-meanwhile",
            Self::NotPublished => "ledger-unpublished",
            Self::ClientGone => "client-gone",
            Self::GivenUp => "given-up",
            Self::Seal(error) => error.code(),
            Self::Close(error) => error.code(),
            Self::Spool(error) => error.code(),
            Self::Zip(_) => "zip",
            Self::Archive(error) => error.code(),
        }
    }
}

impl From<CatalogError> for EvidenceError {
    fn from(error: CatalogError) -> Self {
        Self::Archive(error.into())
    }
}

impl From<StoreError> for EvidenceError {
    fn from(error: StoreError) -> Self {
        Self::Archive(error.into())
    }
}

impl From<LedgerError> for EvidenceError {
    fn from(error: LedgerError) -> Self {
        Self::Archive(error.into())
    }
}

impl From<SequenceError> for EvidenceError {
    fn from(error: SequenceError) -> Self {
        Self::Archive(error.into())
    }
}

impl From<TimestampError> for EvidenceError {
    fn from(error: TimestampError) -> Self {
        Self::Close(error.into())
    }
}

impl From<crate::signature::CmsError> for EvidenceError {
    fn from(error: crate::signature::CmsError) -> Self {
        Self::Seal(error.into())
    }
}
