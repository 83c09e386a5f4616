//! What can go wrong in an object store.

use std::io;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such object.
    #[error("no such object")]
    NotFound,
    /// There is one already.
    #[error("the object exists already")]
    AlreadyExists,
    /// The object is longer than the caller allows.
    #[error("the object is longer than {max_bytes} bytes")]
    TooLarge {
        /// What the caller allows.
        max_bytes: u64,
    },
    /// The range is not inside the object.
    #[error("the range is not inside the object")]
    RangeOutside,
    /// The body was not as long as announced.
    #[error("the body was not as long as announced")]
    LengthMismatch,
    /// The body could not be read to its end.
    #[error("the body broke off: {0}")]
    Body(io::Error),
    /// What is no object of ours is never deleted.
    #[error("not an object of this archive; left alone")]
    NotOurs,
    /// The store refuses to delete the object yet.
    #[error("the object is locked")]
    Locked,
    /// A lock or legal hold does not read back as it was asked for.
    #[error("the store does not keep the lock that it was asked for")]
    LockNotKept,
    /// There is no room left.
    #[error("the store is full")]
    Full,
    /// The store does not answer, or answers with an error.
    #[error("the store is not available: {0}")]
    Unavailable(#[source] io::Error),
}

impl StoreError {
    /// A stable name of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "object-not-found",
            Self::AlreadyExists => "object-exists",
            Self::TooLarge { .. } => "object-too-large",
            Self::RangeOutside => "range-outside",
            Self::LengthMismatch => "body-length-mismatch",
            Self::Body(_) => "body-broken",
            Self::NotOurs => "object-not-ours",
            Self::Locked => "object-locked",
            Self::LockNotKept => "store-lock-not-kept",
            Self::Full => "store-full",
            Self::Unavailable(_) => "store-unavailable",
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Unavailable(error),
        }
    }
}
