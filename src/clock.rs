//! Time: one [`Timestamp`] type, one [`Clock`], passed in.
//!
//! Nothing else in this program asks the system for the time (`clippy.toml` bans it), so that a test can live
//! through eleven years in a second and so that a wrong clock has one place in which it can be noticed.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant: microseconds since 1970-01-01T00:00:00Z. The same number is what the catalog stores.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A time that is not RFC 3339, or is outside the years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time between the years 1 and 9999, with a zone")]
pub struct BadTimestamp;

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z: what RFC 3339 can write.
const FIRST_US: i64 = -62_135_596_800_000_000;
const LAST_US: i64 = 253_402_300_799_999_999;

impl Timestamp {
    /// From microseconds since the epoch, held within the years that RFC 3339 can write.
    pub const fn from_micros(micros: i64) -> Self {
        Self(if micros < FIRST_US {
            FIRST_US
        } else if micros > LAST_US {
            LAST_US
        } else {
            micros
        })
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Reads an RFC 3339 time. Digits beyond the microsecond are cut off.
    pub fn parse(text: &str) -> Result<Self, BadTimestamp> {
        let parsed = DateTime::parse_from_rfc3339(text).map_err(|_| BadTimestamp)?;
        let micros = parsed.timestamp_micros();
        if (FIRST_US..=LAST_US).contains(&micros) { Ok(Self(micros)) } else { Err(BadTimestamp) }
    }

    /// The same instant for calendar arithmetic.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// This instant and so much later; stops at the end of the year 9999.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// This instant and so much earlier; stops at the beginning of the year 1.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_sub(micros))
    }

    /// How long from `earlier` to this instant; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self::from_micros(time.timestamp_micros())
    }
}

/// RFC 3339 in UTC, with as many of 0, 3 or 6 decimals as the instant needs.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = match self.0.rem_euclid(1_000_000) {
            0 => SecondsFormat::Secs,
            us if us % 1_000 == 0 => SecondsFormat::Millis,
            _ => SecondsFormat::Micros,
        };
        f.write_str(&self.to_utc().to_rfc3339_opts(decimals, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock. With the `failpoints` feature (tests only), `EARWITNESS_TEST_CLOCK_OFFSET_S` moves it.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    offset_us: i64,
}

impl SystemClock {
    /// The machine's clock.
    pub fn new() -> Self {
        Self { offset_us: test_offset_us() }
    }

    /// Whether a test moved it: then no other clock can be compared with it.
    pub fn is_moved(&self) -> bool {
        self.offset_us != 0
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "failpoints")]
fn test_offset_us() -> i64 {
    let seconds = std::env::var("EARWITNESS_TEST_CLOCK_OFFSET_S").ok().and_then(|s| s.parse::<i64>().ok());
    seconds.unwrap_or(0).saturating_mul(1_000_000)
}

#[cfg(not(feature = "failpoints"))]
fn test_offset_us() -> i64 {
    0
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(Utc::now().timestamp_micros().saturating_add(self.offset_us))
    }
}

/// A clock that stands still until it is moved: for tests and for computing what will be due.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `at`.
    pub fn new(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.micros()))
    }

    /// Puts the clock to `at`, backwards as well.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.micros(), Ordering::SeqCst);
    }

    /// Moves the clock forwards.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_survives_its_text_to_the_microsecond() {
        for text in ["2026-11-22T20:33:15Z", "2026-11-22T20:33:15.250Z", "2026-11-22T20:33:15.000001Z"] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Timestamp::parse("2026-11-22T21:33:15+01:00").unwrap().to_string(), "2026-11-22T20:33:15Z");
    }

    #[test]
    fn what_is_not_rfc_3339_is_refused() {
        for text in ["", "2026-11-22", "2026-11-22T20:33:15", "yesterday", "2026-02-30T00:00:00Z"] {
            assert_eq!(Timestamp::parse(text), Err(BadTimestamp), "{text}");
        }
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_the_calendar() {
        let last = Timestamp::from_micros(i64::MAX);
        assert_eq!(last.to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(last.plus(Duration::MAX), last);
        assert_eq!(Timestamp::from_micros(0).since(last), Duration::ZERO);
    }
}
