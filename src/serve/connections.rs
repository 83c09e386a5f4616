//! Connections: HTTP/1.1 with bounds on what a slow or silent client can hold.
//!
//! HTTP/2 in the clear is left out on purpose: telling it from HTTP/1 means waiting for a client's first 24 bytes
//! without a limit on time, and every proxy in front speaks HTTP/1.1.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

/// How long the head of a request may take to arrive, and how long a connection may wait for its next request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest head of a request, in bytes, and what is read ahead of a body.
const HEAD_BYTES: usize = 64 << 10;
/// How long running requests may take to finish once the server stops.
const GRACE: Duration = Duration::from_secs(30);
/// After a failure to accept (mostly: out of file descriptors) some connections must end first.
const AFTER_FAILURE: Duration = Duration::from_millis(200);

/// Accepts at most `most` connections at a time until told to stop, then lets running requests finish.
pub(super) async fn accept(listener: TcpListener, router: Router, most: usize, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(most));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    while let Some((stream, peer, place)) = next(&listener, &places, &stop).await {
        while connections.try_join_next().is_some() {}
        serve(&mut connections, &graceful, &router, stream, peer, place);
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!(seconds = GRACE.as_secs(), "requests that did not finish in time were broken off");
    }
}

/// The next connection; none once told to stop.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = stop.run_until_cancelled(places.clone().acquire_owned()).await?.ok()?;
    loop {
        match stop.run_until_cancelled(listener.accept()).await? {
            Ok((stream, peer)) => return Some((stream, peer, place)),
            Err(error) => {
                metrics::counter!("earwitness_http_accept_failures_total").increment(1);
                tracing::warn!(%error, "a connection could not be accepted");
                stop.run_until_cancelled(tokio::time::sleep(AFTER_FAILURE)).await?;
            }
        }
    }
}

fn serve(
    connections: &mut JoinSet<()>,
    graceful: &GracefulShutdown,
    router: &Router,
    stream: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
) {
    // Small answers leave at once; a failure only costs time.
    let _ = stream.set_nodelay(true);
    let router = router.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        // A router is always ready.
        router.clone().call(request.map(Body::new))
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES);
    let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
    connections.spawn(async move {
        // A client that goes away is no error of ours.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection broke off");
        }
        drop(place);
    });
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;

    use super::*;

    async fn started(router: Router, most: usize) -> (SocketAddr, CancellationToken, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        (address, stop.clone(), tokio::spawn(accept(listener, router, most, stop)))
    }

    async fn asked(address: SocketAddr, head: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head).await.unwrap();
        stream
    }

    async fn answer(mut stream: TcpStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn a_running_request_is_finished_and_nothing_new_is_accepted() {
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (told, waits) = (begun.clone(), go_on.clone());
        let handler = move |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move {
            told.notify_one();
            waits.notified().await;
            peer.ip().to_string()
        };
        let (address, stop, server) = started(Router::new().route("/", get(handler)), 10).await;
        let running = asked(address, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        begun.notified().await;
        stop.cancel();
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(!server.is_finished());
        go_on.notify_one();
        let text = answer(running).await;
        assert!(text.starts_with("HTTP/1.1 200 OK") && text.ends_with("127.0.0.1"), "{text}");
        server.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_a_silent_and_an_idle_client_are_cut_off_and_give_their_place_back() {
        let (address, _stop, _server) = started(Router::new().route("/", get(|| async { "hello" })), 1).await;
        for head in [&b"GET / HT"[..], b"", b"GET / HTTP/1.1\r\n\r\n"] {
            let begun = tokio::time::Instant::now();
            let slow = asked(address, head).await;
            let said = answer(slow).await;
            assert_eq!(said.contains("hello"), head.ends_with(b"\r\n\r\n"), "{said}");
            assert!(begun.elapsed() <= 2 * HEAD_TIMEOUT, "{:?}", begun.elapsed());
        }
        let next = asked(address, b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await;
        assert!(answer(next).await.ends_with("hello"));
    }
}
