//! Serving: the listener with its limits, and the loops that run behind it.
//!
//! | file | what it answers for |
//! |---|---|
//! | `connections` | accepting, slow clients, letting running requests finish |
//! | `gate` | how many requests run at once |
//! | `sequencer` | when the ledger is published |
//! | `attest` | when others outside are asked to attest the ledger |
//! | `watch` | what the metrics say of the whole archive |

mod attest;
mod connections;
mod gate;
mod sequencer;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::archive::{Archive, ArchiveError};
use crate::http::{self, App, routes};
use crate::telemetry::Metrics;
use crate::{housekeeping, purge};

pub use sequencer::run as publish_ledger_until;

/// How long a pass that has begun may take to come to its end once the server stops.
const LOOPS_GRACE: Duration = Duration::from_secs(30);
/// Connections that are kept open for each request that may run: most of them wait for the next request.
const CONNECTIONS_PER_REQUEST: usize = 2;

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The catalog and the store do not belong together as they are, or one of them does not answer.
    #[error("the archive is not ready: {0}")]
    NotReady(#[source] ArchiveError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A running server.
pub struct Server {
    /// Where it listens; the port is the real one when 0 was asked for.
    pub address: SocketAddr,
    /// Where the metrics are, when they have an address of their own.
    pub metrics_address: Option<SocketAddr>,
    archive: Arc<Archive>,
    accepting: CancellationToken,
    listeners: TaskTracker,
    background: CancellationToken,
    loops: TaskTracker,
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

impl Server {
    /// Serves the archive on `listen`, and runs the loops: ledger, purge, housekeeping.
    ///
    /// # Errors
    /// The store knows of more than the catalog (nothing is served before a rebuild), or the address is taken.
    pub async fn start(
        archive: Arc<Archive>,
        listen: SocketAddr,
        metrics: Option<Metrics>,
    ) -> Result<Self, ServeError> {
        archive.check_freshness().await.map_err(ServeError::NotReady)?;
        archive.check_revocations().await.map_err(ServeError::NotReady)?;
        archive.check_tombstones().await.map_err(ServeError::NotReady)?;
        archive.check_store().await.map_err(ServeError::NotReady)?;
        let (listener, address) = bind(listen).await?;
        let own = match archive.config.metrics_listen {
            Some(listen) => Some(bind(listen).await?),
            None => None,
        };
        let app = App::new(archive.clone(), metrics);
        let most = archive.config.limits.max_requests as usize;
        let (accepting, listeners) = (CancellationToken::new(), TaskTracker::new());
        let metrics_address = own.as_ref().map(|(_, address)| *address);
        if let Some((listener, _)) = own {
            let router = http::app(app.clone(), routes::metrics(), routes::no_document());
            listeners.spawn(connections::accept(listener, router, most, accepting.clone()));
        }
        let (background, loops) = (CancellationToken::new(), TaskTracker::new());
        loops.spawn(watch::run(app.clone(), background.clone()));
        let router = http::app(app, routes::all_routes(metrics_address.is_none()), crate::http::openapi::document());
        let router = gate::limit(router, most);
        let connections = most.saturating_mul(CONNECTIONS_PER_REQUEST);
        listeners.spawn(connections::accept(listener, router, connections, accepting.clone()));
        loops.spawn(sequencer::run(archive.clone(), background.clone()));
        loops.spawn(attest::run(archive.clone(), background.clone()));
        loops.spawn(purge::run(archive.clone(), background.clone()));
        loops.spawn(housekeeping::run(archive.clone(), background.clone()));
        Ok(Self { address, metrics_address, archive, accepting, listeners, background, loops })
    }

    /// Stops: no new connections, running requests get 30 s to finish, the loops end after the pass they are in, the
    /// ledger is published once more, the catalog is closed.
    pub async fn stop(self) {
        self.accepting.cancel();
        self.listeners.close();
        self.listeners.wait().await;
        self.background.cancel();
        self.loops.close();
        if tokio::time::timeout(LOOPS_GRACE, self.loops.wait()).await.is_err() {
            tracing::warn!("a background pass did not end in time; the next start goes on with it");
        }
        if let Err(error) = self.archive.hand_over_ledger().await {
            tracing::warn!(%error, "the ledger was not published once more; the next start does it");
        }
        self.archive.catalog.close().await;
    }
}
