//! Locks and legal holds: asked for, and read back.

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ObjectLockLegalHold, ObjectLockLegalHoldStatus, ObjectLockRetention, ObjectLockRetentionMode,
};

use super::error::{Refusal, failed, refusal};
use super::{S3Store, read, timestamp};
use crate::clock::Timestamp;
use crate::vault::objects::{HoldOutcome, LockOutcome, StoreError};

/// Locks the current version until `until`, or leaves a lock that is at least that.
///
/// A store refuses an `until` that has passed; then what reads back decides, and that is
/// [`StoreError::LockNotKept`] unless an older lock happens to be long enough.
pub(super) async fn lock(store: &S3Store, name: &str, until: Timestamp) -> Result<LockOutcome, StoreError> {
    if !is_lockable(store).await? {
        return Ok(LockOutcome::Unsupported);
    }
    let found = read::head(store, name, None).await?.ok_or(StoreError::NotFound)?;
    let version = found.version;
    // Asked first, so that a store that lets a lock be shortened is not told to.
    let kept = retention(store, name, version.as_deref()).await?;
    if let Some(locked) = enough(store, kept.as_ref(), until) {
        return Ok(LockOutcome::Locked(locked));
    }
    ask(store, name, version.as_deref(), until, kept.as_ref()).await?;
    let kept = retention(store, name, version.as_deref()).await?;
    enough(store, kept.as_ref(), until).map(LockOutcome::Locked).ok_or(StoreError::LockNotKept)
}

/// Until when an object is locked, and how.
pub(super) type Lock = (Timestamp, Option<ObjectLockRetentionMode>);

/// Until when the store keeps the object, where that is as long and as strict as asked for.
fn enough(store: &S3Store, kept: Option<&Lock>, until: Timestamp) -> Option<Timestamp> {
    let kept = kept.filter(|(locked, mode)| *locked >= until && store.lock_mode.is_met_by(mode.as_ref()));
    kept.map(|(locked, _)| *locked)
}

async fn ask(
    store: &S3Store,
    name: &str,
    version: Option<&str>,
    until: Timestamp,
    kept: Option<&Lock>,
) -> Result<(), StoreError> {
    // A lock of the weaker mode becomes one of the stricter with the right to bypass it alone, and never a shorter one.
    let weaker = kept.filter(|(_, mode)| !store.lock_mode.is_met_by(mode.as_ref()));
    let until = weaker.map_or(until, |(locked, _)| until.max(*locked));
    // Whole seconds, rounded up: never unlocked before the deadline.
    let seconds =
        until.seconds() + i64::from(Timestamp::from_micros(until.seconds().saturating_mul(1_000_000)) < until);
    let retention = ObjectLockRetention::builder()
        .mode(store.lock_mode.retention())
        .retain_until_date(DateTime::from_secs(seconds))
        .build();
    let request = store.client.put_object_retention().bucket(&*store.bucket).key(name).retention(retention);
    let request = request.set_version_id(version.map(str::to_owned)).checksum_algorithm(ChecksumAlgorithm::Sha256);
    let request = request.set_bypass_governance_retention(weaker.map(|_| true));
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) => match refusal(&error) {
            // In the past, or not at all: what reads back tells.
            Refusal::Invalid | Refusal::Conflict | Refusal::Unsupported => Ok(()),
            // A lock that is there is not to be shortened or weakened. Where there is none, rights are missing.
            Refusal::Denied if kept.is_some() => Ok(()),
            _ => Err(failed(error)),
        },
    }
}

/// The lock of a version, as the store tells it; none where there is none.
pub(super) async fn retention(store: &S3Store, name: &str, version: Option<&str>) -> Result<Option<Lock>, StoreError> {
    let request = store.client.get_object_retention().bucket(&*store.bucket).key(name);
    match request.set_version_id(version.map(str::to_owned)).send().await {
        Ok(answer) => Ok(answer.retention.and_then(|kept| {
            let until = kept.retain_until_date.as_ref().map(timestamp)?;
            Some((until, kept.mode))
        })),
        Err(error) => match refusal(&error) {
            Refusal::Unsupported | Refusal::Invalid => Ok(None),
            _ => Err(failed(error)),
        },
    }
}

/// Puts the current version on hold, or off.
pub(super) async fn set_legal_hold(store: &S3Store, name: &str, on: bool) -> Result<HoldOutcome, StoreError> {
    if !is_lockable(store).await? {
        return Ok(HoldOutcome::Unsupported);
    }
    let found = read::head(store, name, None).await?.ok_or(StoreError::NotFound)?;
    hold(store, name, found.version.as_deref(), on).await?;
    let held = is_held(store, name, found.version.as_deref()).await?;
    if held == on { Ok(HoldOutcome::ReadBack(held)) } else { Err(StoreError::LockNotKept) }
}

async fn hold(store: &S3Store, name: &str, version: Option<&str>, on: bool) -> Result<(), StoreError> {
    let status = if on { ObjectLockLegalHoldStatus::On } else { ObjectLockLegalHoldStatus::Off };
    let hold = ObjectLockLegalHold::builder().status(status).build();
    let request = store.client.put_object_legal_hold().bucket(&*store.bucket).key(name).legal_hold(hold);
    let request = request.set_version_id(version.map(str::to_owned)).checksum_algorithm(ChecksumAlgorithm::Sha256);
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) if matches!(refusal(&error), Refusal::Invalid | Refusal::Unsupported) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

async fn is_held(store: &S3Store, name: &str, version: Option<&str>) -> Result<bool, StoreError> {
    let request = store.client.get_object_legal_hold().bucket(&*store.bucket).key(name);
    match request.set_version_id(version.map(str::to_owned)).send().await {
        Ok(answer) => {
            let status = answer.legal_hold.and_then(|hold| hold.status);
            Ok(status == Some(ObjectLockLegalHoldStatus::On))
        }
        Err(error) if matches!(refusal(&error), Refusal::Unsupported | Refusal::Invalid) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// Whether the bucket has Object Lock on. Asked once; a probe asks again.
pub(super) async fn is_lockable(store: &S3Store) -> Result<bool, StoreError> {
    let known = store.lockable.lock().ok().and_then(|known| *known);
    match known {
        Some(known) => Ok(known),
        None => Ok(configuration(store).await?.enabled),
    }
}

/// What the bucket's configuration says of locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LockConfiguration {
    pub enabled: bool,
    /// New objects are locked without being asked to.
    pub locks_by_default: bool,
}

/// Asks the bucket, and remembers whether it can lock.
pub(super) async fn configuration(store: &S3Store) -> Result<LockConfiguration, StoreError> {
    let asked = store.client.get_object_lock_configuration().bucket(&*store.bucket).send().await;
    let found = match asked {
        Ok(answer) => {
            let found = answer.object_lock_configuration;
            LockConfiguration {
                enabled: found.as_ref().is_some_and(|lock| lock.object_lock_enabled.is_some()),
                locks_by_default: found.and_then(|lock| lock.rule).and_then(|rule| rule.default_retention).is_some(),
            }
        }
        Err(error) => match refusal(&error) {
            Refusal::Unsupported | Refusal::Invalid => LockConfiguration { enabled: false, locks_by_default: false },
            _ => return Err(failed(error)),
        },
    };
    if let Ok(mut known) = store.lockable.lock() {
        *known = Some(found.enabled);
    }
    Ok(found)
}
