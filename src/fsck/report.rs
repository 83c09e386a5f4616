//! What a look over the archive found.

use std::collections::HashSet;
use std::fmt;

use serde::Serialize;

use super::trouble::is_of_one_object;
use crate::archive::ArchiveError;

/// A problem's stable name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// A row without its audio.
    MissingAudio,
    /// A row without its waveform.
    MissingWaveform,
    /// A row without its sidecar, or with an older one.
    MissingSidecar,
    /// A row without a piece of its related data.
    MissingRelated,
    /// The store would delete a recording that it has to keep.
    LockMissing,
    /// The store would keep a recording beyond its deadline: the purge will have to wait for it.
    LockTooLong,
    /// The audio is not what was received.
    DigestMismatch,
    /// A sealed object does not open, or a signed one is not to be believed.
    Unreadable,
    /// A whole recording without a row.
    RowMissing,
    /// A whole recording without a row, of a call for which another recording stands.
    CallTaken,
    /// Objects of an upload that never became whole.
    UnfinishedUpload,
    /// Objects of a recording that was purged.
    PurgeRemains,
    /// An object that somebody hid behind a delete marker.
    Hidden,
    /// An object with a second version, which is not ours.
    Overwritten,
    /// A sidecar with older versions, which hold keys that it may no longer hold.
    OldVersions,
    /// Related data that no row knows of.
    RelatedOrphan,
    /// A recording that was erased, as the store has it, and of which the catalog does not know that.
    ErasureUnknown,
    /// An erased recording without its tombstone in the store.
    MissingTombstone,
    /// A case in the store without a row.
    CaseRowMissing,
    /// A case without its copy in the store.
    MissingCaseCopy,
    /// A file of a write that was not completed.
    Temporary,
    /// Something in the store that is not ours.
    Foreign,
}

impl Problem {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingAudio => "missing-audio",
            Self::MissingWaveform => "missing-waveform",
            Self::MissingSidecar => "missing-sidecar",
            Self::MissingRelated => "missing-related",
            Self::LockMissing => "lock-missing",
            Self::LockTooLong => "lock-too-long",
            Self::DigestMismatch => "digest-mismatch",
            Self::Unreadable => "unreadable",
            Self::RowMissing => "row-missing",
            Self::CallTaken => "call-taken",
            Self::UnfinishedUpload => "unfinished-upload",
            Self::PurgeRemains => "purge-remains",
            Self::Hidden => "hidden",
            Self::Overwritten => "overwritten",
            Self::OldVersions => "old-versions",
            Self::RelatedOrphan => "related-orphan",
            Self::ErasureUnknown => "erasure-unknown",
            Self::MissingTombstone => "missing-tombstone",
            Self::CaseRowMissing => "case-row-missing",
            Self::MissingCaseCopy => "missing-case-copy",
            Self::Temporary => "temporary",
            Self::Foreign => "foreign",
        }
    }
}

/// What was done about a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing: it was not asked for, or nothing can be done.
    Reported,
    /// It is mended.
    Repaired,
    /// The remains are deleted.
    Deleted,
}

impl Action {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Repaired => "repaired",
            Self::Deleted => "deleted",
        }
    }
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Finding {
    /// What is wrong.
    pub problem: Problem,
    /// What was done.
    pub action: Action,
    /// The recording's id, or the path in the store.
    pub what: String,
}

/// What a look over the archive found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Rows looked at.
    pub recordings: u64,
    /// Things in the store looked at.
    pub objects: u64,
    /// Recordings read again whole.
    pub rehashed: u64,
    /// Recordings whose rows were brought back from their sidecars.
    pub brought_back: u64,
    /// Recordings whose rows were older than their sidecars.
    pub caught_up: u64,
    /// Cases that were missing, or older than the store's copy.
    pub cases_restored: u64,
    /// Rows of the register of disclosures that were missing, or did not say how a package ended.
    pub disclosures_restored: u64,
    /// Purges of cases applied again to an old catalog.
    pub cases_purged: u64,
    /// Purges applied again to an old catalog.
    pub purges_applied: u64,
    /// Erasures since the backup: fenced again, and purged by the next pass.
    pub erasures_applied: u64,
    /// Ledger entries brought back from the published tiles.
    pub ledger_entries: u64,
    /// Tokens withdrawn again that were withdrawn since the backup.
    pub tokens_revoked: u64,
    /// Tokens withdrawn because the ledger says that some token was and the store does not say which.
    pub tokens_withdrawn: u64,
    /// Tokens that were made since the backup and are gone with the old catalog.
    pub tokens_lost: u64,
    /// What was wrong.
    pub findings: Vec<Finding>,
    /// What of it is told already: one walk after the other meets the same.
    #[serde(skip)]
    told: HashSet<Finding>,
}

impl Report {
    pub(super) fn add(&mut self, problem: Problem, action: Action, what: impl fmt::Display) {
        let finding = Finding { problem, action, what: what.to_string() };
        if self.told.insert(finding.clone()) {
            self.findings.push(finding);
        }
    }

    /// What came of a look at one object: nothing, and a line in the report, when that object cannot be read. An error
    /// when a part of the archive does not answer.
    pub(super) fn unless_unreadable<T>(
        &mut self,
        result: Result<T, ArchiveError>,
        what: impl fmt::Display,
    ) -> Result<Option<T>, ArchiveError> {
        match result {
            Ok(seen) => Ok(Some(seen)),
            Err(error) if is_of_one_object(&error) => {
                tracing::warn!(%what, %error, "an object is passed over");
                self.add(Problem::Unreadable, Action::Reported, what);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether something is wrong that was not mended. What is not ours harms nothing.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|f| f.action != Action::Reported || f.problem == Problem::Foreign)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "looked at      {} recordings, {} objects", self.recordings, self.objects)?;
        if self.rehashed > 0 {
            writeln!(f, "read again     {} recordings", self.rehashed)?;
        }
        let rebuilt = [
            ("brought back", self.brought_back, "recordings"),
            ("caught up", self.caught_up, "recordings"),
            ("purged again", self.purges_applied, "recordings"),
            ("erased again", self.erasures_applied, "recordings"),
            ("brought back", self.cases_restored, "cases"),
            ("brought back", self.disclosures_restored, "disclosures"),
            ("purged again", self.cases_purged, "cases"),
            ("ledger", self.ledger_entries, "entries brought back"),
            ("revoked again", self.tokens_revoked, "tokens"),
            ("revoked", self.tokens_withdrawn, "tokens: one of them was, and it is not known which; make new ones"),
            ("lost", self.tokens_lost, "tokens made since the backup; make new ones"),
        ];
        for (name, count, what) in rebuilt.into_iter().filter(|(_, count, _)| *count > 0) {
            writeln!(f, "{name:<14} {count} {what}")?;
        }
        for finding in &self.findings {
            writeln!(f, "{:<14} {} ({})", finding.action.as_str(), finding.what, finding.problem.as_str())?;
        }
        f.write_str(if self.is_sound() { "sound" } else { "NOT sound: see what is only reported" })
    }
}
