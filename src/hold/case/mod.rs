//! A case: why recordings are kept beyond what retention allows, whose business that is, and until when.
//!
//! | file | what it answers for |
//! |---|---|
//! | `text` | what a case says, and the rules for it; sealed under the case's secret |
//! | [`open`](open()) | opening, changing, closing a case; notes on it |
//! | [`read`](mod@read) | one case, or a page of them, noted in the ledger |
//! | [`tombstone`] | that it was purged, which outlives it |
//! | [`record`] | the copy in the store, from which a lost or old catalog gets the case back |

pub mod open;
pub mod read;
pub mod record;
pub(in crate::hold) mod text;
pub mod tombstone;

use uuid::Uuid;

use crate::archive::{Archive, ArchiveError};
use crate::catalog::{CaseRow, NoteRow};
use crate::clock::Timestamp;
use crate::recording::Language;
use crate::retention::{self, End, Policy};

pub use open::{Change, NewCase, change, close, note, open};
pub use read::{look_up, page};
pub use text::{note_problems, reason_problems};

use super::HoldError;
use text::{CaseText, NoteText};

/// A case, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its id.
    pub id: Uuid,
    /// What the company calls it.
    pub reference: String,
    /// Why recordings are held for it.
    pub ground: String,
    /// Who answers for it.
    pub owner: String,
    /// In which language reports of it are written.
    pub language: Language,
    /// When somebody has to look whether it is still needed.
    pub review_at: Timestamp,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// When it is purged, once it is closed.
    pub expires_at: Option<Timestamp>,
    /// What is in force for it.
    pub in_force: InForce,
    /// Its notes, oldest first.
    pub notes: Vec<Note>,
}

/// How much is in force for a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce {
    /// Holds.
    pub holds: u64,
    /// Rules.
    pub rules: u64,
    /// Releases that wait for a decision, or are being carried out.
    pub releases: u64,
}

/// A note on a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// What it says.
    pub text: String,
}

impl Case {
    /// Whether its review date is over and it is still open.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.closed_at.is_none() && self.review_at <= now
    }
}

/// When a case that was closed then is purged, on the calendar of the policy's zone; none beyond the calendar.
pub fn expires_at(archive: &Archive, closed_at: Timestamp) -> Option<Timestamp> {
    let policy = Policy::new("case", 1, archive.config.cases_retention, archive.policy.zone, End::Instant).ok()?;
    Some(retention::deadline(&policy, closed_at).ok()?.expires_at)
}

/// Opens a case's row, without its notes.
async fn open_row(archive: &Archive, row: &CaseRow) -> Result<Case, ArchiveError> {
    let text = text::open_case(archive, row.id, &row.sealed).await?;
    let CaseText { reference, ground, owner, language } = text;
    Ok(Case {
        id: row.id,
        reference,
        ground,
        owner,
        language,
        // Where only its holds are known, it is high time to look at it.
        review_at: row.review_at.unwrap_or(row.opened_at),
        opened_at: row.opened_at,
        closed_at: row.closed_at,
        expires_at: row.closed_at.and_then(|closed_at| expires_at(archive, closed_at)),
        in_force: InForce { holds: row.holds, rules: row.rules, releases: row.releases },
        notes: Vec::new(),
    })
}

async fn open_note(archive: &Archive, case: Uuid, row: &NoteRow) -> Result<Note, ArchiveError> {
    let NoteText { by, text } = text::open_note(archive, case, row).await?;
    Ok(Note { id: row.id, at: row.at, by: by.name, text })
}

/// The row of a case that is there and open.
pub(super) async fn open_row_only(archive: &Archive, id: Uuid) -> Result<CaseRow, HoldError> {
    let row = row(archive, id).await?;
    if row.closed_at.is_none() { Ok(row) } else { Err(HoldError::CaseClosed) }
}

/// A case that is there, as it stands in the catalog.
async fn row(archive: &Archive, id: Uuid) -> Result<CaseRow, HoldError> {
    archive.catalog.case(id).await?.filter(|row| !row.is_purging).ok_or(HoldError::NoCase)
}
