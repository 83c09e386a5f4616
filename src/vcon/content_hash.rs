//! `ContentHash` tokens: the name of an algorithm, a hyphen, the digest in base64url.

use aws_lc_rs::digest::{Algorithm, Digest, SHA256, SHA512};

use super::base64url;

/// A token that says nothing that could be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a content hash such as sha512-…")]
pub struct BadContentHash;

/// What a content must hash to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentHash {
    algorithm: Hashing,
    digest: Vec<u8>,
}

/// The algorithms that are checked; the draft asks for the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashing {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Hashing {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// As it begins a token.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// How it is computed.
    pub fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Sha256 => &SHA256,
            Self::Sha512 => &SHA512,
        }
    }
}

/// The token of a SHA-512.
pub fn sha512_token(digest: &Digest) -> String {
    format!("{}-{}", Hashing::Sha512.name(), base64url::encode(digest.as_ref()))
}

impl ContentHash {
    /// Reads a token. `None` for an algorithm that is not known here: others may know it.
    pub fn parse(token: &str) -> Result<Option<Self>, BadContentHash> {
        let (name, digest) = token.split_once('-').ok_or(BadContentHash)?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            return Err(BadContentHash);
        }
        let digest = base64url::decode(digest).map_err(|_| BadContentHash)?;
        let Some(algorithm) = Hashing::ALL.into_iter().find(|known| known.name() == name) else { return Ok(None) };
        if digest.len() != algorithm.algorithm().output_len() {
            return Err(BadContentHash);
        }
        Ok(Some(Self { algorithm, digest }))
    }

    /// With what it was computed.
    pub fn hashing(&self) -> Hashing {
        self.algorithm
    }

    /// Whether a content with this digest is what was meant.
    pub fn is(&self, digest: &[u8]) -> bool {
        self.digest == digest
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::digest;

    use super::*;

    #[test]
    fn a_token_reads_as_it_is_written() {
        let digest = digest(&SHA512, b"abc");
        let token = sha512_token(&digest);
        // FIPS 180-4's example, in base64url.
        assert!(
            token.starts_with("sha512-3a81oZNherrMQXNJriBBMRLm-k6JqX6iCp7u5ktV05ohkpkqJ0_BqDa6PCOj_uu9RU1EI2Q86A4q")
        );
        let read = ContentHash::parse(&token).unwrap().unwrap();
        assert!(read.hashing() == Hashing::Sha512 && read.is(digest.as_ref()) && !read.is(b""));
    }

    #[test]
    fn what_is_no_token_is_refused_and_what_is_not_known_is_none() {
        for unknown in ["blake3-AAAA", "sha-512-AAAA"] {
            assert_eq!(ContentHash::parse(unknown), Ok(None), "{unknown}");
        }
        for bad in ["", "sha512", "sha512-", "sha512-AAAA", "SHA512-AAAA", "sha512-####", "-AAAA"] {
            assert_eq!(ContentHash::parse(bad), Err(BadContentHash), "{bad}");
        }
    }
}
