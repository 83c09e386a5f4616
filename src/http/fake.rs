//! An archive for tests of the HTTP side: a token per role, a clock that stands still, refusals that can be read.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{HeaderMap, Method, Request};
use serde_json::Value;
use tower::ServiceExt as _;
use utoipa::OpenApi as _;
use uuid::Uuid;

use crate::access::{Authenticator, AuthenticatorError, Role, StoredToken, Token};
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::http::openapi::OperatorApi;
use crate::http::registry::Routes;
use crate::http::state::{AppState, Check, HttpSettings, Readiness, Refusal, RefusalLog, RefusalLogError};

/// See the module.
#[derive(Clone)]
pub struct FakeState {
    pub tokens: Arc<HashMap<[u8; 32], StoredToken>>,
    pub by_role: Arc<HashMap<Role, Token>>,
    pub refusals: Arc<Mutex<Vec<Refusal>>>,
    pub clock: Arc<ManualClock>,
    pub checks: Vec<Check>,
    pub settings: HttpSettings,
    pub catalog_is_down: bool,
}

impl Default for FakeState {
    fn default() -> Self {
        let (mut tokens, mut by_role) = (HashMap::new(), HashMap::new());
        for (n, role) in Role::ALL.into_iter().enumerate() {
            let token = Token::generate().unwrap();
            let (id, owner) = (Uuid::from_u128(n as u128 + 1), format!("the {role}"));
            let expires_at = Some(Timestamp::from_micros(1_000_000));
            let stored = StoredToken { id, owner, role, accounts: vec![], agent: None, expires_at, revoked_at: None };
            tokens.insert(token.hash(), stored);
            by_role.insert(role, token);
        }
        Self {
            tokens: Arc::new(tokens),
            by_role: Arc::new(by_role),
            refusals: Arc::default(),
            clock: Arc::new(ManualClock::new(Timestamp::from_micros(0))),
            checks: vec![],
            settings: HttpSettings::default(),
            catalog_is_down: false,
        }
    }
}

impl FakeState {
    /// The whole HTTP side around it, called from 192.0.2.7.
    pub fn app(&self, routes: Routes<Self>) -> Router {
        crate::http::app(self.clone(), routes, OperatorApi::openapi())
            .layer(MockConnectInfo(SocketAddr::from(([192, 0, 2, 7], 4711))))
    }

    /// The header of a caller of this role.
    pub fn bearer(&self, role: Role) -> String {
        format!("Bearer {}", self.by_role[&role].expose())
    }
}

#[async_trait]
impl Authenticator for FakeState {
    async fn authenticate(&self, token_hash: &[u8; 32]) -> Result<Option<StoredToken>, AuthenticatorError> {
        if self.catalog_is_down {
            return Err(AuthenticatorError("connection refused by db.internal".into()));
        }
        Ok(self.tokens.get(token_hash).cloned())
    }
}

#[async_trait]
impl RefusalLog for FakeState {
    async fn refused(&self, refusal: Refusal) -> Result<(), RefusalLogError> {
        self.refusals.lock().unwrap().push(refusal);
        Ok(())
    }
}

#[async_trait]
impl Readiness for FakeState {
    async fn checks(&self) -> Vec<Check> {
        self.checks.clone()
    }
}

impl AppState for FakeState {
    fn authenticator(&self) -> &dyn Authenticator {
        self
    }
    fn refusals(&self) -> &dyn RefusalLog {
        self
    }
    fn readiness(&self) -> &dyn Readiness {
        self
    }
    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }
    fn settings(&self) -> &HttpSettings {
        &self.settings
    }
    fn render_metrics(&self) -> String {
        "fake_metric 1\n".to_owned()
    }
}

/// A whole answer.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Sends a request through the whole HTTP side.
pub async fn send(app: &Router, request: Request<Body>) -> Answer {
    let response = app.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Answer { status: head.status.as_u16(), headers: head.headers, body }
}

/// A request without a body.
pub async fn call(app: &Router, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, value.as_bytes());
    }
    send(app, request.body(Body::empty()).unwrap()).await
}

/// A GET, with this `Authorization` if any.
pub async fn get(app: &Router, path: &str, authorization: Option<&str>) -> Answer {
    let headers: Vec<_> = authorization.iter().map(|value| ("authorization", *value)).collect();
    call(app, Method::GET, path, &headers).await
}
