//! What a search asks for, from a query or from JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::View;
use crate::clock::Timestamp;
use crate::find::search::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::find::{PageAsked, Question};
use crate::http::codes::Code;
use crate::http::cursor::Cursor;
use crate::http::problem::Problem;
use crate::receive::metadata::{FieldProblem, shown};
use crate::recording::Status;

/// A search. Everything that is set must hold; nothing set finds everything that the caller may see.
#[derive(Debug, Clone, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SearchRequest {
    /// The customer's account, exactly.
    #[schema(example = "A-1001")]
    account: Option<String>,
    /// The lead, exactly.
    lead: Option<String>,
    /// The listing, exactly.
    listing: Option<String>,
    /// The product's id of the call, exactly.
    call: Option<String>,
    /// The customer's telephone number, E.164. Only in a body, never in a URL.
    #[schema(example = "+32470123456", pattern = r"^\+[1-9][0-9]{2,14}$")]
    number: Option<String>,
    /// The company's agent, exactly. Only in a body, never in a URL.
    agent: Option<String>,
    /// The contact person: the id exactly, or the name whatever its case and spaces. Only in a body, never in a URL.
    person: Option<String>,
    /// The product, exactly.
    #[schema(example = "lead-contact")]
    product: Option<String>,
    /// Recorded at or after this instant (RFC 3339, with zone).
    #[schema(format = DateTime, example = "2026-11-01T00:00:00+01:00")]
    from: Option<String>,
    /// Recorded before this instant (RFC 3339, with zone).
    #[schema(format = DateTime, example = "2026-12-01T00:00:00+01:00")]
    to: Option<String>,
    /// `accepted`, `quarantined`, `rejected` or `superseded`.
    #[schema(value_type = Option<Status>)]
    status: Option<String>,
    /// On legal hold, or not. Only for `legal` and `privacy`.
    held: Option<bool>,
    /// Recordings on a page: 1 to 200.
    #[schema(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Fields that are personal data, which have no place in URLs: those land in logs, histories and proxies.
const NOT_IN_URLS: [&str; 3] = ["number", "agent", "person"];

impl SearchRequest {
    /// From the parameters of a query, each at most once.
    pub(super) fn from_query(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut request = Self::default();
        let mut problems = Vec::new();
        let mut personal = false;
        let mut seen = Vec::new();
        for (name, value) in pairs {
            let place = match name.as_str() {
                "account" => &mut request.account,
                "lead" => &mut request.lead,
                "listing" => &mut request.listing,
                "call" => &mut request.call,
                "product" => &mut request.product,
                "from" => &mut request.from,
                "to" => &mut request.to,
                "status" => &mut request.status,
                "cursor" => &mut request.cursor,
                "held" | "limit" => &mut None,
                name if NOT_IN_URLS.contains(&name) => {
                    personal = true;
                    problems.push(FieldProblem::new(name, "not-in-urls", "is personal data: send it as JSON"));
                    continue;
                }
                _ => {
                    problems.push(unknown(&name));
                    continue;
                }
            };
            if seen.contains(&name) {
                problems.push(FieldProblem::new(name, "duplicate", "stands there twice"));
                continue;
            }
            match name.as_str() {
                "held" => match value.parse() {
                    Ok(held) => request.held = Some(held),
                    Err(_) => problems.push(FieldProblem::new("held", "unknown-value", "must be true or false")),
                },
                "limit" => match value.parse() {
                    Ok(limit) => request.limit = Some(limit),
                    Err(_) => problems.push(limit_problem()),
                },
                _ => *place = Some(value),
            }
            seen.push(name);
        }
        if problems.is_empty() {
            return Ok(request);
        }
        let problem = Problem::fields(Code::InvalidQuery, problems);
        Err(if personal {
            problem
                .detail("`number`, `agent` and `person` are searched for with POST /v1/recordings/search")
                .member("search", "/v1/recordings/search")
        } else {
            problem
        })
    }

    /// The question of a search whose whole result is meant, for a caller with this view.
    pub(in crate::http::api) fn check_whole(self, view: &View) -> Result<Question, Problem> {
        let paged = [("limit", self.limit.is_some()), ("cursor", self.cursor.is_some())];
        let problems: Vec<_> = paged
            .into_iter()
            .filter(|(_, is_set)| *is_set)
            .map(|(name, _)| FieldProblem::new(format!("search.{name}"), "unknown-field", "has no meaning here"))
            .collect();
        if !problems.is_empty() {
            return Err(Problem::fields(Code::InvalidBody, problems));
        }
        Ok(self.check(view, Code::InvalidBody)?.0)
    }

    /// The question and the page, for a caller with this view. `code` is the problem's when something is wrong.
    pub(super) fn check(self, view: &View, code: Code) -> Result<(Question, PageAsked), Problem> {
        let mut problems = Vec::new();
        if self.held.is_some() && !view.held {
            // As if there were no such thing: even that it could be asked says something.
            problems.push(unknown("held"));
        }
        let (from, to) = (time("from", self.from, &mut problems), time("to", self.to, &mut problems));
        let status = self.status.and_then(|word| match word.parse::<Status>() {
            Ok(status) => Some(status),
            Err(_) => {
                let known = "must be one of: accepted, quarantined, rejected, superseded";
                problems.push(FieldProblem::new("status", "unknown-value", known));
                None
            }
        });
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            problems.push(limit_problem());
        }
        let question = Question {
            account: self.account,
            lead: self.lead,
            listing: self.listing,
            call: self.call,
            number: self.number,
            agent: self.agent,
            person: self.person,
            product: self.product,
            from,
            to,
            status,
            held: self.held,
        };
        problems.extend(question.problems());
        if !problems.is_empty() {
            return Err(Problem::fields(code, problems));
        }
        let after = self.cursor.as_deref().map(Cursor::decode).transpose()?;
        Ok((question, PageAsked { after: after.map(|cursor| (cursor.recorded_at, cursor.id)), limit }))
    }
}

fn unknown(name: &str) -> FieldProblem {
    FieldProblem::new(shown(name), "unknown-field", "is not something that can be searched for")
}

fn limit_problem() -> FieldProblem {
    FieldProblem::new("limit", "out-of-range", format!("must be a whole number from 1 to {MAX_LIMIT}"))
}

fn time(name: &str, text: Option<String>, problems: &mut Vec<FieldProblem>) -> Option<Timestamp> {
    let parsed = Timestamp::parse(&text?);
    if parsed.is_err() {
        problems.push(FieldProblem::new(name, "format", "must be an RFC 3339 time with its zone"));
    }
    parsed.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;

    fn asked(query: &[(&str, &str)], role: Role) -> Result<(Question, PageAsked), Problem> {
        let pairs = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let view = View::of(role, &["A".to_owned()], None);
        SearchRequest::from_query(pairs).and_then(|request| request.check(&view, Code::InvalidQuery))
    }

    #[test]
    fn a_query_is_read_or_refused_as_a_whole() {
        let (question, page) = asked(&[("account", "A"), ("held", "true"), ("limit", "200")], Role::Legal).unwrap();
        assert_eq!((question.account.as_deref(), question.held, page.limit), (Some("A"), Some(true), 200));
        assert_eq!(asked(&[], Role::Rep).unwrap().1, PageAsked { after: None, limit: 50 });
        for bad in [
            [("held", "true")],
            [("number", "+32470123456")],
            [("agent", "x")],
            [("person", "x")],
            [("colour", "red")],
            [("limit", "0")],
            [("limit", "201")],
            [("limit", "-1")],
            [("from", "yesterday")],
            [("status", "lost")],
        ] {
            assert_eq!(asked(&bad, Role::Rep).unwrap_err().code(), Code::InvalidQuery, "{bad:?}");
        }
        assert_eq!(asked(&[("account", "A"), ("account", "B")], Role::Legal).unwrap_err().code(), Code::InvalidQuery);
        assert_eq!(asked(&[("cursor", "x")], Role::Legal).unwrap_err().code(), Code::InvalidCursor);
    }
}
