//! One object: brought to the target, read back, compared.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use futures::stream;

use super::journal::Verified;
use super::walk::{Listed, Pair};
use crate::failpoint;
use crate::migrate::MigrateError;
use crate::vault::objects::{ObjectKey, ObjectStore, PutBody, RecordingPart, StoreError};

/// What is read at once: of a copy that is under way no more than a few of these are in memory.
const CHUNK: u64 = 1 << 20;
/// Longest object that is overwritten as a whole: sidecars, tiles, certificates.
const MAX_SMALL_BYTES: u64 = 64 << 20;

/// From where to where.
#[derive(Clone)]
pub(super) struct Route {
    pub source: Arc<dyn ObjectStore>,
    pub target: Arc<dyn ObjectStore>,
}

/// What became of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Brought {
    /// What was verified, for those that nobody overwrites.
    pub verified: Option<Verified>,
    /// The bytes that were written; none when the same was there.
    pub copied: Option<u64>,
    /// It was at the source when that was listed, and is not any more.
    pub gone: bool,
}

impl Brought {
    fn gone() -> Self {
        Self { gone: true, ..Self::default() }
    }
}

/// Whether an object is written once and never again.
fn is_fixed(key: &ObjectKey) -> bool {
    use RecordingPart::{Audio, Related, Waveform};
    matches!(key, ObjectKey::Recording { part: Audio | Waveform | Related(_), .. })
}

/// Brings one object of the source to the target. `known`: what an earlier pass verified.
pub(super) async fn bring(route: &Route, pair: &Pair, known: Option<Verified>) -> Result<Brought, MigrateError> {
    let Some(source) = current_len(route.source.as_ref(), &pair.key, pair.source.as_ref()).await? else {
        return Ok(Brought::gone());
    };
    let brought = if is_fixed(&pair.key) {
        let target = current_len(route.target.as_ref(), &pair.key, pair.target.as_ref()).await?;
        bring_fixed(route, &pair.key, source, target, known).await
    } else {
        bring_small(route, &pair.key, pair.target.is_some()).await
    };
    match brought {
        // Purged while it was being copied: then whatever error came of that is none.
        Err(error) if !error.is_of_all() && route.source.head(&pair.key).await?.is_none() => Ok(Brought::gone()),
        other => other,
    }
}

/// The length of the current version; none where there is none.
async fn current_len(
    store: &dyn ObjectStore,
    key: &ObjectKey,
    listed: Option<&Listed>,
) -> Result<Option<u64>, StoreError> {
    match listed {
        None => Ok(None),
        Some(Listed { only_version: Some(byte_len), .. }) => Ok(Some(*byte_len)),
        Some(_) => Ok(store.head(key).await?.map(|meta| meta.byte_len)),
    }
}

async fn bring_fixed(
    route: &Route,
    key: &ObjectKey,
    source: u64,
    target: Option<u64>,
    known: Option<Verified>,
) -> Result<Brought, MigrateError> {
    let path = key.to_string();
    let verified = |sha256: [u8; 32]| Verified { path, byte_len: source, sha256: hex::encode(sha256) };
    if target == Some(source) {
        if let Some(known) = known.filter(|known| known.byte_len == source) {
            return Ok(Brought { verified: Some(known), ..Brought::default() });
        }
        let original = digest_of(route.source.as_ref(), key, source).await?;
        if original == digest_of(route.target.as_ref(), key, source).await? {
            return Ok(Brought { verified: Some(verified(original)), ..Brought::default() });
        }
    }
    if target.is_some() {
        route.target.delete(key).await?;
    }
    let original = copy(route, key, source).await?;
    failpoint::hit("migrate.object_copied");
    if original != digest_of(route.target.as_ref(), key, source).await? {
        route.target.delete(key).await?;
        return Err(MigrateError::ReadBack(*key));
    }
    Ok(Brought { verified: Some(verified(original)), copied: Some(source), gone: false })
}

/// Objects that are overwritten are small; they are read and compared in every pass.
async fn bring_small(route: &Route, key: &ObjectKey, may_be_there: bool) -> Result<Brought, MigrateError> {
    let original = route.source.get(key, MAX_SMALL_BYTES).await?;
    if may_be_there {
        match route.target.get(key, MAX_SMALL_BYTES).await {
            Ok(there) if there == original => return Ok(Brought::default()),
            Ok(_) | Err(StoreError::NotFound | StoreError::TooLarge { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    route.target.put(key, original.clone()).await?;
    if route.target.get(key, MAX_SMALL_BYTES).await? != original {
        return Err(MigrateError::ReadBack(*key));
    }
    Ok(Brought { copied: Some(original.len() as u64), ..Brought::default() })
}

/// The next piece of an object of this length; none at its end.
async fn piece(store: &dyn ObjectStore, key: &ObjectKey, from: u64, len: u64) -> Result<Option<Bytes>, StoreError> {
    let some = CHUNK.min(len.saturating_sub(from));
    let some = usize::try_from(some).map_err(|_| StoreError::RangeOutside)?;
    if some == 0 { Ok(None) } else { store.get_range(key, from, some).await.map(Some) }
}

/// Copies an object and gives the SHA-256 of what was read.
async fn copy(route: &Route, key: &ObjectKey, len: u64) -> Result<[u8; 32], MigrateError> {
    let context = Arc::new(Mutex::new(Context::new(&SHA256)));
    let reading = (route.source.clone(), *key, context.clone(), 0_u64);
    let body = stream::try_unfold(reading, move |(source, key, context, from)| async move {
        let Some(bytes) = piece(source.as_ref(), &key, from, len).await.map_err(io::Error::other)? else {
            return Ok(None);
        };
        context.lock().unwrap_or_else(PoisonError::into_inner).update(&bytes);
        let after = from + bytes.len() as u64;
        Ok(Some((bytes, (source, key, context, after))))
    });
    route.target.put_new(key, PutBody::stream(len, body)).await?;
    let context = context.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(sum(context))
}

/// The SHA-256 of an object as the store gives it back.
async fn digest_of(store: &dyn ObjectStore, key: &ObjectKey, len: u64) -> Result<[u8; 32], StoreError> {
    let (mut context, mut from) = (Context::new(&SHA256), 0);
    while let Some(bytes) = piece(store, key, from, len).await? {
        context.update(&bytes);
        from += bytes.len() as u64;
    }
    Ok(sum(context))
}

fn sum(context: Context) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(context.finish().as_ref());
    sum
}
