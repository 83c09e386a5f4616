//! A sealed object as a file, for the decoder on a blocking thread.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;

use super::SealedObject;
use crate::vault::objects::StoreError;
use crate::vault::{SealError, VaultError};

/// Reads a sealed object from a blocking thread. Keeps one segment of plaintext in memory.
///
/// Not for async threads: there a read panics, as `Handle::block_on` does.
pub struct SealedReader {
    object: Arc<SealedObject>,
    runtime: Handle,
    position: u64,
    /// Where the kept segment begins, and its plaintext.
    kept: (u64, Bytes),
}

impl SealedReader {
    /// Reads `object`, whose store is driven by `runtime`.
    pub fn new(object: Arc<SealedObject>, runtime: Handle) -> Self {
        Self { object, runtime, position: 0, kept: (0, Bytes::new()) }
    }

    /// Bytes of plaintext.
    pub fn byte_len(&self) -> u64 {
        self.object.plain_len()
    }

    /// What the kept segment has from the position on.
    fn kept_here(&self) -> &[u8] {
        let (start, plain) = &self.kept;
        let into = self.position.checked_sub(*start).and_then(|i| usize::try_from(i).ok());
        into.and_then(|i| plain.get(i..)).unwrap_or_default()
    }
}

impl Read for SealedReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() || self.position >= self.byte_len() {
            return Ok(0);
        }
        if self.kept_here().is_empty() {
            self.kept = self.runtime.block_on(self.object.segment_at(self.position)).map_err(to_io)?;
        }
        let here = self.kept_here();
        let len = here.len().min(into.len());
        into[..len].copy_from_slice(&here[..len]);
        self.position += len as u64;
        Ok(len)
    }
}

impl Seek for SealedReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.byte_len().checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

fn to_io(error: VaultError) -> io::Error {
    let kind = match &error {
        VaultError::Store(StoreError::NotFound) => io::ErrorKind::NotFound,
        VaultError::Seal(SealError::RangeOutside) => io::ErrorKind::UnexpectedEof,
        VaultError::Seal(_) => io::ErrorKind::InvalidData,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
