use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::vault::objects::conformance::{self, key};
use crate::vault::objects::{RecordingPart, StoredKind, sweep_unfinished};

fn store() -> (tempfile::TempDir, DiskStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskStore::open(folder.path().join("a/objects")).unwrap();
    (folder, store)
}

fn audio() -> ObjectKey {
    key("2031-11", 1, RecordingPart::Audio)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_the_contract() {
    let (_folder, store) = store();
    conformance::all(Arc::new(store.clone())).await;
    conformance::a_big_body_is_not_gathered_in_memory(&store, 4 << 20).await;
    assert_eq!(fs::read_dir(store.root()).unwrap().count(), 1, "emptied folders are gone");
}

#[tokio::test]
async fn files_and_folders_are_private() {
    let (_folder, store) = store();
    store.put_new(&audio(), PutBody::bytes(&b"x"[..])).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let path = store.root().join(audio().to_string());
    assert_eq!(mode(&path), 0o600);
    for folder in path.ancestors().skip(1).take(4) {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
}

#[tokio::test]
async fn what_is_not_ours_is_reported_and_left_alone() {
    let (_folder, store) = store();
    store.put_new(&audio(), PutBody::bytes(&b"x"[..])).await.unwrap();
    let foreign = ["rec/2031-11/Zoë ☎.wav", "rec/.hidden", "notes", "rec/2031-11/.x.tmp", "rec/link"];
    for path in &foreign[..4] {
        fs::write(store.root().join(path), "mine").unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", store.root().join(foreign[4])).unwrap();
    let found = store.list(&Prefix::all(), None, 100).await.unwrap().found;
    let unknown: Vec<_> = found.iter().filter(|v| v.key.is_none()).cloned().collect();
    let mut names: Vec<_> = unknown.iter().map(|v| v.path.as_str()).collect();
    names.sort_unstable();
    let mut expected = foreign;
    expected.sort_unstable();
    assert_eq!(names, expected);
    for result in store.delete_versions(&found).await {
        assert!(matches!(result, Ok(()) | Err(StoreError::NotOurs)));
    }
    assert_eq!(store.list(&Prefix::all(), None, 100).await.unwrap().found, unknown);
}

#[tokio::test]
async fn what_a_crash_leaves_is_listed_and_swept_but_not_too_soon() {
    let (_folder, store) = store();
    store.put_new(&audio(), PutBody::bytes(&b"x"[..])).await.unwrap();
    // As a crash between link and unlink leaves it: a second name of the same file.
    let place = store.place(&audio());
    fs::hard_link(place.path(), place.temporary()).unwrap();
    let found = store.list(&Prefix::all(), None, 100).await.unwrap().found;
    assert_eq!(found.iter().filter(|v| v.kind == StoredKind::Temporary && v.key == Some(audio())).count(), 1);
    let written = found[0].modified_at;
    let everything = Prefix::all();
    let sweep = |before| sweep_unfinished(&store, &everything, before);
    assert_eq!(sweep(written).await.unwrap(), 0);
    assert_eq!(sweep(written.plus(Duration::from_secs(1))).await.unwrap(), 1);
    assert_eq!(store.get(&audio(), 1).await.unwrap(), &b"x"[..]);
    fs::hard_link(place.path(), place.temporary()).unwrap();
    store.delete(&audio()).await.unwrap();
    assert_eq!(store.list(&Prefix::all(), None, 100).await.unwrap().found, []);
}

#[tokio::test]
async fn a_writer_that_goes_away_leaves_nothing() {
    let (_folder, store) = store();
    let (started, was_started) = tokio::sync::oneshot::channel();
    let mut started = Some(started);
    let body = futures::stream::poll_fn(move |_| {
        if let Some(started) = started.take() {
            started.send(()).unwrap();
        }
        std::task::Poll::Pending
    });
    let writer = store.clone();
    let task = tokio::spawn(async move { writer.put_new(&audio(), PutBody::stream(1, body)).await });
    was_started.await.unwrap();
    assert_eq!(store.list(&Prefix::all(), None, 100).await.unwrap().found.len(), 1);
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(fs::read_dir(store.root()).unwrap().count(), 1);
}

#[tokio::test]
async fn an_unmounted_store_is_trouble_and_not_an_empty_one() {
    let (folder, store) = store();
    store.put_new(&audio(), PutBody::bytes(&b"x"[..])).await.unwrap();
    let found = store.list(&Prefix::all(), None, 10).await.unwrap().found;
    let away = folder.path().join("unmounted");
    fs::rename(store.root(), &away).unwrap();
    fs::create_dir(store.root()).unwrap();
    assert!(matches!(store.head(&audio()).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.get(&audio(), 1).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.list(&Prefix::all(), None, 10).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.delete(&audio()).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.delete_versions(&found).await[..], [Err(StoreError::Unavailable(_))]));
    assert!(matches!(store.put_new(&audio(), PutBody::bytes(&b"x"[..])).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.put(&audio(), Bytes::new()).await, Err(StoreError::Unavailable(_))));
    fs::remove_dir(store.root()).unwrap();
    fs::rename(&away, store.root()).unwrap();
    assert_eq!(store.get(&audio(), 1).await.unwrap(), &b"x"[..]);
    let again = DiskStore::open(store.root()).unwrap();
    assert_eq!(again.identity().await.unwrap(), store.identity().await.unwrap());
}

#[test]
fn no_folder_is_removed_under_a_writer_that_begins() {
    let (_folder, store) = store();
    let place = store.place(&audio());
    let (stop, removing) = (std::sync::atomic::AtomicBool::new(false), std::sync::Barrier::new(2));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            removing.wait();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                prune(&place).unwrap();
            }
        });
        removing.wait();
        let begun: Vec<bool> = (0..1_000).map(|_| write::begin(&place).is_ok()).collect();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(begun.iter().all(|ok| *ok), "{} of 1000", begun.iter().filter(|ok| **ok).count());
    });
}
