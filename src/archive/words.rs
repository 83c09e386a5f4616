//! Words of the archive to itself that the store keeps: that a token was withdrawn, that a case or an account came to its end.
//!
//! Sealed under the installation's key, so that nobody without it can make one, and bound by the object's name to what they
//! are about.

use super::{Archive, ArchiveError};
use crate::clock::Timestamp;
use crate::vault::keys::KeyName;
use crate::vault::objects::ObjectKey;
use crate::vault::small;

/// Longest one that is read.
const MAX_BYTES: u64 = 4_096;

impl Archive {
    /// Keeps a word under this name.
    pub async fn keep_word(&self, key: &ObjectKey, word: &[u8]) -> Result<(), ArchiveError> {
        let secret = self.keyring.ensure_secret(&KeyName::Installation).await?;
        let sealed = small::seal(secret.meta_key(), &aad(key), word)?;
        Ok(self.store.put(key, sealed.into()).await?)
    }

    /// The word that is kept under this name.
    pub async fn kept_word(&self, key: &ObjectKey) -> Result<Vec<u8>, ArchiveError> {
        let secret = self.keyring.secret(&KeyName::Installation).await?;
        Ok(small::open(secret.meta_key(), &aad(key), &self.store.get(key, MAX_BYTES).await?)?.to_vec())
    }

    /// Keeps that something happened then.
    pub async fn keep_time(&self, key: &ObjectKey, at: Timestamp) -> Result<(), ArchiveError> {
        self.keep_word(key, &at.micros().to_be_bytes()).await
    }

    /// When it happened, as it is kept.
    pub async fn kept_time(&self, key: &ObjectKey) -> Result<Timestamp, ArchiveError> {
        let word = self.kept_word(key).await?;
        let micros = <[u8; 8]>::try_from(word.as_slice()).map_err(|_| ArchiveError::Document("a time that is kept"))?;
        Ok(Timestamp::from_micros(i64::from_be_bytes(micros)))
    }
}

fn aad(key: &ObjectKey) -> Vec<u8> {
    key.to_string().into_bytes()
}
