//! A stream that ends, broken off, at its recording's deadline.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use tokio::time::{Instant, Sleep, sleep};

use crate::clock::{Clock, Timestamp};

/// Bytes on their way to a client.
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// However far the deadline is, the clock is asked again after this long: it may have been set.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// The retention period ended while the bytes were under way.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the retention period has ended")]
struct Ended;

/// `inner`, until `ends_at`: no byte is given from that instant on, and a reader who waits is woken then.
pub(super) fn until(inner: ByteStream, clock: Arc<dyn Clock>, ends_at: Option<Timestamp>) -> ByteStream {
    let Some(ends_at) = ends_at else { return inner };
    let timer = Box::pin(sleep(wait(clock.as_ref(), ends_at)));
    UntilDeadline { inner: Some(inner), clock, ends_at, timer }.boxed()
}

fn wait(clock: &dyn Clock, ends_at: Timestamp) -> Duration {
    ends_at.since(clock.now()).clamp(SHORTEST_WAIT, LONGEST_WAIT)
}

struct UntilDeadline {
    /// None once it is over: what was opened for reading is let go at once.
    inner: Option<ByteStream>,
    clock: Arc<dyn Clock>,
    ends_at: Timestamp,
    timer: Pin<Box<Sleep>>,
}

impl UntilDeadline {
    fn cut(&mut self) -> Poll<Option<io::Result<Bytes>>> {
        self.inner = None;
        metrics::counter!("earwitness_streams_cut_total").increment(1);
        Poll::Ready(Some(Err(io::Error::other(Ended))))
    }
}

impl Stream for UntilDeadline {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
            if this.clock.now() >= this.ends_at {
                return this.cut();
            }
            if let Poll::Ready(item) = inner.poll_next_unpin(context) {
                // It may have taken until after the deadline to come.
                return if this.clock.now() < this.ends_at { Poll::Ready(item) } else { this.cut() };
            }
            if this.timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            let next = Instant::now() + wait(this.clock.as_ref(), this.ends_at);
            this.timer.as_mut().reset(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;
    use crate::clock::ManualClock;

    const END: Timestamp = Timestamp::from_micros(5_000_000);

    fn clock(micros: i64) -> Arc<ManualClock> {
        Arc::new(ManualClock::new(Timestamp::from_micros(micros)))
    }

    fn endless() -> ByteStream {
        stream::repeat_with(|| Ok(Bytes::from_static(b"x"))).boxed()
    }

    #[tokio::test]
    async fn no_byte_comes_from_the_deadline_on() {
        let clock = clock(0);
        let mut bytes = until(endless(), clock.clone(), Some(END));
        clock.set(Timestamp::from_micros(END.micros() - 1));
        assert!(bytes.next().await.unwrap().is_ok());
        clock.set(END);
        assert!(bytes.next().await.unwrap().is_err());
        assert!(bytes.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_who_waits_is_cut_off_as_well() {
        let clock = clock(0);
        let mut bytes = until(stream::pending().boxed(), clock.clone(), Some(END));
        let ended = tokio::spawn(async move { bytes.next().await });
        tokio::task::yield_now().await;
        clock.set(END);
        assert!(ended.await.unwrap().unwrap().is_err());
    }

    #[tokio::test]
    async fn without_a_deadline_nothing_is_cut() {
        let clock = clock(0);
        let mut bytes = until(endless(), clock.clone(), None);
        clock.set(Timestamp::from_micros(i64::MAX));
        assert!(bytes.next().await.unwrap().is_ok());
    }
}
