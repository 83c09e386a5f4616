//! `GET /v1/retention/report`

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::failed;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{Brake, MonthTotals, SecretRow, SecretState, Totals};
use crate::clock::Timestamp;
use crate::http::permission::ReadRetention;
use crate::http::{App, May, Problem};
use crate::ledger::shapes::Controller;
use crate::retention::{Policy, TZ_EDITION};
use crate::vault::keys::KeyName;

/// Where retention stands, in figures; no personal data.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetentionReport {
    /// The instant of all figures.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// Who answers for the recordings.
    pub controller: Controller,
    /// The retention rule that new recordings get.
    pub policy: PolicyInForce,
    /// Counts over the whole archive.
    pub totals: RetentionTotals,
    /// What is past its deadline, not held, and still here.
    pub overdue: Overdue,
    /// What has stopped the purge; empty when nothing has.
    pub brakes: Vec<BrakeReport>,
    /// Every expiry month that has or had a key, earliest first.
    pub months: Vec<MonthReport>,
}

/// A retention rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyInForce {
    /// The rule as it is stamped on recordings.
    #[schema(example = "call_recording/1 P5Y Europe/Brussels instant")]
    pub rule: String,
    /// What the rule is about.
    #[schema(example = "call_recording")]
    pub name: String,
    /// Its version, from 1.
    pub version: u32,
    /// How long recordings are kept, counted from the instant of recording: an ISO 8601 duration.
    #[schema(example = "P5Y")]
    pub period: String,
    /// The time zone whose calendar counts.
    #[schema(example = "Europe/Brussels")]
    pub zone: String,
    /// When on its last day the period ends: `instant` or `end-of-day`.
    #[schema(example = "instant")]
    pub end: String,
    /// The edition of the tz database by which deadlines are computed.
    #[schema(example = "2025b")]
    pub tz_edition: String,
}

/// Counts over the whole archive: of recordings, unless said otherwise.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetentionTotals {
    /// Before their deadline.
    pub live: u64,
    /// Of these, in quarantine.
    pub quarantined: u64,
    /// On legal hold, before or after their deadline.
    pub held: u64,
    /// Holds in force whose case's review date is over.
    pub holds_overdue: u64,
    /// Cases that are not closed.
    pub cases_open: u64,
    /// Of these, past their review date: somebody has to look whether they are still needed.
    pub cases_overdue: u64,
    /// Releases of holds that wait for another person's decision.
    pub releases_waiting: u64,
    /// Fenced and not certified yet: their purge is under way.
    pub purging: u64,
    /// Purged, ever.
    pub purged: u64,
    /// Certificates of purges, ever.
    pub certificates: u64,
}

/// What is past its deadline, not held, and still here.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overdue {
    /// How many recordings.
    pub count: u64,
    /// The oldest deadline that has passed; null when nothing is overdue. Counts what is being purged as well.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub oldest_expires_at: Option<Timestamp>,
    /// How long ago that was, in whole seconds; null when nothing is overdue.
    pub oldest_overdue_s: Option<u64>,
}

/// A brake that has stopped the purge until an operator lets it go.
#[derive(Debug, Serialize, ToSchema)]
pub struct BrakeReport {
    /// Why: `clock-jump`, `clock-disagrees` or `too-much-due`.
    #[schema(example = "too-much-due")]
    pub kind: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub raised_at: Timestamp,
    /// What was seen, in figures.
    pub detail: String,
}

/// One expiry month: what ends in it, and its key.
#[derive(Debug, Serialize, ToSchema)]
pub struct MonthReport {
    /// The month in the policy's zone.
    #[schema(example = "2031-11")]
    pub month: String,
    /// State of its key: `live`, `closing` (nothing is left under it) or `destroyed`.
    #[schema(example = "live")]
    pub key_state: String,
    /// Recordings before their deadline that end in it, held ones included.
    pub recordings: u64,
    /// The audio of these, in bytes.
    pub bytes: u64,
    /// When its key was made.
    #[schema(value_type = String, format = DateTime)]
    pub key_created_at: Timestamp,
    /// When its key was closed to everything new; null while it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub key_closed_at: Option<Timestamp>,
    /// When its key was destroyed; null while it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub key_destroyed_at: Option<Timestamp>,
    /// When the signed record of that was stored (`months/<month>.destroyed.json` in the object store); null while
    /// it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub destruction_recorded_at: Option<Timestamp>,
}

/// Where retention stands: counts, what is overdue, the rule in force, the brakes, the months and their keys.
#[utoipa::path(get, path = "/v1/retention/report", tag = "retention", responses(
    (status = 200, description = "The report", body = RetentionReport),
))]
pub async fn report(_may: May<ReadRetention>, State(app): State<App>) -> Result<Json<RetentionReport>, Problem> {
    RetentionReport::gather(app.archive()).await.map(Json).map_err(failed)
}

impl RetentionReport {
    /// Gathers the figures of this instant.
    pub async fn gather(archive: &Archive) -> Result<Self, ArchiveError> {
        let now = archive.clock.now();
        let totals = archive.catalog.totals(now).await?;
        let count = archive.catalog.count_due(now).await?;
        let oldest = archive.catalog.oldest_due(now).await?;
        let brakes = archive.catalog.open_brakes().await?;
        let secrets = archive.catalog.list_secrets().await?;
        let ending = archive.catalog.upcoming(now).await?;
        let oldest_overdue_s = oldest.map(|at| now.since(at).as_secs());
        Ok(Self {
            as_of: now,
            controller: archive.controller(),
            policy: policy_of(&archive.policy),
            totals: totals_of(&totals),
            overdue: Overdue { count, oldest_expires_at: oldest, oldest_overdue_s },
            brakes: brakes.into_iter().map(brake_of).collect(),
            months: months_of(&secrets, ending),
        })
    }
}

fn policy_of(policy: &Policy) -> PolicyInForce {
    PolicyInForce {
        rule: policy.rule_text(),
        name: policy.name().to_owned(),
        version: policy.version(),
        period: policy.period.to_string(),
        zone: policy.zone.to_string(),
        end: policy.end.to_string(),
        tz_edition: TZ_EDITION.to_owned(),
    }
}

fn totals_of(totals: &Totals) -> RetentionTotals {
    RetentionTotals {
        live: totals.live,
        quarantined: totals.quarantined,
        held: totals.held,
        holds_overdue: totals.holds_overdue,
        cases_open: totals.cases_open,
        cases_overdue: totals.cases_overdue,
        releases_waiting: totals.releases_waiting,
        purging: totals.purging,
        purged: totals.purged,
        certificates: totals.certificates,
    }
}

fn brake_of(brake: Brake) -> BrakeReport {
    BrakeReport { kind: brake.kind.as_str().to_owned(), raised_at: brake.raised_at, detail: brake.detail }
}

/// The months among the secrets, each with what ends in it. Pure.
fn months_of(secrets: &[SecretRow], ending: Vec<MonthTotals>) -> Vec<MonthReport> {
    let ending: BTreeMap<String, MonthTotals> = ending.into_iter().map(|month| (month.month.clone(), month)).collect();
    let mut months = BTreeMap::new();
    for secret in secrets {
        let Ok(KeyName::Month(month)) = secret.name.parse() else { continue };
        let here = ending.get(&month.to_string());
        let key_state = match secret.state {
            SecretState::Live => "live",
            SecretState::Closing => "closing",
            SecretState::Destroyed => "destroyed",
        };
        let report = MonthReport {
            month: month.to_string(),
            key_state: key_state.to_owned(),
            recordings: here.map_or(0, |month| month.recordings),
            bytes: here.map_or(0, |month| month.bytes),
            key_created_at: secret.created_at,
            key_closed_at: secret.closed_at,
            key_destroyed_at: secret.destroyed_at,
            destruction_recorded_at: secret.recorded_at,
        };
        months.insert(month, report);
    }
    months.into_values().collect()
}
