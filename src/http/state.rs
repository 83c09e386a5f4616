//! What the HTTP side needs of the rest, in one small trait: the archive implements it, and so do the tests.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Actor, Authenticator};
use crate::clock::{Clock, Timestamp};
pub use crate::config::ForwardedHeader;

/// The parts of the archive that routes in general rely on. A handler that needs more names its concrete state.
pub trait AppState: Clone + Send + Sync + 'static {
    /// Who knows the tokens.
    fn authenticator(&self) -> &dyn Authenticator;
    /// Where refusals of known callers are kept.
    fn refusals(&self) -> &dyn RefusalLog;
    /// Who knows whether the parts work.
    fn readiness(&self) -> &dyn Readiness;
    /// The clock.
    fn clock(&self) -> &dyn Clock;
    /// Limits and addresses.
    fn settings(&self) -> &HttpSettings;
    /// All metrics in the Prometheus text format.
    fn render_metrics(&self) -> String;
}

/// Limits and addresses of the HTTP side.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The largest audio part, in bytes.
    pub max_upload_bytes: u64,
    /// The most parts that an upload may have.
    pub max_parts: u32,
    /// The largest metadata part, in bytes.
    pub max_metadata_bytes: u64,
    /// The largest body of any other call, in bytes.
    pub max_body_bytes: usize,
    /// The longest that an upload may take as a whole.
    pub upload_time_limit: Duration,
    /// The longest that an upload may stand still.
    pub upload_idle_limit: Duration,
    /// The folder of the unlinked temporary files.
    pub spool_folder: PathBuf,
    /// Proxies whose word about the client's address is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// The one header in which they say it. The other may come from the client and is not read.
    pub forwarded_header: ForwardedHeader,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            max_upload_bytes: 1 << 30,
            max_parts: 8,
            max_metadata_bytes: 64 << 10,
            max_body_bytes: 1 << 20,
            upload_time_limit: Duration::from_secs(3600),
            upload_idle_limit: Duration::from_secs(60),
            spool_folder: std::env::temp_dir(),
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::XForwardedFor,
        }
    }
}

/// Somebody known who was turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Who.
    pub actor: Actor,
    /// What they wanted: [`crate::http::permission::Permission::NAME`].
    pub permission: &'static str,
    /// Why not: `wrong-role`, `token-expired`, `token-revoked`, or a handler's own word.
    pub reason: &'static str,
    /// When.
    pub at: Timestamp,
}

/// Keeps refusals of known callers; in the end, in the ledger. Unknown tokens are counted, not kept.
#[async_trait]
pub trait RefusalLog: Send + Sync {
    /// Keeps one. The caller is refused whether this succeeds or not.
    async fn refused(&self, refusal: Refusal) -> Result<(), RefusalLogError>;
}

/// A refusal could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("a refusal could not be recorded")]
pub struct RefusalLogError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// How one part of the archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// It works.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// It does not work: no traffic, please.
    Failed,
}

/// The state of one part of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Check {
    /// The part: `catalog`, `store`, `keys`, `clock` …
    pub name: &'static str,
    /// How it is.
    pub status: CheckStatus,
    /// What there is to know. No personal data and no secrets: this answer is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Knows whether the archive can serve.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// Every part with its state.
    async fn checks(&self) -> Vec<Check>;
}

/// The address that counts as the client's: see [`crate::http::address`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);
