//! The nouns: what a recording is, in types. No I/O.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::Timestamp;

/// The name under which the archive knows one recording. Says nothing about the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, example = "0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b21")]
pub struct RecordingId(pub Uuid);

impl RecordingId {
    /// A new id: version 7, so that rows of one day stand together; the time in it is the time of upload.
    pub fn new(now: Timestamp) -> Self {
        let micros = u64::try_from(now.micros()).unwrap_or(0);
        let nanos = u32::try_from(micros % 1_000_000).unwrap_or(0) * 1_000;
        Self(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, micros / 1_000_000, nanos)))
    }
}

impl fmt::Display for RecordingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for RecordingId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self)
    }
}

/// The month, in the policy's time zone, in which a deadline falls: `2031-11`. Keys and object folders go by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExpiryMonth {
    year: u16,
    month: u8,
}

/// Not a month written `YYYY-MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a month written YYYY-MM")]
pub struct BadMonth;

impl ExpiryMonth {
    /// `year` 1 to 9999, `month` 1 to 12.
    pub fn new(year: u16, month: u8) -> Result<Self, BadMonth> {
        if (1..=9999).contains(&year) && (1..=12).contains(&month) { Ok(Self { year, month }) } else { Err(BadMonth) }
    }

    /// The year, 1 to 9999.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month of the year, 1 to 12.
    pub fn month(self) -> u8 {
        self.month
    }
}

impl fmt::Display for ExpiryMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for ExpiryMonth {
    type Err = BadMonth;
    fn from_str(text: &str) -> Result<Self, BadMonth> {
        let (year, month) = text.split_once('-').ok_or(BadMonth)?;
        if year.len() != 4 || month.len() != 2 || !text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            return Err(BadMonth);
        }
        Self::new(year.parse().map_err(|_| BadMonth)?, month.parse().map_err(|_| BadMonth)?)
    }
}

impl Serialize for ExpiryMonth {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ExpiryMonth {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Who called whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The customer called the company.
    Inbound,
    /// The company called the customer.
    Outbound,
}

/// A language of the notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Dutch.
    Nl,
    /// French.
    Fr,
    /// English.
    En,
    /// German.
    De,
}

impl Language {
    /// ISO 639-1 code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Nl => "nl",
            Self::Fr => "fr",
            Self::En => "en",
            Self::De => "de",
        }
    }
}

impl FromStr for Language {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        [Self::Nl, Self::Fr, Self::En, Self::De].into_iter().find(|l| l.code() == text).ok_or(UnknownName)
    }
}

/// What kind of professional an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Professional {
    /// An estate agent.
    EstateAgent,
    /// A developer.
    Developer,
    /// A notary.
    Notary,
    /// A property adviser.
    PropertyAdviser,
    /// A surveyor.
    Surveyor,
    /// An architect.
    Architect,
    /// None of these.
    Other,
}

impl Professional {
    /// Every kind, in the order of the notice.
    pub const ALL: [Self; 7] = [
        Self::EstateAgent,
        Self::Developer,
        Self::Notary,
        Self::PropertyAdviser,
        Self::Surveyor,
        Self::Architect,
        Self::Other,
    ];

    /// As it stands in the catalog and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EstateAgent => "estate-agent",
            Self::Developer => "developer",
            Self::Notary => "notary",
            Self::PropertyAdviser => "property-adviser",
            Self::Surveyor => "surveyor",
            Self::Architect => "architect",
            Self::Other => "other",
        }
    }
}

impl FromStr for Professional {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownName)
    }
}

/// The contact person at the customer's end of the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The product's id of the person, 1 to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The person's name, 1 to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What the product says about a recording when it hands it over.
///
/// Unknown fields are refused: a field that the archive does not know would not be found, exported or erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The product's id of the call, 1 to 200 characters. With `part` it is unique in the archive.
    pub call_id: String,
    /// Which of the call's recordings this is, where one call has several: 0, 1, … up to 9999.
    #[serde(default)]
    #[schema(default = 0, maximum = 9999)]
    pub part: u32,
    /// The product's id of the customer's account, 1 to 200 characters.
    pub account_id: String,
    /// The instant at which the recording began (RFC 3339, with zone). The retention period counts from here.
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T10:15:00+01:00")]
    pub recorded_at: Timestamp,
    /// Who called whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// The company's agent on the call, 1 to 200 characters: the id by which reps are known in their tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The contact person at the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
    /// The customer's telephone number in E.164 (`+32470123456`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The lead that the call was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_id: Option<String>,
    /// The listing that the call was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listing_id: Option<String>,
    /// The product that the call belongs to, 1 to 64 of `a-z 0-9 . _ -`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The language that was spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// The version of the privacy notice in force at the time of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// SHA-256 of the audio part, 64 hexadecimal digits. When given, it is checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// How long the product says the recording is, in milliseconds. When given, it is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Free labels: at most 32 of 1 to 64 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// What the archive decided about a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It passed its checks, or legal accepted it.
    Accepted,
    /// It failed a check and waits for a decision or for a better upload; kept under retention.
    Quarantined,
    /// Legal rejected it; kept under retention, because a rejected recording may still be asked for.
    Rejected,
    /// A better upload of the same call took its place; kept under retention.
    Superseded,
}

impl Status {
    /// As it stands in the catalog and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Quarantined => "quarantined",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
        }
    }
}

impl FromStr for Status {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        [Self::Accepted, Self::Quarantined, Self::Rejected, Self::Superseded]
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or(UnknownName)
    }
}

/// A word that is none of the names of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of the known names")]
pub struct UnknownName;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_reads_as_it_is_written() {
        let month: ExpiryMonth = "2031-02".parse().unwrap();
        assert_eq!((month.year(), month.month(), month.to_string().as_str()), (2031, 2, "2031-02"));
        for bad in ["2031-13", "2031-2", "31-02", "2031-00", "+031-02", "2031/02", ""] {
            assert_eq!(bad.parse::<ExpiryMonth>(), Err(BadMonth), "{bad}");
        }
    }

    #[test]
    fn words_read_as_they_are_written() {
        for kind in Professional::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        for language in [Language::Nl, Language::Fr, Language::En, Language::De] {
            assert_eq!(language.code().parse(), Ok(language));
        }
        assert_eq!("Notary".parse::<Professional>(), Err(UnknownName));
        assert_eq!("it".parse::<Language>(), Err(UnknownName));
    }

    #[test]
    fn metadata_with_an_unknown_field_is_refused() {
        let text = r#"{"call_id":"c","account_id":"a","recorded_at":"2026-01-01T00:00:00Z","numbr":"+32"}"#;
        assert!(serde_json::from_str::<Metadata>(text).is_err());
    }

    #[test]
    fn ids_of_later_uploads_sort_later() {
        let early = RecordingId::new(Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
        let late = RecordingId::new(Timestamp::parse("2026-01-01T00:00:01Z").unwrap());
        assert!(early < late);
    }
}
