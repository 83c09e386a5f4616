//! Access tokens: `ew_`, 256 random bits, and a checksum that tells a mistyped token from an unknown one without a look-up.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::{Zeroize, ZeroizeOnDrop};

const PREFIX: &str = "ew_";
/// 256 bits in base64url without padding (RFC 4648 section 5).
const SECRET_CHARS: usize = 43;
/// CRC-32 in base64url without padding.
const CHECKSUM_CHARS: usize = 6;

/// A token in the clear. It is shown once, when it is made; afterwards only its hash is kept.
///
/// Neither `Debug` nor `Display` shows it, and its memory is wiped when it is dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Token(String);

/// Not a token: wrong prefix, length, alphabet or checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an access token")]
pub struct BadToken;

/// The system's random generator failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random numbers")]
pub struct NoRandomness;

impl Token {
    /// A new token of 256 random bits.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut secret = [0_u8; 32];
        aws_lc_rs::rand::fill(&mut secret).map_err(|_| NoRandomness)?;
        // Room for all of it at once: a string that grows would leave a copy behind.
        let mut text = String::with_capacity(PREFIX.len() + SECRET_CHARS + CHECKSUM_CHARS);
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(secret, &mut text);
        secret.zeroize();
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Ok(Self(text))
    }

    /// Reads a token as it was handed out.
    pub fn parse(text: &str) -> Result<Self, BadToken> {
        let body = text.strip_prefix(PREFIX).ok_or(BadToken)?;
        if body.len() != SECRET_CHARS + CHECKSUM_CHARS || !body.is_ascii() {
            return Err(BadToken);
        }
        let mut secret = URL_SAFE_NO_PAD.decode(&body[..SECRET_CHARS]).map_err(|_| BadToken)?;
        secret.zeroize();
        let (signed, sum) = text.split_at(PREFIX.len() + SECRET_CHARS);
        if checksum(signed) == sum { Ok(Self(text.to_owned())) } else { Err(BadToken) }
    }

    /// SHA-256 of the token's text: what the catalog keeps. 256 random bits need no slow hash and no salt.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, self.0.as_bytes()).as_ref());
        hash
    }

    /// The token in the clear, to hand it to its owner.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

fn checksum(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(crc32fast::hash(text.as_bytes()).to_be_bytes())
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(ew_…)")
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ew_…")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_reads_back_with_the_same_hash() {
        let token = Token::generate().unwrap();
        assert_eq!(token.expose().len(), 52);
        assert_eq!(Token::parse(token.expose()).unwrap().hash(), token.hash());
        assert_ne!(Token::generate().unwrap().hash(), token.hash());
    }

    #[test]
    fn a_token_is_never_printed() {
        let token = Token::generate().unwrap();
        let printed = format!("{token} {token:?} {token:#?}");
        assert!(!printed.contains(&token.expose()[3..10]), "{printed}");
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        let good = Token::generate().unwrap().expose().to_owned();
        let upper = good.to_uppercase();
        let longer = format!("{good}A");
        for bad in ["", "ew_", &good[..51], &good[3..], &upper, &longer, &"ew_é".repeat(13), &format!(" {good}")] {
            assert_eq!(Token::parse(bad).err(), Some(BadToken), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_noticed(at in 3_usize..52, with in "[A-Za-z0-9_-]") {
            let good = Token::generate().unwrap().expose().to_owned();
            let mut bad = good.clone();
            bad.replace_range(at..=at, &with);
            prop_assert_eq!(Token::parse(&bad).is_ok(), bad == good);
        }

        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,80}") {
            prop_assert!(Token::parse(&text).is_err());
        }
    }
}
