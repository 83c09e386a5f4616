//! A secret from under one provider's key to under another's.

use zeroize::Zeroizing;

use super::{KeyringError, aad};
use crate::vault::keys::{KeyName, KeyProvider};

/// Wraps the secret by the key of the same name at the other provider, which is made where there is none, and opens
/// that once more: what does not give the same secret is an error.
pub async fn rewrap(
    name: &KeyName,
    wrapped: &[u8],
    from: &dyn KeyProvider,
    to: &dyn KeyProvider,
) -> Result<Vec<u8>, KeyringError> {
    let secret = open(name, wrapped, from).await?;
    to.ensure(name).await?;
    let rewrapped = to.wrap(name, &aad(name), &secret).await?;
    let again = open(name, &rewrapped, to).await?;
    if *again == *secret { Ok(rewrapped) } else { Err(KeyringError::Corrupt(*name)) }
}

/// The secret, opened by this provider.
async fn open(name: &KeyName, wrapped: &[u8], by: &dyn KeyProvider) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    Ok(by.unwrap(name, &aad(name), wrapped).await?)
}

/// An error when this provider does not open the secret.
pub async fn check_opens(name: &KeyName, wrapped: &[u8], by: &dyn KeyProvider) -> Result<(), KeyringError> {
    open(name, wrapped, by).await.map(drop)
}
