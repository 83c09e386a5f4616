//! What the store keeps of withdrawn tokens, so that a restored catalog brings none back to life.
//!
//! An object per token, sealed under the installation's key: nobody without it can make one, and its name binds it to its
//! token. A token is not un-withdrawn, so an old copy says nothing wrong.

use std::collections::HashSet;

use uuid::Uuid;

use super::{Archive, ArchiveError};
use crate::clock::Timestamp;
use crate::vault::keys::KeyName;
use crate::vault::objects::{ObjectKey, Prefix};
use crate::vault::small;

/// Things that one listing asks for.
const PAGE: usize = 1_000;
/// Longest one that is read.
const MAX_BYTES: u64 = 1_024;

impl Archive {
    /// Keeps in the store that a token was withdrawn.
    pub async fn keep_revocation(&self, token: Uuid, revoked_at: Timestamp) -> Result<(), ArchiveError> {
        let key = ObjectKey::TokenRevoked(token);
        let secret = self.keyring.ensure_secret(&KeyName::Installation).await?;
        let sealed = small::seal(secret.meta_key(), &aad(&key), &revoked_at.micros().to_be_bytes())?;
        Ok(self.store.put(&key, sealed.into()).await?)
    }

    /// When a token was withdrawn, as the store has it.
    pub async fn kept_revocation(&self, token: Uuid) -> Result<Timestamp, ArchiveError> {
        let key = ObjectKey::TokenRevoked(token);
        let secret = self.keyring.secret(&KeyName::Installation).await?;
        let plain = small::open(secret.meta_key(), &aad(&key), &self.store.get(&key, MAX_BYTES).await?)?;
        let micros = <[u8; 8]>::try_from(plain.as_slice()).map_err(|_| ArchiveError::Document("a withdrawn token"))?;
        Ok(Timestamp::from_micros(i64::from_be_bytes(micros)))
    }

    /// The tokens that the store knows to be withdrawn.
    pub async fn kept_revocations(&self) -> Result<HashSet<Uuid>, ArchiveError> {
        let (mut tokens, mut after) = (HashSet::new(), None);
        loop {
            let page = self.store.list(&Prefix::tokens(), after.as_ref(), PAGE).await?;
            tokens.extend(page.found.into_iter().filter_map(|version| match version.key {
                Some(ObjectKey::TokenRevoked(token)) => Some(token),
                _ => None,
            }));
            after = page.next;
            if after.is_none() {
                return Ok(tokens);
            }
        }
    }

    /// An error when the catalog believes a token to be in force that the store knows to be withdrawn: it is from a backup,
    /// also where nothing else happened since that the ledger would tell of.
    pub async fn check_revocations(&self) -> Result<(), ArchiveError> {
        let kept = self.kept_revocations().await?;
        let tokens = self.catalog.tokens().await?;
        let again = tokens.iter().any(|token| token.revoked_at.is_none() && kept.contains(&token.id));
        if again { Err(ArchiveError::TokenAliveAgain) } else { Ok(()) }
    }

    /// Tells the store of the withdrawn tokens that it does not know of. Returns how many there were.
    pub async fn keep_missing_revocations(&self) -> Result<u64, ArchiveError> {
        let revoked = self.catalog.tokens().await?.into_iter().filter_map(|token| Some((token.id, token.revoked_at?)));
        let revoked: Vec<_> = revoked.collect();
        if revoked.is_empty() {
            return Ok(0);
        }
        let (kept, mut told) = (self.kept_revocations().await?, 0);
        for (token, at) in revoked.into_iter().filter(|(token, _)| !kept.contains(token)) {
            self.keep_revocation(token, at).await?;
            told += 1;
        }
        Ok(told)
    }
}

fn aad(key: &ObjectKey) -> Vec<u8> {
    key.to_string().into_bytes()
}
