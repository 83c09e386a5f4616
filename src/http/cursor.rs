//! The place at which a page of recordings ended, as an opaque text.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::http::codes::Code;
use crate::http::problem::Problem;
use crate::recording::RecordingId;

/// The first byte; another layout gets another one.
const VERSION: u8 = 1;
const BYTES: usize = 1 + 8 + 16;

/// The last recording of a page: the next page begins after it. It says nothing that the page did not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Its id, for recordings of the same instant.
    pub id: RecordingId,
}

/// A text that is no cursor of this archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor that this archive gave out")]
pub struct BadCursor;

impl Cursor {
    /// The opaque text: base64url of version, microseconds (big-endian) and id.
    pub fn encode(self) -> String {
        let mut bytes = [0; BYTES];
        bytes[0] = VERSION;
        bytes[1..9].copy_from_slice(&self.recorded_at.micros().to_be_bytes());
        bytes[9..].copy_from_slice(self.id.0.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads it back. A cursor carries no rights: the caller's scope is applied anew to every page.
    pub fn decode(text: &str) -> Result<Self, BadCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadCursor)?;
        let (&[VERSION], rest) = bytes.split_first_chunk::<1>().ok_or(BadCursor)? else { return Err(BadCursor) };
        let (micros, id) = rest.split_first_chunk::<8>().ok_or(BadCursor)?;
        let micros = i64::from_be_bytes(*micros);
        let recorded_at = Timestamp::from_micros(micros);
        let id = Uuid::from_slice(id).map_err(|_| BadCursor)?;
        if recorded_at.micros() == micros { Ok(Self { recorded_at, id: RecordingId(id) }) } else { Err(BadCursor) }
    }
}

impl From<BadCursor> for Problem {
    fn from(_: BadCursor) -> Self {
        Self::new(Code::InvalidCursor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_reads_back(micros in any::<i64>(), id in any::<u128>()) {
            let cursor = Cursor { recorded_at: Timestamp::from_micros(micros), id: RecordingId(Uuid::from_u128(id)) };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
            prop_assert!(cursor.encode().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        }

        #[test]
        fn each_cursor_has_one_text(text in "[A-Za-z0-9_-]{30,38}") {
            if let Ok(cursor) = Cursor::decode(&text) {
                prop_assert_eq!(cursor.encode(), text);
            }
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let good = Cursor { recorded_at: Timestamp::from_micros(0), id: RecordingId(Uuid::nil()) }.encode();
        let other_version = URL_SAFE_NO_PAD.encode([2; BYTES]);
        let out_of_calendar = URL_SAFE_NO_PAD.encode([[VERSION].as_slice(), &[0x7f; 24]].concat());
        for bad in
            ["", "AQ", "é", &good[1..], &format!("{good}A"), &format!("{good}="), &other_version, &out_of_calendar]
        {
            assert_eq!(Cursor::decode(bad), Err(BadCursor), "{bad}");
        }
    }
}
