//! The key provider: keys by name, kept outside catalog and store, that can be destroyed for good.

#[cfg(test)]
pub(crate) mod conformance;
pub mod file;
pub mod kms;
mod name;
pub mod transit;

use std::fmt;
use std::io;

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::SealError;
use crate::clock::Timestamp;

pub use name::KeyName;

/// What a destruction achieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destroyed {
    /// From when on nobody can get the key back. Later than now where the provider has a waiting time.
    pub effective_at: Timestamp,
}

/// Why a key provider did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key was destroyed, or never was.
    #[error("the key {0} is gone")]
    Gone(KeyName),
    /// The wrapped bytes are not what was wrapped under this key for this purpose.
    #[error("what was wrapped under the key {0} does not open: it was changed or belongs to something else")]
    Corrupt(KeyName),
    /// The stored key is not a key.
    #[error("the stored key {0} does not have 32 bytes")]
    WrongSize(KeyName),
    /// The two copies of a key are not the same.
    #[error("the key {0} is not the same in the keys folder and in its replica")]
    ReplicaDiffers(KeyName),
    /// A key that must not be used.
    #[error("the key {name} at the key provider must not be used: {why}")]
    Unfit {
        /// The key.
        name: KeyName,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Others may read the keys.
    #[error("others than the owner may read the {what}; make it {mode:o}")]
    Permissions {
        /// `keys folder`, `replica folder` or `key file`.
        what: &'static str,
        /// The permissions it should have.
        mode: u32,
    },
    /// A folder that is not, or is another, keys folder.
    #[error("the {0} is not the keys folder of this installation")]
    ForeignFolder(&'static str),
    /// The provider cannot be reached, or answers with an error.
    #[error("the key provider is not available: {0}")]
    Unavailable(#[from] io::Error),
    /// The cipher or the system's random numbers failed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl KeyError {
    /// A stable name of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Gone(_) => "key-gone",
            Self::Corrupt(_) => "key-unwrap-failed",
            Self::WrongSize(_) => "key-wrong-size",
            Self::ReplicaDiffers(_) => "key-replica-differs",
            Self::Unfit { .. } => "key-unfit",
            Self::Permissions { .. } => "key-permissions",
            Self::ForeignFolder(_) => "key-folder-foreign",
            Self::Unavailable(_) => "key-provider-unavailable",
            Self::Seal(e) => e.code(),
        }
    }
}

/// Holds keys by name and never gives them away: it wraps and unwraps.
#[async_trait]
pub trait KeyProvider: Send + Sync + fmt::Debug {
    /// Makes the key where there is none. It is durable, in all its copies, before this returns.
    /// [`KeyError::Gone`], or a new key, for a name whose key was destroyed.
    async fn ensure(&self, name: &KeyName) -> Result<(), KeyError>;

    /// Wraps a short secret for the purpose named by `aad` (not empty). [`KeyError::Gone`] without a key.
    async fn wrap(&self, name: &KeyName, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// Unwraps what was wrapped under the same key for the same purpose. [`KeyError::Gone`] without a key,
    /// [`KeyError::Corrupt`] when the bytes do not open.
    async fn unwrap(&self, name: &KeyName, aad: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError>;

    /// Destroys the key, durably and in all its copies. Again, or without a key, is no error: a provider that takes
    /// note of destructions says the same time again, one that cannot says a later one, and none an earlier one.
    async fn destroy(&self, name: &KeyName) -> Result<Destroyed, KeyError>;

    /// Whether there is a key that can be used.
    async fn exists(&self, name: &KeyName) -> Result<bool, KeyError>;

    /// The names of all keys that can be used, in order.
    async fn list(&self) -> Result<Vec<KeyName>, KeyError>;

    /// Whether the provider can be asked: for probes, so it costs little.
    async fn check(&self) -> Result<(), KeyError> {
        self.list().await.map(drop)
    }

    /// Keeps the right to ask from running out, where that is a matter of time. Costs little when it is called often.
    async fn keep_alive(&self) -> Result<(), KeyError> {
        Ok(())
    }

    /// The kind of provider, as it stands on records: `file`, `transit`, `aws-kms`.
    fn kind(&self) -> &'static str;

    /// In how many places that we know of a key is kept, replicas included.
    fn copies(&self) -> u64;

    /// Whose keys these are. The caller notes it once and compares at every start: other keys, or an empty folder
    /// where a volume is not mounted, would pass for keys that are gone. None where the provider cannot tell.
    fn identity(&self) -> Option<String>;

    /// What an operator should know, e.g. that there is no replica.
    fn warnings(&self) -> Vec<String>;
}
