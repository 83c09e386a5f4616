//! Reading: what an inspection reads from, and a window on part of it.

use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};

/// What can be inspected: a file, or anything like it.
pub trait Source: Read + Seek + Send + Sync {}

impl<T: Read + Seek + Send + Sync> Source for T {}

/// Part of a source, as if it were the whole.
pub(crate) struct Window<'s> {
    inner: Box<dyn Source + 's>,
    start: u64,
    len: u64,
    pos: u64,
}

impl<'s> Window<'s> {
    /// The `len` bytes from `start` on.
    pub(crate) fn new(mut inner: Box<dyn Source + 's>, start: u64, len: u64) -> io::Result<Self> {
        inner.seek(SeekFrom::Start(start))?;
        Ok(Self { inner, start, len, pos: 0 })
    }

    /// The form in which symphonia reads it.
    pub(crate) fn into_stream(self) -> MediaSourceStream<'s> {
        MediaSourceStream::new(Box::new(self), MediaSourceStreamOptions::default())
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.len.saturating_sub(self.pos)).unwrap_or(usize::MAX).min(buf.len());
        let Some(part) = buf.get_mut(..room) else { return Ok(0) };
        let n = if room == 0 { 0 } else { self.inner.read(part)? };
        self.pos = self.pos.saturating_add(n as u64);
        Ok(n)
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.pos.checked_add_signed(by),
        };
        let (Some(target), Some(absolute)) = (target, target.and_then(|t| t.checked_add(self.start))) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "seek outside the source"));
        };
        self.inner.seek(SeekFrom::Start(absolute))?;
        self.pos = target;
        Ok(target)
    }
}

impl MediaSource for Window<'_> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len)
    }
}

/// Reads up to `len` bytes at `at`; fewer at the end of the source.
pub(crate) fn read_at(source: &mut dyn Source, at: u64, len: usize) -> io::Result<Vec<u8>> {
    source.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    source.take(len as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The fixed-size array at `at` of a slice, if the slice is long enough.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Little-endian 16 bits at `at`.
pub(crate) fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

/// Little-endian 32 bits at `at`.
pub(crate) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

/// Big-endian 16 bits at `at`.
pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

/// Big-endian 32 bits at `at`.
pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

/// Reads forward through a source in pieces, for walks over its structure.
pub(crate) struct Walk<'a> {
    source: &'a mut dyn Source,
    buf: Vec<u8>,
    buf_at: u64,
    len: u64,
}

impl<'a> Walk<'a> {
    /// A walk over a source of `len` bytes.
    pub(crate) fn new(source: &'a mut dyn Source, len: u64) -> Self {
        Self { source, buf: Vec::new(), buf_at: 0, len }
    }

    /// Up to `want` bytes at `at` (fewer at the end). Cheap while `at` moves forward in small steps.
    pub(crate) fn peek(&mut self, at: u64, want: usize) -> io::Result<&[u8]> {
        // Well more than any `want`, so that a walk in small steps does not read the same bytes again and again.
        const PIECE: usize = 256 * 1024;
        let end = at.saturating_add(want as u64).min(self.len);
        let have = at >= self.buf_at && end <= self.buf_at.saturating_add(self.buf.len() as u64);
        if !have {
            self.buf = read_at(self.source, at, want.saturating_add(PIECE))?;
            self.buf_at = at;
        }
        let from = usize::try_from(at.saturating_sub(self.buf_at)).unwrap_or(usize::MAX).min(self.buf.len());
        let rest = self.buf.get(from..).unwrap_or_default();
        Ok(rest.get(..want).unwrap_or(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_shows_its_part_only() {
        let bytes: Vec<u8> = (0..100).collect();
        let mut window = Window::new(Box::new(io::Cursor::new(bytes)), 10, 20).unwrap();
        let mut all = Vec::new();
        window.read_to_end(&mut all).unwrap();
        assert_eq!(all, (10..30).collect::<Vec<u8>>());
        assert_eq!(window.seek(SeekFrom::End(-2)).unwrap(), 18);
        let mut two = [0; 2];
        window.read_exact(&mut two).unwrap();
        assert_eq!(two, [28, 29]);
        assert!(window.seek(SeekFrom::Current(-100)).is_err());
    }

    #[test]
    fn a_walk_reads_anywhere_and_stops_at_the_end() {
        let bytes: Vec<u8> = (0..600_000_u32).map(|i| i.to_le_bytes()[0]).collect();
        let mut source = io::Cursor::new(bytes);
        let mut walk = Walk::new(&mut source, 600_000);
        assert_eq!(walk.peek(370_000, 2).unwrap(), [80, 81]);
        assert_eq!(walk.peek(3, 2).unwrap(), [3, 4]);
        assert_eq!(walk.peek(599_999, 8).unwrap().len(), 1);
        assert!(walk.peek(700_000, 8).unwrap().is_empty());
    }
}
