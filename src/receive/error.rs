//! Why an upload was not taken in.

use crate::archive::ArchiveError;
use crate::audio::WorkerError;
use crate::retention::RecordedAtError;

/// Why an upload was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The recording lies in the future, or beyond what can be computed, or its period was over before it arrived.
    #[error(transparent)]
    RecordedAt(#[from] RecordedAtError),
    /// Its period ended while it was being taken in.
    #[error("the retention period ended while the recording was being taken in")]
    AlreadyPast,
    /// The call was erased by a decision: it is not taken in again.
    #[error("the call was erased by a decision")]
    Erased,
    /// The bytes are not audio.
    #[error("the audio part is not audio")]
    NotAudio,
    /// The call is archived with other audio.
    #[error("the call is archived with other audio")]
    CallExists,
    /// The call is archived with other metadata.
    #[error("the call is archived with other metadata")]
    MetadataMismatch,
    /// One of the archive's parts failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The commit was sent and not answered: whether it holds shows later.
    #[error("the commit was not answered: {0}")]
    Uncertain(#[source] ArchiveError),
    /// The recording is kept, and the store did not confirm that it refuses to delete it: the same upload again asks
    /// for that once more.
    #[error("the store did not confirm the recording's lock: {0}")]
    Unguarded(#[source] ArchiveError),
    /// Somebody else brought this upload to its end, or another recording of the call: what that came to shows later.
    #[error("somebody else came in between: {0}")]
    Overtaken(#[source] ArchiveError),
    /// The spooled upload could not be read.
    #[error("the spooled upload could not be read: {0}")]
    Spool(#[from] std::io::Error),
}

impl ReceiveError {
    /// Whether nothing of the upload can have been committed.
    pub(super) fn is_certain(&self) -> bool {
        !matches!(self, Self::Uncertain(_) | Self::Unguarded(_))
    }
}

impl From<WorkerError> for ReceiveError {
    fn from(error: WorkerError) -> Self {
        match error {
            WorkerError::NotAudio => Self::NotAudio,
            WorkerError::Io(error) => Self::Spool(error),
        }
    }
}
