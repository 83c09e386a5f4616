//! `earwitness store`: the store itself, apart from what is in it.

use std::sync::Arc;

use super::output::{Exit, Failure, Output};
use crate::archive::set_up;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;

#[derive(clap::Subcommand)]
pub(super) enum Args {
    /// Make or check the configured bucket (versioning, Object Lock, lifecycle rules), and say what was changed
    Init,
    /// Try out what the store enforces
    Check,
}

pub(super) async fn run(args: Args, config: Config, output: Output) -> Result<Exit, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let report = match args {
        Args::Init => set_up::init_store(&config, &clock).await?,
        Args::Check => set_up::check_store(&config, &clock).await?,
    };
    output.result(&report)?;
    Ok(if report.lock_missing || report.locked_by_default { Exit::Refused } else { Exit::Done })
}
