//! Plaintext in, ciphertext out, one segment in memory.

use bytes::{Bytes, BytesMut};

use super::layout::{SEGMENT_BYTES, SEGMENT_PLAIN_BYTES, TAG_BYTES};
use super::segment_key::SegmentKey;
use crate::vault::{Key32, SealError};

/// Seals one object. Plaintext may come in chunks of any size; ciphertext leaves in whole segments.
pub struct Encryptor {
    key: SegmentKey,
    next: u32,
    /// The segment in the making: header (in the first), plaintext so far.
    segment: BytesMut,
    text_start: usize,
}

impl Encryptor {
    /// Begins one object under `key`, bound to `aad`, with a fresh random salt.
    pub fn new(key: &Key32, aad: &[u8]) -> Result<Self, SealError> {
        let (key, header) = SegmentKey::generate(key, aad)?;
        let mut segment = BytesMut::with_capacity(SEGMENT_BYTES);
        segment.extend_from_slice(&header);
        Ok(Self { key, next: 0, segment, text_start: header.len() })
    }

    /// Takes more plaintext and gives the segments that are thereby known not to be the last.
    pub fn push(&mut self, mut plain: &[u8]) -> Result<Vec<Bytes>, SealError> {
        let mut ready = Vec::new();
        while !plain.is_empty() {
            if self.segment.len() == SEGMENT_PLAIN_BYTES {
                ready.push(self.close_segment(false)?);
            }
            let room = SEGMENT_PLAIN_BYTES - self.segment.len();
            let (now, later) = plain.split_at(room.min(plain.len()));
            self.segment.extend_from_slice(now);
            plain = later;
        }
        Ok(ready)
    }

    /// Gives the last segment.
    pub fn finish(mut self) -> Result<Bytes, SealError> {
        self.close_segment(true)
    }

    fn close_segment(&mut self, last: bool) -> Result<Bytes, SealError> {
        let tag = self.key.seal(self.next, last, &mut self.segment[self.text_start..])?;
        self.segment.extend_from_slice(&tag);
        debug_assert!(self.segment.len() <= SEGMENT_PLAIN_BYTES + TAG_BYTES);
        if !last {
            self.next = self.next.checked_add(1).filter(|n| *n < u32::MAX).ok_or(SealError::TooLong)?;
            self.text_start = 0;
        }
        let fresh = if last { BytesMut::new() } else { BytesMut::with_capacity(SEGMENT_BYTES) };
        Ok(std::mem::replace(&mut self.segment, fresh).freeze())
    }
}
