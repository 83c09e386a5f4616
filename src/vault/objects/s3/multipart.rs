//! Long first writes: in parts, of which at most two are in memory.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use uuid::Uuid;

use super::S3Store;
use super::delete::{history, named, target};
use super::error::{Refusal, failed, refusal, unavailable};
use super::read::WRITE_ID;
use super::write::{Attempt, PART_BYTES, Source, Write, attempted, decided, sha256};
use crate::failpoint;
use crate::vault::objects::{PutBody, PutOutcome, StoreError, StoredKind};

/// What S3 takes in one upload.
const MAX_PARTS: u64 = 10_000;

/// Stores a new object in parts.
pub(super) async fn put_new(store: &S3Store, name: &str, source: Source) -> Result<PutOutcome, StoreError> {
    let part_bytes = usize::try_from(source.left.div_ceil(MAX_PARTS)).unwrap_or(usize::MAX).max(PART_BYTES);
    in_parts(store, name, source, part_bytes).await
}

/// Stores a new small object in parts all the same: a trial.
pub(super) async fn in_one_part(store: &S3Store, name: &str, body: Bytes) -> Result<PutOutcome, StoreError> {
    in_parts(store, name, Source::new(PutBody::bytes(body)), PART_BYTES).await
}

async fn in_parts(
    store: &S3Store,
    name: &str,
    mut source: Source,
    part_bytes: usize,
) -> Result<PutOutcome, StoreError> {
    let byte_len = source.left;
    // Read before the upload is begun: a body that breaks off at once has nothing to tidy up.
    let first = source.next(part_bytes).await?;
    let write_id = Uuid::new_v4().to_string();
    let upload = Upload::begin(store, name, &write_id).await?;
    failpoint::hit("object-upload-begun");
    let stored = match parts(&upload, &mut source, first, part_bytes).await {
        Ok(parts) => {
            let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
            match decided(store, name, &write_id, Write::Complete(&upload, &parts)).await {
                Ok(version) => give_way(store, name, version.as_deref()).await.map(|()| version),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    };
    match stored {
        Ok(version) => {
            failpoint::hit("object-upload-completed");
            upload.is_over();
            Ok(PutOutcome { byte_len, version })
        }
        Err(error) => {
            // Awaited here, so that whoever looks after the error finds nothing.
            upload.abort_now().await;
            Err(error)
        }
    }
}

/// A store that looks first and completes then takes two uploads that end in the same instant: the earlier one stays.
async fn give_way(store: &S3Store, name: &str, own: Option<&str>) -> Result<(), StoreError> {
    let Some(own) = own else { return Ok(()) };
    let history = history(store, name).await?;
    let mut versions = history.iter().filter(|found| found.kind == StoredKind::Version);
    let Some(ours) = versions.find(|found| found.version.as_deref() == Some(own)) else { return Ok(()) };
    if versions.next().is_none() {
        return Ok(());
    }
    named(store, &[target(name, ours)]).await.into_iter().collect::<Result<(), _>>()?;
    Err(StoreError::AlreadyExists)
}

/// Sends all parts; each is on its way while the next one is read.
async fn parts(
    upload: &Upload,
    source: &mut Source,
    first: Bytes,
    part_bytes: usize,
) -> Result<Vec<CompletedPart>, StoreError> {
    let (mut done, mut number, mut piece) = (Vec::new(), 1, first);
    loop {
        let read = async {
            if source.left == 0 { source.end().await.map(|()| None) } else { source.next(part_bytes).await.map(Some) }
        };
        let (sent, next) = futures::try_join!(upload.send(number, piece), read)?;
        done.push(sent);
        match next {
            Some(next) => (number, piece) = (number + 1, next),
            None => return Ok(done),
        }
    }
}

/// An upload that is aborted unless it came to its end.
pub(super) struct Upload {
    at: Arc<Place>,
    over: std::sync::atomic::AtomicBool,
}

struct Place {
    store: S3Store,
    name: String,
    id: String,
}

impl Upload {
    async fn begin(store: &S3Store, name: &str, write_id: &str) -> Result<Self, StoreError> {
        let request = store.client.create_multipart_upload().bucket(&*store.bucket).key(name);
        let request = request.metadata(WRITE_ID, write_id).content_type("application/octet-stream");
        let begun = request.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.map_err(failed)?;
        let id = begun.upload_id.ok_or_else(|| unavailable("it gives an upload no id"))?;
        let at = Arc::new(Place { store: store.clone(), name: name.to_owned(), id });
        Ok(Self { at, over: false.into() })
    }

    async fn send(&self, number: i32, piece: Bytes) -> Result<CompletedPart, StoreError> {
        let checksum = sha256(&piece);
        let Place { store, name, id } = &*self.at;
        let request = store.client.upload_part().bucket(&*store.bucket).key(name).upload_id(id).part_number(number);
        let sent = request.checksum_sha256(&checksum).body(ByteStream::from(piece)).send().await;
        let sent = sent.map_err(|error| match failed(error) {
            // The upload was aborted by somebody who deletes the object.
            StoreError::NotFound => unavailable("an upload was disturbed"),
            other => other,
        })?;
        failpoint::hit("object-part-sent");
        Ok(CompletedPart::builder().part_number(number).checksum_sha256(checksum).set_e_tag(sent.e_tag).build())
    }

    /// Makes an object of the parts, where there is none.
    pub async fn complete(&self, parts: &CompletedMultipartUpload) -> Attempt {
        let Place { store, name, id } = &*self.at;
        let request = store.client.complete_multipart_upload().bucket(&*store.bucket).key(name).upload_id(id);
        match request.if_none_match("*").multipart_upload(parts.clone()).send().await {
            Ok(stored) => Attempt::Stored(stored.version_id),
            // Gone because it was completed by a try whose answer was lost, or because somebody deletes the object.
            Err(error) if refusal(&error) == Refusal::Missing => {
                Attempt::Unclear(unavailable("an upload was disturbed"))
            }
            Err(error) => attempted(error),
        }
    }

    fn is_over(&self) {
        self.over.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    async fn abort_now(&self) {
        if self.at.abort().await {
            self.is_over();
        }
    }
}

impl Place {
    /// Whether nothing is left of the upload.
    async fn abort(&self) -> bool {
        abort(&self.store, &self.name, &self.id).await.is_ok()
    }
}

/// Aborts an upload; one that is gone already counts as aborted.
pub(super) async fn abort(store: &S3Store, name: &str, id: &str) -> Result<(), StoreError> {
    match store.client.abort_multipart_upload().bucket(&*store.bucket).key(name).upload_id(id).send().await {
        Ok(_) => Ok(()),
        Err(error) if refusal(&error) == Refusal::Missing => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// Whoever wanted the object went away in the middle. What cannot be aborted now is swept up later.
impl Drop for Upload {
    fn drop(&mut self) {
        if self.over.load(std::sync::atomic::Ordering::Relaxed) {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let at = self.at.clone();
            runtime.spawn(async move {
                // A part that was on its way may arrive after the first abort.
                for wait in [0, 2] {
                    tokio::time::sleep(Duration::from_secs(wait)).await;
                    at.abort().await;
                }
            });
        }
    }
}
