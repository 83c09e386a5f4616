//! What a check found, for people and for programs.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

/// What was checked, told by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A receipt.
    Receipt,
    /// A certificate of deletion.
    Certificate,
    /// A record that a month's key was destroyed.
    DestructionRecord,
    /// A checkpoint of the ledger.
    Checkpoint,
    /// None of them, or damaged beyond telling.
    Unknown,
}

/// Who says that a key is the archive's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyTrust {
    /// The caller: it is the key that was to be trusted.
    Pinned,
    /// Nobody but the document itself. Compare the fingerprint with one that came another way.
    SelfStated,
    /// The caller trusts another key.
    Other,
}

/// The key that the checks were made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UsedKey {
    /// SHA-256 of the raw public key, 64 hexadecimal digits.
    pub fingerprint: String,
    /// Who says that it is the archive's.
    pub trust: KeyTrust,
}

/// The name of a check, and what it means when it fails.
#[derive(Debug, Clone, Copy)]
pub(super) struct CheckKind {
    /// Stable name.
    pub(super) name: &'static str,
    /// What a failure means.
    pub(super) means: &'static str,
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Check {
    /// Stable name of the check.
    pub name: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// What a failure of this check means.
    pub means: &'static str,
}

/// All that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Report {
    /// What it is.
    pub subject: Subject,
    /// The key that it was checked with, as far as there is one.
    pub key: Option<UsedKey>,
    /// Line by line.
    pub checks: Vec<Check>,
}

impl Report {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject, key: None, checks: Vec::new() }
    }

    pub(super) fn add(&mut self, kind: CheckKind, ok: bool, detail: &str) {
        self.checks.push(Check { name: kind.name, ok, detail: detail.to_owned(), means: kind.means });
    }

    /// Whether something was checked and all of it holds.
    pub fn ok(&self) -> bool {
        self.subject != Subject::Unknown && !self.checks.is_empty() && self.checks.iter().all(|check| check.ok)
    }
}

/// One line per check, then the key.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let (word, explanation) = if check.ok { ("ok    ", "") } else { ("FAILED", check.means) };
            write!(f, "{word}  {}", check.name)?;
            if !check.detail.is_empty() {
                write!(f, ": {}", Plain(&check.detail))?;
            }
            writeln!(f)?;
            if !explanation.is_empty() {
                writeln!(f, "        {explanation}")?;
            }
        }
        let Some(key) = &self.key else { return Ok(()) };
        let trust = match key.trust {
            KeyTrust::Pinned => "the key you trust",
            KeyTrust::SelfStated => {
                "stated by the document itself only; compare it with one that reached you another way"
            }
            KeyTrust::Other => "NOT the key you trust",
        };
        writeln!(f, "key     {} ({trust})", key.fingerprint)
    }
}

/// Text out of a document, without anything that a terminal would obey.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).try_for_each(|c| write!(f, "{c}"))
    }
}
