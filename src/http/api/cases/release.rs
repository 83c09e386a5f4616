//! `POST /v1/cases/{id}/release` and `POST /v1/cases/{id}/release/approve`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::shapes::ReleaseShown;
use super::{check, to_its_end};
use crate::catalog::{ReleaseScope, ReleaseState};
use crate::hold::{self, HoldError, MAX_RECORDINGS, case};
use crate::http::permission::{ManageCases, Permission as _};
use crate::http::{ApiJson, ApiPath, App, Code, May, Problem, keep_refusal};
use crate::receive::metadata::FieldProblem;
use crate::recording::RecordingId;

/// What is to be let go of: `recordings`, or `rule`, or `all`. Exactly one of the three.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// The case's holds on these recordings, 5,000 at the most.
    recordings: Option<Vec<RecordingId>>,
    /// This rule and every hold that it placed.
    #[schema(value_type = Option<String>, format = "uuid")]
    rule: Option<Uuid>,
    /// `true`: every hold and every rule that is in force for the case now.
    all: Option<bool>,
    /// Why, for the ledger.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// A decision on a release.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseDecision {
    /// The release.
    #[schema(value_type = String, format = "uuid")]
    release: Uuid,
    /// `approve` or `refuse`.
    decision: Verdict,
    /// Why, for the ledger.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// The two ways to decide on a release.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The holds end.
    Approve,
    /// They stay.
    Refuse,
}

/// What came of a decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecidedRelease {
    /// The release.
    #[serde(flatten)]
    release: ReleaseShown,
    /// Holds that have ended.
    released: u64,
    /// Holds that end in the background; they keep their recordings until then.
    left: u64,
}

/// Asks for the release of holds. Nothing is released before another person approves.
#[utoipa::path(post, path = "/v1/cases/{id}/release", tag = "cases", request_body = ReleaseRequest,
    params(("id" = String, Path, format = "uuid", description = "The case")),
    responses(
        (status = 201, description = "Asked for", body = ReleaseShown),
        (status = 200, description = "The same person waits for the same already", body = ReleaseShown),
        (status = 404, description = "`not-found`: there is no such case, or it has no such rule"),
        (status = 409, description = "`nothing-held`: nothing that is in force would end; `case-closed`; `too-many`: 50 releases wait"),
        (status = 422, description = "`invalid-body`"),
    ))]
pub async fn ask(
    may: May<ManageCases>,
    State(app): State<App>,
    ApiPath(id): ApiPath<Uuid>,
    ApiJson(request): ApiJson<ReleaseRequest>,
) -> Result<(StatusCode, Json<ReleaseShown>), Problem> {
    check(case::reason_problems(&request.reason))?;
    let (scope, reason) = request.check()?;
    let (archive, actor) = (app.archive().clone(), may.actor());
    let asked = to_its_end(async move { hold::ask(&archive, id, scope, &reason, &actor).await });
    let (release, is_new) = asked.await?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(release.into())))
}

impl ReleaseRequest {
    fn check(self) -> Result<(ReleaseScope, String), Problem> {
        let wrong = |field, code, message: String| {
            Err(Problem::fields(Code::InvalidBody, vec![FieldProblem::new(field, code, message)]))
        };
        let scope = match (self.recordings, self.rule, self.all) {
            (Some(ids), None, None | Some(false)) if ids.is_empty() => {
                return wrong("recordings", "empty", "must not be empty".to_owned());
            }
            (Some(ids), None, None | Some(false)) if ids.len() > MAX_RECORDINGS => {
                return wrong("recordings", "too-many", format!("must be {MAX_RECORDINGS} at the most"));
            }
            (Some(ids), None, None | Some(false)) => ReleaseScope::Recordings(ids),
            (None, Some(rule), None | Some(false)) => ReleaseScope::Rule(rule),
            (None, None, Some(true)) => ReleaseScope::All,
            _ => {
                let one = "must have exactly one of `recordings`, `rule`, `all`";
                return wrong("", "format", one.to_owned());
            }
        };
        Ok((scope, self.reason))
    }
}

/// Approves or refuses a release. By another person than the one who asked: another token of the same owner is not another
/// person.
///
/// With the last hold of a recording whose deadline has passed, the next pass of the purge takes it.
#[utoipa::path(post, path = "/v1/cases/{id}/release/approve", tag = "cases", request_body = ReleaseDecision,
    params(("id" = String, Path, format = "uuid", description = "The case")),
    responses(
        (status = 200, description = "Decided", body = DecidedRelease),
        (status = 403, description = "`second-person-required`: the same person asked for it; `forbidden`: another role is needed"),
        (status = 404, description = "`not-found`: there is no such case, or it has no such release"),
        (status = 409, description = "`release-decided`: somebody decided before"),
        (status = 422, description = "`invalid-body`"),
    ))]
pub async fn decide(
    may: May<ManageCases>,
    State(app): State<App>,
    ApiPath(id): ApiPath<Uuid>,
    ApiJson(request): ApiJson<ReleaseDecision>,
) -> Result<Json<DecidedRelease>, Problem> {
    check(case::reason_problems(&request.reason))?;
    let state = match request.decision {
        Verdict::Approve => ReleaseState::Approved,
        Verdict::Refuse => ReleaseState::Refused,
    };
    let (archive, caller) = (app.archive().clone(), may.caller().clone());
    let decided =
        tokio::spawn(async move { hold::decide(&archive, id, request.release, state, &request.reason, &caller).await });
    let decided = decided.await.map_err(|error| Problem::internal(&error))?;
    if matches!(decided, Err(HoldError::SecondPerson)) {
        keep_refusal(&app, may.caller(), ManageCases::NAME, "second-person-required").await;
    }
    let (release, done) = decided?;
    Ok(Json(DecidedRelease { release: release.into(), released: done.released, left: done.left }))
}
