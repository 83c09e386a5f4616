//! What is in a store, whichever it is: asked for, and changed behind the archive's back, through the program's own trait.

use earwitness::vault::objects::{ObjectKey, ObjectStore, Prefix, StoredKind, StoredVersion};

/// Everything below a prefix: all versions, markers, unfinished writes.
pub async fn listed(store: &dyn ObjectStore, prefix: &Prefix) -> Vec<StoredVersion> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(prefix, after.as_ref(), 1_000).await.expect("a listing");
        found.extend(page.found);
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

/// The paths of everything that a recording has in the store, or that all have when none is given; each once, in order.
pub async fn of_recordings(store: &dyn ObjectStore, id: Option<&str>) -> Vec<String> {
    let found = listed(store, &Prefix::recordings()).await.into_iter().map(|version| version.path);
    let mut paths: Vec<String> = found.filter(|path| id.is_none_or(|id| path.contains(id))).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// The ids of all recordings that have anything in the store, in order.
pub async fn recordings(store: &dyn ObjectStore) -> Vec<String> {
    let found = listed(store, &Prefix::recordings()).await.into_iter();
    let mut ids: Vec<String> = found
        .map(|version| match version.key {
            Some(ObjectKey::Recording { id, .. }) => id.to_string(),
            _ => version.path,
        })
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Paths of what writes left that did not come to their end.
pub async fn unfinished(store: &dyn ObjectStore) -> Vec<String> {
    let found = listed(store, &Prefix::all()).await.into_iter();
    let left = found.filter(|v| matches!(v.kind, StoredKind::Temporary | StoredKind::PendingUpload));
    left.map(|version| version.path).collect()
}

/// All certificates of purged recordings.
pub async fn certificates(store: &dyn ObjectStore) -> Vec<ObjectKey> {
    let found = listed(store, &Prefix::certificates()).await.into_iter();
    let mut keys: Vec<ObjectKey> = found.filter_map(|version| version.key).collect();
    keys.sort();
    keys.dedup();
    keys
}

/// The names and the bytes of all objects below a prefix.
pub async fn contents(store: &dyn ObjectStore, prefix: &Prefix) -> Vec<(ObjectKey, Vec<u8>)> {
    let mut keys: Vec<ObjectKey> = listed(store, prefix).await.into_iter().filter_map(|version| version.key).collect();
    keys.sort();
    keys.dedup();
    let mut all = Vec::new();
    for key in keys {
        all.push((key, bytes_of(store, &key).await));
    }
    all
}

/// A whole object.
pub async fn bytes_of(store: &dyn ObjectStore, key: &ObjectKey) -> Vec<u8> {
    store.get(key, 64 << 20).await.unwrap_or_else(|error| panic!("{key}: {error}")).to_vec()
}

/// Puts other bytes in place of an object's.
pub async fn change(store: &dyn ObjectStore, key: &ObjectKey, how: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = bytes_of(store, key).await;
    how(&mut bytes);
    store.put(key, bytes.into()).await.expect("the object is changed");
}
