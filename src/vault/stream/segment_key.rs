//! The key of one sealed object, and the nonce of each of its segments.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::layout::{HEADER_BYTES, TAG_BYTES};
use crate::vault::key32::fill_random;
use crate::vault::{Key32, SealError};

const SALT_BYTES: usize = 32;
const PREFIX_BYTES: usize = 7;

pub(super) struct SegmentKey {
    cipher: LessSafeKey,
    prefix: [u8; PREFIX_BYTES],
}

impl SegmentKey {
    /// A fresh salt and prefix, and the header that carries them.
    pub fn generate(key: &Key32, aad: &[u8]) -> Result<(Self, [u8; HEADER_BYTES]), SealError> {
        let mut header = [0; HEADER_BYTES];
        fill_random(&mut header)?;
        header[0] = HEADER_BYTES as u8;
        Ok((Self::from_header(key, aad, &header)?, header))
    }

    /// The key that a header and its associated data stand for.
    pub fn from_header(key: &Key32, aad: &[u8], header: &[u8; HEADER_BYTES]) -> Result<Self, SealError> {
        if usize::from(header[0]) != HEADER_BYTES {
            return Err(SealError::BadHeader);
        }
        let derived = key.derive(&header[1..=SALT_BYTES], &[aad])?;
        let cipher = UnboundKey::new(&AES_256_GCM, derived.expose()).map_err(|_| SealError::BadKey)?;
        let mut prefix = [0; PREFIX_BYTES];
        prefix.copy_from_slice(&header[1 + SALT_BYTES..]);
        Ok(Self { cipher: LessSafeKey::new(cipher), prefix })
    }

    /// Seals one segment where it lies and gives its tag. Each (index, last) may be sealed once only.
    pub fn seal(&self, index: u32, last: bool, text: &mut [u8]) -> Result<[u8; TAG_BYTES], SealError> {
        let sealed = self.cipher.seal_in_place_separate_tag(self.nonce(index, last), Aad::empty(), text);
        let tag = sealed.map_err(|_| SealError::TooLong)?;
        tag.as_ref().try_into().map_err(|_| SealError::TooLong)
    }

    /// Opens one segment (with its tag) where it lies; the plaintext is its beginning.
    pub fn open(&self, index: u32, last: bool, segment: &mut [u8]) -> Result<usize, SealError> {
        let opened = self.cipher.open_in_place(self.nonce(index, last), Aad::empty(), segment);
        opened.map(|plain| plain.len()).map_err(|_| SealError::Forged)
    }

    fn nonce(&self, index: u32, last: bool) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        nonce[..PREFIX_BYTES].copy_from_slice(&self.prefix);
        nonce[PREFIX_BYTES..NONCE_LEN - 1].copy_from_slice(&index.to_be_bytes());
        nonce[NONCE_LEN - 1] = u8::from(last);
        Nonce::assume_unique_for_key(nonce)
    }
}
