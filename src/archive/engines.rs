//! Which store and which key provider the configuration names.

use std::sync::Arc;

use super::ArchiveError;
use crate::clock::Clock;
use crate::config::{Config, KeysUrl, StoreUrl};
use crate::vault::VaultError;
use crate::vault::keys::KeyProvider;
use crate::vault::keys::file::FileKeys;
use crate::vault::objects::ObjectStore;
use crate::vault::objects::disk::DiskStore;

/// Opens the configured store. Blocking for a moment where it is a folder.
pub async fn open_store(config: &Config, _clock: &Arc<dyn Clock>) -> Result<Arc<dyn ObjectStore>, ArchiveError> {
    match &config.store {
        StoreUrl::Disk(folder) => Ok(Arc::new(DiskStore::open(folder)?)),
        StoreUrl::S3(_) => Err(ArchiveError::Configuration("store: the s3 engine is not built yet".to_owned())),
    }
}

/// Opens the configured key provider.
pub async fn open_keys(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<dyn KeyProvider>, ArchiveError> {
    match &config.keys {
        KeysUrl::Folder(folder) => {
            let keys = FileKeys::open(folder.clone(), config.keys_replica.clone(), clock.clone());
            Ok(Arc::new(keys.map_err(VaultError::from)?))
        }
        KeysUrl::Transit { .. } | KeysUrl::AwsKms(_) => {
            Err(ArchiveError::Configuration("keys: this engine is not built yet".to_owned()))
        }
    }
}
