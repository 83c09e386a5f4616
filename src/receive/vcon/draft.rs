//! Contents of a vCon on their way into unlinked files, hashed while they are written.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write};
use std::path::PathBuf;

use aws_lc_rs::digest::{Context, SHA256, SHA512};

use super::read::{ContentKind, Drafts};
use crate::receive::spool::{SpoolError, SpooledAudio};
use crate::vcon::base64url::{Decoder, NotBase64Url};
use crate::vcon::content_hash::{ContentHash, Hashing};

/// Bytes that are decoded together.
const CHUNK_BYTES: usize = 64 * 1024;

/// How large the contents of one vCon may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct ContentLimits {
    /// The audio.
    pub audio_bytes: u64,
    /// The payload of a signed vCon.
    pub payload_bytes: u64,
    /// One attachment.
    pub beside_bytes: u64,
}

/// Makes drafts in a folder.
pub(super) struct Folder {
    pub path: PathBuf,
    pub limits: ContentLimits,
}

impl Folder {
    /// A draft of at most so many bytes.
    pub(super) fn draft(&self, limit_bytes: u64) -> io::Result<Draft> {
        let file = tempfile::tempfile_in(&self.path)?;
        let (sha256, sha512) = (Context::new(&SHA256), Context::new(&SHA512));
        Ok(Draft { file, sha256, sha512, byte_len: 0, limit_bytes })
    }
}

impl Drafts for Folder {
    type Draft = Draft;

    fn begin(&mut self, kind: ContentKind) -> io::Result<Draft> {
        self.draft(match kind {
            ContentKind::Audio => self.limits.audio_bytes,
            ContentKind::Payload => self.limits.payload_bytes,
            // As base64url at the most.
            ContentKind::Beside => crate::vcon::base64url::encoded_len(self.limits.beside_bytes),
        })
    }
}

/// A content in an unlinked file.
pub(super) struct Draft {
    file: File,
    sha256: Context,
    sha512: Context,
    byte_len: u64,
    limit_bytes: u64,
}

impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draft").field("byte_len", &self.byte_len).finish_non_exhaustive()
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.byte_len = self.byte_len.saturating_add(bytes.len() as u64);
        if self.byte_len > self.limit_bytes {
            return Err(io::Error::other(SpoolError::TooLarge { limit_bytes: self.limit_bytes }));
        }
        self.file.write_all(bytes)?;
        self.sha256.update(bytes);
        self.sha512.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Draft {
    /// How many bytes it has.
    pub(super) fn byte_len(&self) -> u64 {
        self.byte_len
    }

    /// Whether it is what this token says.
    pub(super) fn is(&self, hash: &ContentHash) -> bool {
        let context = match hash.hashing() {
            Hashing::Sha256 => &self.sha256,
            Hashing::Sha512 => &self.sha512,
        };
        hash.is(context.clone().finish().as_ref())
    }

    /// The file, at its beginning.
    pub(super) fn rewound(&mut self) -> io::Result<&mut File> {
        self.file.rewind()?;
        Ok(&mut self.file)
    }

    /// Ready to be sealed.
    pub(super) fn into_spooled(mut self) -> io::Result<SpooledAudio> {
        self.file.rewind()?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.sha256.finish().as_ref());
        Ok(SpooledAudio { file: self.file, byte_len: self.byte_len, sha256 })
    }

    /// What its text encodes, in another draft.
    pub(super) fn decoded(mut self, folder: &Folder) -> io::Result<Result<Self, NotBase64Url>> {
        let mut draft = folder.draft(folder.limits.beside_bytes)?;
        let (mut decoder, mut text, mut bytes) = (Decoder::default(), vec![0; CHUNK_BYTES], Vec::new());
        let file = self.rewound()?;
        loop {
            let count = file.read(&mut text)?;
            bytes.clear();
            if count == 0 {
                let Ok(rest) = decoder.finish() else { return Ok(Err(NotBase64Url)) };
                draft.write_all(&rest)?;
                return Ok(Ok(draft));
            }
            if decoder.push(&text[..count], &mut bytes).is_err() {
                return Ok(Err(NotBase64Url));
            }
            draft.write_all(&bytes)?;
        }
    }
}

/// What a draft said when it took no more.
pub(super) fn spool_error(error: io::Error) -> SpoolError {
    match error.downcast::<SpoolError>() {
        Ok(error) => error,
        Err(error) => error.into(),
    }
}
