//! What every command shares: exit codes, failures, printing.

use std::fmt::{self, Display};
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::archive::ArchiveError;
use crate::ledger::sequencer::SequenceError;
use crate::migrate::MigrateError;
use crate::purge::PurgeError;

/// A bar with rate and remaining time where somebody looks at it; nothing otherwise. `count` says how much there is.
pub(super) fn progress<E: Into<Failure>>(count: impl FnOnce() -> Result<u64, E>) -> Result<ProgressBar, Failure> {
    if !io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len}  {per_sec}  {eta} left").map_err(Failure::failed)?;
    let bar = ProgressBar::new(count().map_err(Into::into)?).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Refused = 3,
    NotNow = 4,
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    text: String,
    closed_output: bool,
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Failure {
    fn new(exit: Exit, text: impl Display) -> Self {
        Self { exit, text: text.to_string(), closed_output: false }
    }

    pub(super) fn failed(text: impl Display) -> Self {
        Self::new(Exit::Failed, text)
    }

    pub(super) fn usage(text: impl Display) -> Self {
        Self::new(Exit::Usage, text)
    }

    pub(super) fn not_now(text: impl Display) -> Self {
        Self::new(Exit::NotNow, text)
    }

    pub(super) fn is_closed_output(&self) -> bool {
        self.closed_output
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        let old =
            matches!(error, ArchiveError::Sequence(SequenceError::CatalogIsOld { .. } | SequenceError::OtherLedger));
        let usage = matches!(error, ArchiveError::Configuration(_));
        match (old || error.is_unavailable(), usage) {
            (true, _) => Self::not_now(error),
            (_, true) => Self::usage(error),
            _ => Self::failed(error),
        }
    }
}

impl From<PurgeError> for Failure {
    fn from(error: PurgeError) -> Self {
        match error {
            PurgeError::Archive(error) => error.into(),
            other => Self::failed(other),
        }
    }
}

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Archive(error) => error.into(),
            MigrateError::SamePlace | MigrateError::NoArchive | MigrateError::Moved(_) => Self::usage(error),
            MigrateError::InUse | MigrateError::Changed => Self::not_now(error),
            MigrateError::TargetNotEmpty
            | MigrateError::NotTheOldKeys
            | MigrateError::ReadBack(_)
            | MigrateError::TableReadBack(_)
            | MigrateError::Root => Self::new(Exit::Refused, error),
            MigrateError::Incomplete { .. } | MigrateError::Journal(_) => Self::failed(error),
        }
    }
}

impl From<crate::catalog::CatalogError> for Failure {
    fn from(error: crate::catalog::CatalogError) -> Self {
        ArchiveError::from(error).into()
    }
}

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) json: bool,
}

impl Output {
    /// Prints a result: as one JSON document, or as people read it.
    pub(super) fn result<T: Serialize + Display>(self, result: &T) -> Result<(), Failure> {
        if self.json { self.document(result) } else { self.text(result) }
    }

    /// Prints one JSON document, on one line.
    pub(super) fn document<T: Serialize>(self, document: &T) -> Result<(), Failure> {
        let text = serde_json::to_string(document).map_err(Failure::failed)?;
        write(&format!("{text}\n"))
    }

    /// Prints text for people; nothing with `--json`.
    pub(super) fn text(self, text: &impl Display) -> Result<(), Failure> {
        let text = text.to_string();
        let end = if text.ends_with('\n') { "" } else { "\n" };
        if self.json { Ok(()) } else { write(&format!("{text}{end}")) }
    }
}

fn write(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure {
        closed_output: error.kind() == io::ErrorKind::BrokenPipe,
        ..Failure::failed(format!("cannot write to standard output: {error}"))
    })
}

/// A line for people, on standard error.
pub(super) fn say(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Rows in aligned columns, each cell as wide as the widest of its column; two blanks between.
pub(super) fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["é", "b", ""], ["ccc", "d", "e"]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows), "é    b\nccc  d  e\n");
    }
}
