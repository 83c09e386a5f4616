//! Where an object's files are: its own, and those of writes in progress.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use uuid::Uuid;

use super::super::{ObjectKey, StoredKind, StoredVersion};

/// The place of one object below the root.
#[derive(Debug, Clone)]
pub(super) struct Place {
    root: PathBuf,
    folder: PathBuf,
    name: String,
}

impl Place {
    pub fn of(root: &Path, key: &ObjectKey) -> Self {
        let text = key.to_string();
        let (folder, name) = text.rsplit_once('/').unwrap_or(("", &text));
        Self { root: root.to_owned(), folder: root.join(folder), name: name.to_owned() }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// A fresh name for a write in progress. It carries the object's name, so that a deletion finds it.
    pub fn temporary(&self) -> PathBuf {
        self.folder.join(format!(".{}.{}.tmp", self.name, Uuid::new_v4().as_hyphenated()))
    }

    /// The folders from the object's own up to, but without, the root.
    pub fn folders_upwards(&self) -> impl Iterator<Item = &Path> {
        self.folder.ancestors().take_while(|folder| *folder != self.root)
    }

    /// Holds the store's lock until dropped: shared to make folders, exclusive to remove them. Also between processes.
    pub fn lock(&self, how: FlockOperation) -> io::Result<File> {
        let file = File::open(self.root.join(super::ID_FILE))?;
        rustix::io::retry_on_intr(|| rustix::fs::flock(&file, how))?;
        Ok(file)
    }

    /// The root, then the folders from it down to the object's own.
    pub fn folders_downwards(&self) -> Vec<&Path> {
        let mut folders: Vec<&Path> = self.folders_upwards().collect();
        folders.push(&self.root);
        folders.reverse();
        folders
    }

    /// The names of the files that unfinished writes of this object left.
    pub fn temporaries(&self) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(&self.folder) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        for entry in entries {
            if let Ok(name) = entry?.file_name().into_string()
                && object_of_temporary(&name) == Some(&self.name)
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The name of the file that a listing found, if it is one of this object's.
    pub fn file_for(&self, version: &StoredVersion) -> Option<String> {
        let name = version.path.rsplit('/').next()?;
        let matches = match version.kind {
            StoredKind::Version => name == self.name,
            StoredKind::Temporary => object_of_temporary(name) == Some(&self.name),
            StoredKind::DeleteMarker | StoredKind::PendingUpload => false,
        };
        matches.then(|| name.to_owned())
    }
}

/// The object's name in the name of a write in progress: `.<name>.<uuid>.tmp`.
pub(super) fn object_of_temporary(file_name: &str) -> Option<&str> {
    let (name, id) = file_name.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.')?;
    Uuid::try_parse(id).ok().map(|_| name)
}
