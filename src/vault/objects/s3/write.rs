//! First writes: in one request while they are small, in parts above that ([`super::multipart`]).

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::CompletedMultipartUpload;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use uuid::Uuid;

use super::S3Store;
use super::error::{Refusal, failed, refusal};
use super::multipart::{self, Upload};
use super::read::{self, WRITE_ID};
use crate::vault::objects::{PutBody, PutOutcome, StoreError};

/// Bodies up to this length go in one request; above it, so long are the parts.
pub(super) const PART_BYTES: usize = 8 << 20;

/// How often a write is tried that meets another one of the same object.
const TRIES: u64 = 5;

/// What a store's answer to a first write comes to.
pub(super) enum Attempt {
    /// Stored, under this version.
    Stored(Option<String>),
    /// Somebody else is writing it at this moment.
    Conflict,
    /// There is one, or the answer is lost: to be looked at.
    Unclear(StoreError),
}

/// The request that stores an object, if it is the first.
pub(super) enum Write<'a> {
    /// All of it at once.
    Whole(&'a Bytes),
    /// The end of an upload in parts.
    Complete(&'a Upload, &'a CompletedMultipartUpload),
}

impl Write<'_> {
    async fn attempt(&self, store: &S3Store, name: &str, write_id: &str) -> Attempt {
        match self {
            Self::Whole(bytes) => attempt(store, name, write_id, bytes).await,
            Self::Complete(upload, parts) => upload.complete(parts).await,
        }
    }
}

/// Stores a new object.
pub(super) async fn put_new(store: &S3Store, name: &str, body: PutBody) -> Result<PutOutcome, StoreError> {
    let byte_len = body.byte_len();
    let mut source = Source::new(body);
    if byte_len > PART_BYTES as u64 {
        return multipart::put_new(store, name, source).await;
    }
    let bytes = source.next(usize::try_from(byte_len).unwrap_or(PART_BYTES)).await?;
    source.end().await?;
    let write_id = Uuid::new_v4().to_string();
    let version = decided(store, name, &write_id, Write::Whole(&bytes)).await?;
    Ok(PutOutcome { byte_len, version })
}

/// Tries a first write until it is clear what came of it.
///
/// A write whose answer was lost is sent again by the SDK and then meets its own object, so an object that is there
/// is looked at: it carries the mark of whoever wrote it.
pub(super) async fn decided(
    store: &S3Store,
    name: &str,
    write_id: &str,
    write: Write<'_>,
) -> Result<Option<String>, StoreError> {
    for tried in 1..=TRIES {
        let unclear = match write.attempt(store, name, write_id).await {
            Attempt::Stored(version) => return Ok(version),
            Attempt::Conflict => None,
            Attempt::Unclear(error) => Some(error),
        };
        match (read::head(store, name, None).await?, unclear) {
            (Some(found), _) if found.write_id.as_deref() == Some(write_id) => return Ok(found.version),
            (Some(_), _) => return Err(StoreError::AlreadyExists),
            // It was there a moment ago, and is deleted meanwhile.
            (None, Some(StoreError::AlreadyExists) | None) => {}
            (None, Some(error)) => return Err(error),
        }
        tokio::time::sleep(Duration::from_millis(50 * tried)).await;
    }
    Err(StoreError::AlreadyExists)
}

/// What a failed request of a first write means.
pub(super) fn attempted<E>(error: SdkError<E, aws_sdk_s3::config::http::HttpResponse>) -> Attempt
where
    E: aws_sdk_s3::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match refusal(&error) {
        Refusal::Conflict => Attempt::Conflict,
        _ => Attempt::Unclear(failed(error)),
    }
}

async fn attempt(store: &S3Store, name: &str, write_id: &str, bytes: &Bytes) -> Attempt {
    let request = store.client.put_object().bucket(&*store.bucket).key(name).if_none_match("*");
    let request = request.metadata(WRITE_ID, write_id).content_type("application/octet-stream");
    match request.checksum_sha256(sha256(bytes)).body(ByteStream::from(bytes.clone())).send().await {
        Ok(stored) => Attempt::Stored(stored.version_id),
        Err(error) => attempted(error),
    }
}

/// A checksum as its header has it.
pub(super) fn sha256(bytes: &[u8]) -> String {
    STANDARD.encode(digest(&SHA256, bytes))
}

/// A body that is read in pieces of a chosen length, and must be exactly as long as it was announced.
pub(super) struct Source {
    stream: BoxStream<'static, std::io::Result<Bytes>>,
    /// What was read and not yet asked for.
    rest: Bytes,
    pub left: u64,
}

impl Source {
    /// Nothing is read yet.
    pub fn new(body: PutBody) -> Self {
        Self { left: body.byte_len(), rest: Bytes::new(), stream: body.into_stream() }
    }

    /// The next `len` bytes; fewer only where fewer were announced.
    pub async fn next(&mut self, len: usize) -> Result<Bytes, StoreError> {
        let wanted = usize::try_from(self.left).map_or(len, |left| left.min(len));
        let mut piece = BytesMut::with_capacity(wanted);
        while piece.len() < wanted {
            if self.rest.is_empty() {
                let chunk = self.stream.try_next().await.map_err(StoreError::Body)?;
                self.rest = chunk.ok_or(StoreError::LengthMismatch)?;
            }
            piece.extend_from_slice(&self.rest.split_to(self.rest.len().min(wanted - piece.len())));
        }
        self.left -= wanted as u64;
        Ok(piece.freeze())
    }

    /// Makes sure that nothing comes after what was announced.
    pub async fn end(&mut self) -> Result<(), StoreError> {
        while self.rest.is_empty() {
            match self.stream.next().await {
                None => return Ok(()),
                Some(chunk) => self.rest = chunk.map_err(StoreError::Body)?,
            }
        }
        Err(StoreError::LengthMismatch)
    }
}
