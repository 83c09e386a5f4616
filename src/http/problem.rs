//! Errors as clients see them: RFC 9457 problem details, `application/problem+json`.

use std::error::Error;
use std::fmt::Display;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::codes::Code;
use crate::receive::metadata::{FieldProblem, InvalidMetadata};
use crate::receive::spool::SpoolError;

/// The media type of a problem (RFC 9457 section 6.1).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What is put before a code to make the member `type`.
pub const TYPE_PREFIX: &str = "urn:earwitness:problem:";

const CHALLENGE: &str = r#"Bearer realm="earwitness""#;

/// An error on its way to the client. Says what the client can mend; never a cause, a path or a person.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: Option<String>,
    errors: Vec<FieldProblem>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The JSON of a problem, as the OpenAPI document describes it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// A URN that names the kind of problem; ends in `code`.
    #[serde(rename = "type")]
    #[schema(example = "urn:earwitness:problem:call-exists")]
    kind: String,
    /// The kind of problem in a few words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The stable code on which a client may branch.
    #[schema(example = "call-exists")]
    code: &'static str,
    /// What is wrong this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The request id (`urn:uuid:…`), under which the operator finds the cause in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// Every field that is wrong, where fields are the problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
    /// Members of single kinds of problem (RFC 9457 section 3.2).
    #[serde(flatten)]
    #[schema(ignore)]
    members: Map<String, Value>,
}

impl Problem {
    /// A problem of this code. A 401 carries its challenge (RFC 6750 section 3).
    pub fn new(code: Code) -> Self {
        let problem = Self { code, detail: None, errors: Vec::new(), members: Map::new(), headers: Vec::new() };
        match code {
            Code::Unauthorized => problem.header(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE)),
            _ => problem,
        }
    }

    /// A 500. The cause goes to the log, under the request id that the client is given.
    pub fn internal(cause: &(dyn Error + 'static)) -> Self {
        log_cause(Code::Internal, cause);
        Self::new(Code::Internal)
    }

    /// A 503 that may be tried again in `retry_after_s` seconds. The cause goes to the log.
    pub fn unavailable(cause: &(dyn Error + 'static), retry_after_s: u32) -> Self {
        Self::unavailable_for(Code::Unavailable, cause, retry_after_s)
    }

    /// The same under a code of its own.
    pub fn unavailable_for(code: Code, cause: &(dyn Error + 'static), retry_after_s: u32) -> Self {
        log_cause(code, cause);
        Self::new(code).header(RETRY_AFTER, HeaderValue::from(retry_after_s))
    }

    /// A problem with fields: 422 `invalid-metadata`, `invalid-body` and their like.
    pub fn fields(code: Code, errors: Vec<FieldProblem>) -> Self {
        Self { errors, ..Self::new(code) }
    }

    /// Says what is wrong this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// Adds a member of its own. RFC 9457's members and `code` are not to be had: a second one of that name would
    /// be taken for the first by some and for the last by others.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        let taken = ["type", "title", "status", "detail", "code", "instance"].contains(&name);
        debug_assert!(!taken, "{name} is a member of every problem");
        if !taken {
            self.members.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.code.status()
    }

    /// The body, naming the request when it is known.
    pub(super) fn body(&self, request_id: Option<Uuid>) -> Body {
        let document = ProblemDocument {
            kind: format!("{TYPE_PREFIX}{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            code: self.code.as_str(),
            detail: self.detail.clone(),
            instance: request_id.map(|id| id.urn().to_string()),
            errors: self.errors.clone(),
            members: self.members.clone(),
        };
        // Nothing in the document can fail to be written; an empty object would still be a valid problem.
        Body::from(serde_json::to_vec(&document).unwrap_or_else(|_| b"{}".to_vec()))
    }
}

/// Writes an error and what caused it to the log.
pub(super) fn log_cause(code: Code, cause: &(dyn Error + 'static)) {
    let mut text = cause.to_string();
    let mut next = cause.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    // The span of the request carries its id.
    tracing::error!(code = code.as_str(), cause = text, "request failed");
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.body(None));
        *response.status_mut() = self.status();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        for (name, value) in &self.headers {
            response.headers_mut().insert(name, value.clone());
        }
        // `around` writes the body anew with the request's id.
        response.extensions_mut().insert(std::sync::Arc::new(self));
        response
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<InvalidMetadata> for Problem {
    fn from(InvalidMetadata(errors): InvalidMetadata) -> Self {
        Self::fields(Code::InvalidMetadata, errors)
    }
}

impl From<SpoolError> for Problem {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::TooLarge { limit_bytes } => {
                Self::new(Code::TooLarge).detail(&error).member("limit_bytes", limit_bytes)
            }
            SpoolError::Full => {
                log_cause(Code::StorageFull, &error);
                Self::new(Code::StorageFull)
            }
            SpoolError::Io(_) => Self::internal(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    async fn read(response: Response) -> Value {
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn a_problem_is_told_as_rfc_9457_says() {
        let problem = Problem::new(Code::CallExists).detail("other bytes").member("sha256", "ab");
        let response = problem.into_response();
        assert_eq!(response.status(), 409);
        assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
        let expected = serde_json::json!({
            "type": "urn:earwitness:problem:call-exists", "title": "The call is archived with other audio",
            "status": 409, "code": "call-exists", "detail": "other bytes", "sha256": "ab",
        });
        assert_eq!(read(response).await, expected);
    }

    #[tokio::test]
    async fn the_cause_of_a_500_stays_inside() {
        let cause = SpoolError::from(io::Error::other("/var/spool/secret"));
        let body = read(Problem::from(cause).into_response()).await.to_string();
        assert!(body.contains("internal") && !body.contains("secret") && !body.contains("spool"), "{body}");
    }

    #[test]
    fn a_401_carries_its_challenge() {
        let response = Problem::new(Code::Unauthorized).into_response();
        assert!(response.headers()[WWW_AUTHENTICATE].to_str().unwrap().starts_with("Bearer"));
    }
}
