use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::clock::ManualClock;
use crate::vault::keys::conformance;

const MONTH: &str = "month-2031-11";

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::parse("2026-11-22T10:00:00Z").unwrap()))
}

fn open(root: &Path, replica: bool) -> Result<FileKeys, KeyError> {
    FileKeys::open(root.join("keys"), replica.then(|| root.join("replica")), clock())
}

fn name() -> KeyName {
    MONTH.parse().unwrap()
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_the_contract_with_and_without_a_replica() {
    for replica in [false, true] {
        let root = tempfile::tempdir().unwrap();
        conformance::all(Arc::new(open(root.path(), replica).unwrap())).await;
        assert_eq!(open(root.path(), replica).unwrap().warnings().is_empty(), replica);
    }
}

#[tokio::test]
async fn a_key_is_the_same_in_both_folders_and_comes_back_from_either() {
    let root = tempfile::tempdir().unwrap();
    let keys = open(root.path(), true).unwrap();
    keys.ensure(&name()).await.unwrap();
    let (main, replica) = (root.path().join("keys").join(MONTH), root.path().join("replica").join(MONTH));
    assert_eq!(fs::read(&main).unwrap(), fs::read(&replica).unwrap());
    assert_eq!(fs::metadata(&main).unwrap().permissions().mode() & 0o777, 0o600);
    let wrapped = keys.wrap(&name(), b"a", b"secret").await.unwrap();
    for lost in [&main, &replica] {
        fs::remove_file(lost).unwrap();
        assert_eq!(keys.unwrap(&name(), b"a", &wrapped).await.unwrap().as_slice(), b"secret");
        keys.ensure(&name()).await.unwrap();
        assert!(lost.exists());
    }
    fs::remove_dir_all(root.path().join("keys")).unwrap();
    let before = keys.identity();
    let keys = open(root.path(), true).unwrap();
    assert_eq!(keys.identity(), before);
    assert_eq!(keys.unwrap(&name(), b"a", &wrapped).await.unwrap().as_slice(), b"secret");
}

#[tokio::test]
async fn two_different_copies_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let keys = open(root.path(), true).unwrap();
    keys.ensure(&name()).await.unwrap();
    fs::write(root.path().join("keys").join(MONTH), [1; 32]).unwrap();
    assert_eq!(keys.ensure(&name()).await.unwrap_err().code(), "key-replica-differs");
}

#[tokio::test]
async fn wide_permissions_and_wrong_sizes_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let keys = open(root.path(), false).unwrap();
    keys.ensure(&name()).await.unwrap();
    let (folder, file) = (root.path().join("keys"), root.path().join("keys").join(MONTH));
    mode(&file, 0o640);
    assert_eq!(keys.wrap(&name(), b"a", b"x").await.unwrap_err().code(), "key-permissions");
    mode(&file, 0o600);
    fs::write(&file, [1; 31]).unwrap();
    assert_eq!(keys.wrap(&name(), b"a", b"x").await.unwrap_err().code(), "key-wrong-size");
    mode(&folder, 0o750);
    assert_eq!(open(root.path(), false).unwrap_err().code(), "key-permissions");
}

#[tokio::test]
async fn a_missing_key_is_gone_but_a_missing_folder_is_trouble() {
    let root = tempfile::tempdir().unwrap();
    let keys = open(root.path(), true).unwrap();
    keys.ensure(&name()).await.unwrap();
    let other = KeyName::Installation;
    assert_eq!(keys.wrap(&other, b"a", b"x").await.unwrap_err().code(), "key-gone");
    fs::rename(root.path().join("replica"), root.path().join("unmounted")).unwrap();
    assert_eq!(keys.wrap(&other, b"a", b"x").await.unwrap_err().code(), "key-provider-unavailable");
    let error = keys.destroy(&name()).await.unwrap_err();
    assert_eq!(error.code(), "key-provider-unavailable", "not destroyed while a copy is out of reach");
    assert!(keys.exists(&name()).await.unwrap());
}

#[tokio::test]
async fn the_time_of_a_destruction_stays() {
    let root = tempfile::tempdir().unwrap();
    let clock = clock();
    let keys = FileKeys::open(root.path().join("keys"), None, clock.clone()).unwrap();
    keys.ensure(&name()).await.unwrap();
    let first = keys.destroy(&name()).await.unwrap();
    clock.advance(Duration::from_secs(60));
    assert_eq!(keys.destroy(&name()).await.unwrap(), first);
}

#[tokio::test]
async fn a_destruction_that_was_broken_off_is_completed() {
    let root = tempfile::tempdir().unwrap();
    let keys = open(root.path(), true).unwrap();
    keys.ensure(&name()).await.unwrap();
    // As a crash after the first note leaves it.
    keys.folders.replica.as_ref().unwrap().note_destruction(&name(), clock().now()).unwrap();
    assert_eq!(keys.wrap(&name(), b"a", b"x").await.unwrap_err().code(), "key-gone");
    assert_eq!(keys.list().await.unwrap(), []);
    let keys = open(root.path(), true).unwrap();
    for folder in ["keys", "replica"] {
        assert!(!root.path().join(folder).join(MONTH).exists());
        assert!(root.path().join(folder).join(format!("{MONTH}.destroyed")).exists());
    }
    assert_eq!(keys.ensure(&name()).await.unwrap_err().code(), "key-gone");
}

#[tokio::test]
async fn no_second_name_of_a_destroyed_key_stays() {
    let root = tempfile::tempdir().unwrap();
    let keys = open(root.path(), false).unwrap();
    keys.ensure(&name()).await.unwrap();
    // As a crash between link and unlink leaves it.
    let left = root.path().join("keys").join(format!(".{MONTH}.0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b21.tmp"));
    fs::hard_link(root.path().join("keys").join(MONTH), &left).unwrap();
    keys.destroy(&name()).await.unwrap();
    assert!(!left.exists());
}

#[test]
fn folders_of_others_are_refused() {
    let root = tempfile::tempdir().unwrap();
    open(root.path(), false).unwrap();
    FileKeys::open(root.path().join("replica"), None, clock()).unwrap();
    assert_eq!(open(root.path(), true).unwrap_err().code(), "key-folder-foreign");
    let photos = root.path().join("photos");
    fs::create_dir(&photos).unwrap();
    mode(&photos, 0o700);
    fs::write(photos.join("cat.jpg"), "x").unwrap();
    assert_eq!(FileKeys::open(photos, None, clock()).unwrap_err().code(), "key-folder-foreign");
}
