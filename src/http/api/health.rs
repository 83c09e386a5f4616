//! Whether the archive lives, whether it can serve, and its metrics.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::state::{AppState, Check, CheckStatus};

/// The state of the archive: the worst of its parts, and each part.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadyReport {
    /// The worst state of any part.
    status: CheckStatus,
    /// Every part.
    checks: Vec<Check>,
}

/// The process lives. Says nothing about its parts: a restart mends none of them.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, description = "`ok`", body = String, content_type = "text/plain")))]
pub async fn healthz() -> Response {
    ([(CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

/// Whether every part works, so that calls may be sent here.
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = 200, description = "Every part works; some may carry a warning", body = ReadyReport),
    (status = 503, description = "A part failed", body = ReadyReport),
))]
pub async fn readyz<S: AppState>(State(state): State<S>) -> Response {
    let checks = state.readiness().checks().await;
    let status = checks.iter().map(|check| check.status).max().unwrap_or(CheckStatus::Ok);
    let code = if status == CheckStatus::Failed { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, [(CACHE_CONTROL, "no-store")], Json(ReadyReport { status, checks })).into_response()
}

/// All metrics in the Prometheus text format (version 0.0.4). No personal data.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, description = "Metrics", body = String, content_type = "text/plain")))]
pub async fn metrics<S: AppState>(State(state): State<S>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, HeaderValue::from_static("no-store"))], state.render_metrics())
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::fake::{FakeState, get};
    use crate::http::routes;

    #[tokio::test]
    async fn the_worst_part_decides() {
        let check = |name, status| Check { name, status, message: None };
        let good = vec![check("catalog", CheckStatus::Ok), check("keys", CheckStatus::Warning)];
        let bad = [good.clone(), vec![check("clock", CheckStatus::Failed)]].concat();
        for (checks, status, word) in [(vec![], 200, "ok"), (good, 200, "warning"), (bad, 503, "failed")] {
            let app = FakeState { checks, ..FakeState::default() }.app(routes::operator());
            let answer = get(&app, "/readyz", None).await;
            assert_eq!((answer.status, &answer.json()["status"]), (status, &serde_json::json!(word)));
            assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
        }
    }

    #[tokio::test]
    async fn life_and_metrics_are_plain_text() {
        let app = FakeState::default().app(routes::operator());
        assert_eq!(get(&app, "/healthz", None).await.text(), "ok\n");
        let metrics = get(&app, "/metrics", None).await;
        assert_eq!((metrics.status, metrics.text().as_str()), (200, "fake_metric 1\n"));
        assert!(metrics.headers[CONTENT_TYPE].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    }
}
