//! `POST /v1/recordings/{id}/quarantine`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::failed;
use crate::access::Actor;
use crate::archive::journal::About;
use crate::archive::row::{Decision, Verdict, seal_row};
use crate::archive::{Archive, ArchiveError};
use crate::clock::Timestamp;
use crate::find::{Opened, Sight};
use crate::http::api::recordings::common::{about, look, reader};
use crate::http::permission::Decide;
use crate::http::{ApiJson, ApiPath, App, Code, May, Problem};
use crate::ledger::kind::Kind;
use crate::receive::metadata::FieldProblem;
use crate::recording::{RecordingId, Status};

/// The longest reason, in characters.
const MAX_REASON_CHARS: usize = 1_000;

/// A decision on a recording in quarantine.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionRequest {
    /// `accept`: it counts as a recording like any other. `reject`: it does not, and stays under retention.
    decision: Verdict,
    /// Why, for the ledger: 1 to 1,000 characters.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// The decision as it stands in the archive and its ledger.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionAnswer {
    /// The recording.
    #[schema(value_type = String, format = "uuid")]
    id: RecordingId,
    /// Its status from now on: `accepted` or `rejected`.
    status: Status,
    /// When it was decided.
    #[schema(value_type = String, format = DateTime)]
    decided_at: Timestamp,
    /// The ledger's entry about it; its proof follows under `/custody`.
    #[schema(value_type = String, format = "uuid")]
    entry: uuid::Uuid,
}

/// What the entry of a decision commits to.
#[derive(Serialize)]
struct DecidedPayload<'a> {
    recording_id: RecordingId,
    actor: Actor,
    decision: Verdict,
    reason: &'a str,
}

/// Accepts or rejects a recording in quarantine.
///
/// Either way it stays under retention to its deadline. A decision is taken once.
#[utoipa::path(post, path = "/v1/recordings/{id}/quarantine", tag = "quarantine",
    params(("id" = String, Path, format = "uuid", description = "The recording's id")),
    request_body = DecisionRequest,
    responses(
        (status = 200, description = "Decided", body = DecisionAnswer, headers(
            ("Sunset" = String, description = "The recording's deadline as an HTTP date (RFC 8594); left out while it is held"))),
        (status = 404, description = "`not-found`: no such recording", body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`already-decided`: it does not wait in quarantine", body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "`expired`: its retention period is over", body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-body`: the reason is empty or too long", body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
    ))]
pub async fn decide(
    may: May<Decide>,
    State(app): State<App>,
    ApiPath(id): ApiPath<RecordingId>,
    ApiJson(request): ApiJson<DecisionRequest>,
) -> Result<Response, Problem> {
    let archive = app.archive();
    check_reason(&request.reason)?;
    let reader = reader(&may);
    let sight = Sight::View(&reader.view);
    let opened = look(&app, &may, id, sight).await?;
    check_waits(opened.row.status)?;
    let (task, actor) = (archive.clone(), may.actor());
    // On a task of its own: a client that hangs up must not leave a decision without its sidecar.
    let deciding = tokio::spawn(async move {
        let decided = commit(&task, actor, &opened, &request).await;
        if matches!(decided, Ok(Some(_)))
            && let Err(error) = task.refresh_sidecar(id).await
        {
            tracing::warn!(recording = %id, %error, "a sidecar is left to the background pass");
        }
        decided.map(|answer| (answer, opened))
    });
    let (decided, opened) = deciding.await.map_err(|error| Problem::internal(&error))?.map_err(failed)?;
    let Some(answer) = decided else {
        // Somebody was faster, or the deadline came: say which.
        check_waits(look(&app, &may, id, sight).await?.row.status)?;
        return Err(Problem::new(Code::Conflict).detail("the recording was changed at the same time: try again"));
    };
    Ok(about(Json(answer).into_response(), &app, &opened, reader.view.held))
}

fn check_reason(reason: &str) -> Result<(), Problem> {
    let problem =
        |code, message: String| Problem::fields(Code::InvalidBody, vec![FieldProblem::new("reason", code, message)]);
    if reason.trim().is_empty() {
        Err(problem("empty", "must not be empty".to_owned()))
    } else if reason.chars().count() > MAX_REASON_CHARS {
        Err(problem("too-long", format!("must have at most {MAX_REASON_CHARS} characters")))
    } else if reason.chars().any(|c| c.is_control() && c != '\n') {
        Err(problem("control-character", "must not have control characters other than line ends".to_owned()))
    } else {
        Ok(())
    }
}

fn check_waits(status: Status) -> Result<(), Problem> {
    if status == Status::Quarantined {
        return Ok(());
    }
    Err(Problem::new(Code::AlreadyDecided)
        .detail("the recording is not in quarantine")
        .member("recording_status", status.as_str()))
}

/// Row and ledger entry in one transaction. None when the row is no longer what it was.
async fn commit(
    archive: &Archive,
    actor: Actor,
    opened: &Opened,
    request: &DecisionRequest,
) -> Result<Option<DecisionAnswer>, ArchiveError> {
    let now = archive.clock.now();
    let status = match request.decision {
        Verdict::Accept => Status::Accepted,
        Verdict::Reject => Status::Rejected,
    };
    let (row, key, mut sealed) = (&opened.row, &opened.key, opened.sealed.clone());
    let reason = request.reason.trim();
    let decision = Decision { verdict: request.decision, reason: reason.to_owned(), by: actor.clone(), at: now };
    sealed.decision = Some(decision);
    let sealed = seal_row(row.id, key, &sealed)?;
    let payload = DecidedPayload { recording_id: row.id, actor, decision: request.decision, reason };
    let (entry, _) = archive.entry(Kind::RECORDING_DECIDED, About::Recording(row.id, key), &payload, now).await?;
    let mut tx = archive.catalog.begin().await?;
    if !tx.revise_recording(row.id, row.revision, status, &sealed, now).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    crate::failpoint::hit("decide.committed");
    archive.ledger_nudge.notify_one();
    Ok(Some(DecisionAnswer { id: row.id, status, decided_at: now, entry: entry.id }))
}
