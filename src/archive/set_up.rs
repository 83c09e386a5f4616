//! What the configured store is, and what it takes for it to be one: for the operator, before there is an archive.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::ArchiveError;
use super::engines::{open_bucket, open_store};
use crate::clock::Clock;
use crate::config::{Config, StoreUrl};
use crate::vault::objects::s3::init;
use crate::vault::objects::{ObjectStore, StoreFacts};

/// What was found, and what was changed.
#[derive(Debug, Serialize)]
pub struct StoreReport {
    /// What was changed; empty where nothing had to be.
    pub changed: Vec<String>,
    /// What the store enforces, as trials show.
    pub facts: StoreFacts,
    /// Whether the configuration asks for a lock that the store does not enforce.
    pub lock_missing: bool,
    /// Whether the bucket has a default retention, with which no archive works.
    pub locked_by_default: bool,
}

impl fmt::Display for StoreReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changed {
            writeln!(f, "changed: {change}")?;
        }
        let facts = &self.facts;
        writeln!(f, "the store is of the kind {}", facts.backend)?;
        for (name, found) in [
            ("what is written reads back", facts.durable),
            ("a first write is exclusive", facts.exclusive_create),
            ("old versions are kept", facts.versions),
            ("locks are enforced", facts.locks),
            ("locks nothing that it was not asked to", !facts.locks_by_default),
            ("what is erased by a decision goes at once, locked or not", facts.erases_at_once),
        ] {
            writeln!(f, "{name}: {}", if found { "yes" } else { "no" })?;
        }
        for warning in &facts.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        if self.lock_missing {
            writeln!(f, "require_lock is set, and the store does not enforce locks: `serve` will refuse to start")?;
        }
        if self.locked_by_default {
            writeln!(f, "the bucket has a default retention: `serve` will refuse to start before it is taken away")?;
        }
        Ok(())
    }
}

/// Makes the configured store ready, and tries out what it enforces.
pub async fn init_store(config: &Config, clock: &Arc<dyn Clock>) -> Result<StoreReport, ArchiveError> {
    let (store, done): (Arc<dyn ObjectStore>, _) = match &config.store {
        StoreUrl::Disk(_) => (open_store(config, clock).await?, init::SetUp::default()),
        StoreUrl::S3(url) => {
            let bucket = open_bucket(config, url, clock).await?;
            let done = init::set_up(&bucket).await?;
            (Arc::new(bucket), done)
        }
    };
    let mut report = tried(config, store.as_ref()).await?;
    report.changed = done.changed;
    report.facts.warnings.extend(done.warnings);
    Ok(report)
}

/// Tries out what the configured store enforces. Changes nothing, and makes none.
pub async fn check_store(config: &Config, clock: &Arc<dyn Clock>) -> Result<StoreReport, ArchiveError> {
    if let StoreUrl::Disk(folder) = &config.store
        && !folder.exists()
    {
        let text = format!("there is no store in {}; `earwitness store init` makes one", folder.display());
        return Err(ArchiveError::Configuration(text));
    }
    tried(config, open_store(config, clock).await?.as_ref()).await
}

async fn tried(config: &Config, store: &dyn ObjectStore) -> Result<StoreReport, ArchiveError> {
    let facts = store.probe().await?;
    Ok(StoreReport {
        changed: Vec::new(),
        lock_missing: config.require_lock && !facts.locks,
        locked_by_default: facts.locks_by_default,
        facts,
    })
}
