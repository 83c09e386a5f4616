//! A stream that ends, broken off, when its recording is fenced before its deadline: a decided erasure does not wait for
//! whoever is listening.

use std::io;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::Instant;

use super::deadline::ByteStream;
use crate::catalog::{Catalog, CatalogError};
use crate::recording::RecordingId;

/// For so long a stream goes on without asking.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The recording was erased while the bytes were under way.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the recording was erased")]
struct Fenced;

/// `inner`, until the recording is fenced: it is asked for as often as that is worth.
pub(super) fn while_live(inner: ByteStream, catalog: &Catalog, id: RecordingId) -> ByteStream {
    let catalog = catalog.clone();
    while_it_is(inner, move || {
        let catalog = catalog.clone();
        Box::pin(async move { catalog.is_live(id).await })
    })
}

type IsLive = BoxFuture<'static, Result<bool, CatalogError>>;

fn while_it_is(inner: ByteStream, is_live: impl Fn() -> IsLive + Send + 'static) -> ByteStream {
    let begun = (inner, is_live, Instant::now());
    let stream = stream::try_unfold(begun, |(mut inner, is_live, mut asked)| async move {
        let Some(chunk) = inner.try_next().await? else { return Ok(None) };
        if asked.elapsed() >= ASK_AGAIN {
            if !is_live().await.map_err(io::Error::other)? {
                metrics::counter!("earwitness_streams_cut_total").increment(1);
                return Err(io::Error::other(Fenced));
            }
            asked = Instant::now();
        }
        Ok(Some((chunk, (inner, is_live, asked))))
    });
    stream.boxed()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use bytes::Bytes;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_byte_comes_once_it_was_asked_for_in_vain() {
        let (live, asked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::default()));
        let endless = stream::repeat_with(|| Ok(Bytes::from_static(b"x"))).boxed();
        let mut bytes = while_it_is(endless, {
            let (live, asked) = (live.clone(), asked.clone());
            move || {
                asked.fetch_add(1, Ordering::SeqCst);
                let live = live.load(Ordering::SeqCst);
                Box::pin(async move { Ok(live) })
            }
        });
        for (passed, expected) in [(0, 0), (500, 0), (500, 1), (0, 1), (1_000, 2)] {
            tokio::time::advance(Duration::from_millis(passed)).await;
            assert!(bytes.next().await.unwrap().is_ok());
            assert_eq!(asked.load(Ordering::SeqCst), expected, "not with every chunk");
        }
        live.store(false, Ordering::SeqCst);
        assert!(bytes.next().await.unwrap().is_ok(), "not yet asked");
        tokio::time::advance(ASK_AGAIN).await;
        assert!(bytes.next().await.unwrap().is_err());
        assert!(bytes.next().await.is_none());
    }
}
