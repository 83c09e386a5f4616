//! `earwitness restore`: after a restored backup of the catalog, and before anything is served.

use std::fmt;

use serde::Serialize;

use super::output::{Exit, Failure, Output};
use super::part;
use crate::archive::ArchiveError;
use crate::config::Config;
use crate::fsck::{self, Options};
use crate::purge::returned::destroy_returned;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Also read every recording again, whole, and compare its digest
    #[arg(long)]
    rehash: bool,
}

#[derive(Serialize)]
struct Restored {
    /// Entries of the ledger, from the first one on.
    ledger_size: u64,
    /// Checkpoints published before that were compared with the tree: all agree.
    checkpoints_checked: u64,
    /// Keys of destroyed months and cases that a backup of the keys had brought back, and that are destroyed again.
    keys_destroyed_again: u64,
    #[serde(flatten)]
    report: fsck::Report,
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = &self.report;
        let cases = report.cases_restored + report.cases_purged;
        let purged = report.purges_applied + report.erasures_applied;
        let rows = report.brought_back + report.caught_up + purged + cases;
        if report.ledger_entries + rows + report.tokens_revoked + report.tokens_withdrawn == 0 {
            writeln!(f, "up to date     the catalog knew of everything that the store has")?;
        }
        writeln!(f, "{report}")?;
        if self.keys_destroyed_again > 0 {
            writeln!(
                f,
                "destroyed      {} keys that a backup of the keys had brought back",
                self.keys_destroyed_again
            )?;
        }
        let (size, checked) = (self.ledger_size, self.checkpoints_checked);
        writeln!(f, "the ledger     goes on after {size} entries and agrees with all {checked} kept checkpoints")?;
        f.write_str(if report.is_sound() {
            "`earwitness serve` may start"
        } else {
            "look at what is only reported first"
        })
    }
}

/// Brings a restored catalog up to date from the store: the ledger, what was purged and destroyed since, recordings
/// acknowledged since, decisions, holds and cases since, erasures since, tokens withdrawn since. Can be repeated.
pub(super) async fn run(args: Args, config: Config, output: Output) -> Result<Exit, Failure> {
    let archive = part::open_existing(config).await?;
    let options = Options { rebuild: true, repair: true, rehash: args.rehash };
    let report = fsck::run(&archive, options).await?;
    archive.check_freshness().await?;
    let keys_destroyed_again = destroy_returned(&archive).await?;
    let checkpoints_checked = archive.ledger().check_kept_checkpoints().await.map_err(ArchiveError::from)?;
    let ledger_size = archive.catalog.ledger_state().await?.size;
    let restored = Restored { ledger_size, checkpoints_checked, keys_destroyed_again, report };
    output.result(&restored)?;
    Ok(if restored.report.is_sound() { Exit::Done } else { Exit::Refused })
}
