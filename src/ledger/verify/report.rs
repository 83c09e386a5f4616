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
    /// A certificate that an account's data are gone.
    AccountCertificate,
    /// A record that a month's key was destroyed.
    DestructionRecord,
    /// Published statistics.
    Statistics,
    /// A checkpoint of the ledger.
    Checkpoint,
    /// An evidence package.
    Package,
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
    /// SHA-256 of the raw public key, or of the certificate in DER, 64 hexadecimal digits.
    pub fingerprint: String,
    /// Who says that it is the archive's.
    pub trust: KeyTrust,
}

/// The name of a check, and what it means when it fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CheckKind {
    /// Stable name.
    pub(crate) name: &'static str,
    /// What a failure means; of a check that could not be made, what is missing; of one that is noted, what it rests on.
    pub(crate) means: &'static str,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It holds, as far as it could be checked; what it rests on is for whoever reads to judge.
    Noted,
    /// It does not hold.
    Failed,
    /// It could not be made, for want of something that the caller did not give. Nothing speaks against the document.
    NotMade,
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Check {
    /// Stable name of the check.
    pub name: &'static str,
    /// Whether it was made and holds.
    pub ok: bool,
    /// The same, and why not.
    pub outcome: Outcome,
    /// What was found.
    pub detail: String,
    /// What the failure means, what is missing, or what it rests on; left out when the check holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub means: Option<&'static str>,
}

/// All that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Report {
    /// What it is.
    pub subject: Subject,
    /// The key that it was checked with, as far as there is one.
    pub key: Option<UsedKey>,
    /// The certificate that a package is signed with, as far as there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal: Option<UsedKey>,
    /// Line by line.
    pub checks: Vec<Check>,
}

impl Report {
    pub(crate) fn new(subject: Subject) -> Self {
        Self { subject, key: None, seal: None, checks: Vec::new() }
    }

    pub(crate) fn add(&mut self, kind: CheckKind, ok: bool, detail: &str) {
        self.push(kind, if ok { Outcome::Passed } else { Outcome::Failed }, detail);
    }

    /// A check that could not be made. `kind.means` says what is missing.
    pub(super) fn not_made(&mut self, kind: CheckKind, detail: &str) {
        self.push(kind, Outcome::NotMade, detail);
    }

    /// A check that holds as far as it could be made. `kind.means` says what it rests on.
    pub(crate) fn note(&mut self, kind: CheckKind, detail: &str) {
        self.push(kind, Outcome::Noted, detail);
    }

    fn push(&mut self, kind: CheckKind, outcome: Outcome, detail: &str) {
        let ok = outcome == Outcome::Passed;
        let means = (!ok).then_some(kind.means);
        self.checks.push(Check { name: kind.name, ok, outcome, detail: detail.to_owned(), means });
    }

    /// Whether something was checked and all of it holds, as far as it could be checked.
    pub fn ok(&self) -> bool {
        let holds = |check: &Check| matches!(check.outcome, Outcome::Passed | Outcome::Noted);
        self.subject != Subject::Unknown && !self.checks.is_empty() && self.checks.iter().all(holds)
    }
}

impl Report {
    /// All of it in a few words. Only a key that the caller trusts makes a document `verified`.
    pub fn conclusion(&self) -> &'static str {
        let noted = self.checks.iter().any(|check| check.outcome == Outcome::Noted);
        let failed = self.checks.iter().any(|check| check.outcome == Outcome::Failed);
        let pinned = [&self.key, &self.seal].into_iter().flatten().any(|key| key.trust == KeyTrust::Pinned);
        match pinned {
            true if self.ok() && noted => "verified, but for what is noted above",
            true if self.ok() => "verified",
            _ if self.ok() => "consistent; the key was not compared with one you trust",
            _ if failed || self.checks.is_empty() => "NOT verified",
            _ => "NOT verified: not everything could be checked",
        }
    }
}

/// One line per check, then the key.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let word = match check.outcome {
                Outcome::Passed => "ok    ",
                Outcome::Noted => "note  ",
                Outcome::Failed => "FAILED",
                Outcome::NotMade => "open  ",
            };
            write!(f, "{word}  {}", check.name)?;
            if !check.detail.is_empty() {
                write!(f, ": {}", Plain(&check.detail))?;
            }
            writeln!(f)?;
            if let Some(means) = check.means {
                writeln!(f, "        {means}")?;
            }
        }
        for (word, key) in [("key ", &self.key), ("seal", &self.seal)] {
            let Some(key) = key else { continue };
            let trust = match key.trust {
                KeyTrust::Pinned => "the key you trust",
                KeyTrust::SelfStated => {
                    "stated by the document itself only; compare it with one that reached you another way"
                }
                KeyTrust::Other => "NOT the key you trust",
            };
            writeln!(f, "{word}    {} ({trust})", key.fingerprint)?;
        }
        Ok(())
    }
}

/// Text out of a document, without anything that a terminal would obey.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).try_for_each(|c| write!(f, "{c}"))
    }
}
