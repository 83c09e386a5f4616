//! The sealed form of large objects: Tink's streaming AEAD, AES256-GCM-HKDF, 64 KiB segments.
//!
//! <https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming>. A header (its own length 40, 32 bytes
//! of salt, 7 bytes of nonce prefix), then segments of 65 536 bytes of ciphertext, tag included, of which the first is
//! shorter by the header and the last may be. The segment key is HKDF-SHA256(data key, salt, info = associated data);
//! a segment's nonce is prefix ‖ number (u32, big-endian) ‖ 1 if it is the last, else 0. So every segment stands
//! for its place, and the last for the length of the whole. No I/O here.

mod decrypt;
mod encrypt;
mod layout;
mod segment_key;

pub use decrypt::Decryptor;
pub use encrypt::Encryptor;
pub use layout::{
    FIRST_SEGMENT_PLAIN_BYTES, HEADER_BYTES, Layout, MAX_PLAIN_BYTES, SEGMENT_BYTES, SEGMENT_PLAIN_BYTES, Segment,
    TAG_BYTES, ciphertext_len, plain_len,
};

#[cfg(test)]
mod tests;
