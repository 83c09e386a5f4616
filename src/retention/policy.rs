//! The rule: how long, where, and when its last day ends.

use std::fmt;
use std::str::FromStr;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::period::{BadPeriod, Period};

/// When on its last day a period ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// At the local time of day at which the recording began.
    Instant,
    /// With the last hour of the last day; the day of the event does not count (Regulation 1182/71 art. 3).
    EndOfDay,
}

impl End {
    /// As it stands in configuration and rule text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::EndOfDay => "end-of-day",
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for End {
    type Err = BadRule;
    fn from_str(text: &str) -> Result<Self, BadRule> {
        [Self::Instant, Self::EndOfDay].into_iter().find(|end| end.as_str() == text).ok_or(BadRule::End)
    }
}

/// A retention rule and its version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy {
    name: String,
    version: u32,
    /// How long recordings are kept.
    pub period: Period,
    /// The zone whose calendar and clock count.
    pub zone: Tz,
    /// When on its last day the period ends.
    pub end: End,
}

/// Not a retention rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// Not four words.
    #[error("a rule reads `name/version period zone end`, for instance `call_recording/1 P5Y Europe/Brussels instant`")]
    Form,
    /// The name is empty, too long, or has other characters.
    #[error("a rule's name is 1 to 64 of a-z, 0-9 and _")]
    Name,
    /// The version is not a number from 1.
    #[error("a rule's version is a whole number from 1")]
    Version,
    /// The period is none.
    #[error(transparent)]
    Period(#[from] BadPeriod),
    /// The zone is not in the tz database.
    #[error("not a time zone of the tz database, such as Europe/Brussels")]
    Zone,
    /// Neither of the two ends.
    #[error("the end is `instant` or `end-of-day`")]
    End,
}

impl Policy {
    /// A rule. `name` is 1 to 64 of `a-z 0-9 _`, `version` counts from 1.
    pub fn new(name: &str, version: u32, period: Period, zone: Tz, end: End) -> Result<Self, BadRule> {
        let named = (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        match (named, version) {
            (false, _) => Err(BadRule::Name),
            (_, 0) => Err(BadRule::Version),
            _ => Ok(Self { name: name.to_owned(), version, period, zone, end }),
        }
    }

    /// What the rule is about, for instance `call_recording`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rule's version, from 1.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The text stamped on a recording: `call_recording/1 P5Y Europe/Brussels instant`. [`Policy::from_str`] reads it.
    pub fn rule_text(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {} {} {}", self.name, self.version, self.period, self.zone.name(), self.end)
    }
}

impl FromStr for Policy {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        let words: Vec<&str> = text.split(' ').collect();
        let [id, period, zone, end] = words.as_slice() else { return Err(BadRule::Form) };
        let (name, version) = id.split_once('/').ok_or(BadRule::Form)?;
        let number: u32 = version.parse().map_err(|_| BadRule::Version)?;
        if number.to_string() != version {
            return Err(BadRule::Version);
        }
        Self::new(name, number, period.parse()?, zone.parse().map_err(|_| BadRule::Zone)?, end.parse()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_as_it_is_stamped() {
        for text in ["call_recording/1 P5Y Europe/Brussels instant", "contact/12 P1Y6M America/New_York end-of-day"] {
            assert_eq!(text.parse::<Policy>().unwrap().rule_text(), text);
        }
    }

    #[test]
    fn a_text_that_is_no_rule_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", BadRule::Form),
            ("call_recording P5Y Europe/Brussels instant", BadRule::Form),
            ("call_recording/1  P5Y Europe/Brussels instant", BadRule::Form),
            ("call_recording/1 P5Y Europe/Brussels instant ", BadRule::Form),
            ("Call/1 P5Y Europe/Brussels instant", BadRule::Name),
            ("/1 P5Y Europe/Brussels instant", BadRule::Name),
            ("a/0 P5Y Europe/Brussels instant", BadRule::Version),
            ("a/+1 P5Y Europe/Brussels instant", BadRule::Version),
            ("a/01 P5Y Europe/Brussels instant", BadRule::Version),
            ("a/1 5Y Europe/Brussels instant", BadRule::Period(BadPeriod::Form)),
            ("a/1 P5Y Europe/Brussel instant", BadRule::Zone),
            ("a/1 P5Y Europe/Brussels end_of_day", BadRule::End),
        ] {
            assert_eq!(text.parse::<Policy>(), Err(reason), "{text}");
        }
    }
}
