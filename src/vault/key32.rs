//! Thirty-two secret bytes, and HKDF from them.

use std::fmt;

use aws_lc_rs::hkdf;
use zeroize::Zeroizing;

use super::SealError;

/// A 256-bit key. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct Key32(Zeroizing<[u8; 32]>);

struct Len(usize);

impl hkdf::KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

impl Key32 {
    /// A new random key.
    pub fn generate() -> Result<Self, SealError> {
        let mut key = Zeroizing::new([0; 32]);
        fill_random(key.as_mut())?;
        Ok(Self(key))
    }

    /// The key with these bytes; exactly 32.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, SealError> {
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return Err(SealError::BadKey);
        }
        key.copy_from_slice(bytes);
        Ok(Self(key))
    }

    /// The bytes, for wrapping them or handing them to a cipher.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// A key of its own for one purpose: HKDF-SHA256 (RFC 5869), the `info` parts joined.
    pub(crate) fn derive(&self, salt: &[u8], info: &[&[u8]]) -> Result<Self, SealError> {
        let mut key = Zeroizing::new([0; 32]);
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(self.0.as_ref());
        let okm = prk.expand(info, Len(32)).map_err(|_| SealError::BadKey)?;
        okm.fill(key.as_mut()).map_err(|_| SealError::BadKey)?;
        Ok(Self(key))
    }
}

impl fmt::Debug for Key32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key32(…)")
    }
}

/// Fills `bytes` from the operating system's generator.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), SealError> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| SealError::NoRandom)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5869, test case 1, gives 42 bytes; HKDF's shorter outputs are its beginning.
    #[test]
    fn derives_as_rfc_5869_does() {
        let prk_input = [0x0b; 22];
        let salt: Vec<u8> = (0x00..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let mut out = [0; 32];
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &salt).extract(&prk_input);
        prk.expand(&[&info], Len(32)).unwrap().fill(&mut out).unwrap();
        assert_eq!(hex::encode(out), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    }

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", Key32::from_slice(&[7; 32]).unwrap()), "Key32(…)");
        assert_eq!(Key32::from_slice(&[7; 31]).unwrap_err(), SealError::BadKey);
    }
}
