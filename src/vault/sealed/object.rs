//! Opening on the way out of the store: only the segments that are needed.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, Stream, TryStreamExt};

use crate::vault::objects::{ObjectKey, ObjectStore, StoreError};
use crate::vault::secrets::DataKey;
use crate::vault::stream::{Decryptor, HEADER_BYTES, Layout};
use crate::vault::{SealError, VaultError};

/// How many segments (of 64 KiB) one read from the store fetches at most.
const SEGMENTS_PER_READ: u32 = 16;

/// One sealed object, ready to be read.
pub struct SealedObject {
    store: Arc<dyn ObjectStore>,
    key: ObjectKey,
    opener: Decryptor,
}

impl SealedObject {
    /// Looks at the object's length and header. Whether it is genuine shows with the first segment.
    pub async fn open(
        store: Arc<dyn ObjectStore>,
        key: &ObjectKey,
        data_key: &DataKey,
        aad: &[u8],
    ) -> Result<Self, VaultError> {
        let meta = store.head(key).await?.ok_or(StoreError::NotFound)?;
        let layout = Layout::of_ciphertext(meta.byte_len)?;
        let header = store.get_range(key, 0, HEADER_BYTES).await?;
        let header = header.as_ref().try_into().map_err(|_| SealError::BadHeader)?;
        Ok(Self { store, key: *key, opener: Decryptor::new(data_key.key(), aad, header, layout)? })
    }

    /// Bytes of plaintext.
    pub fn plain_len(&self) -> u64 {
        self.opener.layout().plain_len()
    }

    /// The plaintext of `range` in chunks, reading ahead at most 1 MiB. [`SealError::RangeOutside`] where the object
    /// does not have all of it.
    pub fn stream(
        self: Arc<Self>,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, VaultError>> + Send + 'static, VaultError> {
        let wanted = self.opener.layout().covering(&range)?;
        let batches = stream::try_unfold((self, wanted), move |(object, wanted)| {
            let range = range.clone();
            async move {
                if wanted.is_empty() {
                    return Ok::<_, VaultError>(None);
                }
                let upto = wanted.end.min(wanted.start + SEGMENTS_PER_READ);
                let plain = object.segments(wanted.start..upto, &range).await?;
                Ok(Some((plain, (object, upto..wanted.end))))
            }
        });
        Ok(batches.map_ok(|plain| stream::iter(plain.into_iter().map(Ok))).try_flatten())
    }

    /// The plaintext of one segment, and where in the plaintext it begins.
    pub(super) async fn segment_at(&self, offset: u64) -> Result<(u64, Bytes), VaultError> {
        let layout = self.opener.layout();
        let index = layout.covering(&(offset..offset.saturating_add(1)))?.start;
        let place = layout.segment(index).ok_or(SealError::RangeOutside)?;
        let plain = self.segments(index..index + 1, &(0..u64::MAX)).await?;
        Ok((place.plain_start, plain.into_iter().next().unwrap_or_default()))
    }

    /// One read from the store, then each segment opened and cut to `range`.
    async fn segments(&self, indexes: Range<u32>, range: &Range<u64>) -> Result<Vec<Bytes>, VaultError> {
        let layout = self.opener.layout();
        let place = |index| layout.segment(index).ok_or(SealError::RangeOutside);
        let (first, last) = (place(indexes.start)?, place(indexes.end.saturating_sub(1))?);
        let len = last.cipher_start + last.cipher_len as u64 - first.cipher_start;
        let len = usize::try_from(len).map_err(|_| SealError::RangeOutside)?;
        let sealed = self.store.get_range(&self.key, first.cipher_start, len).await?;
        let mut sealed = sealed.try_into_mut().unwrap_or_else(|shared| BytesMut::from(shared.as_ref()));
        let mut opened = Vec::with_capacity(indexes.len());
        for index in indexes {
            let place = place(index)?;
            let mut segment = sealed.split_to(place.cipher_len);
            let plain_len = self.opener.open(index, &mut segment)?.len();
            let cut = |at: u64| usize::try_from(at.saturating_sub(place.plain_start)).unwrap_or(usize::MAX);
            let (from, to) = (cut(range.start).min(plain_len), cut(range.end).min(plain_len));
            opened.push(segment.freeze().slice(from..to));
        }
        Ok(opened)
    }
}

/// The plaintext of a range of a sealed object: [`SealedObject::open`] and [`SealedObject::stream`] in one. Errors
/// come as the stream's first item.
pub fn open_range(
    store: Arc<dyn ObjectStore>,
    key: &ObjectKey,
    data_key: &DataKey,
    aad: &[u8],
    plain_range: Range<u64>,
) -> impl Stream<Item = Result<Bytes, VaultError>> + Send + 'static {
    let (key, data_key, aad) = (*key, data_key.clone(), aad.to_vec());
    let opened = async move {
        let object = SealedObject::open(store, &key, &data_key, &aad).await?;
        Arc::new(object).stream(plain_range)
    };
    stream::once(opened).try_flatten()
}
