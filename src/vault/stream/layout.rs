//! Where each piece of plaintext is in the ciphertext: arithmetic only.

use std::ops::Range;

use crate::vault::SealError;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 40;
/// Bytes of the tag at the end of every segment.
pub const TAG_BYTES: usize = 16;
/// Bytes of a full segment of ciphertext, tag included (the first one: header included).
pub const SEGMENT_BYTES: usize = 65_536;
/// Bytes of plaintext in a full segment.
pub const SEGMENT_PLAIN_BYTES: usize = SEGMENT_BYTES - TAG_BYTES;
/// Bytes of plaintext in the first segment when it is full.
pub const FIRST_SEGMENT_PLAIN_BYTES: usize = SEGMENT_PLAIN_BYTES - HEADER_BYTES;
/// The most plaintext that the 32-bit segment number allows, about 256 TiB.
pub const MAX_PLAIN_BYTES: u64 = u32::MAX as u64 * SEGMENT_PLAIN_BYTES as u64 - HEADER_BYTES as u64;

const HEADER: u64 = HEADER_BYTES as u64;
const TAG: u64 = TAG_BYTES as u64;
const CIPHER: u64 = SEGMENT_BYTES as u64;
const PLAIN: u64 = SEGMENT_PLAIN_BYTES as u64;

/// How long the ciphertext of `plain_len` bytes is, header included.
pub fn ciphertext_len(plain_len: u64) -> Result<u64, SealError> {
    Layout::of_plain(plain_len).map(|l| l.ciphertext_len())
}

/// How long the plaintext of `ciphertext_len` bytes is; an error where no plaintext gives that length.
pub fn plain_len(ciphertext_len: u64) -> Result<u64, SealError> {
    Layout::of_ciphertext(ciphertext_len).map(|l| l.plain_len())
}

/// One segment: its number, and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Its number, from 0.
    pub index: u32,
    /// Whether it is the last.
    pub last: bool,
    /// The first byte of plaintext in it.
    pub plain_start: u64,
    /// How many bytes of plaintext it holds.
    pub plain_len: usize,
    /// Where its ciphertext begins; for the first segment this is behind the header.
    pub cipher_start: u64,
    /// How many bytes of ciphertext it has, tag included, header not.
    pub cipher_len: usize,
}

/// The segments of one sealed object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    plain_len: u64,
    segments: u32,
}

impl Layout {
    /// The layout for so much plaintext.
    pub fn of_plain(plain_len: u64) -> Result<Self, SealError> {
        if plain_len > MAX_PLAIN_BYTES {
            return Err(SealError::TooLong);
        }
        let segments = (plain_len + HEADER).div_ceil(PLAIN);
        Ok(Self { plain_len, segments: u32::try_from(segments).map_err(|_| SealError::TooLong)? })
    }

    /// The layout of so much ciphertext. An empty segment exists only alone, for empty plaintext.
    pub fn of_ciphertext(len: u64) -> Result<Self, SealError> {
        let segments = len.div_ceil(CIPHER);
        let last = len.wrapping_sub(segments.saturating_sub(1) * CIPHER);
        let least = if segments <= 1 { HEADER + TAG } else { TAG + 1 };
        if len == 0 || last < least {
            return Err(SealError::ImpossibleLength);
        }
        let segments = u32::try_from(segments).map_err(|_| SealError::ImpossibleLength)?;
        Ok(Self { plain_len: len - HEADER - u64::from(segments) * TAG, segments })
    }

    /// Bytes of plaintext.
    pub fn plain_len(&self) -> u64 {
        self.plain_len
    }

    /// Bytes of ciphertext, header included.
    pub fn ciphertext_len(&self) -> u64 {
        self.plain_len + HEADER + u64::from(self.segments) * TAG
    }

    /// How many segments there are; at least 1.
    pub fn segments(&self) -> u32 {
        self.segments
    }

    /// The segment with this number, if there is one.
    pub fn segment(&self, index: u32) -> Option<Segment> {
        if index >= self.segments {
            return None;
        }
        let i = u64::from(index);
        let plain_start = (i * PLAIN).saturating_sub(HEADER);
        let plain_end = ((i + 1) * PLAIN - HEADER).min(self.plain_len);
        let cipher_start = if index == 0 { HEADER } else { i * CIPHER };
        let cipher_end = ((i + 1) * CIPHER).min(self.ciphertext_len());
        Some(Segment {
            index,
            last: index + 1 == self.segments,
            plain_start,
            plain_len: usize::try_from(plain_end - plain_start).ok()?,
            cipher_start,
            cipher_len: usize::try_from(cipher_end - cipher_start).ok()?,
        })
    }

    /// The numbers of the segments that hold a range of plaintext; none for an empty range.
    pub fn covering(&self, range: &Range<u64>) -> Result<Range<u32>, SealError> {
        if range.start > range.end || range.end > self.plain_len {
            return Err(SealError::RangeOutside);
        }
        if range.start == range.end {
            return Ok(0..0);
        }
        let number = |offset: u64| u32::try_from((offset + HEADER) / PLAIN).map_err(|_| SealError::RangeOutside);
        Ok(number(range.start)?..number(range.end - 1)? + 1)
    }
}
