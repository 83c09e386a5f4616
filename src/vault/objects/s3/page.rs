//! Raw listings: one answer of the store, in the store's order.

use aws_sdk_s3::types::EncodingType;

use super::error::{failed, unavailable};
use super::identity::ID_OBJECT;
use super::probe::PROBES;
use super::{S3Store, timestamp};
use crate::clock::Timestamp;
use crate::vault::objects::{ObjectKey, StoreError, StoredKind, StoredVersion};

/// Where a raw listing goes on.
#[derive(Debug, Clone, Default)]
pub(super) struct Marker {
    /// The last name that was listed.
    pub name: Option<String>,
    /// The last version of it; none: all of them.
    pub version: Option<String>,
}

/// One answer to ListObjectVersions.
#[derive(Debug)]
pub(super) struct RawPage {
    /// For each name its versions newest first, then its markers newest first.
    pub found: Vec<StoredVersion>,
    /// The same of what is not of the contract.
    pub hidden: Vec<StoredVersion>,
    /// The greatest name in it, ours and hidden ones included.
    pub last_path: Option<String>,
    /// Where the store goes on; none at the end.
    pub next: Option<Marker>,
}

/// Versions and markers whose names begin with `prefix` (a full name in the bucket).
pub(super) async fn versions(store: &S3Store, prefix: &str, from: &Marker) -> Result<RawPage, StoreError> {
    let request = store.client.list_object_versions().bucket(&*store.bucket).prefix(prefix);
    let request = request.set_key_marker(from.name.clone()).set_version_id_marker(from.version.clone());
    let mut answer = request.encoding_type(EncodingType::Url).send().await.map_err(listing_failed)?;
    let mut found = Vec::new();
    for version in answer.versions.take().unwrap_or_default() {
        let at = version.last_modified.as_ref().map(timestamp);
        let len = version.size.and_then(|size| u64::try_from(size).ok());
        found.push(stored(store, version.key, version.version_id, StoredKind::Version, len, at)?);
    }
    for marker in answer.delete_markers.take().unwrap_or_default() {
        let at = marker.last_modified.as_ref().map(timestamp);
        found.push(stored(store, marker.key, marker.version_id, StoredKind::DeleteMarker, Some(0), at)?);
    }
    let last_path = found.iter().map(|v| v.path.clone()).max();
    let (hidden, found) = found.into_iter().partition(|version| is_hidden(&version.path));
    let next = if answer.is_truncated == Some(true) {
        let name = answer.next_key_marker.ok_or_else(|| unavailable("a listing does not say where it goes on"))?;
        Some(Marker { name: Some(decoded(&name)), version: answer.next_version_id_marker.filter(|v| !v.is_empty()) })
    } else {
        None
    };
    Ok(RawPage { found, hidden, last_path, next })
}

/// Pending uploads.
#[derive(Debug)]
pub(super) struct Uploads {
    /// Of objects of the contract, or of others' objects.
    pub found: Vec<StoredVersion>,
    /// Of what is not of the contract.
    pub hidden: Vec<StoredVersion>,
}

/// All pending uploads of names that begin with `prefix`.
pub(super) async fn uploads(store: &S3Store, prefix: &str) -> Result<Uploads, StoreError> {
    let (mut found, mut key, mut id) = (Vec::new(), None, None);
    loop {
        let request = store.client.list_multipart_uploads().bucket(&*store.bucket).prefix(prefix);
        let request = request.set_key_marker(key).set_upload_id_marker(id).encoding_type(EncodingType::Url);
        let answer = request.send().await.map_err(listing_failed)?;
        for upload in answer.uploads.unwrap_or_default() {
            let at = upload.initiated.as_ref().map(timestamp);
            found.push(stored(store, upload.key, upload.upload_id, StoredKind::PendingUpload, Some(0), at)?);
        }
        if answer.is_truncated != Some(true) {
            let (hidden, found) = found.into_iter().partition(|upload| is_hidden(&upload.path));
            return Ok(Uploads { found, hidden });
        }
        (key, id) = (answer.next_key_marker.as_deref().map(decoded), answer.next_upload_id_marker);
        if key.is_none() {
            return Err(unavailable("a listing does not say where it goes on"));
        }
    }
}

fn listing_failed<E>(error: aws_sdk_s3::error::SdkError<E, aws_sdk_s3::config::http::HttpResponse>) -> StoreError
where
    E: aws_sdk_s3::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match failed(error) {
        // Only a bucket can be missing here.
        StoreError::NotFound => super::error::no_bucket(),
        other => other,
    }
}

fn stored(
    store: &S3Store,
    name: Option<String>,
    version: Option<String>,
    kind: StoredKind,
    byte_len: Option<u64>,
    modified_at: Option<Timestamp>,
) -> Result<StoredVersion, StoreError> {
    let name = name.map(|name| decoded(&name));
    let path = name.as_deref().and_then(|name| name.strip_prefix(&*store.prefix)).map(str::to_owned);
    match (path, byte_len, modified_at) {
        (Some(path), Some(byte_len), Some(modified_at)) => {
            Ok(StoredVersion { key: path.parse::<ObjectKey>().ok(), path, version, kind, byte_len, modified_at })
        }
        _ => Err(unavailable("a listing is not complete")),
    }
}

/// Names are asked for percent-encoded, because XML cannot carry every one. `+` is how some write a blank.
fn decoded(name: &str) -> String {
    percent_encoding::percent_decode_str(&name.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Objects that are not of the contract.
fn is_hidden(path: &str) -> bool {
    path == ID_OBJECT || path.starts_with(PROBES)
}
