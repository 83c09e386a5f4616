//! What is to be stored: bytes, or a stream whose length is known beforehand.

use std::io;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};

/// The body of a first write.
pub struct PutBody {
    byte_len: u64,
    stream: BoxStream<'static, io::Result<Bytes>>,
}

impl PutBody {
    /// These bytes.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { byte_len: bytes.len() as u64, stream: stream::iter([Ok(bytes)]).boxed() }
    }

    /// A stream of exactly `byte_len` bytes. One that is shorter or longer stores nothing.
    pub fn stream(byte_len: u64, stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self { byte_len, stream: stream.boxed() }
    }

    /// How many bytes there will be.
    pub fn byte_len(&self) -> u64 {
        self.byte_len
    }

    /// The bytes.
    pub fn into_stream(self) -> BoxStream<'static, io::Result<Bytes>> {
        self.stream
    }
}

impl std::fmt::Debug for PutBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PutBody({} bytes)", self.byte_len)
    }
}
