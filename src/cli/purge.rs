//! `earwitness purge`: passes until nothing is due, or one, or none at all.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::output::{Exit, Failure, Output, aligned, say};
use super::{part, signals};
use crate::archive::Archive;
use crate::config::Config;
use crate::purge::brakes::{self, Confirmer};
use crate::purge::{DryRun, PassReport, PurgeError, dry_run, pass, remains};

/// Another process's pass, or the ledger that it publishes, is waited for this long without any progress.
const PATIENCE: Duration = Duration::from_secs(150);
/// Between two looks while waiting.
const BREATH: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
pub(super) struct Args {
    /// Say what would be purged now, and change nothing
    #[arg(long, conflicts_with_all = ["once", "confirm"])]
    dry_run: bool,
    /// Do one pass, which is bounded, instead of passes until nothing is due
    #[arg(long)]
    once: bool,
    /// Let the purge go on although it stopped itself; the reason is kept in the ledger
    #[arg(long, value_name = "REASON", value_parser = reason)]
    confirm: Option<String>,
    /// Who confirms, for the ledger
    #[arg(long, value_name = "NAME", requires = "confirm")]
    by: Option<String>,
}

fn reason(text: &str) -> Result<String, String> {
    let good = !text.trim().is_empty() && text.chars().count() <= 1_000 && !text.chars().any(char::is_control);
    if good { Ok(text.to_owned()) } else { Err("a reason has 1 to 1,000 characters, all on one line".to_owned()) }
}

/// All passes together.
#[derive(Default, Serialize)]
struct Done {
    passes: u64,
    #[serde(flatten)]
    sum: PassReport,
}

impl Done {
    fn add(&mut self, report: PassReport) {
        let sum = &mut self.sum;
        self.passes += u64::from(report.ran);
        sum.ran |= report.ran;
        sum.fenced += report.fenced;
        sum.keys_destroyed += report.keys_destroyed;
        sum.objects_deleted += report.objects_deleted;
        sum.rows_deleted += report.rows_deleted;
        sum.looked_again += report.looked_again;
        sum.certified += report.certified;
        sum.bytes_deleted += report.bytes_deleted;
        sum.cases_purged += report.cases_purged;
        sum.accounts_purged += report.accounts_purged;
        sum.months_destroyed += report.months_destroyed;
        sum.stopped_by = report.stopped_by;
        sum.still_due = report.still_due;
        sum.failed = report.failed;
    }

    fn exit(&self) -> Exit {
        if self.sum.stopped_by.is_empty() { Exit::Done } else { Exit::NotNow }
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = &self.sum;
        let rows = [
            ("fenced", sum.fenced),
            ("keys destroyed", sum.keys_destroyed),
            ("objects deleted", sum.objects_deleted),
            ("rows deleted", sum.rows_deleted),
            ("looked again", sum.looked_again),
            ("certified", sum.certified),
            ("locked bytes deleted", sum.bytes_deleted),
            ("cases purged", sum.cases_purged),
            ("accounts purged", sum.accounts_purged),
            ("month keys destroyed", sum.months_destroyed),
            ("still due", sum.still_due),
            ("failed", sum.failed),
        ];
        f.write_str(&aligned(&rows.map(|(name, count)| [name.to_owned(), count.to_string()])))
    }
}

struct Would(DryRun);

impl fmt::Display for Would {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DryRun { now, due, accounts, recordings, stopped_by, .. } = &self.0;
        writeln!(f, "due at {now}: {due}")?;
        if *accounts > 0 {
            writeln!(f, "and the data of {accounts} accounts")?;
        }
        recordings.iter().try_for_each(|id| writeln!(f, "{id}"))?;
        let more = due.saturating_sub(recordings.len() as u64);
        if more > 0 {
            writeln!(f, "… and {more} more")?;
        }
        if stopped_by.is_empty() { Ok(()) } else { writeln!(f, "the brakes are on: {}", stopped_by.join(", ")) }
    }
}

pub(super) async fn run(args: Args, config: Config, output: Output) -> Result<Exit, Failure> {
    if args.dry_run {
        let archive = part::open_existing(config).await?;
        let would = Would(dry_run(&archive).await?);
        if output.json {
            output.document(&would.0)?
        } else {
            output.text(&would)?
        }
        return Ok(Exit::Done);
    }
    let told_to_end = signals::watch()?;
    let archive = part::open_existing(config).await?;
    archive.check_freshness().await?;
    if let Some(reason) = &args.confirm {
        let let_go = brakes::confirm(&archive, Confirmer::Shell(args.by.as_deref()), reason).await?;
        say(format!("brakes let go: {}", let_go.len()));
    }
    let mut done = Done::default();
    if archive.config.erasure_credentials.is_some() && brakes::clock_is_trusted(&archive).await? {
        done.sum.bytes_deleted = remains::erase_locked(&archive).await?;
    }
    let mut moved = Instant::now();
    while !told_to_end.is_cancelled() {
        let report = match pass(&archive).await {
            // While others get further, what failed may as well.
            Err(PurgeError::Incomplete { report, .. }) if !args.once && is_progress(&report) => *report,
            other => other?,
        };
        let (ran, braked, progress) = (report.ran, is_braked(&report), is_progress(&report));
        done.add(report);
        let over = if args.once { ran } else { ran && nothing_left(&archive, &done).await? };
        if over || braked {
            break;
        }
        if progress {
            moved = Instant::now();
        } else if moved.elapsed() > PATIENCE {
            output.result(&done)?;
            return Err(Failure::not_now("nothing moved for a while: another process is at it, or the ledger is"));
        } else {
            tokio::time::sleep(BREATH).await;
        }
    }
    archive.hand_over_ledger().await?;
    output.result(&done)?;
    let exit = done.exit();
    if exit == Exit::NotNow {
        explain_brakes(&archive).await?;
    }
    Ok(exit)
}

fn is_braked(report: &PassReport) -> bool {
    !report.ran && report.stopped_by.iter().any(|why| why != "busy")
}

fn is_progress(report: &PassReport) -> bool {
    let moved = report.fenced + report.keys_destroyed + report.objects_deleted + report.rows_deleted;
    moved
        + report.looked_again
        + report.certified
        + report.cases_purged
        + report.accounts_purged
        + report.months_destroyed
        > 0
}

async fn nothing_left(archive: &Archive, done: &Done) -> Result<bool, Failure> {
    let totals = archive.catalog.totals(archive.clock.now()).await?;
    let accounts = archive.catalog.count_accounts_due(archive.clock.now()).await?;
    let under_way = archive.catalog.account_purges_under_way().await?;
    Ok(done.sum.still_due == 0 && totals.purging == 0 && accounts + under_way == 0)
}

async fn explain_brakes(archive: &Archive) -> Result<(), Failure> {
    for brake in archive.catalog.open_brakes().await? {
        say(format!("earwitness: the purge has stopped itself ({}): {}", brake.kind.as_str(), brake.detail));
    }
    say("earwitness: when that is right, let it go on with: earwitness purge --confirm REASON --by NAME");
    Ok(())
}
