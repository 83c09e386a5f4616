//! Bulk import: every row of a manifest through the same pipeline as an upload. Running it again goes on where it
//! stopped: a row that is in already costs one look-up and one reading of its file.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::StreamExt as _;
use serde::Serialize;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::manifest::{Manifest, ManifestError, Row, RowProblem};
use super::metadata::FieldProblem;
use super::spool::{Spool, SpoolError, SpooledAudio};
use super::{Outcome, ReceiveError, Submission, receive};
use crate::access::{Actor, Role};
use crate::archive::{Archive, ArchiveError};
use crate::catalog::Stage;
use crate::recording::Metadata;
use crate::retention::RecordedAtError;
use crate::vault::keys::KeyName;

/// Bytes read from a file at a time.
const CHUNK_BYTES: usize = 256 * 1024;
/// After so many failures of the archive itself it is not the rows that are at fault.
const MOST_FAILURES: u64 = 20;

/// Somebody with a shell on the machine, as the ledger names them. `name` says what they ran.
pub fn shell_actor(name: &str) -> Actor {
    Actor { id: Uuid::nil(), name: name.to_owned(), role: Role::Ingest, address: IpAddr::V4(Ipv4Addr::LOCALHOST) }
}

/// How an import is to run.
#[derive(Debug, Clone)]
pub struct Import {
    /// Folders in which files are looked for, and files.
    pub places: Vec<PathBuf>,
    /// Recordings at once.
    pub jobs: usize,
    /// Who imports.
    pub actor: Actor,
}

/// A row that was not taken in. No personal data beyond the name that the manifest gives the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reject {
    /// Which row, from 1; the line with the names of the columns does not count.
    pub row: u64,
    /// The file as the manifest names it.
    pub file: String,
    /// Why: `malformed-row`, `no-file`, `file-missing`, `file-unreadable`, or a code of the API.
    pub codes: Vec<&'static str>,
    /// What is wrong with which field of the metadata.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

/// How a row ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowEnd {
    /// It is in.
    In(Outcome),
    /// It is not.
    Rejected(Reject),
}

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Kept.
    pub accepted: u64,
    /// Kept, in quarantine.
    pub quarantined: u64,
    /// In already.
    pub repeated: u64,
    /// Not taken in.
    pub rejected: u64,
    /// False when it was told to stop before the last row.
    pub complete: bool,
}

/// Why an import broke off. What was taken in stays; running it again goes on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The archive or its spool, not a row.
    #[error("{0}")]
    Archive(#[from] ReceiveError),
    /// The spool.
    #[error("{0}")]
    Spool(#[source] SpoolError),
    /// The archive failed for too many rows.
    #[error("the archive failed {MOST_FAILURES} times; the log says why")]
    TooManyFailures,
    /// A part of this program broke.
    #[error("a worker ended before its time")]
    Worker,
}

/// Takes in every row. `each` hears of every row as it ends, in no particular order. With `stop`, rows that are under
/// way are finished and no others begun.
pub async fn import(
    archive: &Arc<Archive>,
    mut manifest: Manifest,
    how: Import,
    stop: &CancellationToken,
    mut each: impl FnMut(&RowEnd) -> io::Result<()>,
) -> Result<Summary, ImportError> {
    let how = Arc::new(how);
    let mut summary = Summary::default();
    let mut failures = 0;
    let rows = std::iter::from_fn(|| if stop.is_cancelled() { None } else { manifest.next_row().transpose() });
    let mut ends = futures::stream::iter(rows)
        .map(|row| {
            let (archive, how) = (archive.clone(), how.clone());
            async move { tokio::spawn(async move { take_in(&archive, &how, row?).await }).await }
        })
        .buffer_unordered(how.jobs.max(1));
    while let Some(end) = ends.next().await {
        let end = end.map_err(|_| ImportError::Worker)??;
        match &end {
            RowEnd::In(Outcome::Accepted) => summary.accepted += 1,
            RowEnd::In(Outcome::Quarantined) => summary.quarantined += 1,
            RowEnd::In(Outcome::Repeated) => summary.repeated += 1,
            RowEnd::Rejected(reject) => {
                summary.rejected += 1;
                failures += u64::from(reject.codes == ["internal"]);
            }
        }
        each(&end).map_err(ManifestError::Io)?;
        if failures >= MOST_FAILURES {
            return Err(ImportError::TooManyFailures);
        }
    }
    summary.complete = !stop.is_cancelled();
    Ok(summary)
}

async fn take_in(archive: &Arc<Archive>, how: &Import, row: Row) -> Result<RowEnd, ImportError> {
    let Row { number, file: name, metadata } = row;
    let reject = |codes: Vec<&'static str>, errors| {
        Ok(RowEnd::Rejected(Reject { row: number, file: name.clone(), codes, errors }))
    };
    let metadata = match metadata {
        Ok(metadata) => metadata,
        Err(RowProblem::Malformed) => return reject(vec!["malformed-row"], vec![]),
        Err(RowProblem::NoFile) => return reject(vec!["no-file"], vec![]),
        Err(RowProblem::Metadata(invalid)) => return reject(vec![invalid.code()], invalid.0),
    };
    let Some(path) = find(&name, &how.places).await else { return reject(vec!["file-missing"], vec![]) };
    match submit(archive, how, &path, metadata).await {
        Ok(outcome) => Ok(RowEnd::In(outcome)),
        Err(Stop::Row(code)) => reject(vec![code], vec![]),
        Err(Stop::Import(error)) => Err(error),
    }
}

/// The file of that name in the first place that has it.
async fn find(name: &str, places: &[PathBuf]) -> Option<PathBuf> {
    for place in places {
        let inside = place.join(name);
        if tokio::fs::metadata(&inside).await.is_ok_and(|found| found.is_file()) {
            return Some(inside);
        }
        if place.ends_with(name) && tokio::fs::metadata(place).await.is_ok_and(|found| found.is_file()) {
            return Some(place.clone());
        }
    }
    None
}

/// What ends a row, or the import.
enum Stop {
    Row(&'static str),
    Import(ImportError),
}

impl From<SpoolError> for Stop {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::TooLarge { .. } => Self::Row("too-large"),
            other => Self::Import(ImportError::Spool(other)),
        }
    }
}

impl From<ReceiveError> for Stop {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::RecordedAt(RecordedAtError::Future) => Self::Row("recorded-in-future"),
            ReceiveError::RecordedAt(RecordedAtError::AlreadyPast) | ReceiveError::AlreadyPast => {
                Self::Row("past-deadline")
            }
            ReceiveError::RecordedAt(RecordedAtError::BeyondCalendar(_)) => Self::Row("invalid-metadata"),
            ReceiveError::Erased => Self::Row("erased"),
            ReceiveError::NotAudio => Self::Row("not-audio"),
            ReceiveError::CallExists => Self::Row("call-exists"),
            ReceiveError::MetadataMismatch => Self::Row("metadata-mismatch"),
            ReceiveError::Archive(ref part) if !part.is_unavailable() => {
                tracing::error!(%error, "a row failed");
                Self::Row("internal")
            }
            other => Self::Import(other.into()),
        }
    }
}

async fn submit(archive: &Arc<Archive>, how: &Import, path: &Path, metadata: Metadata) -> Result<Outcome, Stop> {
    if is_in(archive, path, &metadata).await? {
        return Ok(Outcome::Repeated);
    }
    let audio = spool(archive, path).await?;
    let received = receive(archive, Submission { metadata, audio, actor: how.actor.clone() }).await?;
    Ok(received.outcome)
}

async fn spool(archive: &Archive, path: &Path) -> Result<SpooledAudio, Stop> {
    let mut spool = Spool::create(&archive.config.spool, archive.config.limits.max_upload_bytes).await?;
    let mut file = File::open(path).await.map_err(unreadable)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk).await.map_err(unreadable)?;
        if read == 0 {
            return Ok(spool.finish().await?);
        }
        spool.write(&chunk[..read]).await?;
    }
}

fn unreadable(_: io::Error) -> Stop {
    Stop::Row("file-unreadable")
}

/// Whether the very same is in already. Only a hint: what looks new, or different, goes through the pipeline.
async fn is_in(archive: &Archive, path: &Path, metadata: &Metadata) -> Result<bool, Stop> {
    let failed = |error: ArchiveError| Stop::from(ReceiveError::from(error));
    let installation = archive.keyring.ensure_secret(&KeyName::Installation).await.map_err(|e| failed(e.into()))?;
    let call = installation.call_uniqueness_mac(&metadata.call_id, metadata.part);
    let Some(id) = archive.catalog.call_holder(&call).await.map_err(|e| failed(e.into()))? else { return Ok(false) };
    let Some(row) = archive.catalog.recording(id).await.map_err(|e| failed(e.into()))? else { return Ok(false) };
    if row.stage == Stage::Fenced || row.expires_at <= archive.clock.now() {
        return Ok(false);
    }
    let (_, sealed) = archive.open_recording(&row).await.map_err(failed)?;
    Ok(sealed.metadata == *metadata && sealed.sha256 == hex::encode(sha256_of(path).await?))
}

async fn sha256_of(path: &Path) -> Result<[u8; 32], Stop> {
    let path = path.to_owned();
    let hashed = tokio::task::spawn_blocking(move || -> io::Result<[u8; 32]> {
        use std::io::Read as _;
        let mut file = std::fs::File::open(path)?;
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let read = file.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            context.update(&chunk[..read]);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        Ok(digest)
    });
    hashed.await.map_err(|_| Stop::Import(ImportError::Worker))?.map_err(unreadable)
}
