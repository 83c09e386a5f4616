//! The sealed form of small things: rows, wrapped keys, ledger payloads.
//!
//! Form: nonce (12 random bytes) ‖ AES-256-GCM ciphertext ‖ tag (16). The cipher's associated data is a fixed
//! label ‖ the caller's, which says what the plaintext is and whose; without it one row's seal would open as another's.
//! Random 96-bit nonces allow 2³² seals under one key (NIST SP 800-38D, 8.3), far above one month's.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::key32::fill_random;
use super::{Key32, SealError};

const LABEL: &[u8] = b"earwitness-small-v1\0";
const TAG_LEN: usize = 16;

/// How many bytes sealing adds.
pub const OVERHEAD_BYTES: usize = NONCE_LEN + TAG_LEN;

/// Seals `plaintext` under `key` for the purpose named by `aad`, which must not be empty.
pub fn seal(key: &Key32, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
    let cipher = cipher(key)?;
    let mut sealed = Vec::with_capacity(plaintext.len() + OVERHEAD_BYTES);
    sealed.resize(NONCE_LEN, 0);
    fill_random(&mut sealed)?;
    let nonce = Nonce::try_assume_unique_for_key(&sealed).map_err(|_| SealError::NoRandom)?;
    sealed.extend_from_slice(plaintext);
    let tag = cipher
        .seal_in_place_separate_tag(nonce, full_aad(aad)?, &mut sealed[NONCE_LEN..])
        .map_err(|_| SealError::TooLong)?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens what [`seal`] sealed under the same key for the same purpose.
pub fn open(key: &Key32, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    if sealed.len() < OVERHEAD_BYTES {
        return Err(SealError::ImpossibleLength);
    }
    let (nonce, body) = sealed.split_at(NONCE_LEN);
    let (ciphertext, tag) = body.split_at(body.len() - TAG_LEN);
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Forged)?;
    let mut plain = Zeroizing::new(vec![0; ciphertext.len()]);
    cipher(key)?
        .open_separate_gather(nonce, full_aad(aad)?, ciphertext, tag, &mut plain)
        .map_err(|_| SealError::Forged)?;
    Ok(plain)
}

fn cipher(key: &Key32) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&AES_256_GCM, key.expose()).map(LessSafeKey::new).map_err(|_| SealError::BadKey)
}

fn full_aad(aad: &[u8]) -> Result<Aad<Vec<u8>>, SealError> {
    if aad.is_empty() { Err(SealError::EmptyAad) } else { Ok(Aad::from([LABEL, aad].concat())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_for_the_same_key_and_purpose() {
        let key = Key32::generate().unwrap();
        for plain in [&b""[..], b"x", &[9; 5000]] {
            let sealed = seal(&key, b"row/1", plain).unwrap();
            assert_eq!(sealed.len(), plain.len() + OVERHEAD_BYTES);
            assert_eq!(open(&key, b"row/1", &sealed).unwrap().as_slice(), plain);
            assert_eq!(open(&key, b"row/2", &sealed).unwrap_err(), SealError::Forged);
            assert_eq!(open(&Key32::generate().unwrap(), b"row/1", &sealed).unwrap_err(), SealError::Forged);
        }
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_noticed() {
        let key = Key32::generate().unwrap();
        let sealed = seal(&key, b"a", b"some text").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&key, b"a", &changed).is_err(), "bit {bit}");
        }
        for len in 0..sealed.len() {
            assert!(open(&key, b"a", &sealed[..len]).is_err(), "cut to {len}");
        }
    }

    #[test]
    fn a_purpose_is_required_and_nothing_repeats() {
        let key = Key32::generate().unwrap();
        assert_eq!(seal(&key, b"", b"x").unwrap_err(), SealError::EmptyAad);
        assert_ne!(seal(&key, b"a", b"x").unwrap(), seal(&key, b"a", b"x").unwrap());
    }
}
