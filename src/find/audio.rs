//! The original, the listening copy and the waveform of a recording.

use std::io::{self, Read as _};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::deadline::{ByteStream, ending};
use super::fence::while_live;
use super::{FindError, Opened, Reader};
use crate::archive::{Archive, ArchiveError};
use crate::audio::{Facts, WavStream, Waveform, wav_len};
use crate::vault::objects::{ObjectKey, RecordingPart};
use crate::vault::sealed::{SealedObject, SealedReader};
use crate::vault::small;

/// Bytes of a listening copy that are made at once: four seconds of telephone speech in stereo.
const BLOCK_BYTES: usize = 128 * 1024;
/// How long a listener waits for a place.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest waveform that is read, sealed, in bytes.
const MAX_WAVEFORM_BYTES: u64 = 4 << 20;

/// How a recording is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Playing {
    /// Browsers play the original.
    Original,
    /// A copy as WAV, of so many bytes, made while it is read.
    Copy {
        /// Its length.
        byte_len: u64,
    },
}

impl Playing {
    /// How a recording with these facts is played; [`FindError::NotDecodable`] when it cannot be.
    pub fn of(facts: &Facts) -> Result<Self, FindError> {
        match facts {
            _ if facts.plays_in_browser => Ok(Self::Original),
            _ if facts.frames == 0 || facts.channels == 0 => Err(FindError::NotDecodable),
            _ => Ok(Self::Copy { byte_len: wav_len(facts) }),
        }
    }
}

/// Places for making listening copies. One is taken for the making of each block only: a player that has stopped
/// reading holds none, and no thread.
#[derive(Debug, Clone)]
pub struct Players(Arc<Semaphore>);

impl Players {
    /// So many blocks are made at once.
    pub fn new(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places.max(1))))
    }

    /// Does blocking work in one of the places.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
        let place = timeout(PATIENCE, self.0.clone().acquire_owned()).await;
        let place = place.map_err(|_| io::Error::from(io::ErrorKind::ResourceBusy))?.map_err(io::Error::other)?;
        let work = move || {
            let done = work();
            drop(place);
            done
        };
        spawn_blocking(work).await.map_err(io::Error::other)?
    }
}

async fn open(archive: &Archive, opened: &Opened, part: RecordingPart) -> Result<Arc<SealedObject>, FindError> {
    let name = ObjectKey::Recording { month: opened.row.month, id: opened.row.id, part };
    let (key, aad) = (opened.key.object_key(part)?, part.aad(opened.row.id));
    Ok(Arc::new(SealedObject::open(archive.store.clone(), &name, &key, &aad).await?))
}

/// The plaintext of a range of one of a recording's objects, cut at the deadline.
pub(super) async fn object(
    archive: &Archive,
    opened: &Opened,
    reader: &Reader,
    part: RecordingPart,
    range: Range<u64>,
) -> Result<ByteStream, FindError> {
    let plain = uncut(archive, opened, part, Some(range)).await?;
    Ok(ending(plain, archive, opened, reader))
}

/// The plaintext of a range, or all of it, for who cuts it at the deadline with what he puts around it.
pub(super) async fn uncut(
    archive: &Archive,
    opened: &Opened,
    part: RecordingPart,
    range: Option<Range<u64>>,
) -> Result<ByteStream, FindError> {
    let object = open(archive, opened, part).await?;
    let range = range.unwrap_or(0..object.plain_len());
    if range.is_empty() {
        return Ok(stream::empty().boxed());
    }
    let plain = object.stream(range)?.map(|chunk| chunk.map_err(broken)).boxed();
    Ok(while_live(plain, &archive.catalog, opened.row.id))
}

/// A range of the original, byte for byte.
pub async fn original(
    archive: &Archive,
    opened: &Opened,
    reader: &Reader,
    range: Range<u64>,
) -> Result<ByteStream, FindError> {
    object(archive, opened, reader, RecordingPart::Audio, range).await
}

/// A range of the listening copy.
pub async fn listening_copy(
    archive: &Archive,
    opened: &Opened,
    reader: &Reader,
    players: &Players,
    range: Range<u64>,
) -> Result<ByteStream, FindError> {
    let sealed = SealedReader::new(open(archive, opened, RecordingPart::Audio).await?, Handle::current());
    let facts = opened.sealed.facts.clone();
    let wav = players.run(move || WavStream::new(Box::new(sealed), &facts, range)).await.map_err(|error| {
        if error.kind() == io::ErrorKind::ResourceBusy {
            return FindError::Busy;
        }
        FindError::Archive(ArchiveError::Io { what: "decoding a recording", source: error })
    })?;
    let players = players.clone();
    let blocks = stream::try_unfold(wav, move |wav| {
        let players = players.clone();
        async move { players.run(move || next_block(wav)).await.map_err(broken) }
    });
    let blocks = while_live(blocks.boxed(), &archive.catalog, opened.row.id);
    Ok(ending(blocks, archive, opened, reader))
}

fn next_block(mut wav: WavStream) -> io::Result<Option<(Bytes, WavStream)>> {
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    wav.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block)?;
    Ok(if block.is_empty() { None } else { Some((block.into(), wav)) })
}

/// The client sees a connection that breaks off; the log says why.
fn broken<E: std::error::Error + Send + Sync + 'static>(error: E) -> io::Error {
    metrics::counter!("earwitness_streams_broken_total").increment(1);
    tracing::error!(%error, "a recording could not be read to its end");
    io::Error::other(error)
}

/// The waveform.
pub async fn waveform(archive: &Archive, opened: &Opened) -> Result<Waveform, FindError> {
    let (id, part) = (opened.row.id, RecordingPart::Waveform);
    let name = ObjectKey::Recording { month: opened.row.month, id, part };
    let sealed = archive.store.get(&name, MAX_WAVEFORM_BYTES).await?;
    let text = small::open(opened.key.object_key(part)?.key(), &part.aad(id), &sealed)?;
    Ok(serde_json::from_slice(&text).map_err(|_| ArchiveError::Document("waveform"))?)
}
