//! Reading: what is known of an object, all of it, and a piece of it.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ChecksumMode, ObjectLockLegalHoldStatus};
use bytes::Bytes;

use super::error::{Refusal, failed, no_bucket, refusal, unavailable};
use super::{S3Store, timestamp};
use crate::vault::objects::{ObjectMeta, StoreError};

/// How often a body that breaks off is asked for again. The SDK tries again only before the body begins.
const TRIES: usize = 3;

/// One version of an object, as HeadObject tells it.
#[derive(Debug)]
pub(super) struct Found {
    pub meta: ObjectMeta,
    /// None in a bucket without versions.
    pub version: Option<String>,
    /// The mark of the write that stored it.
    pub write_id: Option<String>,
}

/// The metadata in which a write leaves its mark.
pub(super) const WRITE_ID: &str = "write-id";

/// The current version of an object, or that one; none where there is none.
pub(super) async fn head(store: &S3Store, name: &str, version: Option<&str>) -> Result<Option<Found>, StoreError> {
    let request = store.client.head_object().bucket(&*store.bucket).key(name);
    match request.set_version_id(version.map(str::to_owned)).send().await {
        Ok(found) => Ok(Some(describe(found)?)),
        Err(error) => match refusal(&error) {
            // The answer to a HEAD has no body: whether object or bucket is missing has to be asked for.
            Refusal::Missing => bucket_is_there(store).await.map(|()| None),
            // What is asked for by its version is a marker.
            Refusal::Unsupported if version.is_some() => Ok(None),
            _ => Err(failed(error)),
        },
    }
}

fn describe(found: HeadObjectOutput) -> Result<Found, StoreError> {
    let byte_len = found.content_length().and_then(|len| u64::try_from(len).ok());
    let meta = ObjectMeta {
        byte_len: byte_len.ok_or_else(|| unavailable("it tells no length"))?,
        modified_at: found.last_modified().map(timestamp).ok_or_else(|| unavailable("it tells no time"))?,
        locked_until: found.object_lock_retain_until_date().map(timestamp),
        held: found.object_lock_legal_hold_status() == Some(&ObjectLockLegalHoldStatus::On),
    };
    let write_id = found.metadata().and_then(|all| all.get(WRITE_ID)).cloned();
    Ok(Found { meta, version: found.version_id, write_id })
}

/// A missing bucket must not pass for an empty one.
pub(super) async fn bucket_is_there(store: &S3Store) -> Result<(), StoreError> {
    match store.client.head_bucket().bucket(&*store.bucket).send().await {
        Ok(_) => Ok(()),
        Err(error) if refusal(&error) == Refusal::Missing => Err(no_bucket()),
        Err(error) => Err(failed(error)),
    }
}

/// A whole small object, with its checksum looked at where the store keeps one.
pub(super) async fn get(store: &S3Store, name: &str, max_bytes: u64) -> Result<Bytes, StoreError> {
    let mut tries = TRIES;
    loop {
        let request = asked(store, name).checksum_mode(ChecksumMode::Enabled);
        let answer = request.send().await.map_err(failed)?;
        let len = length(&answer)?;
        if len > max_bytes {
            return Err(StoreError::TooLarge { max_bytes });
        }
        tries -= 1;
        match whole(answer, len).await {
            Err(_) if tries > 0 => {}
            other => return other,
        }
    }
}

/// Exactly these bytes.
pub(super) async fn get_range(store: &S3Store, name: &str, offset: u64, len: usize) -> Result<Bytes, StoreError> {
    let Some(last) = (len as u64).checked_sub(1).and_then(|more| offset.checked_add(more)) else {
        // Nothing is asked for, or more than can be: HTTP cannot say that, the object's length can.
        let found = head(store, name, None).await?.ok_or(StoreError::NotFound)?;
        let inside = len == 0 && offset <= found.meta.byte_len;
        return if inside { Ok(Bytes::new()) } else { Err(StoreError::RangeOutside) };
    };
    let mut tries = TRIES;
    loop {
        let answer = asked(store, name).range(format!("bytes={offset}-{last}")).send().await.map_err(failed)?;
        let found = length(&answer)?;
        if answer.content_range().is_none_or(|range| !range.starts_with(&format!("bytes {offset}-"))) {
            return Err(unavailable("it answers another range than asked for"));
        }
        if found != len as u64 {
            return Err(StoreError::RangeOutside);
        }
        tries -= 1;
        match whole(answer, found).await {
            Err(_) if tries > 0 => {}
            other => return other,
        }
    }
}

fn asked(store: &S3Store, name: &str) -> GetObjectFluentBuilder {
    store.client.get_object().bucket(&*store.bucket).key(name)
}

fn length(answer: &GetObjectOutput) -> Result<u64, StoreError> {
    let len = answer.content_length().and_then(|len| u64::try_from(len).ok());
    len.ok_or_else(|| unavailable("it tells no length"))
}

async fn whole(answer: GetObjectOutput, len: u64) -> Result<Bytes, StoreError> {
    let body = answer.body.collect().await.map_err(|error| unavailable(format!("an answer broke off: {error}")))?;
    let bytes = body.into_bytes();
    if bytes.len() as u64 == len { Ok(bytes) } else { Err(unavailable("an answer is not as long as announced")) }
}
