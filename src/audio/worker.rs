//! Checking in a child process: a decoder that eats memory, loops or crashes costs that one recording only.
//!
//! The child is this program with the hidden subcommand [`SUBCOMMAND`] and its options as JSON in the next argument. It reads
//! the recording from standard input (a file, which it may seek in), sets limits on itself, and prints one JSON document.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::Semaphore;

use super::facts::{Finding, FindingCode, Inspection};
use super::inspect::{Expectations, Limits, Refusal, inspect};
use super::kinds::Codec;
use super::sniff::{SNIFF_BYTES, sniff};
use super::source::read_at;

/// The hidden subcommand that [`run_child`] serves.
pub const SUBCOMMAND: &str = "probe-worker";
/// More than any answer has: the waveform is at most 64,000 numbers.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

/// What the child may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerLimits {
    /// Address space in bytes.
    pub address_space_bytes: u64,
    /// Processor time in seconds.
    pub cpu_s: u64,
    /// Wall-clock time in milliseconds, after which the child is killed.
    pub wall_ms: u64,
    /// The longest recording that is decoded, in seconds of sound.
    pub max_sound_s: u64,
}

impl Default for WorkerLimits {
    fn default() -> Self {
        Self { address_space_bytes: 512 * 1024 * 1024, cpu_s: 120, wall_ms: 300_000, max_sound_s: 24 * 3_600 }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Options {
    byte_len: u64,
    expectations: Expectations,
    limits: WorkerLimits,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Inspected(Box<Inspection>),
    NotAudio,
    ReadFailed,
}

/// Why the supervisor has no inspection.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The content is not audio: 415.
    #[error("the content is not recognised as audio")]
    NotAudio,
    /// The child could not be started or the file not be read: our fault, not the sender's.
    #[error("the recording could not be checked: {0}")]
    Io(#[from] io::Error),
}

impl WorkerError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAudio => "not-audio",
            Self::Io(_) => "internal",
        }
    }
}

/// The child's whole life: `options` is the argument after [`SUBCOMMAND`].
///
/// Exit code 0 with one JSON document on standard output; 2 when the options make no sense or the limits cannot be set; 3
/// when memory ran out in an orderly way.
pub fn run_child(options: &str) -> ExitCode {
    let Ok(options) = serde_json::from_str::<Options>(options) else { return ExitCode::from(2) };
    if confine(&options.limits).is_err() {
        return ExitCode::from(2);
    }
    // The reason of a panic may quote the recording, and a crash is told by the exit status.
    std::panic::set_hook(Box::new(|_| {}));
    let limits = Limits { max_sound_s: options.limits.max_sound_s, ..Limits::default() };
    let answer = match stdin_file()
        .map_err(Refusal::from)
        .and_then(|file| inspect(file, options.byte_len, &options.expectations, &limits))
    {
        Ok(inspection) => Answer::Inspected(Box::new(inspection)),
        Err(Refusal::NotAudio) => Answer::NotAudio,
        // Out of memory comes as a failed read, too; it is a crash like any other.
        Err(Refusal::Read(error)) if error.kind() == io::ErrorKind::OutOfMemory => return ExitCode::from(3),
        Err(Refusal::Read(_)) => Answer::ReadFailed,
    };
    let Ok(json) = serde_json::to_vec(&answer) else { return ExitCode::from(2) };
    match io::stdout().write_all(&json) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(2),
    }
}

fn stdin_file() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

fn confine(limits: &WorkerLimits) -> io::Result<()> {
    let set = |resource, value: u64| {
        setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) }).map_err(io::Error::from)
    };
    set(Resource::As, limits.address_space_bytes)?;
    set(Resource::Cpu, limits.cpu_s)?;
    // Nothing of a recording may land in a core file, nor in any other.
    set(Resource::Core, 0)?;
    set(Resource::Fsize, 0)
}

/// Starts children and believes none of them.
#[derive(Debug, Clone)]
pub struct Supervisor {
    program: PathBuf,
    limits: WorkerLimits,
    places: Arc<Semaphore>,
}

impl Supervisor {
    /// `program` is the executable that serves [`SUBCOMMAND`]; at most `decoders` children run at a time.
    pub fn new(program: PathBuf, limits: WorkerLimits, decoders: usize) -> Self {
        Self { program, limits, places: Arc::new(Semaphore::new(decoders.max(1))) }
    }

    /// Checks a file of `byte_len` bytes, read from its beginning whatever its present position.
    ///
    /// A child that dies or takes too long gives an inspection with the finding `decode-error`: the recording may be the only
    /// evidence, and is kept apart for people to decide.
    ///
    /// # Errors
    /// [`WorkerError`]: not audio, or something on our side failed.
    pub async fn inspect(
        &self,
        file: File,
        byte_len: u64,
        expectations: &Expectations,
    ) -> Result<Inspection, WorkerError> {
        let _place = self.places.acquire().await.map_err(io::Error::other)?;
        let options = Options { byte_len, expectations: *expectations, limits: self.limits };
        let options = serde_json::to_string(&options).map_err(io::Error::other)?;
        let mut child = Command::new(&self.program)
            .arg(SUBCOMMAND)
            .arg(options)
            .env_clear()
            .stdin(Stdio::from(file.try_clone()?))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("no output of the child"))?;
        let mut answer = Vec::new();
        let work = async {
            output.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await?;
            child.wait().await
        };
        let status = tokio::time::timeout(Duration::from_millis(self.limits.wall_ms), work).await;
        match status {
            Ok(Ok(status)) if status.code() == Some(2) => Err(io::Error::other("the child refused its options").into()),
            Ok(Ok(status)) if status.success() => read_answer(&answer),
            Ok(Err(error)) => Err(error.into()),
            // Died, or took too long. `kill_on_drop` ends the latter.
            Ok(Ok(_)) | Err(_) => unfinished(file, byte_len).await,
        }
    }
}

fn read_answer(answer: &[u8]) -> Result<Inspection, WorkerError> {
    match serde_json::from_slice(answer).map_err(io::Error::other)? {
        Answer::Inspected(inspection) => Ok(*inspection),
        Answer::NotAudio => Err(WorkerError::NotAudio),
        Answer::ReadFailed => Err(io::Error::other("the child could not read the recording").into()),
    }
}

/// What is known of a recording whose check did not finish.
async fn unfinished(mut file: File, byte_len: u64) -> Result<Inspection, WorkerError> {
    let head =
        tokio::task::spawn_blocking(move || read_at(&mut file, 0, SNIFF_BYTES)).await.map_err(io::Error::other)??;
    let container = sniff(&head).ok_or(WorkerError::NotAudio)?;
    let finding = Finding::new(FindingCode::DecodeError, "the decoder did not finish");
    Ok(Inspection::undecoded(container, Codec::Other, byte_len, finding))
}
