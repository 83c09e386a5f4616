//! `POST /v1/purge-runs`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::failed;
use crate::access::{Actor, Role};
use crate::archive::Archive;
use crate::http::permission::{Permission, RunPurge};
use crate::http::{ApiJson, App, Code, May, Problem, keep_refusal};
use crate::purge::brakes::{self, Confirmer};
use crate::purge::{DryRun, PassReport, PurgeError};
use crate::receive::metadata::FieldProblem;

/// The longest reason, in characters.
const MAX_REASON_CHARS: usize = 1_000;

/// A purge run that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurgeRunRequest {
    /// True: say what a purge would do, and do nothing. False: do one pass now; for `operator` alone.
    dry_run: bool,
    /// Why every brake that is on is to be let go before the pass, 1 to 1,000 characters; it lands in the ledger.
    /// For a real run only.
    #[schema(min_length = 1, max_length = 1000)]
    confirm_reason: Option<String>,
}

/// What a real run did.
#[derive(Debug, Serialize, ToSchema)]
pub struct PurgeRun {
    /// Always false.
    dry_run: bool,
    /// The brakes that were let go: `clock-jump`, `clock-disagrees`, `too-much-due`.
    brakes_released: Vec<String>,
    /// What the pass did.
    report: PassReport,
}

/// What a run did, or would do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum PurgeRunAnswer {
    /// What a purge would do now.
    Dry(DryRun),
    /// What a real run did.
    Real(PurgeRun),
}

/// Says what a purge would do, or does one bounded pass now.
///
/// The purge runs by itself; this is for looking ahead, and for going on after a brake. A pass that finds the brakes
/// on, or another node at work, does nothing and says so in `stopped_by`.
#[utoipa::path(post, path = "/v1/purge-runs", tag = "retention", request_body = PurgeRunRequest, responses(
    (status = 200, description = "What was done, or would be", body = PurgeRunAnswer),
    (status = 422, description = "`invalid-body`: a reason with a dry run, or one that is empty or too long", body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
))]
pub async fn run(
    may: May<RunPurge>,
    State(app): State<App>,
    ApiJson(request): ApiJson<PurgeRunRequest>,
) -> Result<Json<PurgeRunAnswer>, Problem> {
    if !request.dry_run && may.role != Role::Operator {
        keep_refusal(&app, &may, RunPurge::NAME, "wrong-role").await;
        return Err(Problem::new(Code::Forbidden).detail("a real run is the operator's"));
    }
    check_reason(&request)?;
    let archive = app.archive().clone();
    if request.dry_run {
        return crate::purge::dry_run(&archive).await.map(PurgeRunAnswer::Dry).map(Json).map_err(problem);
    }
    // On a task of its own: a client that hangs up does not break a purge off half-way.
    let work = tokio::spawn(real_run(archive, may.actor(), request.confirm_reason));
    let done = work.await.map_err(|error| Problem::internal(&error))?;
    done.map(PurgeRunAnswer::Real).map(Json).map_err(problem)
}

fn check_reason(request: &PurgeRunRequest) -> Result<(), Problem> {
    let Some(reason) = &request.confirm_reason else { return Ok(()) };
    let problem = |code, message: String| {
        Err(Problem::fields(Code::InvalidBody, vec![FieldProblem::new("confirm_reason", code, message)]))
    };
    if request.dry_run {
        problem("unknown-field", "is for a real run".to_owned())
    } else if reason.trim().is_empty() {
        problem("empty", "must not be empty".to_owned())
    } else if reason.chars().count() > MAX_REASON_CHARS {
        problem("too-long", format!("must have at most {MAX_REASON_CHARS} characters"))
    } else if reason.chars().any(|c| c.is_control() && c != '\n') {
        problem("control-character", "must not have control characters other than line ends".to_owned())
    } else {
        Ok(())
    }
}

async fn real_run(archive: Arc<Archive>, actor: Actor, reason: Option<String>) -> Result<PurgeRun, PurgeError> {
    let mut brakes_released = Vec::new();
    if let Some(reason) = reason {
        let released = brakes::confirm(&archive, Confirmer::Caller(actor), reason.trim()).await?;
        brakes_released = released.iter().map(|brake| brake.kind.as_str().to_owned()).collect();
    }
    let report = crate::purge::pass(&archive).await?;
    archive.ledger_nudge.notify_one();
    Ok(PurgeRun { dry_run: false, brakes_released, report })
}

fn problem(error: PurgeError) -> Problem {
    match error {
        PurgeError::Archive(error) => failed(error),
        other => Problem::internal(&other),
    }
}
