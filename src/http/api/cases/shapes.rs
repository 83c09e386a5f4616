//! Cases as clients see them.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::hold::case::{Case, Note};
use crate::recording::Language;

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
    /// How much is in force for it.
    in_force: InForceShown,
    /// Its notes, oldest first. Left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<Vec<NoteShown>>,
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
            in_force: InForceShown { holds: in_force.holds, rules: in_force.rules, releases: in_force.releases },
            notes: Some(case.notes.into_iter().map(NoteShown::from).collect()),
        }
    }
}
