//! Keys as files: the embedded default.
//!
//! One file of 32 random bytes per key (0600) in a folder (0700), and the same in a replica folder where one is
//! configured. A key is in all its copies, fsynced, before it is first used. The replica gets it first: where two
//! processes make the same key at once, the one that is in the replica first is the key.
//!
//! Destroying leaves a note (`<name>.destroyed`, the time inside), written before anything is unlinked: a crash in
//! the middle cannot leave a key that the replica brings back, and a destroyed name gets no new key. Overwriting
//! before the unlink would promise what no present-day disk keeps.
//! A folder without its id file is an unmounted or foreign one: then nothing is "gone", the provider is unavailable.

mod folder;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use zeroize::Zeroizing;

use self::folder::Folder;
use super::{Destroyed, KeyError, KeyName, KeyProvider};
use crate::clock::{Clock, Timestamp};
use crate::failpoint;
use crate::vault::files::blocking;
use crate::vault::{Key32, SealError, small};

/// A file of a write in progress is younger than this.
const ABANDONED_AFTER: Duration = Duration::from_secs(600);

/// Keys in a folder, with an optional replica.
#[derive(Clone)]
pub struct FileKeys {
    folders: Arc<Folders>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct Folders {
    main: Folder,
    replica: Option<Folder>,
}

impl FileKeys {
    /// Opens the keys in `main`, making the folders where there are none, and completes destructions that were
    /// broken off. Blocking. Errors: [`KeyError::Permissions`], [`KeyError::ForeignFolder`] (the two folders belong
    /// to different installations, or `main` holds something else).
    pub fn open(main: PathBuf, replica: Option<PathBuf>, clock: Arc<dyn Clock>) -> Result<Self, KeyError> {
        let known = replica.as_deref().map(folder::existing_id).transpose()?.flatten();
        let main = Folder::open(main, "keys folder", known)?;
        let replica = replica.map(|path| Folder::open(path, "replica folder", Some(main.id()))).transpose()?;
        let folders = Folders { main, replica };
        folders.tidy(clock.now().minus(ABANDONED_AFTER))?;
        Ok(Self { folders: Arc::new(folders), clock })
    }

    async fn on_folders<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folders) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, KeyError> {
        let folders = self.folders.clone();
        blocking(move || work(&folders)).await
    }
}

impl std::fmt::Debug for FileKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.folders.fmt(f)
    }
}

impl Folders {
    fn all(&self) -> impl Iterator<Item = &Folder> {
        self.replica.iter().chain([&self.main])
    }

    /// When the key was destroyed, if it was. Errors where a folder is away: its note may be the only one.
    fn destroyed_at(&self, name: &KeyName) -> Result<Option<Timestamp>, KeyError> {
        for folder in self.all() {
            if let Some(at) = folder.destruction(name)? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn ensure(&self, name: &KeyName) -> Result<(), KeyError> {
        self.all().try_for_each(Folder::check_present)?;
        if self.destroyed_at(name)?.is_some() {
            return Err(KeyError::Gone(*name));
        }
        let found = match self.replica.as_ref().map(|r| r.read(name)).transpose()?.flatten() {
            Some(key) => Some(key),
            None => self.main.read(name)?,
        };
        let mut key = found.map_or_else(Key32::generate, Ok)?;
        for folder in self.all() {
            let published = folder.publish(name, &key)?;
            failpoint::hit("key-published");
            if std::ptr::eq(folder, &self.main) && self.replica.is_some() && published.expose() != key.expose() {
                return Err(KeyError::ReplicaDiffers(*name));
            }
            key = published;
        }
        // Destroyed while we made it: then what we wrote must go, as the destroyer may have passed already.
        if self.destroyed_at(name)?.is_some() {
            self.all().try_for_each(|folder| folder.remove(name))?;
            return Err(KeyError::Gone(*name));
        }
        Ok(())
    }

    fn load(&self, name: &KeyName) -> Result<Key32, KeyError> {
        if self.destroyed_at(name)?.is_some() {
            return Err(KeyError::Gone(*name));
        }
        if let Some(key) = self.main.read(name)? {
            return Ok(key);
        }
        self.all().try_for_each(Folder::check_present)?;
        self.replica.as_ref().map(|r| r.read(name)).transpose()?.flatten().ok_or(KeyError::Gone(*name))
    }

    fn destroy(&self, name: &KeyName, now: Timestamp) -> Result<Destroyed, KeyError> {
        self.all().try_for_each(Folder::check_present)?;
        let effective_at = self.destroyed_at(name)?.unwrap_or(now);
        for folder in self.all() {
            folder.note_destruction(name, effective_at)?;
            failpoint::hit("key-destruction-noted");
        }
        for folder in self.all() {
            folder.remove(name)?;
            failpoint::hit("key-removed");
        }
        Ok(Destroyed { effective_at })
    }

    fn list(&self) -> Result<Vec<KeyName>, KeyError> {
        let mut names = Vec::new();
        for folder in self.all() {
            folder.check_present()?;
            names.extend(folder.keys()?);
        }
        names.sort();
        names.dedup();
        let mut live = Vec::with_capacity(names.len());
        for name in names {
            if self.destroyed_at(&name)?.is_none() {
                live.push(name);
            }
        }
        Ok(live)
    }

    /// Completes destructions, and removes what writes before `before` left.
    fn tidy(&self, before: Timestamp) -> Result<(), KeyError> {
        for folder in self.all() {
            folder.remove_abandoned(before)?;
            for name in folder.keys()? {
                if let Some(at) = self.destroyed_at(&name)? {
                    self.destroy(&name, at)?;
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl KeyProvider for FileKeys {
    async fn ensure(&self, name: &KeyName) -> Result<(), KeyError> {
        let name = *name;
        self.on_folders(move |folders| folders.ensure(&name)).await
    }

    async fn wrap(&self, name: &KeyName, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        let name = *name;
        let key = self.on_folders(move |folders| folders.load(&name)).await?;
        Ok(small::seal(&key, &wrap_aad(&name, aad), plain)?)
    }

    async fn unwrap(&self, name: &KeyName, aad: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let name = *name;
        let key = self.on_folders(move |folders| folders.load(&name)).await?;
        small::open(&key, &wrap_aad(&name, aad), wrapped).map_err(|e| match e {
            SealError::Forged | SealError::ImpossibleLength => KeyError::Corrupt(name),
            other => other.into(),
        })
    }

    async fn destroy(&self, name: &KeyName) -> Result<Destroyed, KeyError> {
        let (name, now) = (*name, self.clock.now());
        self.on_folders(move |folders| folders.destroy(&name, now)).await
    }

    async fn exists(&self, name: &KeyName) -> Result<bool, KeyError> {
        let name = *name;
        self.on_folders(move |folders| match folders.load(&name) {
            Ok(_) => Ok(true),
            Err(KeyError::Gone(_)) => Ok(false),
            Err(error) => Err(error),
        })
        .await
    }

    async fn list(&self) -> Result<Vec<KeyName>, KeyError> {
        self.on_folders(Folders::list).await
    }

    fn kind(&self) -> &'static str {
        "file"
    }

    fn copies(&self) -> u64 {
        1 + u64::from(self.folders.replica.is_some())
    }

    fn identity(&self) -> Option<String> {
        Some(self.folders.main.id().to_string())
    }

    fn warnings(&self) -> Vec<String> {
        let alone = "the keys folder has no replica: when its disk is lost, every recording is lost";
        if self.folders.replica.is_some() { Vec::new() } else { vec![alone.to_owned()] }
    }
}

fn wrap_aad(name: &KeyName, aad: &[u8]) -> Vec<u8> {
    [b"earwitness-key-wrap-v1\0", name.to_string().as_bytes(), b"\0", aad].concat()
}
