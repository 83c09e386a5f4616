//! `POST` and `GET /v1/cases/{id}/holds`

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::shapes::RuleShown;
use super::{check, to_its_end};
use crate::catalog::HeldRecording;
use crate::clock::Timestamp;
use crate::find::{Question, Reader};
use crate::hold::{self, NewRule, Outcome, case};
use crate::http::api::oversight::page;
use crate::http::api::recordings::common::reader;
use crate::http::api::recordings::query::SearchRequest;
use crate::http::cursor::Cursor;
use crate::http::permission::{ManageCases, SeeCases};
use crate::http::{ApiJson, ApiPath, ApiQuery, App, Code, May, Problem};
use crate::receive::metadata::FieldProblem;
use crate::recording::RecordingId;

/// What is to be held: `recordings`, or `search`, or `account` with a period. Exactly one of the three.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldsRequest {
    /// These recordings, 5,000 at the most.
    recordings: Option<Vec<RecordingId>>,
    /// Whatever this search finds now, 5,000 recordings at the most; `limit` and `cursor` have no meaning here.
    search: Option<SearchRequest>,
    /// All recordings of this account, those that arrive later as well: a rule.
    #[schema(min_length = 1, max_length = 200, example = "A-1001")]
    account: Option<String>,
    /// Of the account: recorded at or after this instant.
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Of the account: recorded before this instant.
    #[schema(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// What became of each hold.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldsAnswer {
    /// The rule, where an account is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleShown>,
    /// How many are held from now on.
    placed: u64,
    /// How many the case held before.
    already_held: u64,
    /// How many were past their deadline.
    too_late: u64,
    /// How many there are not.
    not_found: u64,
    /// How many could not be held.
    failed: u64,
    /// Recordings that the rule keeps from now on and whose hold is placed in the background; 0 without a rule.
    left: u64,
    /// Each recording that was looked at: of a rule the first 500 that were here already.
    recordings: Vec<HoldOutcome>,
}

/// What became of one recording.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldOutcome {
    /// The recording.
    id: RecordingId,
    /// `placed`: nothing purges it until it is released. `already-held`: the case held it before. `too-late`: its deadline
    /// had passed. `not-found`: there is none. `failed`: it could not be held, or not all that belongs to a hold could be
    /// done; the same request again tries it again.
    #[schema(example = "placed")]
    outcome: &'static str,
    /// Why it failed, as the `code` of a problem; left out otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

/// Which page of the holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HoldsQuery {
    /// How many holds a page has at the most: 1 to 200, 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Where the page begins: `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of the holds that are in force for a case, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldsPage {
    /// The holds.
    holds: Vec<HoldShown>,
    /// What to send as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// A hold in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldShown {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// The recording that it keeps.
    recording_id: RecordingId,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    placed_at: Timestamp,
    /// The rule that placed it; left out where the recording was named, or found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    rule_id: Option<Uuid>,
    /// The recording's deadline.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Whether that has passed: then it lives by its holds alone, for `legal`.
    past_deadline: bool,
}

/// What is asked for, checked.
enum Asked {
    Named(Vec<RecordingId>),
    Found(Box<Question>),
    Rule(NewRule),
}

/// Holds recordings for a case: nothing purges them until they are released.
///
/// Each recording gets an answer of its own. The same request again holds nothing twice. Several cases, or several requests
/// of one, can hold the same recording: it is kept until the last of them lets go.
#[utoipa::path(post, path = "/v1/cases/{id}/holds", tag = "cases", request_body = HoldsRequest,
    params(
        ("id" = String, Path, format = "uuid", description = "The case"),
        ("Earwitness-Purpose" = Option<String>, Header, description = "Why, 1 to 200 characters, percent-encoded where needed"),
    ),
    responses(
        (status = 200, description = "What became of each", body = HoldsAnswer),
        (status = 404, description = "`not-found`: there is no such case, or it was purged"),
        (status = 409, description = "`case-closed`; `too-many`: it has 200 rules in force; `too-many-found`: more than 5,000 recordings, and none is held"),
        (status = 422, description = "`invalid-body`"),
    ))]
pub async fn place(
    may: May<ManageCases>,
    State(app): State<App>,
    ApiPath(id): ApiPath<Uuid>,
    ApiJson(request): ApiJson<HoldsRequest>,
) -> Result<Json<HoldsAnswer>, Problem> {
    let reader = reader(&may);
    let asked = request.check(&reader)?;
    let archive = app.archive().clone();
    let answer = to_its_end(async move {
        let actor = &reader.actor;
        Ok(match asked {
            Asked::Named(ids) => answer(&hold::hold_named(&archive, id, &ids, actor).await?),
            Asked::Found(question) => answer(&hold::hold_found(&archive, id, &reader, &question).await?),
            Asked::Rule(new) => {
                let placed = hold::place_rule(&archive, id, &new, actor).await?;
                HoldsAnswer { rule: Some(placed.rule.into()), left: placed.left, ..answer(&placed.outcomes) }
            }
        })
    });
    Ok(Json(answer.await?))
}

impl HoldsRequest {
    fn check(self, reader: &Reader) -> Result<Asked, Problem> {
        let Self { recordings, search, account, from, to } = self;
        let one = |field, code, message: &str| check(vec![FieldProblem::new(field, code, message)]);
        if (from.is_some() || to.is_some()) && account.is_none() {
            one("account", "required", "a period is of an account: a search has its own")?;
        }
        match (recordings, search, account) {
            (Some(ids), None, None) if !ids.is_empty() => Ok(Asked::Named(ids)),
            (Some(_), None, None) => Err(empty()),
            (None, Some(search), None) => {
                let question = search.check_whole(&reader.view)?;
                Ok(Asked::Found(Box::new(question)))
            }
            (None, None, Some(account_id)) => {
                let rule = NewRule { account_id, from, to };
                check(rule.problems())?;
                Ok(Asked::Rule(rule))
            }
            _ => Err(Problem::fields(
                Code::InvalidBody,
                vec![FieldProblem::new("", "format", "must have exactly one of `recordings`, `search`, `account`")],
            )),
        }
    }
}

fn empty() -> Problem {
    Problem::fields(Code::InvalidBody, vec![FieldProblem::new("recordings", "empty", "must not be empty")])
}

fn answer(outcomes: &[(RecordingId, Outcome)]) -> HoldsAnswer {
    let count = |wanted| outcomes.iter().filter(|(_, outcome)| told(*outcome).0 == wanted).count() as u64;
    let shown = |(id, outcome): &(RecordingId, Outcome)| {
        let (outcome, code) = told(*outcome);
        HoldOutcome { id: *id, outcome, code }
    };
    HoldsAnswer {
        rule: None,
        placed: count("placed"),
        already_held: count("already-held"),
        too_late: count("too-late"),
        not_found: count("not-found"),
        failed: count("failed"),
        left: 0,
        recordings: outcomes.iter().map(shown).collect(),
    }
}

/// An outcome's name, and why it failed.
fn told(outcome: Outcome) -> (&'static str, Option<&'static str>) {
    match outcome {
        Outcome::Placed => ("placed", None),
        Outcome::AlreadyHeld => ("already-held", None),
        Outcome::TooLate => ("too-late", None),
        Outcome::NotFound => ("not-found", None),
        Outcome::Failed(code) => ("failed", Some(public(code))),
    }
}

/// What is no code for clients is the archive's own failure.
fn public(code: &str) -> &'static str {
    Code::from_name(code).unwrap_or(Code::Internal).as_str()
}

/// The holds that are in force for a case, oldest first. The look is recorded in the ledger.
#[utoipa::path(get, path = "/v1/cases/{id}/holds", tag = "cases",
    params(("id" = String, Path, format = "uuid", description = "The case"), HoldsQuery),
    responses(
        (status = 200, description = "A page", body = HoldsPage),
        (status = 400, description = "`invalid-query`, `invalid-cursor`"),
        (status = 404, description = "`not-found`: there is no such case, or it was purged"),
    ))]
pub async fn list(
    may: May<SeeCases>,
    State(app): State<App>,
    ApiPath(id): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<HoldsQuery>,
) -> Result<Json<HoldsPage>, Problem> {
    let archive = app.archive();
    let limit = page::limit(query.limit)?;
    let after = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let after = after.map(|cursor| (cursor.recorded_at, cursor.id.0));
    case::read::read(archive, id, &may.actor()).await?;
    let holds = archive.catalog.holds_of_case(id, after, limit + 1).await;
    let mut holds = holds.map_err(hold::HoldError::from)?;
    let more = holds.len() > limit as usize;
    holds.truncate(limit as usize);
    let last = holds.last().filter(|_| more).map(|held| held.hold);
    let next_cursor = last.map(|hold| Cursor { recorded_at: hold.placed_at, id: RecordingId(hold.id) }.encode());
    let now = archive.clock.now();
    Ok(Json(HoldsPage { holds: holds.into_iter().map(|held| shown(held, now)).collect(), next_cursor }))
}

fn shown(held: HeldRecording, now: Timestamp) -> HoldShown {
    let HeldRecording { hold, expires_at } = held;
    HoldShown {
        id: hold.id,
        recording_id: hold.recording_id,
        placed_at: hold.placed_at,
        rule_id: hold.rule_id,
        expires_at,
        past_deadline: expires_at <= now,
    }
}
