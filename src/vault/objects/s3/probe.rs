//! What the bucket really enforces: what it says of itself, and what trials on objects of our own show.

use aws_sdk_s3::types::BucketVersioningStatus;
use tracing::warn;

use super::delete::{named, target};
use super::error::failed;
use super::page::{Marker, uploads, versions};
use super::{S3Store, erasing, lock, multipart, trial};
use crate::clock::Timestamp;
use crate::vault::objects::{StoreError, StoreFacts};

/// Below this are the objects of trials. Not listed.
pub(super) const PROBES: &str = ".probe/";

/// The trials of another node are left alone so long, by the store's clock.
const OTHERS_TRIALS: std::time::Duration = std::time::Duration::from_secs(600);

/// Tries out the bucket. Waits for no lock: what is locked by a trial is deleted by a later one.
pub(super) async fn facts(store: &S3Store) -> Result<StoreFacts, StoreError> {
    let mut warnings = Vec::new();
    let versioning = versioning(store).await?;
    let configured = lock::configuration(store).await?;
    let created = trial::exclusive_create(store).await?;
    let versions = trial::keeps_old_versions(store).await?;
    let locks = configured.enabled && {
        let tried = trial::locks(store).await?;
        warnings.extend(tried.warnings());
        tried.is_enforced()
    };
    let bypass = if locks { erasing::bypass(store).await? } else { None };
    warnings.extend(bypass.into_iter().flat_map(erasing::Bypass::warnings));
    sweep(store, created.at).await?;
    if versioning == Some(BucketVersioningStatus::Suspended) {
        warnings.push("versioning of the bucket is suspended: Object Lock protects nothing".to_owned());
    }
    if !configured.enabled {
        warnings.push("Object Lock of the bucket is not enabled: only Earwitness itself refuses deletion".to_owned());
    }
    if configured.locks_by_default {
        warnings.push("the bucket locks new objects by default: what no recording needs cannot be deleted".to_owned());
    }
    if !created.exclusive {
        warnings.push("the store overwrites objects that it was told not to: two uploads can collide".to_owned());
    }
    Ok(StoreFacts {
        backend: "s3",
        durable: created.reads_back,
        exclusive_create: created.exclusive,
        versions,
        locks,
        locks_by_default: configured.locks_by_default,
        erases_at_once: !locks || bypass.is_some_and(|bypass| bypass.erasing),
        warnings,
    })
}

/// What the bucket says of its versioning; none where it never had any.
pub(super) async fn versioning(store: &S3Store) -> Result<Option<BucketVersioningStatus>, StoreError> {
    let asked = store.client.get_bucket_versioning().bucket(&*store.bucket).send().await;
    asked.map(|answer| answer.status).map_err(failed)
}

/// Deletes what earlier trials left. What is still locked stays for the next time.
async fn sweep(store: &S3Store, now: Timestamp) -> Result<(), StoreError> {
    let name = store.name(PROBES);
    let is_old = |at: Timestamp| at < now.minus(OTHERS_TRIALS);
    for upload in uploads(store, &name).await?.hidden.into_iter().filter(|upload| is_old(upload.modified_at)) {
        let id = upload.version.unwrap_or_default();
        if multipart::abort(store, &store.name(&upload.path), &id).await.is_err() {
            warn!("an upload of an earlier trial of the store cannot be aborted");
        }
    }
    let mut marker = Marker::default();
    loop {
        let raw = versions(store, &name, &marker).await?;
        let old: Vec<_> = raw.hidden.iter().filter(|found| is_old(found.modified_at)).collect();
        let targets: Vec<_> = old.iter().map(|found| target(&store.name(&found.path), found)).collect();
        for result in named(store, &targets).await {
            match result {
                Ok(()) | Err(StoreError::Locked) => {}
                Err(error) => return Err(error),
            }
        }
        match raw.next {
            Some(next) => marker = next,
            None => return Ok(()),
        }
    }
}
