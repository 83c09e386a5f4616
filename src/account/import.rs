//! Many accounts at once, from a file of JSON lines: each is what `PUT /v1/accounts/{id}` takes, with its `id`. A bad line is
//! told of and keeps no other; running it again changes nothing of what is in.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::text::id_problems;
use super::{AccountError, AccountUpdate, Put, put};
use crate::access::Actor;
use crate::archive::Archive;
use crate::receive::metadata::FieldProblem;

/// The longest line, in bytes.
const MAX_LINE_BYTES: u64 = 1 << 20;
/// After so many failures of the archive itself it is not the lines that are at fault.
const MOST_FAILURES: u64 = 20;

/// What came of a line. It names no account: that may be personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineEnd {
    /// Which, from 1.
    pub line: u64,
    /// `filled`, `changed`, `unchanged` or `rejected`.
    pub outcome: &'static str,
    /// Why it was rejected: `malformed-line`, `invalid-body`, or a code of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Accounts of which this was the first word.
    pub filled: u64,
    /// Accounts of which something is different now.
    pub changed: u64,
    /// Accounts that were known just so, or from a later word.
    pub unchanged: u64,
    /// Lines that were not taken in.
    pub rejected: u64,
}

/// Why an import broke off. What was taken in stays; running it again goes on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The archive, not a line.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The archive failed for too many lines.
    #[error("the archive failed {MOST_FAILURES} times; the log says why")]
    TooManyFailures,
}

/// The lines of a file.
pub struct Lines {
    reader: BufReader<File>,
    number: u64,
}

impl Lines {
    /// Opens a file.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { reader: BufReader::new(File::open(path)?), number: 0 })
    }

    /// How many lines a file has.
    pub fn count(path: &Path) -> io::Result<u64> {
        let mut lines = Self::open(path)?;
        while lines.next()?.is_some() {}
        Ok(lines.number)
    }

    /// The next line that is not empty, with its number; none at the end. One that is too long is cut, and no JSON.
    fn next(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        loop {
            let mut line = Vec::new();
            let read = self.reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if read as u64 == MAX_LINE_BYTES && line.last() != Some(&b'\n') {
                self.skip_line()?;
            }
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some((self.number, line)));
            }
        }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(buffer.len(), |at| at + 1);
            self.reader.consume(used);
            if end.is_some() || used == 0 {
                return Ok(());
            }
        }
    }
}

/// Takes in every line, one after the other: of two about one account the later counts. `each` hears of every line.
pub async fn import(
    archive: &Archive,
    mut lines: Lines,
    actor: &Actor,
    is_stopped: impl Fn() -> bool,
    mut each: impl FnMut(&LineEnd) -> io::Result<()>,
) -> Result<Summary, ImportError> {
    let (mut summary, mut failures) = (Summary::default(), 0);
    while let Some((number, line)) = if is_stopped() { None } else { lines.next()? } {
        let end = take_in(archive, number, &line, actor).await?;
        match end.outcome {
            "filled" => summary.filled += 1,
            "changed" => summary.changed += 1,
            "unchanged" => summary.unchanged += 1,
            _ => summary.rejected += 1,
        }
        failures += u64::from(end.code == Some("internal"));
        each(&end)?;
        if failures >= MOST_FAILURES {
            return Err(ImportError::TooManyFailures);
        }
    }
    Ok(summary)
}

async fn take_in(archive: &Archive, line: u64, bytes: &[u8], actor: &Actor) -> Result<LineEnd, ImportError> {
    let rejected = |code, errors| LineEnd { line, outcome: "rejected", code: Some(code), errors };
    let (id, update) = match parse(bytes) {
        Ok(parsed) => parsed,
        Err((code, errors)) => return Ok(rejected(code, errors)),
    };
    match put(archive, &id, &update, actor).await {
        Ok((_, done)) => {
            let outcome = match done {
                Put::Filled => "filled",
                Put::Changed => "changed",
                Put::Unchanged => "unchanged",
            };
            Ok(LineEnd { line, outcome, code: None, errors: Vec::new() })
        }
        Err(AccountError::Archive(error)) if error.is_unavailable() => Err(AccountError::from(error).into()),
        Err(error) => {
            if let AccountError::Archive(error) = &error {
                tracing::error!(line, %error, "a line failed");
            }
            Ok(rejected(error.code(), Vec::new()))
        }
    }
}

/// The account's id and what is said of it, or why not. Pure.
fn parse(line: &[u8]) -> Result<(String, AccountUpdate), (&'static str, Vec<FieldProblem>)> {
    let malformed = ("malformed-line", Vec::new());
    let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(line) else { return Err(malformed) };
    let Some(Value::String(id)) = members.remove("id") else {
        return Err(("invalid-body", vec![FieldProblem::new("id", "required", "is required")]));
    };
    let Ok(update) = serde_json::from_value::<AccountUpdate>(members.into()) else {
        let problem = FieldProblem::new("", "wrong-type", "a member is missing, unknown or of another type");
        return Err(("invalid-body", vec![problem]));
    };
    let mut problems = id_problems("id", &id);
    problems.extend(update.problems());
    if problems.is_empty() { Ok((id, update)) } else { Err(("invalid-body", problems)) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_line_is_taken_or_told_what_is_wrong_with_it() {
        let told = |line: &str| parse(line.as_bytes()).map(|(id, _)| id).map_err(|(code, errors)| (code, errors.len()));
        assert_eq!(told(r#"{"id":"A-1","name":"x"}"#), Ok("A-1".to_owned()));
        for (line, expected) in [
            ("{", ("malformed-line", 0)),
            ("[]", ("malformed-line", 0)),
            (r#"{"name":"x"}"#, ("invalid-body", 1)),
            (r#"{"id":"A-1"}"#, ("invalid-body", 1)),
            (r#"{"id":"A-1","name":"x","vat":"y"}"#, ("invalid-body", 1)),
            (r#"{"id":"","name":" "}"#, ("invalid-body", 2)),
        ] {
            assert_eq!(told(line), Err(expected), "{line}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_harms_no_other() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let long = "x".repeat(MAX_LINE_BYTES as usize + 10);
        write!(file, "a\n\n{long}\nb").unwrap();
        let mut lines = Lines::open(file.path()).unwrap();
        let mut seen = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            seen.push((number, line.len()));
        }
        assert_eq!(seen, [(1, 2), (3, MAX_LINE_BYTES as usize), (4, 1)]);
        assert_eq!(Lines::count(file.path()).unwrap(), 4);
    }
}
