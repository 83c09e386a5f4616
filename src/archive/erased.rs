//! Tombstones of what was erased before its deadline: until its month is over the same call is refused, and the recording
//! does not come back with an old catalog or an old sidecar.
//!
//! A tombstone is a row, and an object (`erased/<month>/<uuid>`) sealed under the month's secret, written before anything is
//! destroyed. What it has of the call is a hash that comes from the same secret: with the month's key nobody can tell any
//! more what it was of.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Archive, ArchiveError};
use crate::catalog::{ErasureRow, PurgeRow, PurgeStage, SecretState};
use crate::clock::Timestamp;
use crate::recording::{ExpiryMonth, RecordingId};
use crate::retention::PurgeGround;
use crate::vault::keyring::KeyringError;
use crate::vault::keys::KeyName;
use crate::vault::objects::{ObjectKey, Prefix};
use crate::vault::small;

/// Things that one listing asks for.
const PAGE: usize = 1_000;
/// Longest one that is read.
const MAX_BYTES: u64 = 4_096;

/// What the object says.
#[derive(Serialize, Deserialize)]
struct Tombstone {
    mac: Vec<u8>,
    erased_at: Timestamp,
    request_id: Option<Uuid>,
    rule: String,
    expires_at: Timestamp,
}

/// A call as it is known in each month of which anything was erased.
pub type ErasedMacs = Vec<(ExpiryMonth, Vec<u8>)>;

impl Archive {
    /// The hash by which an erased call is known in a month. `call`: its own, of the whole installation.
    pub async fn erased_mac(&self, month: ExpiryMonth, call: &[u8]) -> Result<Vec<u8>, ArchiveError> {
        Ok(self.keyring.secret(&KeyName::Month(month)).await?.erased_call_mac(call).to_vec())
    }

    /// The hashes of a call in every month of which anything was erased. What was erased in a month whose key is destroyed
    /// is not known any more.
    pub async fn erased_macs(&self, call: &[u8]) -> Result<ErasedMacs, ArchiveError> {
        let mut macs = Vec::new();
        for month in self.catalog.erased_months().await? {
            match self.keyring.secret(&KeyName::Month(month)).await {
                Ok(secret) => macs.push((month, secret.erased_call_mac(call).to_vec())),
                Err(KeyringError::Gone(_)) => macs.push((month, Vec::new())),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(macs)
    }

    /// When a call was erased last; none if it never was, or its month is over.
    pub async fn call_erased_at(&self, call: &[u8]) -> Result<Option<Timestamp>, ArchiveError> {
        Ok(self.catalog.erased_at(&self.erased_macs(call).await?).await?)
    }

    /// Keeps a recording's tombstone in the store. It overwrites what is there, which can only be the same.
    pub async fn keep_tombstone(&self, erasure: &ErasureRow, purge: &PurgeRow) -> Result<(), ArchiveError> {
        let key = ObjectKey::Erased { month: erasure.month, id: erasure.recording_id };
        let tombstone = Tombstone {
            mac: erasure.mac.clone(),
            erased_at: erasure.erased_at,
            request_id: purge.request_id,
            rule: purge.rule.clone(),
            expires_at: purge.expires_at,
        };
        let text = serde_json::to_vec(&tombstone).map_err(|_| ArchiveError::Document("a tombstone"))?;
        let secret = self.keyring.secret(&KeyName::Month(erasure.month)).await?;
        Ok(self.store.put(&key, small::seal(secret.meta_key(), &aad(&key), &text)?.into()).await?)
    }

    /// A recording's tombstone as the store has it, with the purge that it tells of, as it was fenced.
    pub async fn read_tombstone(
        &self,
        month: ExpiryMonth,
        id: RecordingId,
    ) -> Result<(ErasureRow, PurgeRow), ArchiveError> {
        let key = ObjectKey::Erased { month, id };
        let secret = self.keyring.secret(&KeyName::Month(month)).await?;
        let text = small::open(secret.meta_key(), &aad(&key), &self.store.get(&key, MAX_BYTES).await?)?;
        let read: Tombstone = serde_json::from_slice(&text).map_err(|_| ArchiveError::Document("a tombstone"))?;
        let erasure = ErasureRow { recording_id: id, month, mac: read.mac, erased_at: read.erased_at };
        let purge = PurgeRow {
            recording_id: id,
            ground: PurgeGround::Erasure,
            request_id: read.request_id,
            month,
            rule: read.rule,
            expires_at: read.expires_at,
            stage: PurgeStage::Fenced,
            fenced_at: read.erased_at,
            keys_destroyed_at: None,
            objects_deleted_at: None,
            rows_deleted_at: None,
            looked_again_at: None,
            certified_at: None,
            deleted: Default::default(),
            entry_id: None,
            locked_until: None,
            bytes_deleted_at: None,
        };
        Ok((erasure, purge))
    }

    /// The tombstones that the store has, each once, in the order of their paths.
    pub async fn kept_tombstones(&self) -> Result<Vec<(ExpiryMonth, RecordingId)>, ArchiveError> {
        let (mut kept, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.list(&Prefix::erased(), after.as_ref(), PAGE).await?;
            kept.extend(page.found.into_iter().filter_map(|version| match version.key {
                Some(ObjectKey::Erased { month, id }) => Some((month, id)),
                _ => None,
            }));
            after = page.next;
            if after.is_none() {
                kept.dedup();
                return Ok(kept);
            }
        }
    }

    /// Whether the catalog knows a month's key to be destroyed, or about to be: then its tombstones are over.
    pub async fn is_month_over(&self, month: ExpiryMonth) -> Result<bool, ArchiveError> {
        let secret = self.catalog.load_secret(&KeyName::Month(month).to_string()).await?;
        Ok(secret.is_some_and(|secret| secret.state != SecretState::Live))
    }

    /// An error when the store has a tombstone of which the catalog does not know: it is from before that erasure, also where
    /// nothing else happened since that the ledger would tell of.
    pub async fn check_tombstones(&self) -> Result<(), ArchiveError> {
        for (month, id) in self.kept_tombstones().await? {
            if self.catalog.erasure(id).await?.is_none() && !self.is_month_over(month).await? {
                return Err(ArchiveError::ErasedAliveAgain);
            }
        }
        Ok(())
    }
}

fn aad(key: &ObjectKey) -> Vec<u8> {
    key.to_string().into_bytes()
}
