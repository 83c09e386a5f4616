//! Opening an archive: folders, catalog, store, keys, ledger, in this order, each checked before the next.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use super::engines::{further_authorities, open_authority, open_keys, open_store, open_witnesses, vcon_signers};
use super::pinned::{check_in_force, check_pin, signing_key};
use super::round::Bookmarks;
use super::shelf::CatalogShelf;
use super::{Archive, ArchiveError, PACKAGES_AT_ONCE};
use crate::audio::{Supervisor, WorkerLimits};
use crate::catalog::{Catalog, pin};
use crate::clock::Clock;
use crate::config::{Config, RECORDING_RULE};
use crate::retention::Policy;
use crate::vault::keyring::{DEFAULT_KEEP, Keyring};

/// What an archive is opened with.
pub struct Parts {
    /// All settings.
    pub config: Config,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// The program that checks audio in a child process: this one.
    pub decoder_program: std::path::PathBuf,
    /// Whether the clock is the system's, so that the catalog's is a second opinion on it.
    pub clock_is_system: bool,
}

fn folder(path: &Path) -> Result<(), ArchiveError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| ArchiveError::Io { what: "making the data folder", source })
}

impl Archive {
    /// Opens the archive, or says what is in the way. A catalog that is older than the store is opened as well: see
    /// [`Archive::check_freshness`].
    pub async fn open(parts: Parts) -> Result<Arc<Self>, ArchiveError> {
        let Parts { config, clock, decoder_program, clock_is_system } = parts;
        folder(&config.data)?;
        let catalog = Catalog::open_with(&config.catalog.to_connect(), config.catalog_connections).await?;
        check_in_force(&catalog).await?;
        let store = open_store(&config, &clock).await?;
        let provider = open_keys(&config, &clock).await?;
        check_pin(&catalog, pin::STORE, Some(store.identity().await?)).await?;
        check_pin(&catalog, pin::KEYS, provider.identity()).await?;
        let shelf = Arc::new(CatalogShelf { catalog: catalog.clone(), clock: clock.clone() });
        let keyring = Keyring::new(provider, store.clone(), shelf, clock.clone(), DEFAULT_KEEP);
        let signing = signing_key(&catalog, &config.signing_key).await?;
        let policy = policy_in_force(&catalog, &config, clock.as_ref()).await?;
        let limits = WorkerLimits {
            address_space_bytes: config.decoder.memory_bytes,
            cpu_s: config.decoder.timeout.as_secs(),
            wall_ms: u64::try_from(config.decoder.timeout.as_millis()).unwrap_or(u64::MAX).saturating_mul(2),
            ..WorkerLimits::default()
        };
        let decoder = Supervisor::new(decoder_program, limits, config.decoder.concurrency as usize);
        let origin = config.ledger_origin.clone();
        let timestamps = open_authority(&config, &clock)?;
        let witnesses = open_witnesses(&config)?;
        let (vcon_signers, authorities) = (vcon_signers(&config)?, further_authorities(&config)?);
        Ok(Arc::new(Self {
            clock,
            catalog,
            store,
            keyring,
            signing,
            origin,
            policy,
            timestamps,
            witnesses,
            attest_trouble: std::sync::Mutex::default(),
            decoder,
            vcon_signers,
            authorities,
            node: Uuid::new_v4().to_string(),
            ledger_nudge: Notify::new(),
            ledger_writer: tokio::sync::Mutex::new(false),
            purge_turn: tokio::sync::Mutex::new(()),
            packages: Arc::new(Semaphore::new(PACKAGES_AT_ONCE)),
            case_writer: tokio::sync::Mutex::new(()),
            account_writer: tokio::sync::Mutex::new(()),
            purge_nudge: Notify::new(),
            arrivals_nudge: Notify::new(),
            bookmarks: Bookmarks::default(),
            sidecar_writer: tokio::sync::Mutex::new(()),
            store_facts: tokio::sync::OnceCell::new(),
            weaker_locks: tokio::sync::OnceCell::new(),
            compare_clocks: clock_is_system,
            config,
        }))
    }

    /// An error when the store knows of more than the catalog: then nothing may be served, purged or taken in before
    /// `earwitness restore`, or purges and holds would be undone.
    pub async fn check_freshness(&self) -> Result<(), ArchiveError> {
        Ok(self.ledger().check_store().await?)
    }
}

/// The configured terms with the version under which the catalog knows them.
async fn policy_in_force(catalog: &Catalog, config: &Config, clock: &dyn Clock) -> Result<Policy, ArchiveError> {
    let terms = &config.retention;
    let text = format!("{} {} {}", terms.period, terms.zone, terms.end.as_str());
    let version = catalog.policy_version(RECORDING_RULE, &text, clock.now()).await?;
    let version = u32::try_from(version).map_err(|_| ArchiveError::Document("the version of a policy"))?;
    let policy = Policy::new(RECORDING_RULE, version, terms.period, terms.zone, terms.end);
    policy.map_err(|error| ArchiveError::Configuration(error.to_string()))
}
