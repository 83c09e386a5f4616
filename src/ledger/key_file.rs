//! The signing key's file: PEM, readable by its owner alone, whole or not there at all.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::LedgerError;
use super::signing::SigningKey;

/// Far above any PEM file of an Ed25519 key, in bytes.
const MAX_FILE_BYTES: u64 = 16 * 1024;

/// Group may read (secrets mounted by an orchestrator are so), group may not write, others may nothing.
const FORBIDDEN_MODE: u32 = 0o027;

/// Reads the key. Errors with [`LedgerError::Key`] when others than owner and group can read the file.
pub fn load(path: &Path) -> Result<SigningKey, LedgerError> {
    SigningKey::from_pem(&read_private(path)?)
}

/// Reads a file that holds a key, whatever its kind. Errors as [`load`] does.
pub fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, LedgerError> {
    let file = File::open(path).map_err(LedgerError::KeyFile)?;
    let mode = file.metadata().map_err(LedgerError::KeyFile)?.permissions().mode();
    if mode & FORBIDDEN_MODE != 0 {
        return Err(LedgerError::Key("its file is open to others: chmod 600 it"));
    }
    let mut pem = Zeroizing::new(Vec::new());
    file.take(MAX_FILE_BYTES).read_to_end(&mut pem).map_err(LedgerError::KeyFile)?;
    Ok(pem)
}

/// Reads the key, or makes one where there is no file. Two processes that start at once end up with one key.
pub fn load_or_create(path: &Path) -> Result<SigningKey, LedgerError> {
    match load(path) {
        Err(LedgerError::KeyFile(error)) if error.kind() == ErrorKind::NotFound => {}
        done => return done,
    }
    let key = SigningKey::generate()?;
    match create(path, &key) {
        Err(LedgerError::KeyFile(error)) if error.kind() == ErrorKind::AlreadyExists => load(path),
        done => done.map(|()| key),
    }
}

/// Writes a key where there is none, so that it outlives a power failure from the moment this returns.
///
/// Errors: [`LedgerError::KeyFile`], of kind `AlreadyExists` when there is a file: a key is never overwritten.
pub fn create(path: &Path, key: &SigningKey) -> Result<(), LedgerError> {
    let pem = key.to_pem()?;
    write_new(path, pem.as_bytes()).map_err(LedgerError::KeyFile)
}

/// Writes a file that its owner alone can read, whole or not at all, and not over another.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o600)).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_from_then_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/ledger.pem");
        let made = load_or_create(&path).unwrap();
        assert_eq!(load_or_create(&path).unwrap().public(), made.public());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_key_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.pem");
        let first = SigningKey::generate().unwrap();
        create(&path, &first).unwrap();
        let refused = create(&path, &SigningKey::generate().unwrap());
        assert!(matches!(refused, Err(LedgerError::KeyFile(error)) if error.kind() == ErrorKind::AlreadyExists));
        assert_eq!(load(&path).unwrap().public(), first.public());
    }

    #[test]
    fn a_file_that_others_can_read_or_that_is_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.pem");
        create(&path, &SigningKey::generate().unwrap()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(load(&path), Err(LedgerError::Key(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, b"").unwrap();
        assert!(matches!(load_or_create(&path), Err(LedgerError::Key(_))), "an empty file is not replaced");
    }
}
