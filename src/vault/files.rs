//! Private, durable files: what the key folder and the disk store have in common. Blocking.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::failpoint;

/// A new file that only this user may read (0600); an error where the name is taken.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Opens for reading, but not through a symbolic link.
pub(super) fn open_no_follow(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// Makes one folder (0700). One that is there already is no error.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Makes a folder and what is missing above it (0700), and makes all of that survive a power loss.
pub(super) fn make_root(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).recursive(true).create(path)?;
    for folder in path.ancestors().filter(|p| !p.as_os_str().is_empty()) {
        // Above our own folders reading may be forbidden; those were there before us.
        if sync_folder(folder).is_err() {
            break;
        }
    }
    Ok(())
}

/// Makes the entries of a folder survive a power loss.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Removes a file; one that is gone already is no error. Says whether it was there.
pub(super) fn remove_file(path: &Path) -> io::Result<bool> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

/// The id in a folder's id file, where there is one.
pub(super) fn read_id(path: &Path) -> io::Result<Option<Uuid>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Uuid::try_parse(text.trim()).ok()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Writes a file that is whole and durable as soon as it has its name. Where the name is taken, that one stays.
pub(super) fn link_new(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = folder.join(format!(".{name}.{}.tmp", Uuid::new_v4().as_hyphenated()));
    let mut file = create_private(&temporary)?;
    let linked = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| {
        failpoint::hit("file-temp-synced");
        std::fs::hard_link(&temporary, folder.join(name))
    });
    failpoint::hit("file-linked");
    remove_file(&temporary)?;
    sync_folder(folder)?;
    match linked {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// A file's time as ours.
pub(super) fn timestamp(time: SystemTime) -> Timestamp {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => Timestamp::from_micros(0).plus(after),
        Err(before) => Timestamp::from_micros(0).minus(before.duration()),
    }
}

/// Runs blocking work off the async threads. It runs to its end even when the caller goes away.
pub(super) async fn blocking<T, E, F>(work: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<io::Error> + Send + 'static,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(stopped) => Err(E::from(io::Error::other(stopped))),
    }
}
