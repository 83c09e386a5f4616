//! When the ledger is published: soon after something happened, and not for every single event.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::archive::Archive;

/// Other processes (the command line) append without waking this one.
const AT_LEAST_EVERY: Duration = Duration::from_secs(1);
/// Between two publications: each signs a checkpoint and writes tiles.
const AT_MOST_EVERY: Duration = Duration::from_millis(250);
/// After a failure.
const BACK_OFF: Duration = Duration::from_secs(5);

/// Sequences and publishes until told to stop.
pub async fn run(archive: Arc<Archive>, stop: CancellationToken) {
    loop {
        let breath = match archive.publish_ledger().await {
            Ok(_) => AT_MOST_EVERY,
            Err(error) => {
                metrics::counter!("earwitness_ledger_failures_total").increment(1);
                tracing::error!(%error, "the ledger could not be published");
                BACK_OFF
            }
        };
        if stop.run_until_cancelled(tokio::time::sleep(breath)).await.is_none() {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = archive.ledger_nudge.notified() => {}
            () = tokio::time::sleep(AT_LEAST_EVERY) => {}
        }
    }
}
