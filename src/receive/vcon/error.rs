//! Why a vCon was not taken.

use super::fetch::FetchError;
use crate::receive::metadata::{FieldProblem, InvalidMetadata};
use crate::receive::spool::SpoolError;

/// Why a vCon was not taken.
#[derive(Debug, thiserror::Error)]
pub enum VconError {
    /// It is not a vCon of the draft.
    #[error("the vCon has {} problem(s)", .0.len())]
    Invalid(Vec<FieldProblem>),
    /// It is one, and says something that the archive cannot keep or does not know.
    #[error("the vCon is of a kind that is not taken: {}", .0.message)]
    Unsupported(FieldProblem),
    /// Its signature does not hold.
    #[error("the signature does not hold: {0}")]
    Signature(&'static str),
    /// The metadata that it carries cannot be taken.
    #[error(transparent)]
    Metadata(#[from] InvalidMetadata),
    /// What stands in it beside its contents is more than allowed.
    #[error("the vCon has more than {limit_bytes} bytes beside its contents")]
    TooMuch {
        /// The limit.
        limit_bytes: u64,
    },
    /// The audio that it refers to was not fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A content of it could not be spooled.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

impl VconError {
    /// One thing that is wrong.
    pub(super) fn invalid(path: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem::new(path, code, message)])
    }

    /// One thing that is not taken.
    pub(super) fn unsupported(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Unsupported(FieldProblem::new(path, "unsupported", message))
    }

    /// The stable code that clients see.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid-vcon",
            Self::Unsupported(_) => "unsupported-vcon",
            Self::Signature(_) => "invalid-signature",
            Self::Metadata(error) => error.code(),
            Self::TooMuch { .. } => "too-large",
            Self::Fetch(error) => error.code(),
            Self::Spool(error) => error.code(),
        }
    }
}
