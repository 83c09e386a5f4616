//! One folder of keys: reading, publishing and removing its files. Blocking.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use uuid::Uuid;
use zeroize::Zeroizing;

use super::super::{KeyError, KeyName};
use crate::clock::Timestamp;
use crate::vault::Key32;
use crate::vault::files::{link_new, make_root, open_no_follow, read_id, remove_file, sync_folder, timestamp};

const ID_FILE: &str = "folder-id";

/// The id in a folder that may be there.
pub(super) fn existing_id(path: &Path) -> Result<Option<Uuid>, KeyError> {
    Ok(read_id(&path.join(ID_FILE))?)
}

#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    what: &'static str,
    id: Uuid,
}

impl Folder {
    /// Opens or makes the folder. `expected`: the id it must have, and gets when it is new.
    pub fn open(path: PathBuf, what: &'static str, expected: Option<Uuid>) -> Result<Self, KeyError> {
        make_root(&path)?;
        if fs::metadata(&path)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Permissions { what, mode: 0o700 });
        }
        if existing_id(&path)?.is_none() {
            let foreign = |name: io::Result<fs::DirEntry>| name.is_ok_and(|e| !is_temporary(&e.file_name()));
            if fs::read_dir(&path)?.any(foreign) && existing_id(&path)?.is_none() {
                return Err(KeyError::ForeignFolder(what));
            }
            let id = expected.unwrap_or_else(Uuid::new_v4);
            link_new(&path, ID_FILE, format!("{}\n", id.as_hyphenated()).as_bytes())?;
        }
        match existing_id(&path)? {
            Some(id) if expected.is_none_or(|e| e == id) => Ok(Self { path, what, id }),
            _ => Err(KeyError::ForeignFolder(what)),
        }
    }

    pub fn id(&self) -> Uuid {
        self.id
    }

    /// An error where the folder is not there, or is another one.
    pub fn check_present(&self) -> Result<(), KeyError> {
        if existing_id(&self.path)? == Some(self.id) { Ok(()) } else { Err(self.away().into()) }
    }

    pub fn read(&self, name: &KeyName) -> Result<Option<Key32>, KeyError> {
        let mut file = match open_no_follow(&self.path.join(name.to_string())) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let meta = file.metadata()?;
        if meta.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Permissions { what: "key file", mode: 0o600 });
        }
        if !meta.is_file() || meta.len() != 32 {
            return Err(KeyError::WrongSize(*name));
        }
        let mut key = Zeroizing::new([0; 32]);
        file.read_exact(key.as_mut())?;
        Ok(Some(Key32::from_slice(key.as_ref())?))
    }

    /// Writes the key where there is none. Gives the one that is there now, and is durable.
    pub fn publish(&self, name: &KeyName, key: &Key32) -> Result<Key32, KeyError> {
        if self.read(name)?.is_none() {
            link_new(&self.path, &name.to_string(), key.expose())?;
        }
        // Also when another made it: it may not have come to this yet.
        sync_folder(&self.path)?;
        self.read(name)?.ok_or(KeyError::Gone(*name))
    }

    /// When the key was destroyed, if this folder has a note of it.
    pub fn destruction(&self, name: &KeyName) -> Result<Option<Timestamp>, KeyError> {
        match fs::read_to_string(self.path.join(format!("{name}.destroyed"))) {
            // An unreadable note is a note: rather gone at an unknown time than back again.
            Ok(text) => Ok(Some(Timestamp::parse(text.trim()).unwrap_or(Timestamp::from_micros(0)))),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    pub fn note_destruction(&self, name: &KeyName, at: Timestamp) -> Result<(), KeyError> {
        link_new(&self.path, &format!("{name}.destroyed"), format!("{at}\n").as_bytes())?;
        Ok(sync_folder(&self.path)?)
    }

    /// Removes the key, and what unfinished writes of it left, durably.
    pub fn remove(&self, name: &KeyName) -> Result<(), KeyError> {
        let start = format!(".{name}.");
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if is_temporary(&entry.file_name()) && entry.file_name().to_string_lossy().starts_with(&start) {
                remove_file(&entry.path())?;
            }
        }
        remove_file(&self.path.join(name.to_string()))?;
        Ok(sync_folder(&self.path)?)
    }

    /// The names of the keys in this folder.
    pub fn keys(&self) -> Result<Vec<KeyName>, KeyError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            names.extend(entry?.file_name().to_str().and_then(|n| n.parse::<KeyName>().ok()));
        }
        Ok(names)
    }

    pub fn remove_abandoned(&self, before: Timestamp) -> Result<(), KeyError> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if is_temporary(&entry.file_name()) && timestamp(entry.metadata()?.modified()?) < before {
                remove_file(&entry.path())?;
            }
        }
        Ok(())
    }

    fn away(&self) -> io::Error {
        io::Error::new(ErrorKind::NotFound, format!("the {} is not there", self.what))
    }
}

fn is_temporary(name: &std::ffi::OsStr) -> bool {
    name.to_str().is_some_and(|n| n.starts_with('.') && n.ends_with(".tmp"))
}
