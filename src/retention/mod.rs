//! When a recording's time is over: pure rules, no I/O.
//!
//! | file | what it answers |
//! |---|---|
//! | [`period`] | how long: `P5Y` |
//! | [`policy`] | the rule that is stamped on a recording |
//! | `calendar` | local times that do not exist, or exist twice |
//! | [`hold`] | what a legal hold changes |
//! | `ground` | why something was purged |
//! | [`mod@sunset`] | how clients are told |
//!
//! `samples/retention-vectors.json` publishes what these rules give; an independent program computes it.

mod calendar;
mod ground;
pub mod hold;
mod month;
pub mod period;
pub mod policy;
pub mod sunset;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{Datelike, Days, NaiveTime};

pub use ground::PurgeGround;
pub use hold::{HoldSpan, HoldTooLate, Purge, Reading, may_purge, may_read, place_hold};
pub use month::{calendar_month, month_end};
pub use period::{BadPeriod, Period};
pub use policy::{BadRule, End, Policy};
pub use sunset::{http_date, sunset};

use crate::clock::Timestamp;
use crate::recording::ExpiryMonth;

/// The edition of the tz database that is built in, such as `2025b`.
///
/// A zone whose rules change later gives other deadlines in a later edition. What is stamped on a recording stays:
/// deadlines are computed once, and only a decided change of policy computes them again.
pub const TZ_EDITION: &str = chrono_tz::IANA_TZDB_VERSION;

/// How far ahead of our clock the product's may run.
pub const FUTURE_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// When a recording's time is over, and the month of that in the policy's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// From this very instant on nobody may read it, but for a hold.
    pub expires_at: Timestamp,
    /// The month of `expires_at` on the calendar of the policy's zone: whose key seals it.
    pub month: ExpiryMonth,
}

/// A deadline after the year 9999, or before the year 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the retention period ends outside the years 1 to 9999")]
pub struct BeyondCalendar;

/// When what was recorded at `recorded_at` is over under `policy`.
///
/// [`End::Instant`]: the same local time, one period later, sub-second digits kept; where clocks skip that local
/// time, the end of the gap; where they show it twice, the earlier. [`End::EndOfDay`]: 00:00 local of the day after
/// the period's last day, found in the same way.
pub fn deadline(policy: &Policy, recorded_at: Timestamp) -> Result<Deadline, BeyondCalendar> {
    let recorded = calendar::local_time(recorded_at.to_utc(), policy.zone);
    let last_day = policy.period.after(recorded.date()).ok_or(BeyondCalendar)?;
    let local = match policy.end {
        End::Instant => last_day.and_time(recorded.time()),
        End::EndOfDay => last_day.checked_add_days(Days::new(1)).ok_or(BeyondCalendar)?.and_time(NaiveTime::MIN),
    };
    // Years beyond these would be cut to them by `Timestamp`, and a deadline must never silently be another one.
    if !(2..=9998).contains(&local.year()) {
        return Err(BeyondCalendar);
    }
    let expires = calendar::instant_of(local, policy.zone);
    let expires_at = expires.into();
    Ok(Deadline { expires_at, month: calendar_month(policy, expires_at)? })
}

/// Whether a deadline has come: at its very instant it has.
pub fn is_due(now: Timestamp, expires_at: Timestamp) -> bool {
    now >= expires_at
}

/// Why a recording's start cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordedAtError {
    /// More than [`FUTURE_TOLERANCE`] ahead of our clock.
    #[error("recorded_at is more than 5 minutes in the future")]
    Future,
    /// Its time is over already: nothing may be stored.
    #[error("the retention period of this recording has already ended")]
    AlreadyPast,
    /// The period ends beyond the calendar.
    #[error(transparent)]
    BeyondCalendar(#[from] BeyondCalendar),
}

impl RecordedAtError {
    /// The stable code a client sees.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Future => "recorded-in-future",
            Self::AlreadyPast => "already-expired",
            Self::BeyondCalendar(_) => "recorded-at-out-of-range",
        }
    }
}

/// Judges the start of a recording that is being handed over, and gives its deadline when it can be taken.
pub fn judge_recorded_at(now: Timestamp, recorded_at: Timestamp, policy: &Policy) -> Result<Deadline, RecordedAtError> {
    if recorded_at > now.plus(FUTURE_TOLERANCE) {
        return Err(RecordedAtError::Future);
    }
    let deadline = deadline(policy, recorded_at)?;
    if is_due(now, deadline.expires_at) { Err(RecordedAtError::AlreadyPast) } else { Ok(deadline) }
}
