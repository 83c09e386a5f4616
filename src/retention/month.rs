//! Months on the calendar of a policy's zone: which one an instant falls in, and when one is over.

use chrono::{Datelike as _, NaiveDate, NaiveTime};

use super::{BeyondCalendar, Policy, calendar};
use crate::clock::Timestamp;
use crate::recording::ExpiryMonth;

/// The month in which an instant falls, on the calendar of the policy's zone.
pub fn calendar_month(policy: &Policy, at: Timestamp) -> Result<ExpiryMonth, BeyondCalendar> {
    let shown = calendar::local_time(at.to_utc(), policy.zone);
    let year = u16::try_from(shown.year()).map_err(|_| BeyondCalendar)?;
    let month = u8::try_from(shown.month()).map_err(|_| BeyondCalendar)?;
    ExpiryMonth::new(year, month).map_err(|_| BeyondCalendar)
}

/// The first instant that is no longer in the month: 00:00 local of the first day of the next.
pub fn month_end(policy: &Policy, month: ExpiryMonth) -> Result<Timestamp, BeyondCalendar> {
    let (year, next) = match month.month() {
        12 => (i32::from(month.year()) + 1, 1),
        other => (i32::from(month.year()), u32::from(other) + 1),
    };
    let first = NaiveDate::from_ymd_opt(year, next, 1).filter(|day| day.year() <= 9998).ok_or(BeyondCalendar)?;
    Ok(calendar::instant_of(first.and_time(NaiveTime::MIN), policy.zone).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        "call_recording/1 P5Y Europe/Brussels instant".parse().unwrap()
    }

    #[test]
    fn a_month_ends_at_local_midnight() {
        for (month, end) in [
            ("2031-11", "2031-11-30T23:00:00Z"),
            ("2031-12", "2031-12-31T23:00:00Z"),
            ("2031-06", "2031-06-30T22:00:00Z"),
            ("2031-03", "2031-03-31T22:00:00Z"),
        ] {
            let end = Timestamp::parse(end).unwrap();
            let month: ExpiryMonth = month.parse().unwrap();
            assert_eq!(month_end(&policy(), month), Ok(end));
            let last = Timestamp::from_micros(end.micros() - 1);
            assert_eq!(calendar_month(&policy(), last), Ok(month));
            assert_ne!(calendar_month(&policy(), end), Ok(month));
        }
        assert_eq!(month_end(&policy(), ExpiryMonth::new(9998, 12).unwrap()), Err(BeyondCalendar));
    }
}
