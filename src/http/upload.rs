//! A request body on its way into the multipart reader.
//!
//! The reader takes whatever is ready into its memory and looks for the end of a part's head without limit. So
//! this stream gives one frame at a time and then steps back once, and gives no more than 64 KiB while a head is sought.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use futures::{Stream, StreamExt as _};
use tokio::time::timeout;

/// The most that is read in search of the end of a part's head, after the frame in which it begins.
const MAX_HEAD_BYTES: u64 = 64 * 1024;

/// What is read and dropped after a failure, so that the answer arrives.
const MAX_DROPPED_BYTES: usize = 256 * 1024 * 1024;
const MAX_DROPPING_TIME: Duration = Duration::from_secs(30);

/// Why the stream ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyFault {
    #[error("a part's head is too long")]
    HeadTooLong,
    #[error("the body broke off")]
    Broken(#[source] axum::Error),
}

/// The body as a stream of bounded appetite.
pub(super) struct Upload {
    body: BodyDataStream,
    step_back: bool,
    head: HeadGuard,
}

/// Bytes given since a head is sought; [`NOT_COUNTING`] within a part's content.
#[derive(Clone)]
pub(super) struct HeadGuard(Arc<AtomicU64>);

const NOT_COUNTING: u64 = u64::MAX;

impl HeadGuard {
    /// From now on the reader seeks a part's head.
    pub(super) fn expect_head(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// From now on the reader reads a part's content.
    pub(super) fn expect_content(&self) {
        self.0.store(NOT_COUNTING, Ordering::Relaxed);
    }

    fn is_exhausted(&self) -> bool {
        let given = self.0.load(Ordering::Relaxed);
        given != NOT_COUNTING && given > MAX_HEAD_BYTES
    }

    fn count(&self, bytes: usize) {
        let given = self.0.load(Ordering::Relaxed);
        if given != NOT_COUNTING {
            self.0.store(given.saturating_add(bytes as u64).min(NOT_COUNTING - 1), Ordering::Relaxed);
        }
    }
}

impl Upload {
    pub(super) fn new(body: Body) -> Self {
        Self { body: body.into_data_stream(), step_back: false, head: HeadGuard(Arc::new(AtomicU64::new(0))) }
    }

    pub(super) fn head_guard(&self) -> HeadGuard {
        self.head.clone()
    }

    /// Reads on and drops what comes, beside the answer, within bounds.
    pub(super) fn drop_the_rest(self) {
        let mut body = self.body;
        tokio::spawn(timeout(MAX_DROPPING_TIME, async move {
            let mut dropped = 0_usize;
            while let Some(Ok(bytes)) = body.next().await {
                dropped = dropped.saturating_add(bytes.len());
                if dropped > MAX_DROPPED_BYTES {
                    break;
                }
            }
        }));
    }
}

impl Stream for Upload {
    type Item = Result<Bytes, BodyFault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.step_back) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.head.is_exhausted() {
            return Poll::Ready(Some(Err(BodyFault::HeadTooLong)));
        }
        let item = ready!(self.body.poll_next_unpin(context));
        Poll::Ready(item.map(|frame| {
            let bytes = frame.map_err(BodyFault::Broken)?;
            self.step_back = true;
            self.head.count(bytes.len());
            Ok(bytes)
        }))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn endless() -> Upload {
        let frames = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 16 * 1024])));
        Upload::new(Body::from_stream(frames))
    }

    #[tokio::test]
    async fn one_frame_is_given_at_a_time() {
        let mut upload = endless();
        upload.head_guard().expect_content();
        assert!(upload.next().now_or_never().is_some());
        assert!(upload.next().now_or_never().is_none());
        assert!(upload.next().now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_head_may_not_go_on_for_ever_but_content_may() {
        let mut upload = endless();
        let guard = upload.head_guard();
        let mut given = 0;
        while let Some(Ok(bytes)) = upload.next().await {
            given += bytes.len() as u64;
        }
        assert_eq!(given, MAX_HEAD_BYTES + 16 * 1024);
        guard.expect_content();
        for _ in 0..1_000 {
            assert!(matches!(upload.next().await, Some(Ok(_))));
        }
    }
}
