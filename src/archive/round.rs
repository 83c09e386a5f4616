//! Rounds over what waits in the catalog, in the order of its keys. A round goes behind what fails: however much that is, and
//! however long it stays, it keeps nothing else waiting. It does only so much all the same, and the next one goes on there.

use std::sync::Mutex;

use uuid::Uuid;

use super::ArchiveError;
use crate::clock::Timestamp;
use crate::recording::RecordingId;

/// So many are tried for each one that a round may do.
const TRIES: u64 = 4;
/// So many in a row that find a part of the archive away: the next would as well, each after waiting for it.
const AWAY: u32 = 20;

/// Where the next round begins; none: with the first that waits.
#[derive(Debug)]
pub struct Bookmark<K>(Mutex<Option<K>>);

impl<K> Default for Bookmark<K> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

/// The bookmarks of this process.
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "what waits, by what is done about it")]
pub struct Bookmarks {
    pub arrivals: Bookmark<(Uuid, RecordingId)>,
    pub releases: Bookmark<(Uuid, Uuid)>,
    pub months: Bookmark<(Timestamp, RecordingId)>,
    pub cases: Bookmark<Uuid>,
    pub accounts: Bookmark<Uuid>,
    pub guards: Bookmark<RecordingId>,
    pub sidecars: Bookmark<RecordingId>,
}

/// A round, page by page.
#[derive(Debug)]
pub struct Round<'a, K> {
    bookmark: &'a Bookmark<K>,
    after: Option<K>,
    /// Whether what waits before the bookmark is still to come.
    began_behind: bool,
    is_over: bool,
    done: u64,
    most: u64,
    tries_left: u64,
    /// How many in a row found a part of the archive away.
    away: u32,
    first: Option<ArchiveError>,
}

impl<'a, K: Copy> Round<'a, K> {
    /// Goes on where the last one stopped, until about so many are done.
    pub fn begin(bookmark: &'a Bookmark<K>, most: u64) -> Self {
        let after = bookmark.0.lock().ok().and_then(|place| *place);
        let tries_left = most.saturating_mul(TRIES);
        Self {
            bookmark,
            after,
            began_behind: after.is_some(),
            is_over: false,
            done: 0,
            most,
            tries_left,
            away: 0,
            first: None,
        }
    }

    /// Behind what the next page begins; none: with the first that waits.
    pub fn after(&self) -> Option<K> {
        self.after
    }

    /// Takes the last of a page. None, of an empty page, is the end, or for who began behind it the beginning.
    pub fn turn(&mut self, last: Option<K>) {
        self.after = last;
        if last.is_none() && !std::mem::take(&mut self.began_behind) {
            self.is_over = true;
        }
    }

    /// Whether another page is to be looked at.
    pub fn goes_on(&self) -> bool {
        !self.is_over && self.done < self.most && self.tries_left > 0 && self.away < AWAY
    }

    /// Counts what became of one.
    pub fn count(&mut self, result: Result<u64, ArchiveError>) {
        self.tries_left = self.tries_left.saturating_sub(1);
        self.away = if result.as_ref().is_err_and(ArchiveError::is_unavailable) { self.away + 1 } else { 0 };
        match result {
            Ok(done) => self.done += done,
            Err(error) => drop(self.first.get_or_insert(error)),
        }
    }

    /// How many were done, or the first failure.
    pub fn end(self) -> Result<u64, ArchiveError> {
        if let Ok(mut place) = self.bookmark.0.lock() {
            *place = self.after;
        }
        self.first.map_or(Ok(self.done), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One round over the numbers below `len`, of which those below `bad` fail; gives those that were done.
    fn round(bookmark: &Bookmark<u64>, len: u64, bad: u64, most: u64) -> Vec<u64> {
        let (mut round, mut done) = (Round::begin(bookmark, most), Vec::new());
        while round.goes_on() {
            let first = round.after().map_or(0, |after| after + 1);
            let page: Vec<u64> = (first..len).take(2).collect();
            round.turn(page.last().copied());
            for number in page {
                let failed = number < bad;
                round.count(if failed { Err(ArchiveError::KeyDestroyed) } else { Ok(1) });
                done.extend((!failed).then_some(number));
            }
        }
        assert_eq!(round.end().is_err(), bad > 0, "the first failure is told");
        done
    }

    #[test]
    fn what_fails_keeps_nothing_waiting() {
        let bookmark = Bookmark::default();
        assert_eq!(round(&bookmark, 9, 7, 4), [7, 8], "in one round");
        assert_eq!(round(&bookmark, 9, 7, 4), [7, 8], "the next begins at the beginning");
    }

    #[test]
    fn a_round_is_bounded_and_the_next_goes_on() {
        let bookmark = Bookmark::default();
        assert_eq!(round(&bookmark, 20, 17, 4), [0; 0], "sixteen were tried");
        assert_eq!(round(&bookmark, 20, 17, 4), [17, 18, 19], "and then what was before them once more");
    }

    #[test]
    fn what_is_done_bounds_it_as_well() {
        let bookmark = Bookmark::default();
        let done = |from: u64| (from..from + 4).collect::<Vec<_>>();
        assert_eq!(round(&bookmark, 8, 0, 4), done(0));
        assert_eq!(round(&bookmark, 8, 0, 4), done(4));
        assert_eq!(round(&bookmark, 8, 0, 4), done(0), "from the beginning, where nothing is behind");
    }
}
