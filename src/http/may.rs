//! The extractor [`May`]: a handler that takes `May<ReadRecording>` is reached by nobody who may not.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::ops::Deref;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::access::authenticate::TokenOver;
use crate::access::purpose::PURPOSE_HEADER;
use crate::access::{BadPurpose, Caller, Purpose, Token};
use crate::http::address::client_address;
use crate::http::around::RequestFacts;
use crate::http::codes::Code;
use crate::http::permission::Permission;
use crate::http::problem::Problem;
use crate::http::state::{AppState, Refusal};

/// Counts credentials that are malformed or belong to nobody. They are not recorded: there is nobody to name.
const UNKNOWN_TOKENS: &str = "earwitness_http_unknown_tokens_total";

/// Proof that the caller may do `P`. It can come from nowhere but a request with a good token of the right role.
#[derive(Debug)]
pub struct May<P> {
    caller: Caller,
    purpose: Option<Purpose>,
    permission: PhantomData<fn() -> P>,
}

impl<P> May<P> {
    /// Who calls.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Why, as they say. There is one wherever [`Permission::PURPOSE_FROM`] has the caller's role.
    pub fn purpose(&self) -> Option<&Purpose> {
        self.purpose.as_ref()
    }
}

impl<P> Deref for May<P> {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<S: AppState, P: Permission> FromRequestParts<S> for May<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = caller(parts, state, P::NAME).await?;
        if let Some(facts) = parts.extensions.get::<RequestFacts>() {
            facts.set_role(caller.role);
        }
        if !P::ROLES.contains(caller.role) {
            keep_refusal(state, &caller, P::NAME, "wrong-role").await;
            return Err(Problem::new(Code::Forbidden));
        }
        let purpose = purpose(&parts.headers)?;
        if purpose.is_none() && P::PURPOSE_FROM.contains(caller.role) {
            return Err(Problem::new(Code::PurposeRequired));
        }
        Ok(Self { caller, purpose, permission: PhantomData })
    }
}

/// Who calls, or the 401 that says nothing about why not.
async fn caller<S: AppState>(parts: &mut Parts, state: &S, wanted: &'static str) -> Result<Caller, Problem> {
    // An entry without an address must not come about: a server that does not tell its peers is not set up.
    let peer = ConnectInfo::<SocketAddr>::from_request_parts(parts, state).await;
    let ConnectInfo(peer) = peer.map_err(|error| Problem::internal(&error))?;
    let Some(token) = bearer(&parts.headers) else {
        if parts.headers.contains_key(AUTHORIZATION) {
            metrics::counter!(UNKNOWN_TOKENS).increment(1);
        }
        return Err(Problem::new(Code::Unauthorized));
    };
    let stored = state.authenticator().authenticate(&token.hash()).await;
    let stored = stored.map_err(|error| Problem::unavailable(&error, 1))?;
    let Some(stored) = stored else {
        metrics::counter!(UNKNOWN_TOKENS).increment(1);
        return Err(Problem::new(Code::Unauthorized));
    };
    let over = stored.over(state.clock().now());
    let caller = Caller::new(stored, client_address(peer.ip(), &parts.headers, state.settings()));
    let reason = match over {
        None => return Ok(caller),
        Some(TokenOver::Expired) => "token-expired",
        Some(TokenOver::Revoked) => "token-revoked",
    };
    keep_refusal(state, &caller, wanted, reason).await;
    Err(Problem::new(Code::Unauthorized))
}

/// The one bearer token (RFC 6750 section 2.1). Two headers are as good as none.
fn bearer(headers: &HeaderMap) -> Option<Token> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let (scheme, token) = line.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") { Token::parse(token.trim_matches(' ')).ok() } else { None }
}

fn purpose(headers: &HeaderMap) -> Result<Option<Purpose>, Problem> {
    let mut lines = headers.get_all(PURPOSE_HEADER).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Problem::new(Code::InvalidPurpose).detail("the header stands there twice"));
    }
    match Purpose::parse(line.as_bytes()) {
        Ok(purpose) => Ok(Some(purpose)),
        Err(BadPurpose::Empty) => Ok(None),
        Err(error) => Err(Problem::new(Code::InvalidPurpose).detail(error)),
    }
}

/// Keeps that a known caller was turned away. They are turned away also when it cannot be kept.
pub async fn keep_refusal<S: AppState>(state: &S, caller: &Caller, permission: &'static str, reason: &'static str) {
    metrics::counter!("earwitness_http_refusals_total", "reason" => reason).increment(1);
    let refusal = Refusal { actor: caller.actor(), permission, reason, at: state.clock().now() };
    if let Err(error) = state.refusals().refused(refusal).await {
        metrics::counter!("earwitness_http_refusals_not_recorded_total").increment(1);
        crate::http::problem::log_cause(Code::Internal, &error);
    }
}

#[cfg(test)]
#[path = "may_tests.rs"]
mod tests;
