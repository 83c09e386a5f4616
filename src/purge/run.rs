//! The loop: when a pass runs. At every sweep interval, at the very second of the next deadline, and at once again
//! while a pass left something to do.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{BATCH, PassReport, PurgeError, pass};
use crate::archive::Archive;
use crate::catalog::CatalogError;

/// Never less than this between two passes that had nothing to do.
const BREATH: Duration = Duration::from_millis(20);

/// After so long a store that locks to the whole second lets go of what was due.
const LOCK_ENDS: Duration = Duration::from_secs(1);

/// Runs passes until told to stop. A pass that fails is tried again after the interval.
pub async fn run(archive: Arc<Archive>, stop: CancellationToken) {
    loop {
        let wait = match pass(&archive).await {
            Ok(report) => after(&archive, &report).await,
            // What failed is counted and logged already; it does not slow down the others.
            Err(PurgeError::Incomplete { report, .. }) => after(&archive, &report).await,
            Err(error) => {
                metrics::counter!("earwitness_purge_failures_total").increment(1);
                tracing::error!(%error, "a purge pass broke off");
                archive.config.sweep_interval
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = archive.purge_nudge.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// How long to wait after a pass, which is logged if it brought anything to its end.
async fn after(archive: &Archive, report: &PassReport) -> Duration {
    if report.certified + report.months_destroyed > 0 {
        tracing::info!(
            certified = report.certified,
            months_destroyed = report.months_destroyed,
            still_due = report.still_due,
            failed = report.failed,
            "purged"
        );
    }
    if report.ran && report.fenced >= u64::from(BATCH) {
        return Duration::ZERO;
    }
    let next = until_next(archive, report.ran).await;
    // Locks end on the whole second: what was refused is free in a moment.
    if report.objects_deleted < report.keys_destroyed { next.min(LOCK_ENDS) } else { next }
}

/// Until the next deadline or the next end of a lock, and no longer than the interval. With the brakes on there is no hurry.
async fn until_next(archive: &Archive, ran: bool) -> Duration {
    let interval = archive.config.sweep_interval;
    let now = archive.clock.now();
    let next = async || {
        Ok::<_, CatalogError>((archive.catalog.next_due(now).await?, archive.catalog.next_remains(now).await?))
    };
    match next().await {
        Ok(times) if ran => {
            let next = [times.0, times.1].into_iter().flatten().min();
            next.map_or(interval, |next| next.since(now).min(interval).max(BREATH))
        }
        _ => interval,
    }
}
