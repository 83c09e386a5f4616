//! Two stores walked side by side, in the order of the paths, each object once.

use std::collections::VecDeque;
use std::iter::Peekable;

use crate::vault::objects::{Cursor, ObjectKey, ObjectStore, Prefix, StoreError, StoredKind, StoredVersion};

/// Things that one listing asks for.
const PAGE: usize = 1_000;

/// One object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub key: ObjectKey,
    pub path: String,
    /// Its length, where there is one version of it and nothing else: then that is the current one.
    pub only_version: Option<u64>,
}

/// One object, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub key: ObjectKey,
    pub source: Option<Listed>,
    pub target: Option<Listed>,
}

/// A store's objects. What is unfinished, and what is not ours, is passed over.
struct Objects<'a> {
    store: &'a dyn ObjectStore,
    page: Peekable<std::vec::IntoIter<StoredVersion>>,
    next: Option<Cursor>,
    begun: bool,
    ready: VecDeque<Listed>,
}

impl<'a> Objects<'a> {
    fn new(store: &'a dyn ObjectStore) -> Self {
        Self { store, page: Vec::new().into_iter().peekable(), next: None, begun: false, ready: VecDeque::new() }
    }

    /// The next thing of the listing that is an object or one of its versions.
    async fn version(&mut self) -> Result<Option<(ObjectKey, StoredVersion)>, StoreError> {
        loop {
            for version in self.page.by_ref() {
                let is_object = matches!(version.kind, StoredKind::Version | StoredKind::DeleteMarker);
                if let Some(key) = version.key.filter(|_| is_object) {
                    return Ok(Some((key, version)));
                }
            }
            if self.begun && self.next.is_none() {
                return Ok(None);
            }
            let page = self.store.list(&Prefix::all(), self.next.as_ref(), PAGE).await?;
            (self.begun, self.next) = (true, page.next);
            self.page = page.found.into_iter().peekable();
        }
    }

    /// Makes sure that the next object is looked at with all its versions, however the pages are cut.
    async fn fill(&mut self) -> Result<(), StoreError> {
        while self.ready.len() < 2 {
            let Some((key, version)) = self.version().await? else { return Ok(()) };
            let only = (version.kind == StoredKind::Version).then_some(version.byte_len);
            match self.ready.back_mut() {
                Some(last) if last.key == key => last.only_version = None,
                _ => self.ready.push_back(Listed { key, path: version.path, only_version: only }),
            }
        }
        Ok(())
    }

    async fn path(&mut self) -> Result<Option<&str>, StoreError> {
        self.fill().await?;
        Ok(self.ready.front().map(|listed| listed.path.as_str()))
    }

    fn take(&mut self) -> Option<Listed> {
        self.ready.pop_front()
    }
}

/// See the module.
pub(super) struct Walk<'a> {
    source: Objects<'a>,
    target: Objects<'a>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(source: &'a dyn ObjectStore, target: &'a dyn ObjectStore) -> Self {
        Self { source: Objects::new(source), target: Objects::new(target) }
    }

    /// The next object that either of the two has.
    pub(super) async fn next(&mut self) -> Result<Option<Pair>, StoreError> {
        let (of_source, of_target) = match (self.source.path().await?, self.target.path().await?) {
            (None, None) => return Ok(None),
            (Some(source), Some(target)) => (source <= target, target <= source),
            (source, target) => (source.is_some(), target.is_some()),
        };
        let source = if of_source { self.source.take() } else { None };
        let target = if of_target { self.target.take() } else { None };
        let key = source.as_ref().or(target.as_ref()).map(|listed| listed.key);
        Ok(key.map(|key| Pair { key, source, target }))
    }
}

/// Whether a store has no object of ours at all.
pub(super) async fn is_empty(store: &dyn ObjectStore) -> Result<bool, StoreError> {
    Ok(Objects::new(store).path().await?.is_none())
}
