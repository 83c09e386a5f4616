//! Deleting: by version, in batches, with a look at what became of each.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_s3::types::{ChecksumAlgorithm, Delete, ObjectIdentifier};

use super::error::{Refusal, denied, failed, of, unavailable};
use super::page::{Marker, RawPage, uploads, versions as list_versions};
use super::{S3Store, multipart, read};
use crate::failpoint;
use crate::vault::objects::{StoreError, StoredKind, StoredVersion};

/// What S3 takes in one request.
const BATCH: usize = 1_000;

/// A lock that ended by our clock may stand by the store's. Further off, S3 refuses every request of ours.
const GREATEST_SKEW: Duration = Duration::from_secs(15 * 60);

/// What an object without versions is called.
const NO_VERSION: &str = "null";

/// An object's name in the bucket, and a version of it.
pub(super) type Target = (String, String);

/// Deletes exactly these. One result for each, in order.
pub(super) async fn versions(store: &S3Store, versions: &[StoredVersion]) -> Vec<Result<(), StoreError>> {
    let mut results: Vec<Result<(), StoreError>> = Vec::with_capacity(versions.len());
    let (mut places, mut targets, mut pending) = (Vec::new(), Vec::new(), Vec::new());
    for (at, version) in versions.iter().enumerate() {
        let ours = version.key.is_some_and(|key| key.to_string() == version.path);
        let id = version.version.clone();
        results.push(Ok(()));
        match (ours, version.kind) {
            (true, StoredKind::Version | StoredKind::DeleteMarker) => {
                places.push(at);
                targets.push((store.name(&version.path), id.unwrap_or_else(|| NO_VERSION.to_owned())));
            }
            (true, StoredKind::PendingUpload) => pending.push((at, store.name(&version.path), id.unwrap_or_default())),
            _ => results[at] = Err(StoreError::NotOurs),
        }
    }
    for (at, name, id) in pending {
        results[at] = multipart::abort(store, &name, &id).await;
    }
    for (at, result) in places.into_iter().zip(named(store, &targets).await) {
        results[at] = result;
    }
    results
}

/// Deletes these versions, whatever they are. One result for each, in order.
pub(super) async fn named(store: &S3Store, targets: &[Target]) -> Vec<Result<(), StoreError>> {
    let mut results = Vec::with_capacity(targets.len());
    for batch in targets.chunks(BATCH) {
        results.extend(one_request(store, batch).await);
        failpoint::hit("object-versions-deleted");
    }
    results
}

async fn one_request(store: &S3Store, batch: &[Target]) -> Vec<Result<(), StoreError>> {
    let refused = match request(store, batch).await {
        Ok(refused) => refused,
        Err(error) => {
            let text = error.to_string();
            return batch.iter().map(|_| Err(unavailable(text.clone()))).collect();
        }
    };
    let mut results = Vec::with_capacity(batch.len());
    for target in batch {
        results.push(match refused.get(target) {
            None => Ok(()),
            Some(code) => outcome(store, target, code).await,
        });
    }
    results
}

/// The codes of those that the store did not delete. It answers 200 also where it deleted none.
pub(super) async fn request(store: &S3Store, batch: &[Target]) -> Result<HashMap<Target, String>, StoreError> {
    let objects = batch.iter().map(|(name, version)| ObjectIdentifier::builder().key(name).version_id(version).build());
    let objects = objects.collect::<Result<Vec<_>, _>>().map_err(|error| unavailable(error.to_string()))?;
    // Quiet: only errors are answered.
    let list = Delete::builder().set_objects(Some(objects)).quiet(true).build();
    let list = list.map_err(|error| unavailable(error.to_string()))?;
    let request = store.client.delete_objects().bucket(&*store.bucket).delete(list);
    let answer = request.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.map_err(failed)?;
    let mut refused = HashMap::new();
    for error in answer.errors.unwrap_or_default() {
        let target = (error.key.unwrap_or_default(), error.version_id.unwrap_or_else(|| NO_VERSION.to_owned()));
        if !batch.contains(&target) {
            return Err(unavailable("it refuses to delete what it was not asked to"));
        }
        refused.insert(target, error.code.unwrap_or_default());
    }
    Ok(refused)
}

/// What a refusal to delete one version means.
pub(super) async fn outcome(store: &S3Store, (name, version): &Target, code: &str) -> Result<(), StoreError> {
    match of(code, 0) {
        Refusal::Missing => Ok(()),
        // A lock, or missing rights? The version itself knows.
        Refusal::Denied | Refusal::Invalid | Refusal::Other => {
            let Some(found) = read::head(store, name, Some(version)).await? else { return Ok(()) };
            let locked = found.meta.locked_until.is_some_and(|until| until.plus(GREATEST_SKEW) > store.clock.now());
            match of(code, 0) {
                _ if locked || found.meta.held => Err(StoreError::Locked),
                Refusal::Denied => Err(denied(Some(code))),
                _ => Err(unavailable(format!("it does not delete a version ({code})"))),
            }
        }
        _ => Err(unavailable(format!("it does not delete a version ({code})"))),
    }
}

/// Deletes an object in all its versions, and what unfinished writes left.
pub(super) async fn all_of(store: &S3Store, name: &str) -> Result<(), StoreError> {
    // Uploads first: afterwards none of them can become a version.
    for upload in uploads(store, name).await?.found.into_iter().filter(|found| store.name(&found.path) == name) {
        multipart::abort(store, name, &upload.version.unwrap_or_default()).await?;
    }
    let targets: Vec<Target> = history(store, name).await?.into_iter().map(|found| target(name, &found)).collect();
    named(store, &targets).await.into_iter().collect()
}

/// A version as what is to be deleted.
pub(super) fn target(name: &str, found: &StoredVersion) -> Target {
    (name.to_owned(), found.version.clone().unwrap_or_else(|| NO_VERSION.to_owned()))
}

/// All versions of exactly this name, newest first, and its markers.
pub(super) async fn history(store: &S3Store, name: &str) -> Result<Vec<StoredVersion>, StoreError> {
    let (mut marker, mut history) = (Marker::default(), Vec::new());
    loop {
        let RawPage { found, hidden, next, last_path } = list_versions(store, name, &marker).await?;
        history.extend(found.into_iter().chain(hidden).filter(|found| store.name(&found.path) == name));
        // The name itself comes before all that begin with it, except on SeaweedFS (see the listing): there a tile
        // comes after its up to 255 parts, which one answer holds.
        let beyond = last_path.is_some_and(|last| store.name(last) != name) && !history.is_empty();
        match next {
            Some(next) if !beyond => marker = next,
            _ => return Ok(history),
        }
    }
}
