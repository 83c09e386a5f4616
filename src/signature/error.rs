//! What can go wrong with signatures by certificate.

/// Why a signature or a certificate was not made, or does not hold. The texts carry nothing of what was signed.
#[derive(Debug, thiserror::Error)]
pub enum CmsError {
    /// Bytes that are not the ASN.1 that they should be.
    #[error("not readable: {0}")]
    Form(&'static str),
    /// Something that is readable, and not as it has to be.
    #[error("{0}")]
    Wrong(&'static str),
    /// An algorithm or a kind of key that is not known here.
    #[error("made with an algorithm that is not known here")]
    Algorithm,
    /// A key or certificate that cannot be used.
    #[error("not a usable key or certificate: {0}")]
    Key(&'static str),
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Crypto,
}

impl CmsError {
    /// A stable word for clients and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Form(_) => "cms-form",
            Self::Wrong(_) => "cms-wrong",
            Self::Algorithm => "cms-algorithm",
            Self::Key(_) => "cms-key",
            Self::Crypto => "cms-crypto",
        }
    }
}
