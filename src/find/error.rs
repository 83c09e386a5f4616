//! Why something is not shown.

use crate::archive::ArchiveError;
use crate::catalog::CatalogError;
use crate::vault::objects::StoreError;
use crate::vault::{SealError, VaultError};

/// Why something is not shown, or could not be stored beside a recording.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// There is no such recording, or related data of it.
    #[error("there is no such thing")]
    NotFound,
    /// It is there, and not this caller's to see. To be answered like [`FindError::NotFound`].
    #[error("it is not this caller's to see")]
    OutOfScope,
    /// Its time is over, or it is purged.
    #[error("its time is over")]
    Gone,
    /// It was erased before its time was over.
    #[error("it was erased")]
    Erased,
    /// Nothing of it can be decoded, so that there is no listening copy.
    #[error("the recording cannot be decoded")]
    NotDecodable,
    /// As many listening copies are being made as may be.
    #[error("too many listening copies are being made")]
    Busy,
    /// The recording has as many pieces of related data as it may have.
    #[error("the recording has as many pieces of related data as it may have")]
    TooManyRelated,
    /// One of the archive's parts failed.
    #[error(transparent)]
    Archive(ArchiveError),
}

impl FindError {
    /// A stable code for clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound | Self::OutOfScope => "not-found",
            Self::Gone => "expired",
            Self::Erased => "erased",
            Self::NotDecodable => "not-decodable",
            Self::Busy => "too-many-requests",
            Self::TooManyRelated => "too-many-related",
            Self::Archive(error) => error.code(),
        }
    }
}

/// A key that is destroyed means a recording that is gone.
impl From<ArchiveError> for FindError {
    fn from(error: ArchiveError) -> Self {
        if is_key_gone(&error) { Self::Gone } else { Self::Archive(error) }
    }
}

/// Whether the key that would open it is destroyed.
pub(super) fn is_key_gone(error: &ArchiveError) -> bool {
    matches!(error.code(), "gone" | "key-gone")
}

impl From<CatalogError> for FindError {
    fn from(error: CatalogError) -> Self {
        Self::Archive(error.into())
    }
}

impl From<StoreError> for FindError {
    fn from(error: StoreError) -> Self {
        Self::Archive(error.into())
    }
}

impl From<VaultError> for FindError {
    fn from(error: VaultError) -> Self {
        ArchiveError::from(error).into()
    }
}

impl From<SealError> for FindError {
    fn from(error: SealError) -> Self {
        Self::Archive(error.into())
    }
}
