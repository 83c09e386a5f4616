//! One pass of the purge.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::brakes;
use super::failures::Failures;
use super::{PurgeError, accounts, cases, months, remains, statistics, steps};
use crate::archive::Archive;
use crate::catalog::PurgeStage;
use crate::clock::Timestamp;
use crate::hold;
use crate::leases::HeldLease;
use crate::recording::RecordingId;

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
    /// Erased recordings whose bytes, which a lock of the store had kept, are gone as well.
    pub bytes_deleted: u64,
    /// Month keys destroyed.
    pub months_destroyed: u64,
    /// Months whose statistics were published.
    pub statistics_published: u64,
    /// Closed cases whose own retention period was over, purged.
    pub cases_purged: u64,
    /// Accounts whose data ended, certified.
    pub accounts_purged: u64,
    /// How many are still due after this pass.
    pub still_due: u64,
    /// How much failed and is tried again by the next pass; the log says what and why.
    pub failed: u64,
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
    /// How many accounts' data are due.
    pub accounts: u64,
    /// The first of the recordings, longest overdue first, 1,000 at the most.
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
        accounts: archive.catalog.count_accounts_due(now).await?,
        recordings: archive.catalog.due(now, DRY_RUN_NAMES).await?,
        stopped_by: brakes.iter().map(|b| b.kind.as_str().to_owned()).collect(),
    })
}

/// Does a bounded batch of everything that is to be purged. Runs once at a time over all nodes.
///
/// Errors: [`PurgeError::Incomplete`] when something failed while everything else was tried.
pub async fn pass(archive: &Arc<Archive>) -> Result<PassReport, PurgeError> {
    // The lease keeps other nodes out; the loop and a run that was asked for take turns within this one.
    let _turn = archive.purge_turn.lock().await;
    let Some(lease) = HeldLease::take(archive, LEASE_NAME).await? else {
        return Ok(PassReport { stopped_by: vec!["busy".to_owned()], ..PassReport::default() });
    };
    let result = pass_with_lease(archive).await;
    lease.give_back().await?;
    let (report, first) = result?;
    metrics::counter!("earwitness_purged_total").increment(report.certified);
    match first {
        Some(first) => Err(PurgeError::Incomplete { report: Box::new(report), first: Box::new(first) }),
        None => Ok(report),
    }
}

async fn pass_with_lease(archive: &Archive) -> Result<(PassReport, Option<PurgeError>), PurgeError> {
    let brakes = brakes::check(archive).await?;
    let mut report = PassReport { ran: brakes.is_empty(), ..PassReport::default() };
    report.stopped_by = brakes.iter().map(|b| b.kind.as_str().to_owned()).collect();
    let mut failures = Failures::default();
    if report.ran {
        take_steps(archive, &mut report, &mut failures).await;
    }
    let (failed, first) = failures.end();
    report.failed = failed;
    let now = archive.clock.now();
    report.still_due = archive.catalog.count_due(now).await?;
    let oldest = archive.catalog.oldest_due(now).await?;
    brakes::tell(brakes.len(), oldest.map(|at| now.since(at)));
    Ok((report, first))
}

async fn take_steps(archive: &Archive, report: &mut PassReport, failures: &mut Failures) {
    // Before the certificates, which it asks for once more.
    let gone = remains::delete_remains(archive, archive.clock.now(), failures).await;
    report.bytes_deleted = failures.keep("locked", gone);
    let fenced = steps::fence(archive, failures).await;
    report.fenced = failures.keep("fence", fenced);
    for (what, stage, count) in [
        ("keys", PurgeStage::Fenced, &mut report.keys_destroyed),
        ("objects", PurgeStage::KeysDestroyed, &mut report.objects_deleted),
        ("rows", PurgeStage::ObjectsDeleted, &mut report.rows_deleted),
        ("look-again", PurgeStage::RowsDeleted, &mut report.looked_again),
        ("certificates", PurgeStage::LookedAgain, &mut report.certified),
    ] {
        let moved = steps::advance(archive, stage, failures).await;
        *count = failures.keep(what, moved);
    }
    let left = hold::let_go_of_months(archive).await.map_err(PurgeError::from);
    failures.keep("held", left);
    let ended = cases::end_cases(archive, failures).await;
    report.cases_purged = failures.keep("cases", ended);
    let published = statistics::publish(archive, failures).await;
    report.statistics_published = failures.keep("statistics", published);
    let ended = accounts::end_accounts(archive, failures).await;
    report.accounts_purged = failures.keep("accounts", ended);
    let destroyed = months::end_months(archive, failures).await;
    report.months_destroyed = failures.keep("months", destroyed);
}
