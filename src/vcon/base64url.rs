//! Base64url without padding (RFC 4648 section 5, as in RFC 7515 section 2), whole or in pieces.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Not base64url, with padding, or with bits behind its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not base64url without padding")]
pub struct NotBase64Url;

/// All at once.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// All at once.
pub fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, NotBase64Url> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| NotBase64Url)
}

/// How many characters so many bytes become.
pub fn encoded_len(byte_len: u64) -> u64 {
    (byte_len / 3).saturating_mul(4).saturating_add([0, 2, 3][(byte_len % 3) as usize])
}

/// Encodes a content that comes in pieces: what does not fill three bytes waits for the next.
#[derive(Debug, Default)]
pub struct Encoder {
    waiting: Vec<u8>,
}

impl Encoder {
    /// The text of all whole groups so far.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let missing = (3 - self.waiting.len()) % 3;
        if bytes.len() < missing {
            self.waiting.extend_from_slice(bytes);
            return String::new();
        }
        let (first, rest) = bytes.split_at(missing);
        self.waiting.extend_from_slice(first);
        let mut text = String::with_capacity((rest.len() / 3 + 1) * 4);
        URL_SAFE_NO_PAD.encode_string(&self.waiting, &mut text);
        let whole = rest.len() - rest.len() % 3;
        URL_SAFE_NO_PAD.encode_string(&rest[..whole], &mut text);
        self.waiting.clear();
        self.waiting.extend_from_slice(&rest[whole..]);
        text
    }

    /// The text of what is left.
    pub fn finish(self) -> String {
        encode(&self.waiting)
    }
}

/// Decodes a text that comes in pieces: what does not fill four characters waits for the next.
#[derive(Debug, Default)]
pub struct Decoder {
    waiting: Vec<u8>,
}

impl Decoder {
    /// Appends the bytes of all whole groups so far to `bytes`.
    pub fn push(&mut self, text: &[u8], bytes: &mut Vec<u8>) -> Result<(), NotBase64Url> {
        let missing = (4 - self.waiting.len()) % 4;
        if text.len() < missing {
            self.waiting.extend_from_slice(text);
            return Ok(());
        }
        let (first, rest) = text.split_at(missing);
        self.waiting.extend_from_slice(first);
        let whole = rest.len() - rest.len() % 4;
        for group in [self.waiting.as_slice(), &rest[..whole]] {
            URL_SAFE_NO_PAD.decode_vec(group, bytes).map_err(|_| NotBase64Url)?;
        }
        self.waiting.clear();
        self.waiting.extend_from_slice(&rest[whole..]);
        Ok(())
    }

    /// The bytes of what is left.
    pub fn finish(self) -> Result<Vec<u8>, NotBase64Url> {
        decode(&self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
        proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9), 0..12)
    }

    proptest! {
        #[test]
        fn pieces_give_what_the_whole_gives(pieces in pieces()) {
            let whole = pieces.concat();
            let mut encoder = Encoder::default();
            let mut text: String = pieces.iter().map(|piece| encoder.push(piece)).collect();
            text.push_str(&encoder.finish());
            prop_assert_eq!(&text, &encode(&whole));
            prop_assert_eq!(text.len() as u64, encoded_len(whole.len() as u64));

            let (mut decoder, mut bytes) = (Decoder::default(), Vec::new());
            let mut rest = text.as_bytes();
            for piece in &pieces {
                let (now, later) = rest.split_at(piece.len().min(rest.len()));
                decoder.push(now, &mut bytes).unwrap();
                rest = later;
            }
            decoder.push(rest, &mut bytes).unwrap();
            bytes.extend(decoder.finish().unwrap());
            prop_assert_eq!(bytes, whole);
        }

        #[test]
        fn pieces_are_refused_where_the_whole_is(text in "[A-Za-z0-9_=+-]{0,13}", at in 0_usize..14) {
            let (first, second) = text.as_bytes().split_at(at.min(text.len()));
            let (mut decoder, mut bytes) = (Decoder::default(), Vec::new());
            let pushed = decoder.push(first, &mut bytes).and_then(|()| decoder.push(second, &mut bytes));
            let read = pushed.and_then(|()| decoder.finish()).map(|rest| { bytes.extend(rest); bytes });
            prop_assert_eq!(read, decode(&text));
        }
    }
}
