//! Listing: everything below a folder, in byte order of the paths, ours or not.

use std::fs::{DirEntry, FileType};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::names::object_of_temporary;
use crate::vault::files::timestamp;
use crate::vault::objects::{Cursor, ListPage, ObjectKey, StoreError, StoredKind, StoredVersion};

/// One page of what is below `prefix`.
pub(super) fn page(root: &Path, prefix: &str, after: Option<&str>, limit: usize) -> Result<ListPage, StoreError> {
    let mut walk = Walk { after: after.unwrap_or(""), limit: limit.max(1), found: Vec::new() };
    walk.folder(&root.join(prefix), prefix)?;
    let full = walk.found.len() == walk.limit;
    let next = if full { walk.found.last().map(|v| Cursor(v.path.clone())) } else { None };
    Ok(ListPage { found: walk.found, next })
}

struct Walk<'a> {
    after: &'a str,
    limit: usize,
    found: Vec<StoredVersion>,
}

impl Walk<'_> {
    /// `path` is the folder's path in the store: empty, or ending with `/`.
    fn folder(&mut self, folder: &Path, path: &str) -> io::Result<()> {
        let entries = match std::fs::read_dir(folder) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let mut named = Vec::new();
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            let slash = if kind.is_dir() { "/" } else { "" };
            let full = format!("{path}{}{slash}", entry.file_name().to_string_lossy());
            if full == super::ID_FILE {
                continue;
            }
            if full.as_str() > self.after || (kind.is_dir() && self.after.starts_with(&full)) {
                named.push((full, kind, entry));
            }
        }
        // A folder sorts with its slash, as the paths of what is in it do.
        named.sort_by(|a, b| a.0.cmp(&b.0));
        for (full, kind, entry) in named {
            if self.found.len() >= self.limit {
                break;
            }
            if kind.is_dir() {
                self.folder(&entry.path(), &full)?;
            } else {
                self.found.extend(describe(full, kind, &entry)?);
            }
        }
        Ok(())
    }
}

/// None: it went away while we looked.
fn describe(path: String, file: FileType, entry: &DirEntry) -> io::Result<Option<StoredVersion>> {
    let meta = match entry.metadata() {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let utf8 = entry.file_name().to_str().is_some();
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let (kind, key) = match object_of_temporary(name) {
        Some(object) => (StoredKind::Temporary, format!("{folder}/{object}").parse().ok()),
        None => (StoredKind::Version, path.parse::<ObjectKey>().ok()),
    };
    let key = key.filter(|_| file.is_file() && utf8);
    let modified_at = timestamp(meta.modified()?);
    Ok(Some(StoredVersion { path, key, version: None, kind, byte_len: meta.len(), modified_at }))
}
