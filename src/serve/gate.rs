//! How many requests run at once. One that finds no place is told at once when to come again: waiting would only
//! move the queue into memory.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::{Code, Problem};

/// What an overloaded server must still answer, or it is taken for dead.
const ALWAYS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
/// Seconds after which a turned-away client may come again.
const COME_AGAIN_S: u32 = 1;

/// Lets at most `most` requests run at a time, each until the last byte of its answer has left.
pub(super) fn limit(router: Router, most: usize) -> Router {
    router.layer(from_fn_with_state(Arc::new(Semaphore::new(most)), gate))
}

async fn gate(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    if ALWAYS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let Ok(place) = places.try_acquire_owned() else {
        metrics::counter!("earwitness_http_turned_away_total").increment(1);
        let problem = Problem::new(Code::Unavailable).detail("too many requests are running");
        let mut response = problem.header(RETRY_AFTER, HeaderValue::from(COME_AGAIN_S)).into_response();
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return response;
    };
    next.run(request).await.map(|inner| Body::new(Held { inner, _place: place }))
}

/// A body that keeps its request's place until it is sent or given up.
struct Held {
    inner: Body,
    _place: OwnedSemaphorePermit,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(router: &Router, path: &str) -> Response {
        router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn a_place_is_held_until_the_answer_is_sent_and_health_needs_none() {
        let routes = Router::new().route("/", get(|| async { "x" })).route("/healthz", get(|| async { "ok" }));
        let router = limit(routes, 1);
        let unread = ask(&router, "/").await;
        let turned_away = ask(&router, "/").await;
        assert_eq!((turned_away.status().as_u16(), &turned_away.headers()[RETRY_AFTER]), (503, &"1".parse().unwrap()));
        assert_eq!(ask(&router, "/healthz").await.status(), 200);
        assert_eq!(axum::body::to_bytes(unread.into_body(), 10).await.unwrap(), "x");
        assert_eq!(ask(&router, "/").await.status(), 200);
    }
}
