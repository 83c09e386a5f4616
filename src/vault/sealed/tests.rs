use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use futures::TryStreamExt;
use proptest::prelude::*;

use super::*;
use crate::vault::objects::conformance::key;
use crate::vault::objects::disk::DiskStore;
use crate::vault::objects::{ObjectKey, ObjectStore, PutBody, RecordingPart, StoreError};
use crate::vault::secrets::DataKey;
use crate::vault::{SealError, VaultError};

const AAD: &[u8] = b"0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b21";

fn audio() -> ObjectKey {
    key("2031-11", 1, RecordingPart::Audio)
}

fn text(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

/// A store with one sealed object of `len` bytes.
async fn stored(len: usize) -> (tempfile::TempDir, Arc<dyn ObjectStore>, DataKey) {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(DiskStore::open(folder.path()).unwrap());
    let data_key = DataKey::generate().unwrap();
    let body = seal_reader(std::io::Cursor::new(text(len)), len as u64, &data_key, AAD).unwrap();
    store.put_new(&audio(), body).await.unwrap();
    (folder, store, data_key)
}

async fn read(store: &Arc<dyn ObjectStore>, key: &DataKey, range: Range<u64>) -> Result<Vec<u8>, VaultError> {
    let chunks: Vec<_> = open_range(store.clone(), &audio(), key, AAD, range).try_collect().await?;
    Ok(chunks.concat())
}

#[test]
fn any_range_of_any_length_reads_right() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lens = [0, 1, 65_480, 65_481, 131_000, 131_001, 1_500_000];
    for len in lens {
        let (_folder, store, data_key) = runtime.block_on(stored(len));
        let plain = text(len);
        let near_borders = prop::sample::select(vec![0, 65_480, 131_000, 1_048_280, len as i64]);
        let offset = (near_borders, -3_i64..4).prop_map(move |(b, by)| (b + by).clamp(0, len as i64) as u64);
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(24));
        runner
            .run(&(offset.clone(), offset), |(a, b)| {
                let range = a.min(b)..a.max(b);
                let got = runtime.block_on(read(&store, &data_key, range.clone())).unwrap();
                prop_assert!(got == plain[range.start as usize..range.end as usize], "{:?} of {}", range, len);
                Ok(())
            })
            .unwrap();
        let beyond = runtime.block_on(read(&store, &data_key, 0..len as u64 + 1));
        assert!(matches!(beyond, Err(VaultError::Seal(SealError::RangeOutside))));
    }
}

#[tokio::test]
async fn a_source_of_another_length_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskStore::open(folder.path()).unwrap();
    let data_key = DataKey::generate().unwrap();
    for announced in [0, 9_999, 10_001, 300_000] {
        let body = seal_reader(std::io::Cursor::new(text(10_000)), announced, &data_key, AAD).unwrap();
        let put = store.put_new(&audio(), body).await;
        assert!(matches!(put, Err(StoreError::Body(_) | StoreError::LengthMismatch)), "{announced}");
        assert!(store.head(&audio()).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn bytes_in_memory_are_sealed_alike() {
    let (_folder, store, data_key) = stored(1).await;
    store.put(&audio(), seal_bytes(&text(200_000), &data_key, AAD).unwrap()).await.unwrap();
    assert_eq!(read(&store, &data_key, 0..200_000).await.unwrap(), text(200_000));
}

#[tokio::test]
async fn another_key_another_purpose_and_changed_bytes_are_noticed() {
    let (_folder, store, data_key) = stored(200_000).await;
    let other = DataKey::generate().unwrap();
    assert!(matches!(read(&store, &other, 0..1).await, Err(VaultError::Seal(SealError::Forged))));
    let wrong = open_range(store.clone(), &audio(), &data_key, b"other", 0..1).try_collect::<Vec<_>>().await;
    assert!(matches!(wrong, Err(VaultError::Seal(SealError::Forged))));
    let mut sealed = store.get(&audio(), u64::MAX).await.unwrap().to_vec();
    sealed[150_000] ^= 1;
    store.put(&audio(), sealed.into()).await.unwrap();
    assert_eq!(read(&store, &data_key, 0..131_000).await.unwrap(), text(131_000), "the segments before it open");
    assert!(read(&store, &data_key, 140_000..140_001).await.is_err());
    store.delete(&audio()).await.unwrap();
    assert!(matches!(read(&store, &data_key, 0..1).await, Err(VaultError::Store(StoreError::NotFound))));
}

#[tokio::test]
async fn what_is_too_short_to_be_sealed_is_refused() {
    let (_folder, store, data_key) = stored(1).await;
    for len in [0, 1, 40, 55] {
        store.delete(&audio()).await.unwrap();
        store.put_new(&audio(), PutBody::bytes(vec![40; len])).await.unwrap();
        let got = read(&store, &data_key, 0..0).await;
        assert!(matches!(got, Err(VaultError::Seal(SealError::ImpossibleLength))), "{len}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reader_reads_and_seeks_as_a_file_does() {
    let (_folder, store, data_key) = stored(200_000).await;
    let object = Arc::new(SealedObject::open(store, &audio(), &data_key, AAD).await.unwrap());
    let runtime = tokio::runtime::Handle::current();
    let compare = move || {
        let (mut reader, mut file) = (SealedReader::new(object, runtime), std::io::Cursor::new(text(200_000)));
        let seeks = [SeekFrom::Start(65_479), SeekFrom::Current(65_000), SeekFrom::End(-5), SeekFrom::Start(900_000)];
        for seek in seeks.into_iter().chain([SeekFrom::Current(-900_000), SeekFrom::Start(3)]) {
            assert_eq!(reader.seek(seek).unwrap(), file.seek(seek).unwrap());
            let (mut a, mut b) = (Vec::new(), Vec::new());
            reader.by_ref().take(70_000).read_to_end(&mut a).unwrap();
            file.by_ref().take(70_000).read_to_end(&mut b).unwrap();
            assert!(a == b, "after {seek:?}");
        }
        assert!(reader.seek(SeekFrom::Current(-900_000)).is_err());
        fn shared_between_threads<T: Send + Sync>(_: &T) {}
        shared_between_threads(&reader);
    };
    tokio::task::spawn_blocking(compare).await.unwrap();
}
