//! Cases as clients see them.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::catalog::ReleaseScope;
use crate::clock::Timestamp;
use crate::hold::case::{Case, Note};
use crate::hold::{Release, Rule};
use crate::recording::{Language, RecordingId};

/// A case: in its name recordings are held beyond their deadline.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseShown {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// What the company calls it.
    #[schema(example = "2026/0147")]
    reference: String,
    /// Why recordings are held for it.
    #[schema(example = "invoice 4711 disputed, letter of 12 November")]
    ground: String,
    /// Who answers for it.
    owner: String,
    /// In which language reports of it are written.
    language: Language,
    /// When somebody has to look whether it is still needed.
    #[schema(value_type = String, format = DateTime)]
    review_at: Timestamp,
    /// Whether that date is over and the case still open.
    overdue: bool,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    /// When it was closed; null while it is open. Its retention period counts from here.
    #[schema(value_type = Option<String>, format = DateTime)]
    closed_at: Option<Timestamp>,
    /// When it is purged, with its notes and all that the ledger says about it; null while it is open.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// How much is in force for it.
    in_force: InForceShown,
    /// Its notes, oldest first. Only in the answer about one case.
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<Vec<NoteShown>>,
    /// Its rules, oldest first, those that ended as well. Only in the answer to a GET of one case.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Vec<RuleShown>>,
    /// Its releases, oldest first: all that wait or are being carried out, and the newest 50 of the others. Only in the
    /// answer to a GET of one case.
    #[serde(skip_serializing_if = "Option::is_none")]
    releases: Option<Vec<ReleaseShown>>,
}

/// A rule: an account's recordings of a period are held, those that arrive later as well.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleShown {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// The account.
    account: String,
    /// Recorded at or after; null: from the beginning.
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Recorded before; null: without an end.
    #[schema(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Since when it is in force.
    #[schema(value_type = String, format = DateTime)]
    placed_at: Timestamp,
    /// Who placed it.
    placed_by: String,
    /// When a release ended it; null while it is in force.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

/// A release: asked for by one person, decided by another.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReleaseShown {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// `asked`, `approved` or `refused`.
    #[schema(example = "asked")]
    state: &'static str,
    /// The recordings that it names, until it is done; left out where it is of a rule or of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    recordings: Option<Vec<RecordingId>>,
    /// How many recordings it names; left out where it is of a rule or of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    recording_count: Option<u64>,
    /// The rule that it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    rule: Option<Uuid>,
    /// True where it is of everything that was in force when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    all: Option<bool>,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    asked_at: Timestamp,
    /// By whom.
    asked_by: String,
    /// Why.
    reason: String,
    /// When another person decided; null while it waits.
    #[schema(value_type = Option<String>, format = DateTime)]
    decided_at: Option<Timestamp>,
    /// Who that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<String>,
    /// Their reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision_reason: Option<String>,
    /// When the last of its holds had ended; null until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    done_at: Option<Timestamp>,
}

impl From<Rule> for RuleShown {
    fn from(rule: Rule) -> Self {
        let Rule { id, what, placed_at, placed_by, ended_at } = rule;
        Self { id, account: what.account_id, from: what.from, to: what.to, placed_at, placed_by, ended_at }
    }
}

impl From<Release> for ReleaseShown {
    fn from(release: Release) -> Self {
        let (recordings, rule, all) = match release.scope {
            ReleaseScope::Recordings(ids) => (Some(ids).filter(|_| release.done_at.is_none()), None, None),
            ReleaseScope::Rule(rule) => (None, Some(rule), None),
            ReleaseScope::All => (None, None, Some(true)),
        };
        let (decided_at, decided_by, decision_reason) = match release.decision {
            Some(decision) => (Some(decision.at), Some(decision.by), Some(decision.reason)),
            None => (None, None, None),
        };
        Self {
            id: release.id,
            state: release.state.as_str(),
            recordings,
            recording_count: release.named,
            rule,
            all,
            asked_at: release.asked_at,
            asked_by: release.asked_by,
            reason: release.reason,
            decided_at,
            decided_by,
            decision_reason,
            done_at: release.done_at,
        }
    }
}

/// How much is in force for a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct InForceShown {
    /// Holds on recordings.
    holds: u64,
    /// Rules that hold an account's recordings, those that arrive later as well.
    rules: u64,
    /// Releases that wait for another person's decision, or are being carried out.
    releases: u64,
}

/// A note on a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoteShown {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// By whom.
    by: String,
    /// What it says.
    text: String,
}

/// A page of cases, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct CasePage {
    /// The cases, without their notes.
    pub(super) cases: Vec<CaseShown>,
    /// What to send as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
}

impl From<Note> for NoteShown {
    fn from(note: Note) -> Self {
        let Note { id, at, by, text } = note;
        Self { id, at, by, text }
    }
}

impl CaseShown {
    /// As a list shows it.
    pub(super) fn listed(case: Case, now: Timestamp) -> Self {
        Self { notes: None, ..Self::whole(case, now) }
    }

    /// With everything.
    pub(super) fn whole(case: Case, now: Timestamp) -> Self {
        let overdue = case.is_overdue(now);
        let in_force = case.in_force;
        Self {
            id: case.id,
            reference: case.reference,
            ground: case.ground,
            owner: case.owner,
            language: case.language,
            review_at: case.review_at,
            overdue,
            opened_at: case.opened_at,
            closed_at: case.closed_at,
            expires_at: case.expires_at,
            in_force: InForceShown { holds: in_force.holds, rules: in_force.rules, releases: in_force.releases },
            notes: Some(case.notes.into_iter().map(NoteShown::from).collect()),
            rules: None,
            releases: None,
        }
    }

    /// With its rules and releases as well.
    pub(super) fn with(self, rules: Vec<Rule>, releases: Vec<Release>) -> Self {
        let rules = rules.into_iter().map(RuleShown::from).collect();
        let releases = releases.into_iter().map(ReleaseShown::from).collect();
        Self { rules: Some(rules), releases: Some(releases), ..self }
    }
}
