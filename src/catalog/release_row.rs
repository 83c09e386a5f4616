//! A release as its row has it.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::cases::{time, time_or_none, uuid};
use super::{CatalogError, Result, RuleRow, unsigned};
use crate::clock::Timestamp;
use crate::recording::RecordingId;

/// What a release is to let go of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseScope {
    /// The case's holds on these recordings.
    Recordings(Vec<RecordingId>),
    /// A rule, and every hold that it placed.
    Rule(Uuid),
    /// Every hold and every rule of the case.
    All,
}

/// Where a release stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseState {
    /// It waits for another person.
    Asked,
    /// Another person agreed.
    Approved,
    /// Another person did not.
    Refused,
}

impl ReleaseState {
    /// As in the catalog and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Approved => "approved",
            Self::Refused => "refused",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let all = [Self::Asked, Self::Approved, Self::Refused];
        all.into_iter().find(|state| state.as_str() == text).ok_or(CatalogError::Corrupt("releases.state"))
    }
}

/// A release as the catalog has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseRow {
    /// Its id.
    pub id: Uuid,
    /// The case whose holds it is about.
    pub case_id: Uuid,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// What it is to let go of.
    pub scope: ReleaseScope,
    /// The number of the case's last hold or rule when it was asked for.
    pub up_to: u64,
    /// Where it stands.
    pub state: ReleaseState,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// When nothing was left to do about it.
    pub done_at: Option<Timestamp>,
    /// Who asked, who decided, and why.
    pub sealed: Vec<u8>,
}

impl ReleaseRow {
    /// Whether it ends a rule of its case.
    pub fn ends(&self, rule: &RuleRow) -> bool {
        let covers = match self.scope {
            ReleaseScope::Recordings(_) => false,
            ReleaseScope::Rule(id) => id == rule.id,
            ReleaseScope::All => rule.place_no <= self.up_to,
        };
        covers && rule.ended_at.is_none()
    }
}

/// A hold in force that a release covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldToRelease {
    /// The release.
    pub release_id: Uuid,
    /// The hold.
    pub hold_id: Uuid,
    /// The recording that it keeps.
    pub recording_id: RecordingId,
}

impl HoldToRelease {
    /// Its place in the order of [`Catalog::holds_to_release`].
    pub fn place(&self) -> (Uuid, Uuid) {
        (self.release_id, self.hold_id)
    }
}

pub(super) fn hold_to_release(row: &AnyRow) -> Result<HoldToRelease> {
    let (release_id, hold_id) = (uuid(row, "release_id")?, uuid(row, "hold_id")?);
    Ok(HoldToRelease { release_id, hold_id, recording_id: uuid(row, "recording_id").map(RecordingId)? })
}

impl ReleaseScope {
    pub(super) fn columns(&self) -> (&'static str, Option<String>) {
        match self {
            Self::Recordings(_) => ("recordings", None),
            Self::Rule(rule) => ("rule", Some(rule.to_string())),
            Self::All => ("all", None),
        }
    }
}

pub(super) fn release_row(row: &AnyRow) -> Result<ReleaseRow> {
    let scope = match row.try_get::<String, _>("scope")?.as_str() {
        "recordings" => ReleaseScope::Recordings(Vec::new()),
        "rule" => ReleaseScope::Rule(uuid(row, "rule_id")?),
        "all" => ReleaseScope::All,
        _ => return Err(CatalogError::Corrupt("releases.scope")),
    };
    Ok(ReleaseRow {
        id: uuid(row, "id")?,
        case_id: uuid(row, "case_id")?,
        asked_at: time(row, "asked_at")?,
        scope,
        up_to: unsigned(row.try_get("up_to")?)?,
        state: ReleaseState::parse(row.try_get::<String, _>("state")?.as_str())?,
        decided_at: time_or_none(row, "decided_at")?,
        done_at: time_or_none(row, "done_at")?,
        sealed: row.try_get("sealed")?,
    })
}
