//! `earwitness fsck`: what catalog and store say of each other, and mending it.

use super::output::{Exit, Failure, Output};
use super::part;
use crate::config::Config;
use crate::fsck::{Options, run as look};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Mend what can be mended; without, problems are only reported
    #[arg(long)]
    repair: bool,
    /// Read every recording again, whole, and compare its digest
    #[arg(long)]
    rehash: bool,
    /// First bring a lost or old catalog up to date from the store
    #[arg(long)]
    rebuild: bool,
}

pub(super) async fn run(args: Args, config: Config, output: Output) -> Result<Exit, Failure> {
    let archive = part::open_existing(config).await?;
    let Args { repair, rehash, rebuild } = args;
    let report = look(&archive, Options { repair, rehash, rebuild }).await?;
    if output.json {
        output.document(&report)?
    } else {
        output.text(&format!("{report}\n"))?
    }
    Ok(if report.is_sound() { Exit::Done } else { Exit::Refused })
}
