//! `earwitness report`: the retention report, as the API gives it.

use std::fmt;

use serde::Serialize;

use super::output::{Exit, Failure, Output, aligned};
use super::part;
use crate::config::Config;
use crate::http::api::oversight::report::{MonthReport, RetentionReport};

#[derive(Serialize)]
#[serde(transparent)]
struct Shown(RetentionReport);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RetentionReport { as_of, controller, policy, totals, overdue, brakes, months } = &self.0;
        let late = match overdue.oldest_expires_at {
            Some(at) => format!("{}, the oldest since {at}", overdue.count),
            None => overdue.count.to_string(),
        };
        let mut rows = vec![
            ["as of", &as_of.to_string()].map(str::to_owned),
            ["controller", &controller.name].map(str::to_owned),
            ["rule", &policy.rule].map(str::to_owned),
            ["recordings", &format!("{}, of these {} in quarantine", totals.live, totals.quarantined)]
                .map(str::to_owned),
            ["on legal hold", &totals.held.to_string()].map(str::to_owned),
            ["overdue", &late].map(str::to_owned),
            ["being purged", &totals.purging.to_string()].map(str::to_owned),
            ["purged", &format!("{}, certificates {}", totals.purged, totals.certificates)].map(str::to_owned),
        ];
        rows.extend(brakes.iter().map(|b| ["BRAKE".to_owned(), format!("{}: {}", b.kind, b.detail)]));
        f.write_str(&aligned(&rows))?;
        if months.is_empty() {
            return Ok(());
        }
        let head = ["ends in", "recordings", "bytes", "key"].map(str::to_owned);
        let row =
            |m: &MonthReport| [m.month.clone(), m.recordings.to_string(), m.bytes.to_string(), m.key_state.clone()];
        let rows: Vec<[String; 4]> = [head].into_iter().chain(months.iter().map(row)).collect();
        write!(f, "\n{}", aligned(&rows))
    }
}

pub(super) async fn run(config: Config, output: Output) -> Result<Exit, Failure> {
    let archive = part::open_existing(config).await?;
    output.result(&Shown(RetentionReport::gather(&archive).await?))?;
    Ok(Exit::Done)
}
