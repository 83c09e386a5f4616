//! `earwitness statistics`: what purged calls leave, as the API gives it.

use std::fmt;

use clap::Args as ClapArgs;
use serde::Serialize;

use super::output::{Exit, Failure, Output, aligned};
use super::part;
use crate::config::Config;
use crate::http::api::oversight::statistics::{COLUMNS, StatisticsReport, cells};
use crate::recording::ExpiryMonth;
use crate::statistics::report::Question;

/// Which statistics to show.
#[derive(ClapArgs)]
pub(super) struct Args {
    /// Recorded in this month (YYYY-MM) or later
    #[arg(long, value_name = "MONTH")]
    from: Option<ExpiryMonth>,
    /// Recorded in this month or earlier
    #[arg(long, value_name = "MONTH")]
    to: Option<ExpiryMonth>,
    /// Of this product
    #[arg(long)]
    product: Option<String>,
    /// In this language
    #[arg(long)]
    language: Option<String>,
    /// Of accounts of this kind of professional
    #[arg(long)]
    kind: Option<String>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Shown(StatisticsReport);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StatisticsReport { closed_through, cells: found, calls, seconds, .. } = &self.0;
        let Some(until) = closed_through else {
            return f.write_str("nothing is published yet: months are published when they are over\n");
        };
        writeln!(f, "calls purged until the end of {until}: {calls}, together {seconds} s\n")?;
        let rows: Vec<[String; 7]> = [COLUMNS.map(str::to_owned)].into_iter().chain(found.iter().map(cells)).collect();
        f.write_str(&aligned(&rows))
    }
}

pub(super) async fn run(args: Args, config: Config, output: Output) -> Result<Exit, Failure> {
    let archive = part::open_existing(config).await?;
    let Args { from, to, product, language, kind } = args;
    let report = StatisticsReport::gather(&archive, &Question { from, to, product, language, kind }).await;
    output.result(&Shown(report.map_err(Failure::failed)?))?;
    Ok(Exit::Done)
}
