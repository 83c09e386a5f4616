//! Decided erasures, before the deadline: what they take, what they leave, what brings nothing of it back.

mod life;
pub(crate) mod locked;
mod races;
mod remembered;
mod restore;

use earwitness::archive::Archive;
use earwitness::purge::erasure::{ErasureOutcome, erase};
use earwitness::recording::RecordingId;
use earwitness::vault::objects::{ObjectKey, Prefix};
use uuid::Uuid;

use crate::support::objects;

/// Erases a recording that nothing keeps, on a request of its own.
async fn erased(archive: &Archive, id: RecordingId) -> Uuid {
    let request = Uuid::new_v4();
    assert_eq!(erase(archive, id, request).await.expect("an answer"), ErasureOutcome::Fenced);
    request
}

/// The tombstones in the store.
async fn tombstones(archive: &Archive) -> Vec<ObjectKey> {
    let found = objects::listed(archive.store.as_ref(), &Prefix::erased()).await;
    found.into_iter().filter_map(|version| version.key).collect()
}
