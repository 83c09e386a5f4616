//! When others are asked to attest the ledger: every hour, and sooner again where they did not.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::archive::{Archive, ArchiveError, Attested};

/// Between two passes that got all they asked for.
const EVERY: Duration = Duration::from_secs(3600);

/// Asks until told to stop; at once, where nobody outside is configured.
pub(super) async fn run(archive: Arc<Archive>, stop: CancellationToken) {
    if archive.timestamps.is_none() && archive.witnesses.is_empty() {
        return;
    }
    loop {
        let wait = match stop.run_until_cancelled(pass(&archive)).await {
            None => return,
            Some(true) => EVERY,
            Some(false) => archive.config.sweep_interval,
        };
        if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
    }
}

/// Whether there is nothing left to be done for now.
async fn pass(archive: &Archive) -> bool {
    match look(archive).await {
        Ok(Some(done)) => {
            if done != Attested::default() {
                tracing::info!(
                    cosigned = done.cosigned,
                    stamped = done.stamped,
                    failed = done.failed.len(),
                    left = done.left,
                    "checkpoints were attested"
                );
            }
            done.failed.is_empty() && done.left == 0
        }
        Ok(None) => false,
        Err(error) => {
            tracing::error!(%error, "checkpoints could not be attested");
            false
        }
    }
}

/// Nothing is asked for before there is something to attest.
async fn look(archive: &Archive) -> Result<Option<Attested>, ArchiveError> {
    if archive.catalog.ledger_state().await?.published_size == 0 { Ok(None) } else { archive.attest().await }
}
