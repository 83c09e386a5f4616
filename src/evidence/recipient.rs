//! To whom evidence goes: the kinds of parties that the privacy notice names (section 1.4), and no others.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::recording::UnknownName;

/// Longest name of a recipient, in characters.
pub const MAX_NAME_CHARS: usize = 200;

/// What a recipient is to the company. The words are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecipientKind {
    /// Provides information technology.
    ItProvider,
    /// Collects what was not paid.
    CollectionAgency,
    /// A bailiff.
    Bailiff,
    /// A lawyer or another provider of legal services.
    LegalServiceProvider,
    /// An accountant.
    Accountant,
    /// An auditor.
    Auditor,
    /// A bank.
    Bank,
    /// A company of the group.
    GroupCompany,
    /// A partner company.
    PartnerCompany,
    /// A research bureau.
    ResearchBureau,
    /// An organiser of events.
    EventOrganiser,
    /// Provides administration.
    AdministrationProvider,
    /// Provides communication.
    CommunicationProvider,
}

impl RecipientKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::ItProvider,
        Self::CollectionAgency,
        Self::Bailiff,
        Self::LegalServiceProvider,
        Self::Accountant,
        Self::Auditor,
        Self::Bank,
        Self::GroupCompany,
        Self::PartnerCompany,
        Self::ResearchBureau,
        Self::EventOrganiser,
        Self::AdministrationProvider,
        Self::CommunicationProvider,
    ];

    /// As it stands in the catalog and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ItProvider => "it-provider",
            Self::CollectionAgency => "collection-agency",
            Self::Bailiff => "bailiff",
            Self::LegalServiceProvider => "legal-service-provider",
            Self::Accountant => "accountant",
            Self::Auditor => "auditor",
            Self::Bank => "bank",
            Self::GroupCompany => "group-company",
            Self::PartnerCompany => "partner-company",
            Self::ResearchBureau => "research-bureau",
            Self::EventOrganiser => "event-organiser",
            Self::AdministrationProvider => "administration-provider",
            Self::CommunicationProvider => "communication-provider",
        }
    }
}

impl fmt::Display for RecipientKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RecipientKind {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownName)
    }
}

/// Who receives a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// The name of the firm or person, 1 to 200 characters.
    #[schema(example = "Example Advocaten BV", min_length = 1, max_length = 200)]
    pub name: String,
    /// What they are to the company.
    pub kind: RecipientKind,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_reads_as_it_is_written() {
        for kind in RecipientKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!("court".parse::<RecipientKind>(), Err(UnknownName));
    }
}
