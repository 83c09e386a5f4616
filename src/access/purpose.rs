//! Why somebody looks: the header `Earwitness-Purpose`.

use percent_encoding::percent_decode;

/// The header's name, in lower case.
pub const PURPOSE_HEADER: &str = "earwitness-purpose";

/// The longest purpose, in characters.
pub const MAX_PURPOSE_CHARS: usize = 200;

/// A stated purpose: 1 to 200 characters, no control characters. It lands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purpose(String);

/// Why a header holds no purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPurpose {
    /// Nothing, or blanks only.
    #[error("the purpose is empty")]
    Empty,
    /// More than 200 characters.
    #[error("the purpose has more than 200 characters")]
    TooLong,
    /// Not UTF-8 once percent-decoded.
    #[error("the purpose is not UTF-8")]
    NotUtf8,
    /// A line break, tabulator or another control character.
    #[error("the purpose has control characters")]
    ControlCharacter,
}

impl Purpose {
    /// Reads the header's value. A percent sign that starts no `%XX` stands for itself.
    pub fn parse(header: &[u8]) -> Result<Self, BadPurpose> {
        let decoded = percent_decode(header).decode_utf8().map_err(|_| BadPurpose::NotUtf8)?;
        if decoded.chars().any(char::is_control) {
            return Err(BadPurpose::ControlCharacter);
        }
        let text = decoded.trim();
        if text.is_empty() {
            return Err(BadPurpose::Empty);
        }
        if text.chars().count() > MAX_PURPOSE_CHARS {
            return Err(BadPurpose::TooLong);
        }
        Ok(Self(text.to_owned()))
    }

    /// The purpose as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_encoded_and_raw_utf8_are_read() {
        let read = |text: &str| Purpose::parse(text.as_bytes()).unwrap().0;
        assert_eq!(read("dispute 4711"), "dispute 4711");
        assert_eq!(read("plainte%20%C3%A9crite"), "plainte écrite");
        assert_eq!(read(" geschil über Provision "), "geschil über Provision");
        assert_eq!(read("100% sure"), "100% sure");
        assert_eq!(read(&"é".repeat(200)), "é".repeat(200));
    }

    #[test]
    fn what_is_no_purpose_is_refused() {
        let refuse = |bytes: &[u8]| Purpose::parse(bytes).unwrap_err();
        assert_eq!(refuse(b""), BadPurpose::Empty);
        assert_eq!(refuse(b"%20%20"), BadPurpose::Empty);
        assert_eq!(refuse("é".repeat(201).as_bytes()), BadPurpose::TooLong);
        assert_eq!(refuse(b"a%0Ab"), BadPurpose::ControlCharacter);
        assert_eq!(refuse(b"a\tb"), BadPurpose::ControlCharacter);
        assert_eq!(refuse(b"a%C2%85"), BadPurpose::ControlCharacter);
        assert_eq!(refuse(b"caf\xe9"), BadPurpose::NotUtf8);
        assert_eq!(refuse(b"%FF"), BadPurpose::NotUtf8);
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_short_and_clean(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
            if let Ok(purpose) = Purpose::parse(&bytes) {
                prop_assert!((1..=200).contains(&purpose.as_str().chars().count()));
                prop_assert!(!purpose.as_str().chars().any(char::is_control));
            }
        }
    }
}
