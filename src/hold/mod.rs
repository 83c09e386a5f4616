//! Legal holds: a recording that is held is not purged, and lives past its deadline under its case's key alone.
//!
//! | file | what it answers for |
//! |---|---|
//! | [`case`] | in whose name: what a case says, its life, its copy in the store |
//! | [`place`](place()) | a hold is placed, or told that it came too late |
//! | `many` | many recordings at once: named, or found by a search |
//! | `rule` | an account's recordings of a period, those that arrive later as well |
//! | `ask`, `decide`, `carry_out` | a release is asked for, decided by another person, carried out |
//! | [`release`](release()) | one hold ends |
//! | [`let_go`] | past its deadline, a held recording is taken out of its month, whose key is to be destroyed |
//!
//! A hold and the purge's fence both begin with an `UPDATE` of the recording's row, so one waits for the other.

mod ask;
mod carry_out;
pub mod case;
mod decide;
mod let_go;
mod many;
mod place;
mod release;
mod rule;

use serde::Serialize;
use uuid::Uuid;

use crate::access::Actor;
use crate::archive::ArchiveError;
use crate::catalog::CatalogError;
use crate::recording::RecordingId;

pub use ask::{Decision, Release, ask, releases_of};
pub use carry_out::{CarriedOut, carry_on};
pub use decide::decide;
pub use let_go::let_go_of_months;
pub use many::{MAX_RECORDINGS, Outcome, hold_found, hold_named};
pub use place::{NewHold, Placed, place};
pub use release::release;
pub use rule::{NewRule, PlacedRule, Rule, catch_arrivals, place_rule, rules_of};

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
    /// There is no such release, or no such rule of the case.
    #[error("there is no such release or rule")]
    NoRelease,
    /// Nothing that is in force would end.
    #[error("nothing that is in force would be let go of")]
    NothingHeld,
    /// Whoever asked for a release cannot decide on it.
    #[error("a release is decided by another person than the one who asked for it")]
    SecondPerson,
    /// Somebody decided on the release before.
    #[error("the release was decided before")]
    Decided,
    /// One request holds only so many recordings.
    #[error("more than {0} recordings: name a shorter period, or hold the account by a rule")]
    TooManyFound(usize),
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
            Self::NoRelease => "not-found",
            Self::NothingHeld => "nothing-held",
            Self::SecondPerson => "second-person-required",
            Self::Decided => "release-decided",
            Self::TooManyFound(_) => "too-many-found",
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
