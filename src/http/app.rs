//! The archive as the state of every route: who knows the tokens, where refusals are kept, whether it can serve.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;

use super::state::{Readiness, RefusalLogError};
use super::{AppState, Check, CheckStatus, HttpSettings, Refusal, RefusalLog};
use crate::access::{Actor, Authenticator, StoredToken, authenticate::AuthenticatorError};
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::clock::Clock;
use crate::find::audio::Players;
use crate::ledger::kind::Kind;
use crate::purge::brakes;
use crate::telemetry::Metrics;

/// A clock further than this from the catalog's makes a node not ready: it would open or close too late.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(1);
/// A part that takes longer to answer than this does not work: whoever asks for readiness must not wait with it.
const CHECK_TIME: Duration = Duration::from_secs(5);
/// Overdue for longer than this many sweep intervals is a warning.
const OVERDUE_INTERVALS: u32 = 3;

/// The state of every route.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    archive: Arc<Archive>,
    settings: HttpSettings,
    metrics: Option<Metrics>,
    players: Players,
}

impl App {
    /// The routes' state over an open archive. Without `metrics`, `/metrics` is empty.
    pub fn new(archive: Arc<Archive>, metrics: Option<Metrics>) -> Self {
        let limits = &archive.config.limits;
        let settings = HttpSettings {
            max_upload_bytes: limits.max_upload_bytes,
            max_parts: limits.max_parts,
            max_metadata_bytes: limits.max_metadata_bytes,
            upload_time_limit: limits.upload_timeout,
            spool_folder: archive.config.spool.clone(),
            trusted_proxies: archive.config.trusted_proxies.clone(),
            forwarded_header: archive.config.forwarded_header,
            ..HttpSettings::default()
        };
        // Decoding is computing: more at once than there are processors only makes each slower.
        let players = Players::new(std::thread::available_parallelism().map_or(2, std::num::NonZero::get));
        Self(Arc::new(Inner { archive, settings, metrics, players }))
    }

    /// The places for making listening copies.
    pub fn players(&self) -> &Players {
        &self.0.players
    }

    /// The archive.
    pub fn archive(&self) -> &Arc<Archive> {
        &self.0.archive
    }
}

impl AppState for App {
    fn authenticator(&self) -> &dyn Authenticator {
        self
    }
    fn refusals(&self) -> &dyn RefusalLog {
        self
    }
    fn readiness(&self) -> &dyn Readiness {
        self
    }
    fn clock(&self) -> &dyn Clock {
        self.0.archive.clock.as_ref()
    }
    fn settings(&self) -> &HttpSettings {
        &self.0.settings
    }
    fn render_metrics(&self) -> String {
        self.0.metrics.as_ref().map(Metrics::render).unwrap_or_default()
    }
}

#[async_trait]
impl Authenticator for App {
    async fn authenticate(&self, token_hash: &[u8; 32]) -> Result<Option<StoredToken>, AuthenticatorError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| AuthenticatorError(error);
        let row = self.archive().catalog.token_by_hash(token_hash).await.map_err(|e| failed(e.into()))?;
        let Some(row) = row else { return Ok(None) };
        let role = row.role.parse().map_err(|e: crate::recording::UnknownName| failed(e.into()))?;
        Ok(Some(StoredToken {
            id: row.id,
            owner: row.name,
            role,
            accounts: row.accounts,
            agent: row.agent,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        }))
    }
}

/// What a refusal's entry commits to.
#[derive(Serialize)]
struct RefusedPayload<'a> {
    actor: &'a Actor,
    permission: &'static str,
    reason: &'static str,
}

async fn keep(archive: &Archive, refusal: &Refusal) -> Result<(), ArchiveError> {
    let payload = RefusedPayload { actor: &refusal.actor, permission: refusal.permission, reason: refusal.reason };
    archive.enter(Kind::ACCESS_REFUSED, About::Activity, &payload, refusal.at).await
}

#[async_trait]
impl RefusalLog for App {
    async fn refused(&self, refusal: Refusal) -> Result<(), RefusalLogError> {
        keep(self.archive(), &refusal).await.map_err(|error| RefusalLogError(Box::new(error)))
    }
}

#[async_trait]
impl Readiness for App {
    async fn checks(&self) -> Vec<Check> {
        let archive = self.archive();
        let (catalog, clock, store, keys, ledger, purge) = tokio::join!(
            in_time("catalog", catalog(archive)),
            in_time("clock", clock(archive)),
            in_time("store", store(archive)),
            in_time("keys", keys(archive)),
            in_time("ledger", ledger(archive)),
            in_time("purge", purge(archive)),
        );
        let checks = vec![catalog, clock, store, keys, ledger, purge];
        for check in &checks {
            let gauge = |yes: bool| if yes { 1.0 } else { 0.0 };
            metrics::gauge!("earwitness_ready", "part" => check.name).set(gauge(check.status != CheckStatus::Failed));
            metrics::gauge!("earwitness_warning", "part" => check.name)
                .set(gauge(check.status == CheckStatus::Warning));
        }
        checks
    }
}

async fn in_time(name: &'static str, check: impl Future<Output = Check>) -> Check {
    let result = tokio::time::timeout(CHECK_TIME, check).await;
    result.unwrap_or_else(|_| {
        tracing::warn!(part = name, seconds = CHECK_TIME.as_secs(), "not ready: no answer");
        failed(name, format!("no answer within {} s", CHECK_TIME.as_secs()))
    })
}

fn check(name: &'static str, result: Result<Option<String>, ArchiveError>) -> Check {
    match result {
        Ok(None) => Check { name, status: CheckStatus::Ok, message: None },
        Ok(warning) => Check { name, status: CheckStatus::Warning, message: warning },
        Err(error) => {
            tracing::warn!(part = name, %error, "not ready");
            Check { name, status: CheckStatus::Failed, message: Some(error.code().to_owned()) }
        }
    }
}

fn failed(name: &'static str, message: String) -> Check {
    Check { name, status: CheckStatus::Failed, message: Some(message) }
}

async fn catalog(archive: &Archive) -> Check {
    check("catalog", archive.catalog.ping().await.map(|()| None).map_err(ArchiveError::from))
}

async fn clock(archive: &Archive) -> Check {
    let before = archive.clock.now();
    match archive.catalog_clock().await {
        Ok(Some(theirs)) => {
            let after = archive.clock.now();
            let apart = before.since(theirs).max(theirs.since(after));
            metrics::gauge!("earwitness_clock_offset_seconds").set(apart.as_secs_f64());
            if apart > CLOCK_TOLERANCE {
                return failed("clock", format!("{} ms off the catalog's clock", apart.as_millis()));
            }
            check("clock", Ok(None))
        }
        other => check("clock", other.map(|_| None)),
    }
}

async fn store(archive: &Archive) -> Check {
    let looked = archive.store.head(&crate::vault::objects::ObjectKey::Checkpoint).await;
    check("store", looked.map(|_| None).map_err(ArchiveError::from))
}

async fn keys(archive: &Archive) -> Check {
    let answered = archive.keyring.provider().check().await;
    let warnings = archive.keyring.provider().warnings();
    let warning = (!warnings.is_empty()).then(|| warnings.join("; "));
    check("keys", answered.map(|_| warning).map_err(|error| ArchiveError::Vault(error.into())))
}

async fn ledger(archive: &Archive) -> Check {
    check("ledger", archive.check_freshness().await.map(|()| archive.attest_warning()))
}

async fn purge(archive: &Archive) -> Check {
    let look = async {
        let now = archive.clock.now();
        let brakes = archive.catalog.open_brakes().await?;
        let oldest = archive.catalog.oldest_due(now).await?;
        // Passes run on one node at a time; every node tells what all of them share.
        brakes::tell(brakes.len(), oldest.map(|at| now.since(at)));
        if let Some(last) = archive.catalog.last_heartbeat().await? {
            metrics::gauge!("earwitness_purge_heartbeat_age_seconds").set(now.since(last).as_secs_f64());
        }
        if let Some(brake) = brakes.first() {
            return Ok(Some(format!("the purge has stopped itself: {}", brake.kind.as_str())));
        }
        let late = archive.config.sweep_interval * OVERDUE_INTERVALS;
        let overdue = oldest.map(|at| now.since(at)).filter(|for_| *for_ > late);
        Ok(overdue.map(|for_| format!("the oldest overdue recording waits since {} s", for_.as_secs())))
    };
    check("purge", look.await)
}
