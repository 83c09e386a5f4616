//! Legal holds: a recording that is held is not purged, and lives past its deadline under its case's key alone.
//!
//! | file | what it answers for |
//! |---|---|
//! | [`case`] | in whose name: what a case says, its life, its copy in the store |
//! | [`place`](place()) | a hold is placed, or told that it came too late |
//! | [`release`](release()) | a hold ends |
//! | [`let_go`] | past its deadline, a held recording is taken out of its month, whose key is to be destroyed |
//!
//! A hold and the purge's fence both begin with an `UPDATE` of the recording's row, so one waits for the other.

pub mod case;
mod let_go;
mod place;
mod release;

use serde::Serialize;
use uuid::Uuid;

use crate::access::Actor;
use crate::archive::ArchiveError;
use crate::catalog::CatalogError;
use crate::recording::RecordingId;

pub use let_go::let_go_of_months;
pub use place::{NewHold, Placed, place};
pub use release::release;

/// Why a hold was not placed or released.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// There is no such recording, or no such hold in force.
    #[error("there is no such recording or hold")]
    NotFound,
    /// The deadline has passed, or the purge has the recording: there is nothing left that could be kept.
    #[error("the hold came too late: the recording's retention period is over")]
    TooLate,
    /// There is no such case.
    #[error("there is no such case")]
    NoCase,
    /// The case is closed: nothing of it changes any more.
    #[error("the case is closed")]
    CaseClosed,
    /// The case has a hold, a rule or a release in force.
    #[error("something is still in force for the case")]
    StillHolds,
    /// The rule has ended.
    #[error("the rule has ended")]
    RuleEnded,
    /// Something else stands under the id that the caller chose.
    #[error("something else has this id")]
    Conflict,
    /// There are as many as there may be.
    #[error("there are as many {0} as there may be, {1}")]
    TooMany(&'static str, u64),
    /// One of the archive's parts.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl HoldError {
    /// A stable code for clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound | Self::NoCase => "not-found",
            Self::TooLate => "hold-too-late",
            Self::CaseClosed => "case-closed",
            Self::StillHolds => "case-in-force",
            Self::RuleEnded => "rule-ended",
            Self::Conflict => "conflict",
            Self::TooMany(..) => "too-many",
            Self::Archive(error) => error.code(),
        }
    }
}

impl From<CatalogError> for HoldError {
    fn from(error: CatalogError) -> Self {
        Self::Archive(error.into())
    }
}

/// What the ledger's entries about a hold commit to.
#[derive(Serialize)]
struct HoldPayload<'a> {
    hold_id: Uuid,
    case_id: Uuid,
    recording_id: RecordingId,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    release_id: Option<Uuid>,
    actor: &'a Actor,
}

impl<'a> HoldPayload<'a> {
    fn of(hold_id: Uuid, case_id: Uuid, recording_id: RecordingId, actor: &'a Actor) -> Self {
        Self { hold_id, case_id, recording_id, rule_id: None, release_id: None, actor }
    }
}
