//! Opening an archive: folders, catalog, store, keys, ledger, in this order, each checked before the next.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Notify;
use uuid::Uuid;

use super::engines::{open_keys, open_store};
use super::shelf::CatalogShelf;
use super::{Archive, ArchiveError};
use crate::audio::{Supervisor, WorkerLimits};
use crate::catalog::{Catalog, pin};
use crate::clock::Clock;
use crate::config::{Config, RECORDING_RULE};
use crate::ledger::key_file;
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
        let catalog = Catalog::open(&config.catalog.to_connect()).await?;
        check_in_force(&catalog).await?;
        let store = open_store(&config, &clock).await?;
        let provider = open_keys(&config, &clock).await?;
        check_pin(&catalog, pin::STORE, Some(store.identity().await?)).await?;
        check_pin(&catalog, pin::KEYS, provider.identity()).await?;
        let shelf = Arc::new(CatalogShelf { catalog: catalog.clone(), clock: clock.clone() });
        let keyring = Keyring::new(provider, store.clone(), shelf, clock.clone(), DEFAULT_KEEP);
        let signing = key_file::load_or_create(&config.signing_key)?;
        let policy = policy_in_force(&catalog, &config, clock.as_ref()).await?;
        let limits = WorkerLimits {
            address_space_bytes: config.decoder.memory_bytes,
            cpu_s: config.decoder.timeout.as_secs(),
            wall_ms: u64::try_from(config.decoder.timeout.as_millis()).unwrap_or(u64::MAX).saturating_mul(2),
            ..WorkerLimits::default()
        };
        let decoder = Supervisor::new(decoder_program, limits, config.decoder.concurrency as usize);
        let origin = config.ledger_origin.clone();
        Ok(Arc::new(Self {
            clock,
            catalog,
            store,
            keyring,
            signing,
            origin,
            policy,
            decoder,
            node: Uuid::new_v4().to_string(),
            ledger_nudge: Notify::new(),
            ledger_writer: tokio::sync::Mutex::new(false),
            purge_turn: tokio::sync::Mutex::new(()),
            sidecar_writer: tokio::sync::Mutex::new(()),
            compare_clocks: clock_is_system,
            config,
        }))
    }

    /// An error when the store knows of more than the catalog: then nothing may be served, purged or taken in before
    /// `fsck --rebuild`, or purges and holds would be undone.
    pub async fn check_freshness(&self) -> Result<(), ArchiveError> {
        Ok(self.ledger().check_store().await?)
    }
}

/// A catalog that was copied elsewhere would go on beside its copy, and a copy that is not finished beside its original.
async fn check_in_force(catalog: &Catalog) -> Result<(), ArchiveError> {
    let pins = catalog.pins().await?;
    if let Some(place) = pins.get(pin::MIGRATED_TO) {
        let text = format!("this catalog was moved to {place}: set `catalog` to that address");
        return Err(ArchiveError::Configuration(text));
    }
    if pins.contains_key(pin::COPIED_FROM) {
        let text = "a migration into this catalog is not finished: run `earwitness migrate-catalog` again";
        return Err(ArchiveError::Configuration(text.to_owned()));
    }
    Ok(())
}

/// An empty folder where a volume is not mounted would pass for a store from which everything is purged. From here on
/// this process writes only while the catalog belongs to what it opened.
async fn check_pin(catalog: &Catalog, part: &'static str, identity: Option<String>) -> Result<(), ArchiveError> {
    let place = if part == pin::STORE { pin::STORE_PLACE } else { pin::KEYS_PLACE };
    if let Some(identity) = &identity {
        catalog.pin(part, identity).await?;
    }
    let pins = catalog.pins().await?;
    let pinned = pins.get(part).cloned();
    if identity.is_some() && pinned != identity {
        let hint = match pins.get(place) {
            Some(place) => format!("they were moved to {place}; is `{part}` another address?"),
            None => "is a volume not mounted?".to_owned(),
        };
        return Err(ArchiveError::Configuration(format!(
            "the {part} at the configured place are not those that this catalog belongs to: {hint}"
        )));
    }
    catalog.bind(part, pinned);
    catalog.bind(place, pins.get(place).cloned());
    Ok(())
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
