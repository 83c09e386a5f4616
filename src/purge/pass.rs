//! One pass of the purge.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio_util::task::AbortOnDropHandle;
use utoipa::ToSchema;

use super::brakes;
use super::{PurgeError, certify, months, steps};
use crate::archive::Archive;
use crate::clock::Timestamp;
use crate::recording::RecordingId;

/// How long the lease outlives a node that died: the purge stands still for that long at the most.
const LEASE: Duration = Duration::from_secs(10);
/// How often a pass that takes longer renews it.
const RENEWAL: Duration = Duration::from_secs(3);
/// The name of the lease.
const LEASE_NAME: &str = "purge";
/// Recordings that a dry run names.
const DRY_RUN_NAMES: u32 = 1_000;

/// What a pass did. Each number is of recordings that passed that step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct PassReport {
    /// False when another node was at it, or the brakes are on.
    pub ran: bool,
    /// Why it did not run, or what stopped it: `busy`, `clock-jump`, `clock-disagrees`, `too-much-due`.
    pub stopped_by: Vec<String>,
    /// Fenced.
    pub fenced: u64,
    /// Their wrapped keys destroyed.
    pub keys_destroyed: u64,
    /// Their objects deleted.
    pub objects_deleted: u64,
    /// Their rows deleted and ledger openings erased.
    pub rows_deleted: u64,
    /// Looked for again and not found.
    pub looked_again: u64,
    /// Certified.
    pub certified: u64,
    /// Month keys destroyed.
    pub months_destroyed: u64,
    /// How many are still due after this pass.
    pub still_due: u64,
}

/// What a purge would do now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DryRun {
    /// Always true.
    pub dry_run: bool,
    /// The instant that was asked about.
    #[schema(value_type = String, format = DateTime)]
    pub now: Timestamp,
    /// How many recordings are due and not held.
    pub due: u64,
    /// The first of them, longest overdue first, 1,000 at the most.
    pub recordings: Vec<RecordingId>,
    /// Brakes that are on: nothing would be purged.
    pub stopped_by: Vec<String>,
}

/// Says what a purge would do, and does nothing.
pub async fn dry_run(archive: &Archive) -> Result<DryRun, PurgeError> {
    let now = archive.clock.now();
    let brakes = archive.catalog.open_brakes().await?;
    Ok(DryRun {
        dry_run: true,
        now,
        due: archive.catalog.count_due(now).await?,
        recordings: archive.catalog.due(now, DRY_RUN_NAMES).await?,
        stopped_by: brakes.iter().map(|b| b.kind.as_str().to_owned()).collect(),
    })
}

/// Does a bounded batch of everything that is to be purged. Runs once at a time over all nodes.
pub async fn pass(archive: &Arc<Archive>) -> Result<PassReport, PurgeError> {
    let now = archive.clock.now();
    if !archive.catalog.take_lease(LEASE_NAME, &archive.node, now.plus(LEASE), now).await? {
        return Ok(PassReport { stopped_by: vec!["busy".to_owned()], ..PassReport::default() });
    }
    let renewal = AbortOnDropHandle::new(tokio::spawn(renew(archive.clone())));
    let result = pass_with_lease(archive).await;
    drop(renewal);
    archive.catalog.give_back_lease(LEASE_NAME, &archive.node).await?;
    let report = result?;
    metrics::counter!("earwitness_purged_total").increment(report.certified);
    Ok(report)
}

/// A lease that is lost harms nothing: every step of a purge is done once, whoever does it.
async fn renew(archive: Arc<Archive>) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        let now = archive.clock.now();
        if let Err(error) = archive.catalog.take_lease(LEASE_NAME, &archive.node, now.plus(LEASE), now).await {
            tracing::warn!(%error, "the purge's lease could not be renewed");
        }
    }
}

async fn pass_with_lease(archive: &Archive) -> Result<PassReport, PurgeError> {
    let brakes = brakes::check(archive).await?;
    let mut report = PassReport { ran: brakes.is_empty(), ..PassReport::default() };
    report.stopped_by = brakes.iter().map(|b| b.kind.as_str().to_owned()).collect();
    if report.ran {
        report.fenced = steps::fence(archive).await?;
        report.keys_destroyed = steps::destroy_keys(archive).await?;
        report.objects_deleted = steps::delete_objects(archive).await?;
        report.rows_deleted = steps::delete_rows(archive).await?;
        report.looked_again = steps::look_again(archive).await?;
        report.certified = certify::certify(archive).await?;
        report.months_destroyed = months::end_months(archive).await?;
    }
    let now = archive.clock.now();
    report.still_due = archive.catalog.count_due(now).await?;
    let oldest = archive.catalog.oldest_due(now).await?;
    metrics::gauge!("earwitness_oldest_overdue_seconds").set(oldest.map_or(0.0, |at| now.since(at).as_secs_f64()));
    Ok(report)
}
