//! The token that the key server is asked with.

use std::io;
use std::path::PathBuf;

use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

/// No token is longer (a JWT-like batch token has some hundred bytes).
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Where the token comes from. Never printed.
pub enum TokenSource {
    /// A file, read for every question, so that an agent can renew the token in it.
    File(PathBuf),
    /// The token itself.
    Fixed(Zeroizing<String>),
}

impl TokenSource {
    /// The token as it goes into a header, marked so that nobody prints it.
    pub(super) async fn header(&self) -> io::Result<HeaderValue> {
        match self {
            Self::Fixed(token) => as_header(token.as_bytes()),
            Self::File(path) => {
                let read = tokio::fs::read(path).await;
                let read = read.map_err(|e| io::Error::new(e.kind(), "the token file cannot be read"))?;
                as_header(&Zeroizing::new(read))
            }
        }
    }

    /// What an operator should know about it.
    pub(super) fn warning(&self) -> Option<String> {
        use std::os::unix::fs::PermissionsExt as _;
        let Self::File(path) = self else { return None };
        let mode = std::fs::metadata(path).ok()?.permissions().mode();
        (mode & 0o007 != 0).then(|| "everybody on this machine may read the token file: make it 600".to_owned())
    }
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Fixed(_) => f.write_str("Fixed(…)"),
        }
    }
}

fn as_header(token: &[u8]) -> io::Result<HeaderValue> {
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "there is no usable token in the token file or variable");
    let token = token.trim_ascii();
    if token.is_empty() || token.len() > MAX_TOKEN_BYTES || !token.iter().all(u8::is_ascii_graphic) {
        return Err(bad());
    }
    let mut value = HeaderValue::from_bytes(token).map_err(|_| bad())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_trimmed_checked_and_never_printed() {
        let value = as_header(b" s.abc\n").unwrap();
        assert_eq!(value.as_bytes(), b"s.abc");
        assert!(!format!("{value:?}").contains("abc"));
        let fixed = TokenSource::Fixed(Zeroizing::new("s.abc".to_owned()));
        assert_eq!(format!("{fixed:?}"), "Fixed(…)");
        for bad in ["", " \n", "a b", "a\nb", "é"] {
            assert!(as_header(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
