//! `earwitness report`: what is kept, what is due, what was purged. No personal data.

use std::fmt;

use serde::Serialize;

use super::output::{Exit, Failure, Output, aligned};
use super::part;
use crate::archive::Archive;
use crate::catalog::{Brake, MonthTotals, SecretState, Totals};
use crate::clock::Timestamp;
use crate::config::Config;
use crate::ledger::shapes::Controller;

#[derive(Serialize)]
struct Month {
    month: String,
    recordings: u64,
    bytes: u64,
    first_expires_at: Timestamp,
}

#[derive(Serialize)]
struct OpenBrake {
    kind: &'static str,
    raised_at: Timestamp,
    detail: String,
}

/// The retention report.
#[derive(Serialize)]
struct Report {
    at: Timestamp,
    controller: Controller,
    rule: String,
    recordings: u64,
    quarantined: u64,
    held: u64,
    due: u64,
    oldest_due_at: Option<Timestamp>,
    purging: u64,
    purged: u64,
    brakes: Vec<OpenBrake>,
    months: Vec<Month>,
    destroyed_keys: Vec<String>,
}

impl From<MonthTotals> for Month {
    fn from(totals: MonthTotals) -> Self {
        let MonthTotals { month, recordings, bytes, first } = totals;
        Self { month, recordings, bytes, first_expires_at: first }
    }
}

impl From<Brake> for OpenBrake {
    fn from(brake: Brake) -> Self {
        Self { kind: brake.kind.as_str(), raised_at: brake.raised_at, detail: brake.detail }
    }
}

async fn gather(archive: &Archive) -> Result<Report, Failure> {
    let at = archive.clock.now();
    let catalog = &archive.catalog;
    let Totals { live, quarantined, held, purging, purged, .. } = catalog.totals(at).await?;
    let secrets = catalog.list_secrets().await?;
    let destroyed = secrets.into_iter().filter(|secret| secret.state == SecretState::Destroyed);
    Ok(Report {
        at,
        controller: archive.controller(),
        rule: archive.policy.rule_text(),
        recordings: live,
        quarantined,
        held,
        due: catalog.count_due(at).await?,
        oldest_due_at: catalog.oldest_due(at).await?,
        purging,
        purged,
        brakes: catalog.open_brakes().await?.into_iter().map(OpenBrake::from).collect(),
        months: catalog.upcoming(at).await?.into_iter().map(Month::from).collect(),
        destroyed_keys: destroyed.map(|secret| secret.name).collect(),
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let overdue = match self.oldest_due_at {
            Some(at) => format!("{}, the oldest since {at}", self.due),
            None => self.due.to_string(),
        };
        let mut rows = vec![
            ["at".to_owned(), self.at.to_string()],
            ["controller".to_owned(), self.controller.name.clone()],
            ["rule".to_owned(), self.rule.clone()],
            ["recordings".to_owned(), format!("{}, of these {} in quarantine", self.recordings, self.quarantined)],
            ["on legal hold".to_owned(), self.held.to_string()],
            ["due".to_owned(), overdue],
            ["being purged".to_owned(), self.purging.to_string()],
            ["purged".to_owned(), self.purged.to_string()],
            ["destroyed keys".to_owned(), self.destroyed_keys.len().to_string()],
        ];
        rows.extend(self.brakes.iter().map(|b| ["BRAKE".to_owned(), format!("{}: {}", b.kind, b.detail)]));
        f.write_str(&aligned(&rows))?;
        if !self.months.is_empty() {
            writeln!(f)?;
            let head = ["ends in", "recordings", "bytes", "first"].map(str::to_owned);
            let row = |m: &Month| {
                [m.month.clone(), m.recordings.to_string(), m.bytes.to_string(), m.first_expires_at.to_string()]
            };
            let rows: Vec<[String; 4]> = [head].into_iter().chain(self.months.iter().map(row)).collect();
            f.write_str(&aligned(&rows))?;
        }
        Ok(())
    }
}

pub(super) async fn run(config: Config, output: Output) -> Result<Exit, Failure> {
    let archive = part::open_existing(config).await?;
    output.result(&gather(&archive).await?)?;
    Ok(Exit::Done)
}
