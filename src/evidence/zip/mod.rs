//! The ZIP of an evidence package: one narrow dialect, written as it is sent and read back to the last byte.
//!
//! Every file is stored as it is, so that nothing is computed from a length that somebody states; its length and checksum
//! stand before it; names are plain; every time is the same. What is between the files is therefore determined by what is
//! in them: [`read`] makes it again, and compares. ZIP64 is used where a number does not fit, and nowhere else.
//!
//! Of the crates that write ZIPs, none writes while it sends with the checksums in front, and none of those that read them
//! says that there is no byte beside what it found.

mod form;
pub mod read;
pub mod write;

#[cfg(test)]
mod tests;

pub use form::Member;

/// Most files in one package.
pub const MAX_MEMBERS: usize = 1_000_000;
/// Longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 240;

/// Why a ZIP was not written, or is not one of ours.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// A name that has no place in a package, or that is there already.
    #[error("not a name of a file in a package: {0:?}")]
    Name(String),
    /// More files than a package has.
    #[error("a package has no more than {MAX_MEMBERS} files")]
    TooMany,
    /// The file could not be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// Bytes that are not as they are written here.
    #[error("not a ZIP of a package: {0}")]
    Form(&'static str),
}

/// Whether a path can stand in a package: plain words joined by slashes, none of which leads elsewhere.
pub fn is_plain(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let word = |w: &str| !w.is_empty() && !w.starts_with('.') && !w.ends_with('.') && w.bytes().all(plain);
    path.len() <= MAX_NAME_BYTES && path.split('/').all(word)
}
