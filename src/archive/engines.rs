//! Which store and which key provider the configuration names.

use std::sync::Arc;

use super::ArchiveError;
use crate::clock::Clock;
use crate::config::{Config, KeysUrl, LockMode, S3Url, StoreUrl};
use crate::vault::VaultError;
use crate::vault::keys::KeyProvider;
use crate::vault::keys::file::FileKeys;
use crate::vault::objects::ObjectStore;
use crate::vault::objects::disk::DiskStore;
use crate::vault::objects::s3::{self, S3Settings, S3Store};

/// Opens the configured store. Blocking for a moment where it is a folder.
pub async fn open_store(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<dyn ObjectStore>, ArchiveError> {
    match &config.store {
        StoreUrl::Disk(folder) => Ok(Arc::new(DiskStore::open(folder)?)),
        StoreUrl::S3(url) => Ok(Arc::new(open_bucket(config, url, clock).await?)),
    }
}

/// Opens the configured bucket. Asks it for nothing yet.
pub(super) async fn open_bucket(config: &Config, url: &S3Url, clock: &Arc<dyn Clock>) -> Result<S3Store, ArchiveError> {
    let ca_pem = match &config.ca_file {
        Some(path) => Some(std::fs::read(path).map_err(|source| ArchiveError::Io { what: "reading ca_file", source })?),
        None => None,
    };
    let settings = S3Settings {
        bucket: url.bucket.clone(),
        prefix: url.prefix.clone(),
        endpoint: url.endpoint.clone(),
        region: url.region.clone(),
        path_style: url.path_style,
        ca_pem,
        lock_mode: match config.lock_mode {
            LockMode::Governance => s3::LockMode::Governance,
            LockMode::Compliance => s3::LockMode::Compliance,
        },
    };
    Ok(S3Store::open(settings, clock.clone()).await?)
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
