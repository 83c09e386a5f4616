//! Setting a bucket up: made where it is missing, and brought to what the store needs.

use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, ChecksumAlgorithm, CreateBucketConfiguration,
    ObjectLockConfiguration, ObjectLockEnabled, VersioningConfiguration,
};

use super::error::{Refusal, failed, refusal};
use super::{S3Store, lifecycle, lock, probe};
use crate::vault::objects::StoreError;

/// The region whose name is not told when a bucket is made.
const REGION_WITHOUT_NAME: &str = "us-east-1";

/// What setting up came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetUp {
    /// What was changed.
    pub changed: Vec<String>,
    /// What could not be changed, or is to be known.
    pub warnings: Vec<String>,
}

/// Makes or checks the bucket: versioning and Object Lock on, leftovers swept up by the store. Takes nothing away.
pub async fn set_up(store: &S3Store) -> Result<SetUp, StoreError> {
    let mut done = SetUp::default();
    if make(store).await? {
        done.changed.push("made the bucket, with Object Lock".to_owned());
    }
    if probe::versioning(store).await? != Some(BucketVersioningStatus::Enabled) {
        turn_versioning_on(store).await?;
        done.changed.push("turned versioning on".to_owned());
    }
    let mut locks = lock::configuration(store).await?.enabled;
    if !locks {
        locks = turn_lock_on(store).await?;
        match locks {
            true => done.changed.push("turned Object Lock on".to_owned()),
            false => done.warnings.push("the store does not turn Object Lock on for a bucket that it has".to_owned()),
        }
    }
    lifecycle::set(store, locks, &mut done).await?;
    Ok(done)
}

/// Whether it was missing.
async fn make(store: &S3Store) -> Result<bool, StoreError> {
    match store.client.head_bucket().bucket(&*store.bucket).send().await {
        Ok(_) => return Ok(false),
        Err(error) if matches!(refusal(&error), Refusal::Missing | Refusal::NoBucket) => {}
        Err(error) => return Err(failed(error)),
    }
    let region = store.client.config().region().map(|region| region.as_ref().to_owned());
    let place = region.filter(|region| region != REGION_WITHOUT_NAME).map(|region| {
        let constraint = BucketLocationConstraint::from(region.as_str());
        CreateBucketConfiguration::builder().location_constraint(constraint).build()
    });
    let request = store.client.create_bucket().bucket(&*store.bucket).object_lock_enabled_for_bucket(true);
    match request.set_create_bucket_configuration(place).send().await {
        Ok(_) => Ok(true),
        // Another node was faster.
        Err(error) if error.as_service_error().is_some_and(|e| e.is_bucket_already_owned_by_you()) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

async fn turn_versioning_on(store: &S3Store) -> Result<(), StoreError> {
    let wanted = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let request = store.client.put_bucket_versioning().bucket(&*store.bucket).versioning_configuration(wanted);
    request.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.map_err(failed)?;
    Ok(())
}

/// Without a default retention: a lock is set on each recording when it is committed.
async fn turn_lock_on(store: &S3Store) -> Result<bool, StoreError> {
    let wanted = ObjectLockConfiguration::builder().object_lock_enabled(ObjectLockEnabled::Enabled).build();
    let request = store.client.put_object_lock_configuration().bucket(&*store.bucket);
    let request = request.object_lock_configuration(wanted).checksum_algorithm(ChecksumAlgorithm::Sha256);
    match request.send().await {
        Ok(_) => Ok(lock::configuration(store).await?.enabled),
        Err(error) => match refusal(&error) {
            Refusal::Unsupported | Refusal::Invalid | Refusal::Conflict | Refusal::Missing => Ok(false),
            _ => Err(failed(error)),
        },
    }
}
