//! What can go wrong with sealed data.

use super::keyring::KeyringError;
use super::keys::KeyError;
use super::objects::StoreError;

/// Why something could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The bytes are not what was sealed under this key for this purpose: changed, cut, moved, or another's.
    #[error("the sealed data does not open: it was changed, cut, or belongs to something else")]
    Forged,
    /// No sealed data has this length.
    #[error("no sealed data has this length")]
    ImpossibleLength,
    /// More than the format can hold.
    #[error("more data than the format can hold")]
    TooLong,
    /// The range asked for is not inside the plaintext.
    #[error("the range is not inside the data")]
    RangeOutside,
    /// A header of another format or of other parameters.
    #[error("not the header of this format")]
    BadHeader,
    /// Small things are sealed for a stated purpose only.
    #[error("associated data must not be empty")]
    EmptyAad,
    /// The system gave no random bytes.
    #[error("no random bytes to be had")]
    NoRandom,
    /// A key that is not 32 bytes.
    #[error("a key must have 32 bytes")]
    BadKey,
}

impl SealError {
    /// A stable name of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Forged | Self::ImpossibleLength | Self::BadHeader | Self::BadKey => "sealed-data-corrupt",
            Self::TooLong => "too-large",
            Self::RangeOutside => "range-outside",
            Self::EmptyAad => "no-associated-data",
            Self::NoRandom => "no-random",
        }
    }
}

/// Anything that can go wrong between a caller and a sealed object.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Sealing or opening.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The object store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key provider.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The keyring.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

impl VaultError {
    /// A stable name of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Seal(e) => e.code(),
            Self::Store(e) => e.code(),
            Self::Key(e) => e.code(),
            Self::Keyring(e) => e.code(),
        }
    }
}
