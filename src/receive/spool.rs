//! Audio on its way in: an unlinked temporary file, hashed while it is written.
//!
//! The file has no name, so a crash leaves nothing behind that could be read. Writing and hashing run on blocking
//! threads, one buffer at a time: a slow client holds no thread, and an upload costs two buffers of memory.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes gathered before a blocking thread is asked to write them.
const BUFFER_BYTES: usize = 256 * 1024;

/// Why audio could not be spooled.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// There is more of it than allowed.
    #[error("the audio is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// The spool's disk is full.
    #[error("the spool folder is full")]
    Full,
    /// Another failure of the spool's file system.
    #[error("the spool file could not be written")]
    Io(#[source] io::Error),
}

impl SpoolError {
    /// The stable code that clients see.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::Full => "storage-full",
            Self::Io(_) => "internal",
        }
    }
}

impl From<io::Error> for SpoolError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(error),
        }
    }
}

/// Audio that was received whole.
#[derive(Debug)]
pub struct SpooledAudio {
    /// The unlinked file, at its beginning.
    pub file: File,
    /// How many bytes it holds.
    pub byte_len: u64,
    /// SHA-256 of them.
    pub sha256: [u8; 32],
}

/// Audio being received.
pub struct Spool {
    buffer: Vec<u8>,
    state: State,
    byte_len: u64,
    limit_bytes: u64,
}

enum State {
    Idle(Box<Sink>),
    Writing(JoinHandle<io::Result<(Box<Sink>, Vec<u8>)>>),
    Lost,
}

struct Sink {
    file: File,
    hash: Context,
    /// The other of the two buffers, empty.
    spare: Vec<u8>,
}

impl Spool {
    /// A new unlinked file in `folder`, for at most `limit_bytes`.
    pub async fn create(folder: &Path, limit_bytes: u64) -> Result<Self, SpoolError> {
        let folder = folder.to_owned();
        let file = spawn_blocking(move || tempfile::tempfile_in(folder)).await.map_err(io::Error::other)??;
        let sink = Sink { file, hash: Context::new(&SHA256), spare: Vec::new() };
        Ok(Self { buffer: Vec::new(), state: State::Idle(Box::new(sink)), byte_len: 0, limit_bytes })
    }

    /// Takes the next bytes. Waits while the disk is behind by a buffer.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), SpoolError> {
        self.byte_len = self.byte_len.saturating_add(bytes.len() as u64);
        if self.byte_len > self.limit_bytes {
            return Err(SpoolError::TooLarge { limit_bytes: self.limit_bytes });
        }
        while !bytes.is_empty() {
            let take = bytes.len().min(BUFFER_BYTES - self.buffer.len());
            self.buffer.extend_from_slice(&bytes[..take]);
            bytes = &bytes[take..];
            if self.buffer.len() == BUFFER_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Writes what is left and gives the file back, rewound.
    pub async fn finish(mut self) -> Result<SpooledAudio, SpoolError> {
        self.flush().await?;
        let sink = self.idle().await?;
        let Sink { mut file, hash, .. } = *sink;
        file.rewind()?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(hash.finish().as_ref());
        Ok(SpooledAudio { file, byte_len: self.byte_len, sha256 })
    }

    /// Hands the full buffer to a blocking thread and goes on with the spare one.
    async fn flush(&mut self) -> Result<(), SpoolError> {
        let mut sink = self.idle().await?;
        let full = std::mem::replace(&mut self.buffer, std::mem::take(&mut sink.spare));
        self.state = State::Writing(spawn_blocking(move || {
            sink.hash.update(&full);
            sink.file.write_all(&full)?;
            let mut emptied = full;
            emptied.clear();
            Ok((sink, emptied))
        }));
        Ok(())
    }

    /// Waits for the write that is under way, if any.
    async fn idle(&mut self) -> Result<Box<Sink>, SpoolError> {
        match std::mem::replace(&mut self.state, State::Lost) {
            State::Idle(sink) => Ok(sink),
            State::Writing(job) => {
                let (mut sink, emptied) = job.await.map_err(io::Error::other)??;
                sink.spare = emptied;
                Ok(sink)
            }
            State::Lost => Err(SpoolError::Io(io::Error::other("written to after a failure"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        aws_lc_rs::digest::digest(&SHA256, bytes).as_ref().try_into().unwrap()
    }

    async fn spooled(pieces: &[Vec<u8>], limit: u64) -> Result<SpooledAudio, SpoolError> {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::create(folder.path(), limit).await?;
        for piece in pieces {
            spool.write(piece).await?;
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file must have no name");
        spool.finish().await
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn what_went_in_comes_out(sizes in proptest::collection::vec(0_usize..400_000, 0..6), seed in any::<u8>()) {
            let pieces: Vec<Vec<u8>> =
                sizes.iter().enumerate().map(|(i, n)| (0..*n).map(|k| (k * 31 + i) as u8 ^ seed).collect()).collect();
            let whole = pieces.concat();
            let mut audio = block_on(spooled(&pieces, u64::MAX)).unwrap();
            let mut read = Vec::new();
            audio.file.read_to_end(&mut read).unwrap();
            prop_assert_eq!(audio.byte_len, whole.len() as u64);
            prop_assert_eq!(audio.sha256, sha256(&whole));
            prop_assert!(read == whole);
        }
    }

    #[test]
    fn the_limit_is_exact() {
        assert_eq!(block_on(spooled(&[vec![0; 10]], 10)).unwrap().byte_len, 10);
        let error = block_on(spooled(&[vec![0; 6], vec![0; 5]], 10)).unwrap_err();
        assert_eq!(error.code(), "too-large");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let missing = Path::new("/nonexistent/spool");
        let outcome = block_on(Spool::create(missing, 1));
        assert!(matches!(outcome.err(), Some(SpoolError::Io(_))));
    }
}
