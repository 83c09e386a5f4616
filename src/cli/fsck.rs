//! `earwitness fsck`: looks over store and catalog, both ways, and mends.

use super::output::{Exit, Failure, Output};
use super::part;
use crate::config::Config;
use crate::fsck::{self, Options};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Mend what can be mended, delete what nothing explains; without, only report
    #[arg(long)]
    repair: bool,
    /// Read every recording again, whole, and compare its digest
    #[arg(long)]
    rehash: bool,
    /// Bring a lost or old catalog up to date from the store first; nothing may be serving it
    #[arg(long)]
    rebuild: bool,
}

pub(super) async fn run(args: Args, config: Config, output: Output) -> Result<Exit, Failure> {
    let archive = part::open_existing(config).await?;
    if !args.rebuild {
        archive.check_freshness().await?;
    }
    let options = Options { repair: args.repair, rehash: args.rehash, rebuild: args.rebuild };
    let report = fsck::run(&archive, options).await?;
    output.result(&report)?;
    Ok(if report.is_sound() { Exit::Done } else { Exit::Refused })
}
