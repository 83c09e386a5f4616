//! What can go wrong with timestamps.

use crate::signature::CmsError;

/// Why there is no timestamp, or why one is not believed.
#[derive(Debug, thiserror::Error)]
pub enum TimestampError {
    /// The authority cannot be asked at all.
    #[error("the timestamp authority's address cannot be used")]
    Address,
    /// The authority did not answer, or not as HTTP should.
    #[error("the timestamp authority did not answer: {0}")]
    NoAnswer(String),
    /// The authority refused.
    #[error("the timestamp authority refused, with status {0}")]
    Refused(u32),
    /// The answer or token is not what was asked for.
    #[error("not the timestamp that was asked for: {0}")]
    Wrong(&'static str),
    /// The token's signature.
    #[error("the timestamp's signature: {0}")]
    Signature(#[from] CmsError),
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Crypto,
}

impl TimestampError {
    /// A stable word for clients and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address => "timestamp-address",
            Self::NoAnswer(_) => "timestamp-no-answer",
            Self::Refused(_) => "timestamp-refused",
            Self::Wrong(_) => "timestamp-wrong",
            Self::Signature(_) => "timestamp-signature",
            Self::Crypto => "timestamp-crypto",
        }
    }
}
