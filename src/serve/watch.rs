//! What the metrics say of the whole archive, on every node: whether its parts work, and how much is in it.
//!
//! Most metrics are counted where something happens. These are looked up instead, whoever asks for `/readyz` or does
//! not, so that an alarm goes off on a node that does nothing but stand still.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::archive::{Archive, ArchiveError};
use crate::http::{App, AppState};

/// How often the parts are looked at.
const BETWEEN_CHECKS: Duration = Duration::from_secs(15);
/// How many checks pass between two counts: counting reads an index of every recording.
const CHECKS_PER_COUNT: u32 = 20;

/// Looks and counts until told to stop.
pub(super) async fn run(app: App, stop: CancellationToken) {
    register_counters();
    for round in 0_u32.. {
        let look = async {
            // The readiness checks tell the metrics what they find.
            app.readiness().checks().await;
            if round.is_multiple_of(CHECKS_PER_COUNT)
                && let Err(error) = measure(app.archive()).await
            {
                tracing::warn!(%error, "the archive could not be measured");
            }
            tokio::time::sleep(BETWEEN_CHECKS).await;
        };
        if stop.run_until_cancelled(look).await.is_none() {
            return;
        }
    }
}

/// Tells the metrics how much is in the archive.
///
/// # Errors
/// The catalog does not answer.
async fn measure(archive: &Archive) -> Result<(), ArchiveError> {
    let totals = archive.catalog.totals(archive.clock.now()).await?;
    metrics::gauge!("earwitness_recordings").set(totals.live as f64);
    metrics::gauge!("earwitness_quarantined").set(totals.quarantined as f64);
    metrics::gauge!("earwitness_held").set(totals.held as f64);
    metrics::gauge!("earwitness_holds_overdue").set(totals.holds_overdue as f64);
    metrics::gauge!("earwitness_cases_overdue").set(totals.cases_overdue as f64);
    metrics::gauge!("earwitness_releases_waiting").set(totals.releases_waiting as f64);
    metrics::gauge!("earwitness_purging").set(totals.purging as f64);
    metrics::gauge!("earwitness_stale_sidecars").set(totals.stale_sidecars as f64);
    metrics::gauge!("earwitness_ledger_unsequenced").set(totals.unsequenced as f64);
    Ok(())
}

/// A counter that first appears with its first event never shows a rise: alarms need the zero before.
fn register_counters() {
    for name in [
        "earwitness_purged_total",
        "earwitness_purge_failures_total",
        "earwitness_ledger_failures_total",
        "earwitness_settle_failures_total",
        "earwitness_audio_missing_total",
        "earwitness_streams_broken_total",
        "earwitness_http_turned_away_total",
        "earwitness_http_accept_failures_total",
        "earwitness_http_unknown_tokens_total",
        "earwitness_http_refusals_not_recorded_total",
        "earwitness_http_panics_total",
    ] {
        metrics::counter!(name).increment(0);
    }
}
