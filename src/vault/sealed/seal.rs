//! Sealing on the way into the store.

use std::io;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, TryStreamExt};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::vault::SealError;
use crate::vault::objects::PutBody;
use crate::vault::secrets::DataKey;
use crate::vault::stream::{Encryptor, ciphertext_len};

/// How much plaintext is read at once.
const READ_BYTES: usize = 256 * 1024;

/// The sealed form of what `source` gives, for [`put_new`](crate::vault::objects::ObjectStore::put_new), in bounded
/// memory. Where `source` does not give exactly `plain_len` bytes the put fails and stores nothing.
pub fn seal_reader<R>(source: R, plain_len: u64, key: &DataKey, aad: &[u8]) -> Result<PutBody, SealError>
where
    R: AsyncRead + Send + Unpin + 'static,
{
    let state = Some((source, Encryptor::new(key.key(), aad)?, plain_len));
    let segments = stream::try_unfold(state, |state| async move {
        let Some((mut source, mut sealer, left)) = state else { return Ok::<_, io::Error>(None) };
        let mut plain = BytesMut::with_capacity(READ_BYTES);
        while plain.len() < READ_BYTES && source.read_buf(&mut plain).await? > 0 {}
        let left = left.checked_sub(plain.len() as u64).ok_or_else(wrong_length)?;
        let mut ready = sealer.push(&plain).map_err(io::Error::other)?;
        if plain.len() >= READ_BYTES {
            return Ok(Some((ready, Some((source, sealer, left)))));
        }
        if left > 0 {
            return Err(wrong_length());
        }
        ready.push(sealer.finish().map_err(io::Error::other)?);
        Ok(Some((ready, None)))
    });
    let segments = segments.map_ok(|ready| stream::iter(ready.into_iter().map(Ok))).try_flatten();
    Ok(PutBody::stream(ciphertext_len(plain_len)?, segments))
}

/// The sealed form of bytes in memory.
pub fn seal_bytes(plain: &[u8], key: &DataKey, aad: &[u8]) -> Result<Bytes, SealError> {
    let mut sealer = Encryptor::new(key.key(), aad)?;
    let mut sealed = BytesMut::new();
    for segment in sealer.push(plain)? {
        sealed.extend_from_slice(&segment);
    }
    sealed.extend_from_slice(&sealer.finish()?);
    Ok(sealed.freeze())
}

fn wrong_length() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the source was not as long as announced")
}
