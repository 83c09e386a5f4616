//! The trials of a probe, each on an object of its own.

use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use super::delete::{Target, history, named, request, target};
use super::error::{is_busy, unavailable};
use super::probe::PROBES;
use super::{S3Store, lock, multipart, read, replace, write};
use crate::clock::Timestamp;
use crate::vault::objects::{PutBody, StoreError, StoredKind};

/// How long a trial's object is locked, by the store's clock: longer than a slow store takes for the whole trial, or
/// the lock would be over before it is tried.
const LOCKED_FOR: Duration = Duration::from_secs(60);

/// A name of its own for one trial.
fn fresh(store: &S3Store) -> String {
    store.name(format!("{PROBES}{}", Uuid::new_v4().as_hyphenated()))
}

/// What first writes came to.
pub(super) struct Created {
    /// Neither a whole second write nor one in parts replaced the first.
    pub exclusive: bool,
    /// What was stored reads back.
    pub reads_back: bool,
    /// When, by the store's clock.
    pub at: Timestamp,
}

/// Writes twice, and once more in parts.
pub(super) async fn exclusive_create(store: &S3Store) -> Result<Created, StoreError> {
    let name = fresh(store);
    write::put_new(store, &name, PutBody::bytes(&b"first"[..])).await?;
    let again = write::put_new(store, &name, PutBody::bytes(&b"second"[..])).await;
    let in_parts = multipart::in_one_part(store, &name, Bytes::from_static(b"third")).await;
    let reads_back = read::get(store, &name, 10).await? == b"first"[..];
    let found = read::head(store, &name, None).await?.ok_or_else(|| unavailable("what was stored is not there"))?;
    let left = forget(store, &name).await?;
    let refused = |result| match result {
        Err(StoreError::AlreadyExists) => Ok(true),
        Ok(_) => Ok(false),
        Err(error) => Err(error),
    };
    let exclusive = refused(again)? && refused(in_parts)? && left == 1;
    Ok(Created { exclusive, reads_back: reads_back || !exclusive, at: found.meta.modified_at })
}

/// Whether an overwritten version stays.
pub(super) async fn keeps_old_versions(store: &S3Store) -> Result<bool, StoreError> {
    let name = fresh(store);
    for body in [&b"old"[..], b"new"] {
        replace::write(store, &name, Bytes::from_static(body)).await?;
    }
    Ok(forget(store, &name).await? == 2)
}

/// What came of a lock and a hold.
pub(super) struct Locked {
    /// The lock reads back as asked for.
    kept: bool,
    /// A deletion of the locked version was refused, and it is still there.
    refused: bool,
    /// A hold reads back, on and off.
    holds: bool,
}

impl Locked {
    /// Whether locks are good for anything.
    pub fn is_enforced(&self) -> bool {
        self.kept && self.refused
    }

    /// What an operator should know.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let told = [
            (self.kept, "the store does not keep the lock that it is asked for"),
            (self.refused, "the store deletes what is locked: Object Lock protects nothing"),
            (self.holds, "the store does not keep legal holds"),
        ];
        told.into_iter().filter(|(fine, _)| !fine).map(|(_, text)| text.to_owned())
    }
}

/// Locks an object for a moment, and tries to delete it.
pub(super) async fn locks(store: &S3Store) -> Result<Locked, StoreError> {
    let name = fresh(store);
    let version = write::put_new(store, &name, PutBody::bytes(&b"locked"[..])).await?.version;
    let found = read::head(store, &name, None).await?.ok_or_else(|| unavailable("what was stored is not there"))?;
    let holds = match hold_on_and_off(store, &name).await {
        Ok(()) => true,
        Err(StoreError::LockNotKept) => false,
        Err(error) => return Err(error),
    };
    // From the store's own clock, the only one that counts here.
    let kept = match lock::lock(store, &name, found.meta.modified_at.plus(LOCKED_FOR)).await {
        Ok(_) => true,
        Err(StoreError::LockNotKept) => false,
        Err(error) => return Err(error),
    };
    let refused = kept && refuses_deletion(store, &name, version.as_deref()).await?;
    if !refused {
        forget(store, &name).await?;
    }
    Ok(Locked { kept, refused, holds })
}

/// A new object that is locked for a moment, and its version.
pub(super) async fn locked(store: &S3Store) -> Result<Target, StoreError> {
    let name = fresh(store);
    let version = write::put_new(store, &name, PutBody::bytes(&b"locked"[..])).await?.version;
    let found = read::head(store, &name, None).await?.ok_or_else(|| unavailable("what was stored is not there"))?;
    lock::lock(store, &name, found.meta.modified_at.plus(LOCKED_FOR)).await?;
    Ok((name, version.unwrap_or_else(|| "null".to_owned())))
}

/// Whether the store says of a version that it must not be deleted, and keeps it. A request that fails otherwise shows
/// nothing.
async fn refuses_deletion(store: &S3Store, name: &str, version: Option<&str>) -> Result<bool, StoreError> {
    let target = (name.to_owned(), version.unwrap_or("null").to_owned());
    match request(store, std::slice::from_ref(&target)).await?.get(&target) {
        None => return Ok(false),
        Some(code) if is_busy(code) => return Err(unavailable(format!("it does not delete a version ({code})"))),
        Some(_) => {}
    }
    Ok(read::head(store, name, version).await?.is_some())
}

async fn hold_on_and_off(store: &S3Store, name: &str) -> Result<(), StoreError> {
    lock::set_legal_hold(store, name, true).await?;
    lock::set_legal_hold(store, name, false).await.map(|_| ())
}

/// Deletes a trial's object. How many versions it had.
async fn forget(store: &S3Store, name: &str) -> Result<usize, StoreError> {
    let history = history(store, name).await?;
    let targets: Vec<_> = history.iter().map(|found| target(name, found)).collect();
    for result in named(store, &targets).await {
        match result {
            // A bucket that locks by default: a later trial sweeps up.
            Ok(()) | Err(StoreError::Locked) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(history.iter().filter(|found| found.kind == StoredKind::Version).count())
}
