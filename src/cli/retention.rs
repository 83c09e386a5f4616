//! `earwitness retention show`: the rule in force, and what it makes of a call of today.

use std::fmt;

use clap::Subcommand;
use serde::Serialize;

use super::output::{Exit, Failure, Output, aligned};
use super::part;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::retention::{self, TZ_EDITION};

#[derive(Subcommand)]
pub(super) enum Args {
    /// Show the rule that is stamped on new recordings
    Show,
}

#[derive(Serialize)]
struct Rule {
    rule: String,
    name: String,
    version: u32,
    period: String,
    zone: String,
    end: &'static str,
    tz_edition: &'static str,
    example_recorded_at: Timestamp,
    example_expires_at: Timestamp,
    example_expiry_month: String,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            ["rule", &self.rule],
            ["period", &self.period],
            ["zone", &format!("{} (tz database {})", self.zone, self.tz_edition)],
            ["end", self.end],
            ["a call of now", &format!("recorded {}", self.example_recorded_at)],
            ["", &format!("ends {}, under the key of {}", self.example_expires_at, self.example_expiry_month)],
        ];
        f.write_str(&aligned(&rows.map(|row| row.map(str::to_owned))))
    }
}

pub(super) async fn run(args: Args, config: Config, output: Output) -> Result<Exit, Failure> {
    let Args::Show = args;
    let archive = part::open_existing(config).await?;
    let policy = &archive.policy;
    let now = archive.clock.now();
    let deadline = retention::deadline(policy, now).map_err(Failure::failed)?;
    output.result(&Rule {
        rule: policy.rule_text(),
        name: policy.name().to_owned(),
        version: policy.version(),
        period: policy.period.to_string(),
        zone: policy.zone.name().to_owned(),
        end: policy.end.as_str(),
        tz_edition: TZ_EDITION,
        example_recorded_at: now,
        example_expires_at: deadline.expires_at,
        example_expiry_month: deadline.month.to_string(),
    })?;
    Ok(Exit::Done)
}
