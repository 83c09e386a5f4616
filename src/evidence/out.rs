//! Where the bytes of a package go: to a client that may be slow, or gone.

use std::io;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::EvidenceError;

/// Longest piece that is handed over at once, in bytes.
pub(super) const PIECE_BYTES: usize = 256 * 1024;
/// How long a client may take no byte at all.
const STALLED: Duration = Duration::from_secs(5 * 60);

/// Where the bytes go.
pub(super) struct Out {
    sender: mpsc::Sender<io::Result<Bytes>>,
    sha256: Context,
    byte_len: u64,
}

impl Out {
    pub(super) fn new(sender: mpsc::Sender<io::Result<Bytes>>) -> Self {
        Self { sender, sha256: Context::new(&SHA256), byte_len: 0 }
    }

    /// The next bytes.
    pub(super) async fn put(&mut self, bytes: impl Into<Bytes>) -> Result<(), EvidenceError> {
        let mut bytes: Bytes = bytes.into();
        self.sha256.update(&bytes);
        self.byte_len += bytes.len() as u64;
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
            let sent = timeout(STALLED, self.sender.send(Ok(piece))).await;
            sent.map_err(|_| EvidenceError::ClientGone)?.map_err(|_| EvidenceError::ClientGone)?;
        }
        Ok(())
    }

    /// SHA-256 and length of the whole, once these bytes were put as well.
    pub(super) fn with(&self, last: &[u8]) -> (String, u64) {
        let mut sha256 = self.sha256.clone();
        sha256.update(last);
        (hex::encode(sha256.finish().as_ref()), self.byte_len + last.len() as u64)
    }

    /// There is no more, and why.
    pub(super) async fn fail(self, error: EvidenceError) {
        // Whether or not anybody still listens.
        let _ = self.sender.send(Err(io::Error::other(error))).await;
    }
}
