//! What the store keeps of withdrawn tokens, so that a restored catalog brings none back to life.
//!
//! An object per token, as the archive's own word (`words`). A token is not un-withdrawn, so an old copy says nothing wrong.

use std::collections::HashSet;

use uuid::Uuid;

use super::{Archive, ArchiveError};
use crate::clock::Timestamp;
use crate::vault::objects::{ObjectKey, Prefix};

/// Things that one listing asks for.
const PAGE: usize = 1_000;

impl Archive {
    /// Keeps in the store that a token was withdrawn.
    pub async fn keep_revocation(&self, token: Uuid, revoked_at: Timestamp) -> Result<(), ArchiveError> {
        self.keep_time(&ObjectKey::TokenRevoked(token), revoked_at).await
    }

    /// When a token was withdrawn, as the store has it.
    pub async fn kept_revocation(&self, token: Uuid) -> Result<Timestamp, ArchiveError> {
        self.kept_time(&ObjectKey::TokenRevoked(token)).await
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
