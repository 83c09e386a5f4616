//! What closes a package: the signature over its tag manifest, and the timestamp over the signature.

use crate::clock::Timestamp;
use crate::signature::build::{Unsigned, sha256_of};
use crate::timestamp::{Authority, TimestampError};

use super::seal::{SealError, Sealer};

/// The signature: CMS in DER, over the tag manifest.
pub const SIGNATURE: &str = "tagmanifest-sha256.txt.p7s";
/// The bare signature out of the file above, which the timestamp is over.
pub const SIGNATURE_VALUE: &str = "signature-value.bin";
/// The timestamp's token, which the signature carries as well.
pub const TIMESTAMP: &str = "timestamp.tst";

/// Why a package could not be closed.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// The seal.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The timestamp.
    #[error(transparent)]
    Timestamp(#[from] TimestampError),
}

impl CloseError {
    /// A stable word for clients and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Seal(error) => error.code(),
            Self::Timestamp(error) => error.code(),
        }
    }
}

impl From<crate::signature::CmsError> for CloseError {
    fn from(error: crate::signature::CmsError) -> Self {
        Self::Seal(error.into())
    }
}

/// Signs a tag manifest, with a timestamp where there is an authority. Gives name and content of each file below
/// `signature/`.
pub async fn close(
    tag_manifest: &str,
    now: Timestamp,
    sealer: &dyn Sealer,
    authority: Option<&Authority>,
) -> Result<Vec<(&'static str, Vec<u8>)>, CloseError> {
    let signed_at = now.since(Timestamp::from_micros(0));
    let unsigned = Unsigned::new(&sha256_of(tag_manifest.as_bytes())?, signed_at, sealer.chain())?;
    let signature = sealer.sign(&unsigned.message()?).await?;
    let mut detached = unsigned.with(signature);
    let Some(authority) = authority else { return Ok(vec![(SIGNATURE, detached.to_der()?)]) };
    let stamped = authority.stamp(sha256_of(detached.signature())?).await?;
    detached.add_timestamp(stamped.token())?;
    let value = detached.signature().to_vec();
    Ok(vec![(SIGNATURE, detached.to_der()?), (SIGNATURE_VALUE, value), (TIMESTAMP, stamped.token().to_vec())])
}
