//! A retention period: an ISO 8601 duration in calendar units.

use std::fmt;
use std::str::FromStr;

use chrono::{Days, Months, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A span of calendar time: `P5Y`, `P1Y6M`, `P90D`, `P26W`. Never zero, and without a part smaller than a day.
///
/// Each period has one spelling (ISO 8601-1 clause 5.5.2): no leading zeros, no parts of zero, weeks stand alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    years: u32,
    months: u32,
    weeks: u32,
    days: u32,
}

/// Not a period of this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPeriod {
    /// It does not read as a calendar duration.
    #[error("not a period: write it as PnYnMnD or PnW, for instance P5Y, P1Y6M, P90D or P26W")]
    Form,
    /// It has hours, minutes or seconds.
    #[error("a retention period has no time part: only years, months and days, or weeks")]
    TimePart,
    /// A number of more than four digits.
    #[error("each number in a period is 1 to 9999")]
    Number,
}

impl Period {
    /// `years` calendar years, 1 to 9999.
    pub fn years(years: u32) -> Result<Self, BadPeriod> {
        if (1..=9999).contains(&years) {
            Ok(Self { years, months: 0, weeks: 0, days: 0 })
        } else {
            Err(BadPeriod::Number)
        }
    }

    /// The date this much after `date`; `None` beyond the calendar.
    ///
    /// Years and months go first and land on the month's last day where it is shorter (29 February becomes
    /// 28 February, 31 August and six months 28 or 29 February: Regulation 1182/71 art. 3(2)(c)); then weeks and days.
    pub fn after(self, date: NaiveDate) -> Option<NaiveDate> {
        date.checked_add_months(Months::new(self.years * 12 + self.months))?
            .checked_add_days(Days::new(u64::from(self.weeks) * 7 + u64::from(self.days)))
    }
}

impl FromStr for Period {
    type Err = BadPeriod;

    fn from_str(text: &str) -> Result<Self, BadPeriod> {
        let mut rest = text.strip_prefix('P').filter(|rest| !rest.is_empty()).ok_or(BadPeriod::Form)?;
        if rest.contains('T') {
            return Err(BadPeriod::TimePart);
        }
        let mut period = Self { years: 0, months: 0, weeks: 0, days: 0 };
        let mut allowed = if rest.contains('W') { "W" } else { "YMD" };
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(BadPeriod::Form)?;
            let (number, tail) = rest.split_at(digits);
            let unit = tail.chars().next().ok_or(BadPeriod::Form)?;
            let place = allowed.find(unit).ok_or(BadPeriod::Form)?;
            let number = count(number)?;
            match unit {
                'Y' => period.years = number,
                'M' => period.months = number,
                'W' => period.weeks = number,
                _ => period.days = number,
            }
            allowed = &allowed[place + 1..];
            rest = &tail[1..];
        }
        Ok(period)
    }
}

fn count(digits: &str) -> Result<u32, BadPeriod> {
    match digits.len() {
        0 => Err(BadPeriod::Form),
        1..=4 if !digits.starts_with('0') => digits.parse().map_err(|_| BadPeriod::Number),
        _ => Err(BadPeriod::Number),
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        for (number, unit) in [(self.years, 'Y'), (self.months, 'M'), (self.weeks, 'W'), (self.days, 'D')] {
            if number > 0 {
                write!(f, "{number}{unit}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_reads_as_it_is_written() {
        for text in ["P5Y", "P6M", "P90D", "P26W", "P1Y6M", "P1Y2M3D", "P1Y3D", "P2M3D", "P9999Y9999M9999D"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_calendar_period_is_refused_with_the_reason() {
        for text in
            ["", "P", "5Y", "p5y", "P5", "PY", "P5Y6", "P6M5Y", "P5Y5Y", "P1Y2W", "P2W1D", "P-5Y", "P+5Y", "P5.5Y"]
        {
            assert_eq!(text.parse::<Period>(), Err(BadPeriod::Form), "{text}");
        }
        for text in ["P0Y", "P05Y", "P10000D", "P99999999999Y"] {
            assert_eq!(text.parse::<Period>(), Err(BadPeriod::Number), "{text}");
        }
        for text in ["PT1H", "P1DT1H", "P1YT"] {
            assert_eq!(text.parse::<Period>(), Err(BadPeriod::TimePart), "{text}");
        }
    }

    #[test]
    fn a_shorter_month_ends_on_its_last_day() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let after = |period: &str, date: &str| period.parse::<Period>().unwrap().after(day(date)).unwrap();
        assert_eq!(after("P5Y", "2024-02-29"), day("2029-02-28"));
        assert_eq!(after("P4Y", "2024-02-29"), day("2028-02-29"));
        assert_eq!(after("P6M", "2025-08-31"), day("2026-02-28"));
        assert_eq!(after("P1M1D", "2026-01-31"), day("2026-03-01"));
        assert_eq!(after("P2W", "2026-12-25"), day("2027-01-08"));
    }

    #[test]
    fn beyond_the_calendar_there_is_no_date() {
        let far = "P9999Y9999M9999D".parse::<Period>().unwrap();
        assert_eq!(far.after(NaiveDate::MAX), None);
    }
}
