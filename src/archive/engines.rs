//! Which store, which key provider and which parties outside the configuration names.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::ArchiveError;
use crate::clock::Clock;
use crate::config::{Config, KeysUrl, LockMode, S3Url, StoreUrl, WitnessSettings};
use crate::ledger::LedgerError;
use crate::ledger::cosignature::WitnessKey;
use crate::timestamp::{Authority, Roots, TimestampError};
use crate::vault::VaultError;
use crate::vault::keys::KeyProvider;
use crate::vault::keys::file::FileKeys;
use crate::vault::keys::kms::{KmsKeys, KmsOptions};
use crate::vault::keys::transit::{TokenSource, TransitKeys, TransitOptions};
use crate::vault::objects::ObjectStore;
use crate::vault::objects::disk::DiskStore;
use crate::vault::objects::s3::{self, ErasingKey, S3Settings, S3Store};
use crate::vcon::signers::Signers;
use crate::witness::Witness;

/// Opens the configured store. Blocking for a moment where it is a folder.
pub async fn open_store(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<dyn ObjectStore>, ArchiveError> {
    match &config.store {
        StoreUrl::Disk(folder) => Ok(Arc::new(DiskStore::open(folder)?)),
        StoreUrl::S3(url) => Ok(Arc::new(open_bucket(config, url, clock).await?)),
    }
}

/// Opens the configured bucket. Asks it for nothing yet.
pub(super) async fn open_bucket(config: &Config, url: &S3Url, clock: &Arc<dyn Clock>) -> Result<S3Store, ArchiveError> {
    let settings = S3Settings {
        bucket: url.bucket.clone(),
        prefix: url.prefix.clone(),
        endpoint: url.endpoint.clone(),
        region: url.region.clone(),
        path_style: url.path_style,
        ca_pem: further_authorities(config)?,
        lock_mode: match config.lock_mode {
            LockMode::Governance => s3::LockMode::Governance,
            LockMode::Compliance => s3::LockMode::Compliance,
        },
        erasing: erasing_key(config)?,
    };
    Ok(S3Store::open(settings, clock.clone()).await?)
}

/// The credential that may bypass locks for a decided erasure.
fn erasing_key(config: &Config) -> Result<Option<ErasingKey>, ArchiveError> {
    let Some(path) = &config.erasure_credentials else { return Ok(None) };
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|source| ArchiveError::Io { what: "reading erasure_credentials_file", source })?;
    let none = "erasure_credentials_file: one profile with aws_access_key_id and aws_secret_access_key is needed";
    ErasingKey::parse(&text).map(Some).ok_or_else(|| ArchiveError::Configuration(none.to_owned()))
}

/// Opens the configured key provider.
pub async fn open_keys(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<dyn KeyProvider>, ArchiveError> {
    match &config.keys {
        KeysUrl::Folder(folder) => {
            let keys = FileKeys::open(folder.clone(), config.keys_replica.clone(), clock.clone());
            Ok(Arc::new(keys.map_err(VaultError::from)?))
        }
        KeysUrl::Transit { server, mount } => {
            let options = TransitOptions {
                server: server.clone(),
                mount: mount.clone(),
                namespace: from_environment(["BAO_NAMESPACE", "VAULT_NAMESPACE"]),
                token: transit_token(config)?,
                ca_pem: further_authorities(config)?,
            };
            let keys = TransitKeys::open(options, clock.clone()).await;
            Ok(Arc::new(keys.map_err(VaultError::from)?))
        }
        KeysUrl::AwsKms(url) => {
            let options = KmsOptions {
                alias_prefix: url.alias_prefix.clone(),
                region: url.region.clone(),
                endpoint: url.endpoint.clone(),
                waiting_days: url.waiting_days,
                ca_pem: further_authorities(config)?,
            };
            Ok(Arc::new(KmsKeys::open(options, clock.clone()).await.map_err(VaultError::from)?))
        }
    }
}

/// The configured timestamp authority, if there is one. Asks it for nothing yet.
pub(super) fn open_authority(config: &Config, clock: &Arc<dyn Clock>) -> Result<Option<Authority>, ArchiveError> {
    let Some(url) = &config.timestamps.authority else { return Ok(None) };
    let bad = |error: TimestampError| ArchiveError::Configuration(error.to_string());
    let roots = config.timestamps.ca_file.as_deref().map(std::fs::read).transpose();
    let roots = roots.map_err(|source| ArchiveError::Io { what: "reading timestamp_ca_file", source })?;
    let roots = roots.map(|pem| Roots::from_pem(&pem)).transpose().map_err(bad)?;
    let authority = Authority::new(url, roots, further_authorities(config)?.as_deref(), clock.clone());
    Ok(Some(authority.map_err(bad)?))
}

/// The configured witnesses. Asks them for nothing yet.
pub(super) fn open_witnesses(config: &Config) -> Result<Vec<Witness>, ArchiveError> {
    let bad = |error: &dyn std::fmt::Display| ArchiveError::Configuration(format!("witnesses: {error}"));
    let authorities = further_authorities(config)?;
    let open = |one: &WitnessSettings| {
        let key: WitnessKey = one.vkey.parse().map_err(|error: LedgerError| bad(&error))?;
        Witness::new(key, &one.url, authorities.as_deref()).map_err(|error| bad(&error))
    };
    config.witnesses.iter().map(open).collect()
}

/// The file where one is configured, else the variables that the servers' own tools read.
fn transit_token(config: &Config) -> Result<TokenSource, ArchiveError> {
    if let Some(file) = &config.keys_token_file {
        return Ok(TokenSource::File(file.clone()));
    }
    let token = from_environment(["BAO_TOKEN", "VAULT_TOKEN"]).ok_or_else(|| {
        ArchiveError::Configuration("keys: the key server wants a token: set keys_token_file, or BAO_TOKEN".to_owned())
    })?;
    Ok(TokenSource::Fixed(Zeroizing::new(token)))
}

/// The first of these that is set.
fn from_environment(names: [&str; 2]) -> Option<String> {
    names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Those whose signatures on vCons count.
pub(super) fn vcon_signers(config: &Config) -> Result<Signers, ArchiveError> {
    let Some(path) = &config.vcon.signers else { return Ok(Signers::default()) };
    let pem = std::fs::read(path).map_err(|source| ArchiveError::Io { what: "reading vcon_signers", source })?;
    Signers::from_pem(&pem)
        .map_err(|wrong| ArchiveError::Configuration(format!("vcon_signers: {} {wrong}", path.display())))
}

/// The PEM file of authorities beside the system's.
pub(super) fn further_authorities(config: &Config) -> Result<Option<Vec<u8>>, ArchiveError> {
    let read = config.ca_file.as_deref().map(std::fs::read).transpose();
    read.map_err(|source| ArchiveError::Io { what: "reading ca_file", source })
}
