//! The `Sunset` header (RFC 8594): telling clients when a recording becomes unreachable.

use super::HoldSpan;
use crate::clock::Timestamp;

/// The value of `Sunset`: the deadline as an HTTP date.
///
/// `None` while a hold keeps the recording and the reader may know of holds (it will not become unreachable then);
/// a reader who may not know gets the deadline as if there were no hold.
pub fn sunset(expires_at: Timestamp, now: Timestamp, holds: &[HoldSpan], may_know_of_holds: bool) -> Option<String> {
    let held = holds.iter().any(|hold| hold.keeps(expires_at, now));
    (!(held && may_know_of_holds)).then(|| http_date(expires_at))
}

/// An IMF-fixdate (RFC 9110 section 5.6.7): `Sat, 22 Nov 2031 20:33:15 GMT`.
///
/// It knows whole seconds only and is rounded down: `Sunset` must not promise a moment at which the answer is
/// already 410.
pub fn http_date(at: Timestamp) -> String {
    let whole_seconds = Timestamp::from_micros(at.seconds().saturating_mul(1_000_000));
    whole_seconds.to_utc().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn an_http_date_is_never_later_than_the_deadline() {
        for text in ["2031-11-22T20:33:15Z", "2031-11-22T20:33:15.000001Z", "2031-11-22T20:33:15.999999Z"] {
            assert_eq!(http_date(at(text)), "Sat, 22 Nov 2031 20:33:15 GMT");
        }
        assert_eq!(http_date(at("1994-11-06T08:49:37Z")), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(at("1969-12-31T23:59:59.5Z")), "Wed, 31 Dec 1969 23:59:59 GMT");
    }

    #[test]
    fn a_hold_shows_in_sunset_only_to_those_who_may_know() {
        let (expires_at, now) = (at("2031-11-22T20:33:15Z"), at("2027-01-01T00:00:00Z"));
        let held = [HoldSpan { since: at("2026-12-01T00:00:00Z"), released_at: None }];
        assert_eq!(sunset(expires_at, now, &held, true), None);
        assert_eq!(sunset(expires_at, now, &held, false), sunset(expires_at, now, &[], false));
        assert_eq!(sunset(expires_at, now, &[], true).as_deref(), Some("Sat, 22 Nov 2031 20:33:15 GMT"));
    }
}
