//! What a legal hold changes: nothing held is purged, and nobody but `legal` reads it past its deadline.

use super::is_due;
use crate::clock::Timestamp;

/// One hold on one recording, from its commit to its release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldSpan {
    /// When the hold was committed.
    pub since: Timestamp,
    /// When its release was approved; `None` while it stands.
    pub released_at: Option<Timestamp>,
}

impl HoldSpan {
    /// Whether this hold keeps a recording with this deadline at `now`: committed before the deadline, not released.
    pub fn keeps(&self, expires_at: Timestamp, now: Timestamp) -> bool {
        self.since < expires_at && self.since <= now && self.released_at.is_none_or(|released| now < released)
    }
}

/// The hold came at or after the deadline, or after the fence: what it asks for is no longer ours to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the recording's retention period had already ended when the hold was to be committed")]
pub struct HoldTooLate;

/// Whether a hold can be committed at `now`. `fenced`: the purge (or a decided erasure) has set its fence.
///
/// A recording that lives past its deadline only by another case's hold takes no new one: the same answer for all.
pub fn place_hold(expires_at: Timestamp, now: Timestamp, fenced: bool) -> Result<HoldSpan, HoldTooLate> {
    if fenced || is_due(now, expires_at) { Err(HoldTooLate) } else { Ok(HoldSpan { since: now, released_at: None }) }
}

/// What the purge may do with a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purge {
    /// Its deadline has not come.
    NotYet,
    /// Due, but held.
    Held,
    /// Due and free.
    Due,
}

/// Whether the purge may have a recording.
pub fn may_purge(expires_at: Timestamp, now: Timestamp, holds: &[HoldSpan]) -> Purge {
    if !is_due(now, expires_at) {
        Purge::NotYet
    } else if holds.iter().any(|hold| hold.keeps(expires_at, now)) {
        Purge::Held
    } else {
        Purge::Due
    }
}

/// Whether a deadline stands in the way of reading. Roles and scopes are another question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Its time is not over, or the reader is `legal` and it is held.
    Open,
    /// 410 Gone, whatever the purge is doing.
    Gone,
}

/// Whether the deadline lets someone read. `is_legal`: the reader has the role `legal`.
pub fn may_read(expires_at: Timestamp, now: Timestamp, holds: &[HoldSpan], is_legal: bool) -> Reading {
    match may_purge(expires_at, now, holds) {
        Purge::NotYet => Reading::Open,
        Purge::Held if is_legal => Reading::Open,
        Purge::Held | Purge::Due => Reading::Gone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Timestamp = Timestamp::from_micros(1_000);

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn hold(since: i64, released_at: Option<i64>) -> HoldSpan {
        HoldSpan { since: at(since), released_at: released_at.map(at) }
    }

    #[test]
    fn without_a_hold_the_deadline_alone_decides() {
        assert_eq!(may_purge(DEADLINE, at(999), &[]), Purge::NotYet);
        assert_eq!(may_purge(DEADLINE, at(1_000), &[]), Purge::Due);
        for is_legal in [false, true] {
            assert_eq!(may_read(DEADLINE, at(999), &[], is_legal), Reading::Open);
            assert_eq!(may_read(DEADLINE, at(1_000), &[], is_legal), Reading::Gone);
        }
    }

    #[test]
    fn a_hold_keeps_it_for_legal_alone_until_its_release() {
        let holds = [hold(10, Some(20)), hold(999, Some(2_000))];
        assert_eq!(may_purge(DEADLINE, at(1_999), &holds), Purge::Held);
        assert_eq!(may_read(DEADLINE, at(1_999), &holds, true), Reading::Open);
        assert_eq!(may_read(DEADLINE, at(1_999), &holds, false), Reading::Gone);
        assert_eq!(may_purge(DEADLINE, at(2_000), &holds), Purge::Due);
        assert_eq!(may_read(DEADLINE, at(2_000), &holds, true), Reading::Gone);
    }

    #[test]
    fn a_hold_from_the_deadline_on_is_too_late() {
        assert_eq!(place_hold(DEADLINE, at(999), false), Ok(hold(999, None)));
        assert_eq!(place_hold(DEADLINE, at(1_000), false), Err(HoldTooLate));
        assert_eq!(place_hold(DEADLINE, at(1), true), Err(HoldTooLate));
        assert_eq!(may_purge(DEADLINE, at(5_000), &[hold(1_000, None)]), Purge::Due);
    }
}
