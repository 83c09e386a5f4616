//! Objects that somebody hid: where a store keeps versions, a plain DELETE deletes nothing and puts a marker before
//! everything, so that the object seems to be gone. We never do that ourselves.

use std::collections::BTreeMap;

use super::report::{Action, Problem, Report};
use crate::archive::{Archive, ArchiveError};
use crate::recording::{ExpiryMonth, RecordingId};
use crate::vault::objects::{ObjectKey, Prefix, StoredKind, StoredVersion};

/// Things that one listing asks for.
const PAGE: usize = 1_000;

/// Looks for hidden objects of a recording and, with `mend`, deletes the markers before them. True when it deleted any.
pub(super) async fn check(
    archive: &Archive,
    (month, id): (ExpiryMonth, RecordingId),
    mend: bool,
    report: &mut Report,
) -> Result<bool, ArchiveError> {
    let mut lifted = false;
    for (key, markers) in hidden(archive, &Prefix::recording(month, id)).await? {
        if mend {
            for result in archive.store.delete_versions(&markers).await {
                result?;
            }
            lifted = true;
        }
        let mended = mend && archive.store.head(&key).await?.is_some();
        report.add(Problem::Hidden, if mended { Action::Repaired } else { Action::Reported }, key);
    }
    Ok(lifted)
}

/// Objects of which there is a version and which cannot be read, with their markers.
async fn hidden(archive: &Archive, prefix: &Prefix) -> Result<BTreeMap<ObjectKey, Vec<StoredVersion>>, ArchiveError> {
    let (mut markers, mut versions) = (BTreeMap::<_, Vec<_>>::new(), Vec::new());
    let mut after = None;
    loop {
        let page = archive.store.list(prefix, after.as_ref(), PAGE).await?;
        for found in page.found {
            match (found.key, found.kind) {
                (Some(key), StoredKind::DeleteMarker) => markers.entry(key).or_default().push(found),
                (Some(key), StoredKind::Version) => versions.push(key),
                _ => {}
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    markers.retain(|key, _| versions.contains(key));
    let mut hidden = BTreeMap::new();
    for (key, of_it) in markers {
        if archive.store.head(&key).await?.is_none() {
            hidden.insert(key, of_it);
        }
    }
    Ok(hidden)
}
