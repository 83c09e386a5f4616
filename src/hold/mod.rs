//! Legal holds: a recording that is held is not purged, and lives past its deadline under its case's key alone.
//!
//! | file | what it answers for |
//! |---|---|
//! | [`place`](place()) | a hold is placed, or told that it came too late |
//! | [`release`](release()) | a hold ends |
//! | [`let_go`] | past its deadline, a held recording is taken out of its month, whose key is to be destroyed |
//!
//! A hold and the purge's fence both begin with an `UPDATE` of the recording's row, so one waits for the other.

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
pub use place::{NewHold, place};
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
    /// One of the archive's parts.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl HoldError {
    /// A stable code for clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::TooLate => "hold-too-late",
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
    actor: &'a Actor,
}
