//! Times, lengths and digests as people read them.

use chrono::{DateTime, Datelike as _, Offset as _, SecondsFormat};
use chrono_tz::Tz;
use maud::{Markup, html};

use super::texts::Texts;
use crate::clock::Timestamp;

/// An instant in words, in local time with zone and offset, and in UTC below.
pub(super) fn instant(at: Timestamp, zone: Tz, texts: &Texts) -> Markup {
    let local = at.to_utc().with_timezone(&zone);
    html! {
        time datetime=(at) {
            (day(&local, texts)) ", " (clock_time(&local)) " "
            span.zone { "(" (zone.name()) ", UTC" (offset(&local)) ")" }
        }
        " " span.utc { (utc(at)) }
    }
}

/// The same, short enough for a table.
pub(super) fn short(at: Timestamp, zone: Tz) -> Markup {
    let local = at.to_utc().with_timezone(&zone);
    html! {
        time datetime=(at) { (local.format("%Y-%m-%d")) " " (clock_time(&local)) " " span.zone { (offset(&local)) } }
        br;
        span.utc { (utc(at)) }
    }
}

/// The day and the time of day, in words, without the zone.
pub(super) fn words(at: Timestamp, zone: Tz, texts: &Texts) -> String {
    let local = at.to_utc().with_timezone(&zone);
    format!("{}, {} (UTC{})", day(&local, texts), clock_time(&local), offset(&local))
}

fn day(local: &DateTime<Tz>, texts: &Texts) -> String {
    let month = texts.months.get(local.month0() as usize).copied().unwrap_or_default();
    format!("{}{} {month} {}", local.day(), texts.day_suffix, local.year())
}

fn clock_time(local: &DateTime<Tz>) -> String {
    local.format("%H:%M:%S").to_string()
}

/// `+01:00`.
fn offset(local: &DateTime<Tz>) -> String {
    local.offset().fix().to_string()
}

/// To the millisecond where it is not a whole second.
fn utc(at: Timestamp) -> String {
    at.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// `3 min 27.480 s`, `1 h 02 min 03.000 s`.
pub(super) fn duration(ms: u64, texts: &Texts) -> String {
    let (hours, minutes, seconds, rest) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000);
    let mark = texts.decimal_mark;
    match (hours, minutes) {
        (0, 0) => format!("{seconds}{mark}{rest:03} s"),
        (0, minutes) => format!("{minutes} min {seconds:02}{mark}{rest:03} s"),
        (hours, minutes) => format!("{hours} h {minutes:02} min {seconds:02}{mark}{rest:03} s"),
    }
}

/// A whole number in groups of three.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// Hexadecimal digits in groups of four, to be read aloud. The gaps are for the eye: copied, it is one word.
pub(super) fn digest(hex: &str) -> Markup {
    let digits: Vec<char> = hex.chars().filter(char::is_ascii_hexdigit).take(128).collect();
    html! {
        code.digest {
            @for group in digits.chunks(4) { span { (group.iter().collect::<String>()) } wbr; }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::report::texts::of;
    use crate::recording::Language;

    #[test]
    fn a_time_is_told_with_its_zone_and_in_utc() {
        let at = Timestamp::parse("2026-10-25T00:30:00.250Z").unwrap();
        let told = |language| instant(at, chrono_tz::Europe::Brussels, of(language)).into_string();
        assert!(
            told(Language::Nl).contains("25 oktober 2026, 02:30:00 <span class=\"zone\">(Europe/Brussels, UTC+02:00)")
        );
        assert!(told(Language::De).contains("25. Oktober 2026"));
        assert!(told(Language::Fr).contains("2026-10-25T00:30:00.250Z"));
        // The same time of day, an hour later: only the offset tells them apart.
        let later = Timestamp::parse("2026-10-25T01:30:00Z").unwrap();
        assert_eq!(
            words(later, chrono_tz::Europe::Brussels, of(Language::En)),
            "25 October 2026, 02:30:00 (UTC+01:00)"
        );
    }

    #[test]
    fn lengths_and_numbers_are_grouped() {
        assert_eq!(duration(207_480, of(Language::Fr)), "3 min 27,480 s");
        assert_eq!(duration(3_723_000, of(Language::En)), "1 h 02 min 03.000 s");
        assert_eq!(duration(5, of(Language::En)), "0.005 s");
        assert_eq!((number(7), number(1_234_567)), ("7".to_owned(), "1\u{202f}234\u{202f}567".to_owned()));
    }

    #[test]
    fn a_digest_is_one_word_in_groups() {
        let shown = digest("0123abcd<").into_string();
        assert_eq!(shown, "<code class=\"digest\"><span>0123</span><wbr><span>abcd</span><wbr></code>");
    }
}
