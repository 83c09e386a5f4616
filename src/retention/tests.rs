//! The published vectors, and a second computation by another library over random instants.

use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{ToSpan, civil};
use proptest::prelude::*;
use serde::Deserialize;

use super::*;

fn policy(period: &str, zone: &str, end: End) -> Policy {
    Policy::new("call_recording", 1, period.parse().unwrap(), zone.parse().unwrap(), end).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VectorFile {
    format: String,
    #[serde(rename = "description")]
    _description: Vec<String>,
    tzdata: String,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    description: String,
    recorded_at: Timestamp,
    period: String,
    zone: String,
    end: End,
    expires_at: Timestamp,
    expiry_month: ExpiryMonth,
}

#[test]
fn all_published_vectors_hold() {
    let file: VectorFile = serde_json::from_str(include_str!("../../samples/retention-vectors.json")).unwrap();
    assert_eq!(file.format, "earwitness-retention-vectors/1");
    assert_eq!(file.tzdata, TZ_EDITION, "made with another edition of the tz database");
    assert!(file.vectors.len() >= 40, "only {} vectors", file.vectors.len());
    for vector in &file.vectors {
        assert!(!vector.description.is_empty(), "{} has no description", vector.name);
        let found = deadline(&policy(&vector.period, &vector.zone, vector.end), vector.recorded_at);
        let wanted = Deadline { expires_at: vector.expires_at, month: vector.expiry_month };
        assert_eq!(found, Ok(wanted), "{}: {}", vector.name, vector.description);
    }
}

#[test]
fn due_from_the_very_instant_of_the_deadline() {
    let end = at("2031-11-22T20:33:15Z");
    assert!(!is_due(end.minus(Duration::from_micros(1)), end));
    assert!(is_due(end, end));
}

#[test]
fn a_start_is_judged_at_its_borders() {
    let rule = policy("P5Y", "Europe/Brussels", End::Instant);
    let now = at("2026-11-22T20:33:15Z");
    let tick = Duration::from_micros(1);
    let judge = |recorded_at| judge_recorded_at(now, recorded_at, &rule).map(|deadline| deadline.expires_at);

    assert_eq!(judge(now.plus(FUTURE_TOLERANCE)), Ok(at("2031-11-22T20:38:15Z")));
    assert_eq!(judge(now.plus(FUTURE_TOLERANCE).plus(tick)), Err(RecordedAtError::Future));
    let five_years_ago = at("2021-11-22T20:33:15Z");
    assert_eq!(judge(five_years_ago), Err(RecordedAtError::AlreadyPast));
    assert_eq!(judge(five_years_ago.plus(tick)), Ok(now.plus(tick)));
}

#[test]
fn a_deadline_beyond_the_calendar_is_an_error_and_not_another_deadline() {
    let rule = policy("P9999Y", "Europe/Brussels", End::Instant);
    assert_eq!(deadline(&rule, at("2026-11-22T20:33:15Z")), Err(BeyondCalendar));
    let short = policy("P1Y", "Europe/Brussels", End::EndOfDay);
    assert_eq!(deadline(&short, Timestamp::from_micros(i64::MAX)), Err(BeyondCalendar));
    let first = deadline(&short, Timestamp::from_micros(i64::MIN)).unwrap();
    assert_eq!(first.month.to_string(), "0002-01");
}

/// Summer time goes on after the tables of chrono-tz end: 2100 is no leap year and has its last Sunday of March.
#[test]
fn summer_time_goes_on_after_the_tables_end() {
    let rule = policy("P10Y", "Europe/Brussels", End::Instant);
    let expires = |recorded_at| deadline(&rule, at(recorded_at)).unwrap().expires_at.to_string();
    assert_eq!(expires("2095-07-01T12:00:00+02:00"), "2105-07-01T10:00:00Z");
    assert_eq!(expires("2095-12-01T12:00:00+01:00"), "2105-12-01T11:00:00Z");
}

const PERIODS: [(&str, i64, i64, i64); 8] = [
    ("P1Y", 1, 0, 0),
    ("P5Y", 5, 0, 0),
    ("P10Y", 10, 0, 0),
    ("P6M", 0, 6, 0),
    ("P13M", 0, 13, 0),
    ("P90D", 0, 0, 90),
    ("P26W", 0, 0, 182),
    ("P1Y2M3D", 1, 2, 3),
];

/// Only zones whose rules are the same in both libraries' editions of the tz database (Cuba's, for one, are not):
/// a deadline is computed once, by the edition in the program that received the recording, and stamped on it.
///
/// Half-hour steps (Lord Howe), clocks that change at midnight (São Paulo, Azores), a day that never was (Apia).
const ZONES: [&str; 9] = [
    "Europe/Brussels",
    "Europe/Lisbon",
    "America/New_York",
    "America/Sao_Paulo",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "UTC",
];

/// The same rule in jiff's terms, with jiff's own copy of the tz database.
fn by_jiff(micros: i64, (years, months, days): (i64, i64, i64), zone: &TimeZone, end: End) -> (i64, String) {
    let recorded = zone.to_datetime(jiff::Timestamp::from_microsecond(micros).unwrap());
    let months_later = recorded.date().checked_add(years.years().months(months)).unwrap();
    let last_day = months_later.checked_add(days.days()).unwrap();
    let local = match end {
        End::Instant => last_day.to_datetime(recorded.time()),
        End::EndOfDay => last_day.tomorrow().unwrap().to_datetime(civil::Time::midnight()),
    };
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let expires = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).unwrap(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).unwrap(),
        AmbiguousOffset::Gap { after, .. } => {
            let just_before = after.to_timestamp(local).unwrap() - 1.second();
            zone.following(just_before).next().unwrap().timestamp()
        }
    };
    (expires.as_microsecond(), zone.to_datetime(expires).strftime("%Y-%m").to_string())
}

/// Instants in these years. Those near a change of the clocks are rare at random: aim at them as well.
fn instants(years: std::ops::RangeInclusive<i16>) -> impl Strategy<Value = i64> {
    let start_of = |year: i16| civil::date(year, 1, 1).to_zoned(TimeZone::UTC).unwrap().timestamp().as_microsecond();
    let anywhere = start_of(*years.start())..start_of(*years.end() + 1);
    let clock_months = prop::sample::select(vec![2_i8, 3, 4, 9, 10, 11]);
    let near_changes = (years, clock_months, 1..=28_i8, 0..86_400_i64).prop_map(|(year, month, day, second)| {
        let midnight = civil::date(year, month, day).to_zoned(TimeZone::UTC).unwrap();
        (midnight.timestamp().as_second() + second / 900 * 900) * 1_000_000
    });
    prop_oneof![anywhere, near_changes]
}

fn agrees(
    micros: i64,
    (text, years, months, days): (&str, i64, i64, i64),
    zone: &str,
    end: End,
) -> Result<(), TestCaseError> {
    let database = TimeZoneDatabase::bundled();
    let theirs = by_jiff(micros, (years, months, days), &database.get(zone).unwrap(), end);
    let ours = deadline(&policy(text, zone, end), Timestamp::from_micros(micros)).unwrap();
    prop_assert_eq!((ours.expires_at.micros(), ours.month.to_string()), theirs);
    Ok(())
}

fn ends() -> impl Strategy<Value = End> {
    prop::sample::select(vec![End::Instant, End::EndOfDay])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn another_library_gives_the_same_deadline(
        micros in instants(1990..=2090),
        period in prop::sample::select(PERIODS.to_vec()),
        zone in prop::sample::select(ZONES.to_vec()),
        end in ends(),
    ) {
        agrees(micros, period, zone, end)?;
    }

    /// Past the tables of chrono-tz, where our own look-up of a year of the same shape is at work.
    #[test]
    fn another_library_gives_the_same_deadline_in_later_centuries(
        micros in instants(2085..=2500),
        period in prop::sample::select(PERIODS.to_vec()),
        zone in prop::sample::select(ZONES.to_vec()),
        end in ends(),
    ) {
        agrees(micros, period, zone, end)?;
    }
}
