//! Between instants and local times of a zone.
//!
//! The tables of `chrono-tz` end with the 21st century: after that it would keep the last offset for ever and know
//! no summer time. The Gregorian calendar repeats, so a later year is looked up as a year of the tables that has the
//! same days of the week (see [`within_the_tables`]). That is what the rule at the end of a tz database entry means. (Only
//! Morocco, whose entry is a list of Ramadans until 2087, gets one of these where the rule has none.)

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The last year that is looked up as itself.
const LAST_TABLE_YEAR: i32 = 2098;
/// Within 28 years without a skipped leap day each kind of year occurs: seven first weekdays, leap or not.
const CYCLE_YEARS: i32 = 28;
/// No zone's offset has ever been as large as this (Manila before 1845: 15 h 56 min).
const WIDEST_OFFSET_S: i64 = 16 * 3600;

/// The local date and time in `zone` at `instant`.
pub fn local_time(instant: DateTime<Utc>, zone: Tz) -> NaiveDateTime {
    let utc = instant.naive_utc();
    let (table, shift) = within_the_tables(utc);
    table + offset_at(table, zone) + shift
}

/// The instant at which a clock in `zone` shows `local`.
///
/// A local time that does not exist gives the end of the gap; one that exists twice gives the earlier.
pub fn instant_of(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let (table, shift) = within_the_tables(local);
    let utc = match zone.offset_from_local_datetime(&table).earliest() {
        Some(offset) => table - TimeDelta::seconds(i64::from(offset.fix().local_minus_utc())),
        None => end_of_gap(table, zone),
    };
    (utc + shift).and_utc()
}

/// The first instant (in UTC) at which clocks in `zone` show `local` or more, where `local` lies in a gap.
fn end_of_gap(local: NaiveDateTime, zone: Tz) -> NaiveDateTime {
    // Whole seconds: the tz database knows nothing smaller. `local` is past the gap's start by less than a second
    // more than its whole seconds are, which changes nothing: both lie inside the gap.
    let whole = local - TimeDelta::nanoseconds(i64::from(local.and_utc().timestamp_subsec_nanos()));
    let (mut before, mut after) = (-WIDEST_OFFSET_S, WIDEST_OFFSET_S);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        let utc = whole + TimeDelta::seconds(middle);
        if utc + offset_at(utc, zone) < whole {
            before = middle;
        } else {
            after = middle;
        }
    }
    whole + TimeDelta::seconds(after)
}

fn offset_at(utc: NaiveDateTime, zone: Tz) -> Duration {
    TimeDelta::seconds(i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()))
}

/// The same month, day, weekday and time in a year that the tables cover, and the whole days from there to `time`.
fn within_the_tables(time: NaiveDateTime) -> (NaiveDateTime, Duration) {
    if time.year() <= LAST_TABLE_YEAR {
        return (time, Duration::zero());
    }
    let kind = |year: i32| NaiveDate::from_ymd_opt(year, 1, 1).map(|day| (day.weekday(), day.leap_year()));
    let twin = (LAST_TABLE_YEAR - CYCLE_YEARS + 1..=LAST_TABLE_YEAR)
        .find(|year| kind(*year) == kind(time.year()))
        .and_then(|year| time.with_year(year))
        .unwrap_or(time);
    (twin, time - twin)
}
