//! Secrets by name: made once, kept wrapped in two places (shelf and store), unwrapped in memory for a bounded time.

mod cache;
mod error;
mod rewrap;
mod shelf;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::keys::{KeyError, KeyName, KeyProvider};
use super::objects::{ObjectKey, ObjectStore, PutBody, StoreError};
use super::secrets::Secret;
use crate::clock::{Clock, Timestamp};
use crate::failpoint;
use cache::{Cache, Slot};

pub use error::KeyringError;
pub use rewrap::{check_opens, rewrap};
pub use shelf::{SecretShelf, SecretState, ShelfEntry, ShelfFailure};

/// For how long a secret stays unwrapped in memory, unless said otherwise.
pub const DEFAULT_KEEP: Duration = Duration::from_secs(600);

/// A wrapped secret is some 60 bytes under file keys; transit and KMS add a few hundred.
const MAX_WRAPPED_BYTES: u64 = 16 * 1024;

/// A key and its secret that are gone for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destruction {
    /// From when on nobody can get the key back.
    pub effective_at: Timestamp,
    /// True: a wrapped copy was tried after the destruction, and did not open. False: no copy was left to try, and
    /// the provider says that there is no key.
    pub tried_to_open: bool,
}

/// The way to every secret.
pub struct Keyring {
    provider: Arc<dyn KeyProvider>,
    store: Arc<dyn ObjectStore>,
    shelf: Arc<dyn SecretShelf>,
    clock: Arc<dyn Clock>,
    cache: Cache,
}

impl Keyring {
    /// Secrets are kept unwrapped for at most `keep` ([`DEFAULT_KEEP`]) by `clock`.
    pub fn new(
        provider: Arc<dyn KeyProvider>,
        store: Arc<dyn ObjectStore>,
        shelf: Arc<dyn SecretShelf>,
        clock: Arc<dyn Clock>,
        keep: Duration,
    ) -> Self {
        Self { provider, store, shelf, clock, cache: Cache::new(keep) }
    }

    /// The key provider.
    pub fn provider(&self) -> &Arc<dyn KeyProvider> {
        &self.provider
    }

    /// An existing secret. [`KeyringError::Gone`] where it was destroyed or never made.
    pub async fn secret(&self, name: &KeyName) -> Result<Arc<Secret>, KeyringError> {
        self.forget_expired();
        let mut slot = self.cache.slot(name).await;
        if let Some(secret) = slot.fresh(self.clock.now()) {
            return Ok(secret);
        }
        slot.clear();
        match self.load(name).await? {
            Some(secret) => Ok(self.keep(&mut slot, secret)),
            None if self.provider.exists(name).await? => Err(KeyringError::Lost(*name)),
            None => Err(KeyringError::Gone(*name)),
        }
    }

    /// The secret, made where there is none yet: key, then secret, then its copy in the store, then the shelf.
    /// Several processes at once get the same: the first copy in the store is the secret.
    pub async fn ensure_secret(&self, name: &KeyName) -> Result<Arc<Secret>, KeyringError> {
        self.forget_expired();
        let mut slot = self.cache.slot(name).await;
        if let Some(secret) = slot.fresh(self.clock.now()) {
            return Ok(secret);
        }
        slot.clear();
        let secret = match self.load(name).await? {
            Some(secret) => secret,
            None => self.create(name).await?,
        };
        Ok(self.keep(&mut slot, secret))
    }

    /// Drops a secret from memory.
    pub async fn forget(&self, name: &KeyName) {
        self.cache.slot(name).await.clear();
    }

    /// Drops what has been in memory for too long. For a background pass; every look-up does it as well.
    pub fn forget_expired(&self) {
        self.cache.forget_expired(self.clock.now());
    }

    /// Destroys a key, and with it all that it wraps: key, copy in the store, memory. Then proves it, by trying to
    /// open a wrapped copy. The shelf's row is the caller's to erase. May be repeated.
    pub async fn destroy(&self, name: &KeyName) -> Result<Destruction, KeyringError> {
        if *name == KeyName::Installation {
            return Err(KeyringError::Kept(*name));
        }
        let mut slot = self.cache.slot(name).await;
        let wrapped = match self.shelf_entry(name).await? {
            Some(entry) => Some(entry.wrapped),
            None => self.stored_copy(name).await?,
        };
        let destroyed = self.provider.destroy(name).await?;
        failpoint::hit("keyring-key-destroyed");
        self.store.delete(&ObjectKey::Secret(*name)).await?;
        failpoint::hit("keyring-copy-deleted");
        slot.clear();
        let tried_to_open = self.prove_gone(name, wrapped.as_deref()).await?;
        Ok(Destruction { effective_at: destroyed.effective_at, tried_to_open })
    }

    /// Whether a copy was tried. An error where anything is left.
    async fn prove_gone(&self, name: &KeyName, wrapped: Option<&[u8]>) -> Result<bool, KeyringError> {
        let copy_left = self.store.head(&ObjectKey::Secret(*name)).await?.is_some();
        if copy_left || self.provider.exists(name).await? {
            return Err(KeyringError::StillThere(*name));
        }
        let Some(wrapped) = wrapped.filter(|w| !w.is_empty()) else { return Ok(false) };
        match self.provider.unwrap(name, &aad(name), wrapped).await {
            Err(KeyError::Gone(_)) => Ok(true),
            Ok(_) => Err(KeyringError::StillThere(*name)),
            Err(error) => Err(error.into()),
        }
    }

    /// From the shelf, or where that has none or a damaged one, from the store (and then onto the shelf).
    async fn load(&self, name: &KeyName) -> Result<Option<Secret>, KeyringError> {
        let entry = self.shelf_entry(name).await?;
        if entry.as_ref().is_some_and(|e| e.state == SecretState::Destroyed) {
            return Err(KeyringError::Gone(*name));
        }
        let damaged = match &entry {
            Some(entry) => match self.unwrap(name, &entry.wrapped).await {
                Err(KeyringError::Corrupt(_)) => true,
                other => return other.map(Some),
            },
            None => false,
        };
        match self.stored_copy(name).await? {
            Some(copy) => {
                let secret = self.unwrap(name, &copy).await?;
                if entry.is_none() {
                    self.shelve(name, &copy, &secret).await?;
                }
                Ok(Some(secret))
            }
            None if damaged => Err(KeyringError::Corrupt(*name)),
            None => Ok(None),
        }
    }

    async fn create(&self, name: &KeyName) -> Result<Secret, KeyringError> {
        self.provider.ensure(name).await?;
        failpoint::hit("keyring-key-ensured");
        let fresh = Secret::generate(*name).map_err(KeyError::from)?;
        let wrapped = self.provider.wrap(name, &aad(name), fresh.key().expose()).await?;
        // The first copy in the store is the secret for everybody, so a node that was forgotten must not leave one.
        self.shelf.check_in_force().await.map_err(KeyringError::Shelf)?;
        let put = self.store.put_new(&ObjectKey::Secret(*name), PutBody::bytes(wrapped.clone())).await;
        failpoint::hit("keyring-copy-stored");
        let adopted: Bytes = match put {
            Ok(_) => wrapped.into(),
            Err(StoreError::AlreadyExists) => self.stored_copy(name).await?.ok_or(KeyringError::Gone(*name))?.into(),
            Err(error) => return Err(error.into()),
        };
        // Read back through the provider: a secret that does not open must never seal anything.
        let secret = self.unwrap(name, &adopted).await?;
        self.shelve(name, &adopted, &secret).await?;
        failpoint::hit("keyring-shelved");
        Ok(secret)
    }

    /// Puts the wrapped secret on the shelf. What is there already must be the same secret.
    async fn shelve(&self, name: &KeyName, wrapped: &[u8], secret: &Secret) -> Result<(), KeyringError> {
        if self.shelf.save_new(name, wrapped).await.map_err(KeyringError::Shelf)? {
            return Ok(());
        }
        let entry = self.shelf_entry(name).await?.ok_or(KeyringError::Lost(*name))?;
        if entry.state == SecretState::Destroyed {
            return Err(KeyringError::Gone(*name));
        }
        let theirs = self.unwrap(name, &entry.wrapped).await?;
        if theirs.key().expose() == secret.key().expose() { Ok(()) } else { Err(KeyringError::Corrupt(*name)) }
    }

    async fn shelf_entry(&self, name: &KeyName) -> Result<Option<ShelfEntry>, KeyringError> {
        self.shelf.load(name).await.map_err(KeyringError::Shelf)
    }

    async fn stored_copy(&self, name: &KeyName) -> Result<Option<Vec<u8>>, KeyringError> {
        match self.store.get(&ObjectKey::Secret(*name), MAX_WRAPPED_BYTES).await {
            Ok(copy) => Ok(Some(copy.into())),
            Err(StoreError::NotFound) => Ok(None),
            Err(StoreError::TooLarge { .. }) => Err(KeyringError::Corrupt(*name)),
            Err(error) => Err(error.into()),
        }
    }

    async fn unwrap(&self, name: &KeyName, wrapped: &[u8]) -> Result<Secret, KeyringError> {
        let bytes = self.provider.unwrap(name, &aad(name), wrapped).await?;
        Secret::from_slice(*name, &bytes).map_err(|_| KeyringError::Corrupt(*name))
    }

    fn keep(&self, slot: &mut Slot, secret: Secret) -> Arc<Secret> {
        let secret = Arc::new(secret);
        slot.fill(secret.clone(), self.clock.now(), self.cache.keep());
        secret
    }
}

fn aad(name: &KeyName) -> Vec<u8> {
    format!("earwitness-secret\0{name}").into_bytes()
}
