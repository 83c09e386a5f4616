//! A stream that ends, broken off, at its recording's deadline; for those who see a held recording past that, when its last
//! hold is let go of.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, Stream, StreamExt as _};
use tokio::time::{Instant, Sleep, sleep};

use super::look_up::is_readable;
use super::{Opened, Reader};
use crate::archive::Archive;
use crate::clock::{Clock, Timestamp};

/// Bytes on their way to a client.
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// However far the deadline is, the clock is asked again after this long: it may have been set.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
/// Past the deadline, so long after a look at the holds bytes may leave before the next one.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The retention period ended while the bytes were under way.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the retention period has ended")]
struct Ended;

/// Whether a hold still keeps the recording for the reader.
type Look = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// When a stream has to end.
pub(super) struct End {
    at: Timestamp,
    /// For those who see what is held past its deadline.
    is_held: Option<Look>,
}

impl End {
    /// When a reader's view of a recording ends.
    pub(super) fn of(archive: &Archive, opened: &Opened, reader: &Reader) -> Self {
        let look = || {
            let (catalog, clock, id) = (archive.catalog.clone(), archive.clock.clone(), opened.row.id);
            let look = move || {
                let (catalog, clock) = (catalog.clone(), clock.clone());
                let looking = async move {
                    match catalog.recording(id).await {
                        Ok(row) => row.is_some_and(|row| is_readable(&row, clock.now(), true)),
                        Err(error) => {
                            tracing::warn!(recording = %id, %error, "nobody knows whether it is still held: its stream ends");
                            false
                        }
                    }
                };
                looking.boxed()
            };
            Box::new(look) as Look
        };
        Self { at: opened.row.expires_at, is_held: reader.view.held_past_deadline.then(look) }
    }
}

/// What was read before, on its way to a reader: cut like what is read for them now.
pub fn ending(bytes: ByteStream, archive: &Archive, opened: &Opened, reader: &Reader) -> ByteStream {
    until(bytes, archive.clock.clone(), End::of(archive, opened, reader))
}

/// `inner`, until its end: no byte is given from that instant on, and a reader who waits is woken then.
fn until(inner: ByteStream, clock: Arc<dyn Clock>, end: End) -> ByteStream {
    let timer = Box::pin(sleep(wait(clock.as_ref(), end.at)));
    UntilDeadline { inner: Some(inner), next: None, clock, end, looked: None, looking: None, timer }.boxed()
}

fn wait(clock: &dyn Clock, at: Timestamp) -> Duration {
    let left = at.since(clock.now());
    if left.is_zero() { LOOK_AGAIN } else { left.clamp(SHORTEST_WAIT, LONGEST_WAIT) }
}

struct UntilDeadline {
    /// None once it is over: what was opened for reading is let go at once.
    inner: Option<ByteStream>,
    /// What came of it last, and was not given yet.
    next: Option<Option<io::Result<Bytes>>>,
    clock: Arc<dyn Clock>,
    end: End,
    /// When it was last seen that a hold keeps it.
    looked: Option<Instant>,
    looking: Option<BoxFuture<'static, bool>>,
    timer: Pin<Box<Sleep>>,
}

impl UntilDeadline {
    fn cut(&mut self) -> Poll<Option<io::Result<Bytes>>> {
        (self.inner, self.next) = (None, None);
        metrics::counter!("earwitness_streams_cut_total").increment(1);
        Poll::Ready(Some(Err(io::Error::other(Ended))))
    }

    /// Whether bytes may leave now.
    fn poll_may_leave(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        if self.clock.now() < self.end.at {
            return Poll::Ready(true);
        }
        let Some(look) = &self.end.is_held else { return Poll::Ready(false) };
        if self.looked.is_some_and(|at| at.elapsed() < LOOK_AGAIN) {
            return Poll::Ready(true);
        }
        let is_held = ready!(self.looking.get_or_insert_with(look).poll_unpin(context));
        self.looking = None;
        self.looked = Some(Instant::now());
        Poll::Ready(is_held)
    }
}

impl Stream for UntilDeadline {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if this.inner.is_none() {
                return Poll::Ready(None);
            }
            // It may have taken until after the deadline to come, so it is asked for each.
            if !ready!(this.poll_may_leave(context)) {
                return this.cut();
            }
            if let Some(item) = this.next.take() {
                return Poll::Ready(item);
            }
            if let Some(Poll::Ready(item)) = this.inner.as_mut().map(|inner| inner.poll_next_unpin(context)) {
                this.next = Some(item);
                continue;
            }
            if this.timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            let next = Instant::now() + wait(this.clock.as_ref(), this.end.at);
            this.timer.as_mut().reset(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use futures::{future, stream};

    use super::*;
    use crate::clock::ManualClock;

    const END: Timestamp = Timestamp::from_micros(5_000_000);

    fn clock(micros: i64) -> Arc<ManualClock> {
        Arc::new(ManualClock::new(Timestamp::from_micros(micros)))
    }

    fn unheld() -> End {
        End { at: END, is_held: None }
    }

    fn endless() -> ByteStream {
        stream::repeat_with(|| Ok(Bytes::from_static(b"x"))).boxed()
    }

    #[tokio::test]
    async fn no_byte_comes_from_the_deadline_on() {
        let clock = clock(0);
        let mut bytes = until(endless(), clock.clone(), unheld());
        clock.set(Timestamp::from_micros(END.micros() - 1));
        assert!(bytes.next().await.unwrap().is_ok());
        clock.set(END);
        assert!(bytes.next().await.unwrap().is_err());
        assert!(bytes.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_who_waits_is_cut_off_as_well() {
        let clock = clock(0);
        let mut bytes = until(stream::pending().boxed(), clock.clone(), unheld());
        let ended = tokio::spawn(async move { bytes.next().await });
        tokio::task::yield_now().await;
        clock.set(END);
        assert!(ended.await.unwrap().unwrap().is_err());
    }

    /// Held as long as this says so; counts the looks.
    fn held(is_held: &Arc<AtomicBool>, looks: &Arc<AtomicUsize>) -> End {
        let (is_held, looks) = (is_held.clone(), looks.clone());
        let look = move || {
            looks.fetch_add(1, Ordering::SeqCst);
            future::ready(is_held.load(Ordering::SeqCst)).boxed()
        };
        End { at: END, is_held: Some(Box::new(look)) }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_goes_on_until_it_is_let_go_of() {
        let (clock, is_held, looks) = (clock(0), Arc::new(AtomicBool::new(true)), Arc::default());
        let mut bytes = until(endless(), clock.clone(), held(&is_held, &looks));
        assert!(bytes.next().await.unwrap().is_ok());
        assert_eq!(looks.load(Ordering::SeqCst), 0, "before the deadline nothing depends on it");
        clock.set(END);
        for _ in 0..1_000 {
            assert!(bytes.next().await.unwrap().is_ok());
        }
        assert_eq!(looks.load(Ordering::SeqCst), 1, "not for each piece");
        is_held.store(false, Ordering::SeqCst);
        tokio::time::advance(LOOK_AGAIN).await;
        assert!(bytes.next().await.unwrap().is_err());
        assert!(bytes.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_what_is_let_go_of_is_cut_off_as_well() {
        let (clock, is_held, looks) = (clock(0), Arc::new(AtomicBool::new(true)), Arc::default());
        let mut bytes = until(stream::pending().boxed(), clock.clone(), held(&is_held, &looks));
        let ended = tokio::spawn(async move { bytes.next().await });
        tokio::task::yield_now().await;
        clock.set(END);
        tokio::time::sleep(LOOK_AGAIN * 10).await;
        assert!(!ended.is_finished() && (5..20).contains(&looks.load(Ordering::SeqCst)), "{looks:?}");
        is_held.store(false, Ordering::SeqCst);
        assert!(ended.await.unwrap().unwrap().is_err());
    }

    #[tokio::test]
    async fn what_was_let_go_of_before_the_deadline_ends_at_it() {
        let (clock, looks) = (clock(0), Arc::default());
        let mut bytes = until(endless(), clock.clone(), held(&Arc::default(), &looks));
        assert!(bytes.next().await.unwrap().is_ok());
        clock.set(END);
        assert!(bytes.next().await.unwrap().is_err());
    }
}
