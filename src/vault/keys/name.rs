//! What keys are called.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::recording::{ExpiryMonth, UnknownName};

/// The name of a provider key and of the secret under it. No personal data: it stands in paths and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyName {
    /// The installation's own, never destroyed.
    Installation,
    /// All recordings whose deadline falls in this month.
    Month(ExpiryMonth),
    /// All recordings held for this case.
    Case(Uuid),
    /// What is known of this account and of its persons.
    Account(Uuid),
}

/// `installation`, `month-2031-11`, `case-<uuid>`, `account-<uuid>`.
impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installation => f.write_str("installation"),
            Self::Month(month) => write!(f, "month-{month}"),
            Self::Case(id) => write!(f, "case-{}", id.as_hyphenated()),
            Self::Account(id) => write!(f, "account-{}", id.as_hyphenated()),
        }
    }
}

impl FromStr for KeyName {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let name = if let Some(month) = text.strip_prefix("month-") {
            Self::Month(month.parse().map_err(|_| UnknownName)?)
        } else if let Some(id) = text.strip_prefix("case-") {
            Self::Case(Uuid::try_parse(id).map_err(|_| UnknownName)?)
        } else if let Some(id) = text.strip_prefix("account-") {
            Self::Account(Uuid::try_parse(id).map_err(|_| UnknownName)?)
        } else {
            Self::Installation
        };
        // One text per name: a UUID has several forms, of which only ours counts.
        if name.to_string() == text { Ok(name) } else { Err(UnknownName) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_as_it_is_written_and_nothing_else_does() {
        for text in [
            "installation",
            "month-2031-11",
            "case-0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b21",
            "account-0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b21",
        ] {
            assert_eq!(text.parse::<KeyName>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "month-2031-13",
            "month-",
            "case-0193D8A0-5B7E-7C11-A2F4-3F5D1F0C9B21",
            "case-../x",
            "account-A-1",
            "x",
        ] {
            assert!(text.parse::<KeyName>().is_err(), "{text}");
        }
    }
}
