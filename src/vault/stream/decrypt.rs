//! Opens single segments of one object.

use super::layout::{HEADER_BYTES, Layout};
use super::segment_key::SegmentKey;
use crate::vault::{Key32, SealError};

/// Opens segments of one object, in any order.
///
/// The object's length is part of what is checked: with another length another segment would be the last, and
/// none opens as what it is not.
pub struct Decryptor {
    key: SegmentKey,
    layout: Layout,
}

impl Decryptor {
    /// For the object that begins with `header` and has `layout`.
    pub fn new(key: &Key32, aad: &[u8], header: &[u8; HEADER_BYTES], layout: Layout) -> Result<Self, SealError> {
        Ok(Self { key: SegmentKey::from_header(key, aad, header)?, layout })
    }

    /// Where the segments are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Opens segment `index` (its ciphertext and tag, without the header) where it lies; gives the plaintext.
    pub fn open<'a>(&self, index: u32, segment: &'a mut [u8]) -> Result<&'a mut [u8], SealError> {
        let place = self.layout.segment(index).ok_or(SealError::RangeOutside)?;
        if segment.len() != place.cipher_len {
            return Err(SealError::ImpossibleLength);
        }
        let len = self.key.open(index, place.last, segment)?;
        Ok(&mut segment[..len])
    }
}
