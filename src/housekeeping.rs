//! What is swept up behind everything else: dead uploads, old sidecars, openings whose time is over, access windows,
//! what unfinished writes left, secrets that were in memory for long enough.
//!
//! A pass ([`pass`]) does a bounded amount and says what it did; the loop ([`run`]) only decides when. A step that
//! fails does not keep the others from running: each is tried again by the next pass. What deletes by age waits while
//! the clock is not trusted: a clock that is years ahead would forget a year of accesses and sweep up uploads in flight.

mod look;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::account;
use crate::archive::{Archive, ArchiveError, Round};
use crate::catalog::SecretState;
use crate::clock::Timestamp;
use crate::evidence;
use crate::hold::{self, case};
use crate::purge::brakes::clock_is_trusted;
use crate::receive::settle;
use crate::recording::ExpiryMonth;
use crate::retention::{self, Policy};
use crate::vault::keys::KeyName;

/// Rows that one step takes in one statement.
const BATCH: u32 = 500;
/// Statements that one step sends in one pass: no step keeps the others waiting for long.
const BATCHES: u32 = 20;
/// Ranges of one playback count once in ten minutes; an hour later nobody asks for the window any more.
const ACCESS_WINDOW: Duration = Duration::from_secs(3600);
/// What arrives within this time is looked at together.
const TOGETHER: Duration = Duration::from_secs(1);
/// Keys of months are made for recordings of so many times four weeks ahead: two months at least.
const AHEAD_STEPS: u32 = 3;
const AHEAD_STEP: Duration = Duration::from_secs(28 * 24 * 3600);

/// What a pass did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HousekeepingReport {
    /// Uploads that died half-way and were brought to an end.
    pub uploads_settled: u64,
    /// Recordings whose lock or legal hold in the store was set belatedly.
    pub recordings_guarded: u64,
    /// Sidecars brought up to their rows.
    pub sidecars_written: u64,
    /// Recordings that arrived under a rule, and are held now.
    pub arrivals_caught: u64,
    /// Holds that ended because a release was approved.
    pub holds_released: u64,
    /// Copies of cases in the store brought up to their rows.
    pub cases_kept: u64,
    /// Copies of accounts in the store brought up to their rows.
    pub accounts_kept: u64,
    /// Accounts whose recordings were gone through because somebody left.
    pub leavings_carried_on: u64,
    /// Packages that nobody sent any more, noted as broken off.
    pub packages_ended: u64,
    /// Copies of the register's rows in the store brought up to them.
    pub disclosures_kept: u64,
    /// Ledger openings erased because their time is over.
    pub openings_erased: u64,
    /// Access windows forgotten.
    pub access_windows_swept: u64,
    /// Whether what deletes by age was left for later, because the clock is not trusted.
    pub held_back: bool,
    /// Months whose key was made ahead.
    pub months_made: u64,
    /// Temporary files and unfinished uploads deleted from the store; none when the store was not listed.
    pub unfinished_swept: Option<u64>,
    /// Erased recordings whose locked bytes could be deleted before their lock ended.
    pub locked_erased: u64,
    /// Withdrawn tokens of which the store was told belatedly.
    pub revocations_kept: u64,
    /// Keys of destroyed months that were there again, and were destroyed again.
    pub keys_destroyed_again: u64,
    /// Orphans found in store and catalog; none when they were not looked for.
    pub orphans: Option<u64>,
    /// The steps that failed; the log says why.
    pub failed: Vec<&'static str>,
}

impl HousekeepingReport {
    /// Whether there was anything to do.
    pub fn is_idle(&self) -> bool {
        let some = |count: Option<u64>| count.filter(|n| *n > 0);
        let seen = Self { unfinished_swept: some(self.unfinished_swept), orphans: some(self.orphans), ..self.clone() };
        seen == Self::default()
    }

    /// Whether the whole store was listed: not while another node is at it, or while the clock is not trusted. A part
    /// that failed is not tried again in every pass.
    pub fn looked_over_store(&self) -> bool {
        self.orphans.is_some() || self.unfinished_swept.is_some()
    }

    fn keep<T: Default, E: Display>(&mut self, step: &'static str, result: Result<T, E>) -> T {
        result.unwrap_or_else(|error| {
            metrics::counter!("earwitness_housekeeping_failures_total", "step" => step).increment(1);
            tracing::error!(step, %error, "housekeeping");
            self.failed.push(step);
            T::default()
        })
    }
}

/// Does a bounded amount of each step. `list_store` also looks over the store: see [`look`].
pub async fn pass(archive: &Archive, list_store: bool) -> HousekeepingReport {
    let now = archive.clock.now();
    let mut report = HousekeepingReport::default();
    // A clock that nobody could ask about is not trusted either.
    let trusted = clock_is_trusted(archive).await;
    report.held_back = !report.keep("clock", trusted);
    if !report.held_back {
        let settled = settle::settle_abandoned(archive).await;
        report.uploads_settled = report.keep("uploads", settled) as u64;
        let erased = erase_openings(archive, now).await;
        report.openings_erased = report.keep("openings", erased);
        let made = make_months_ahead(archive, now).await;
        report.months_made = report.keep("months-ahead", made);
    }
    let caught = hold::catch_arrivals(archive).await;
    report.arrivals_caught = report.keep("arrivals", caught);
    let released = hold::carry_on(archive).await;
    report.holds_released = report.keep("releases", released);
    let guarded = archive.guard_missing(BATCH).await;
    report.recordings_guarded = report.keep("guards", guarded);
    let written = write_stale_sidecars(archive).await;
    report.sidecars_written = report.keep("sidecars", written);
    let kept = case::record::refresh_stale(archive).await;
    report.cases_kept = report.keep("cases", kept);
    let kept = account::record::refresh_stale(archive).await;
    report.accounts_kept = report.keep("accounts", kept);
    let moved = account::person::carry_on(archive).await;
    report.leavings_carried_on = report.keep("leavings", moved);
    let ended = evidence::end_abandoned(archive).await;
    report.packages_ended = report.keep("packages", ended);
    let kept = evidence::register::keep_stale(archive).await;
    report.disclosures_kept = report.keep("disclosures", kept);
    let swept = sweep_windows(archive, now).await;
    report.access_windows_swept = report.keep("access-windows", swept);
    if list_store && !report.held_back {
        look::look_over(archive, &mut look::Rounds::default(), &mut report).await;
    }
    let kept = archive.keyring.provider().keep_alive().await;
    report.keep("key-token", kept);
    let forgotten = forget_destroyed(archive).await;
    report.keep("secrets", forgotten);
    archive.keyring.forget_expired();
    report
}

/// What another node destroyed does not stay in this one's memory until its time there is over.
async fn forget_destroyed(archive: &Archive) -> Result<(), ArchiveError> {
    for secret in archive.catalog.list_secrets().await? {
        if let (SecretState::Destroyed, Ok(name)) = (secret.state, secret.name.parse()) {
            archive.keyring.forget(&name).await;
        }
    }
    Ok(())
}

async fn write_stale_sidecars(archive: &Archive) -> Result<u64, ArchiveError> {
    let mut round = Round::begin(&archive.bookmarks.sidecars, u64::from(BATCH));
    while round.goes_on() {
        let page = archive.catalog.stale_sidecars_after(round.after(), BATCH).await?;
        round.turn(page.last().copied());
        for id in page {
            let written = archive.refresh_sidecar(id).await.inspect_err(|error| {
                tracing::error!(recording = %id, %error, "a sidecar stays older than its row");
            });
            round.count(written.map(|()| 1));
        }
    }
    round.end()
}

/// Makes the keys of the months in which recordings of today and of the next two months end: at a month's turn no
/// upload has to wait for the key provider. Only what is missing is asked for, so that nothing stays in memory longer.
async fn make_months_ahead(archive: &Archive, now: Timestamp) -> Result<u64, ArchiveError> {
    let mut made = 0;
    for month in months_ahead(&archive.policy, now) {
        let name = KeyName::Month(month);
        if archive.catalog.load_secret(&name.to_string()).await?.is_none() {
            archive.keyring.ensure_secret(&name).await?;
            made += 1;
        }
    }
    Ok(made)
}

/// None beyond the calendar. Steps of four weeks meet every month.
fn months_ahead(policy: &Policy, now: Timestamp) -> BTreeSet<ExpiryMonth> {
    let recorded = (0..=AHEAD_STEPS).map(|step| now.plus(AHEAD_STEP * step));
    recorded.filter_map(|at| retention::deadline(policy, at).ok()).map(|deadline| deadline.month).collect()
}

async fn erase_openings(archive: &Archive, now: Timestamp) -> Result<u64, ArchiveError> {
    let mut erased = 0;
    for _ in 0..BATCHES {
        let mut tx = archive.catalog.begin().await?;
        let batch = tx.erase_due_openings(now, BATCH).await?;
        tx.commit().await?;
        erased += batch;
        if batch < u64::from(BATCH) {
            break;
        }
    }
    Ok(erased)
}

async fn sweep_windows(archive: &Archive, now: Timestamp) -> Result<u64, ArchiveError> {
    let mut tx = archive.catalog.begin().await?;
    let swept = tx.sweep_access_windows(now.minus(ACCESS_WINDOW)).await?;
    tx.commit().await?;
    Ok(swept)
}

/// Runs a pass at every sweep interval, and looks over the store beside them, until told to stop; a pass that has begun
/// is finished.
pub async fn run(archive: Arc<Archive>, stop: CancellationToken) {
    tokio::join!(passes(&archive, &stop), arrivals(&archive, &stop), look::run(archive.clone(), stop.clone()));
}

/// Holds what arrives under a rule, soon. Nothing depends on that: the purge looks at the rules as well. Many uploads at
/// once are one look.
async fn arrivals(archive: &Archive, stop: &CancellationToken) {
    let arrived = async || {
        archive.arrivals_nudge.notified().await;
        tokio::time::sleep(TOGETHER).await;
    };
    while stop.run_until_cancelled(arrived()).await.is_some() {
        if let Err(error) = hold::catch_arrivals(archive).await {
            tracing::error!(%error, "what arrived under a rule is left to the next pass");
        }
    }
}

async fn passes(archive: &Archive, stop: &CancellationToken) {
    loop {
        let report = pass(archive, false).await;
        if !report.is_idle() {
            tracing::info!(
                uploads_settled = report.uploads_settled,
                recordings_guarded = report.recordings_guarded,
                sidecars_written = report.sidecars_written,
                openings_erased = report.openings_erased,
                held_back = report.held_back,
                failed = report.failed.len(),
                "housekeeping"
            );
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(archive.config.sweep_interval) => {}
        }
    }
}
