//! `earwitness accounts import`: the product's accounts, from a file.

use std::fmt;
use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::output::{Exit, Failure, Output, aligned, progress};
use super::{part, signals};
use crate::account::import::{ImportError, LineEnd, Lines, Summary, import};
use crate::config::Config;
use crate::receive::bulk::shell_actor;
use crate::serve::publish_ledger_until;

#[derive(Subcommand)]
pub(super) enum Args {
    /// Take in accounts from a file of JSON lines, each what `PUT /v1/accounts/{id}` takes, with its `id`. A bad line keeps
    /// no other; running it again changes nothing of what is in
    Import {
        /// The file
        #[arg(value_name = "FILE.jsonl")]
        file: PathBuf,
    },
}

#[derive(Serialize)]
struct Done {
    #[serde(flatten)]
    summary: Summary,
    /// False when it was told to stop before the last line.
    complete: bool,
    lines: Vec<LineEnd>,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for end in self.lines.iter().filter(|end| end.outcome == "rejected") {
            let wrong: Vec<String> =
                end.errors.iter().map(|problem| format!("{} {}", problem.field, problem.message)).collect();
            writeln!(f, "line {}: {} {}", end.line, end.code.unwrap_or_default(), wrong.join("; "))?;
        }
        let Summary { filled, changed, unchanged, rejected } = self.summary;
        let rows = [("new", filled), ("changed", changed), ("unchanged", unchanged), ("rejected", rejected)];
        f.write_str(&aligned(&rows.map(|(name, count)| [name.to_owned(), count.to_string()])))?;
        if self.complete { Ok(()) } else { writeln!(f, "stopped before the end; the same command goes on") }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::failed(format!("{error}; what is in stays, and the same command goes on"))
    }
}

pub(super) async fn run(args: Args, config: Config, output: Output) -> Result<Exit, Failure> {
    let Args::Import { file } = args;
    let lines =
        Lines::open(&file).map_err(|error| Failure::failed(format!("cannot read {}: {error}", file.display())))?;
    let bar = progress(|| Lines::count(&file).map_err(ImportError::from))?;
    let stop = signals::watch()?;
    let archive = part::open_ready(config).await?;
    archive.check_store().await?;
    let publishing = CancellationToken::new();
    let publisher = tokio::spawn(publish_ledger_until(archive.clone(), publishing.clone()));
    let (actor, mut ends) = (shell_actor("earwitness accounts import"), Vec::new());
    let done = import(
        &archive,
        lines,
        &actor,
        || stop.is_cancelled(),
        |end| {
            bar.inc(1);
            ends.push(end.clone());
            Ok(())
        },
    )
    .await;
    bar.finish_and_clear();
    publishing.cancel();
    publisher.await.map_err(Failure::failed)?;
    archive.hand_over_ledger().await?;
    let done = Done { summary: done?, complete: !stop.is_cancelled(), lines: ends };
    output.result(&done)?;
    Ok(match (done.complete, done.summary.rejected) {
        (false, _) => Exit::Failed,
        (true, 0) => Exit::Done,
        (true, _) => Exit::Refused,
    })
}
