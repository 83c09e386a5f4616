//! What can go wrong between us and a timestamp authority.

/// An error of a timestamp. The texts carry nothing that an authority wrote.
#[derive(Debug, thiserror::Error)]
pub enum TimestampError {
    /// The authority's address or the file of its roots cannot be used.
    #[error("timestamp settings: {0}")]
    Settings(&'static str),
    /// The authority does not answer.
    #[error("the timestamp authority {0}")]
    Unreachable(String),
    /// It answers with an HTTP status that is no success.
    #[error("the timestamp authority answers with HTTP status {0}")]
    Status(u16),
    /// It refuses (RFC 3161 section 2.4.2).
    #[error("the timestamp authority refuses: status {status}, failure {failure}")]
    Refused {
        /// `PKIStatus`.
        status: u32,
        /// The first bit that is set in `PKIFailureInfo`, by its name.
        failure: &'static str,
    },
    /// Bytes that are not a timestamp.
    #[error("not a timestamp: {0}")]
    Form(&'static str),
    /// A timestamp over something else, or in answer to another question.
    #[error("a timestamp of something else: {0}")]
    Other(&'static str),
    /// A signature that does not hold, or one by a certificate that may not give timestamps.
    #[error("the timestamp's signature: {0}")]
    Signature(&'static str),
    /// The certificate does not lead to the given authorities.
    #[error("nobody who is trusted vouches for the timestamp's certificate")]
    NotVouched,
    /// A time too far from our own.
    #[error("the timestamp's time is more than five minutes off this machine's clock")]
    Time,
    /// The cryptographic library failed, for example because the system gave no random bytes.
    #[error("the cryptographic library failed")]
    Crypto,
}

impl TimestampError {
    /// A stable word for clients, logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Settings(_) => "timestamp-settings",
            Self::Unreachable(_) => "timestamp-unreachable",
            Self::Status(_) => "timestamp-http-status",
            Self::Refused { .. } => "timestamp-refused",
            Self::Form(_) => "timestamp-form",
            Self::Other(_) => "timestamp-other",
            Self::Signature(_) => "timestamp-signature",
            Self::NotVouched => "timestamp-not-vouched",
            Self::Time => "timestamp-time",
            Self::Crypto => "timestamp-crypto",
        }
    }
}
