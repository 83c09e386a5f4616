//! Listing as the contract has it: versions, markers and pending uploads together, in byte order of the paths, in
//! pages of any size.
//!
//! A page is put together from as many raw answers as it takes. SeaweedFS cuts its answers in the order of its
//! folders (in which `067.p/5` comes before `067`) and goes on in the order of the names, so that a raw listing that
//! is cut in between loses `067`. Therefore a partial tile is listed together with the full one, again where needed.

use std::collections::BTreeMap;

use super::S3Store;
use super::error::unavailable;
use super::page::{Marker, uploads, versions};
use crate::vault::objects::{Cursor, ListPage, StoreError, StoredKind, StoredVersion};

/// The place of one thing in a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    path: String,
    rank: u8,
    version: String,
}

impl Place {
    fn of(found: &StoredVersion) -> Self {
        let rank = match found.kind {
            StoredKind::Version => 0,
            StoredKind::DeleteMarker => 1,
            StoredKind::PendingUpload => 2,
            StoredKind::Temporary => 3,
        };
        Self { path: found.path.clone(), rank, version: found.version.clone().unwrap_or_default() }
    }

    fn cursor(&self) -> Cursor {
        Cursor(format!("{} {} {}", self.rank, self.version, self.path))
    }

    fn read(cursor: &Cursor) -> Option<Self> {
        let mut parts = cursor.0.splitn(3, ' ');
        let (rank, version, path) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { path: path.to_owned(), rank: rank.parse().ok()?, version: version.to_owned() })
    }
}

/// One page of what is below `prefix`.
pub(super) async fn page(
    store: &S3Store,
    prefix: &str,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<ListPage, StoreError> {
    let after = match after {
        Some(cursor) => Some(Place::read(cursor).ok_or_else(|| unavailable("not a place in this store's listing"))?),
        None => None,
    };
    let name = store.name(prefix);
    let mut gathered = BTreeMap::new();
    let gather = |found: Vec<StoredVersion>, gathered: &mut BTreeMap<Place, StoredVersion>| {
        let placed = found.into_iter().map(|version| (Place::of(&version), version));
        gathered.extend(placed.filter(|(place, _)| Some(place) > after.as_ref()));
    };
    // Before the versions: an upload that is completed in between shows as both rather than as nothing.
    gather(uploads(store, &name).await?.found, &mut gathered);
    let mut marker = Marker { name: after.as_ref().map(|place| store.name(before(&place.path))), version: None };
    let limit = limit.max(1);
    let end = loop {
        let raw = versions(store, &name, &marker).await?;
        gather(raw.found, &mut gathered);
        let (Some(next), Some(last)) = (raw.next, raw.last_path) else { break None };
        if gathered.keys().take_while(|place| place.path.as_str() < group(&last)).nth(limit).is_some() {
            break Some(group(&last).to_owned());
        }
        marker = go_on(store, &marker, next, &last);
    };
    Ok(cut(gathered, end.as_deref(), limit))
}

/// Where the next raw listing begins: where the store says, or once more before a group that may be cut.
fn go_on(store: &S3Store, marker: &Marker, next: Marker, last: &str) -> Marker {
    let again = store.name(before(last));
    if group(last) != last && marker.name.as_ref().is_none_or(|began| *began < again) {
        return Marker { name: Some(again), version: None };
    }
    next
}

/// The page: what is before `end`, where everything is known, up to `limit`.
fn cut(gathered: BTreeMap<Place, StoredVersion>, end: Option<&str>, limit: usize) -> ListPage {
    let more = end.is_some() || gathered.len() > limit;
    let known = gathered.into_iter().take_while(|(place, _)| end.is_none_or(|end| place.path.as_str() < end));
    let page: Vec<_> = known.take(limit).collect();
    let next = if more { page.last().map(|(place, _)| place.cursor()) } else { None };
    ListPage { found: page.into_iter().map(|(_, version)| version).collect(), next }
}

/// What is listed together with a path: the tile of which it may be a part.
fn group(path: &str) -> &str {
    path.split_once(".p/").map_or(path, |(tile, _)| tile)
}

/// A text that comes before the path's group, and before little else: the group's name without its last letter.
fn before(path: &str) -> &str {
    let group = group(path);
    group.char_indices().next_back().map_or("", |(at, _)| &group[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_as_it_is_written() {
        for (path, version) in [("rec/a b", ""), ("x", "v1"), ("", "null")] {
            let place = Place { path: path.into(), rank: 2, version: version.into() };
            assert_eq!(Place::read(&place.cursor()), Some(place));
        }
        assert_eq!(Place::read(&Cursor("rec".into())), None);
    }

    #[test]
    fn a_partial_tile_is_looked_at_with_its_full_one() {
        assert_eq!(before("ledger/tile/0/067.p/5"), "ledger/tile/0/06");
        assert_eq!(before("rec/é"), "rec/");
        assert_eq!(before(""), "");
    }
}
