//! To whom evidence is disclosed. The kinds are those that the privacy notice names (section 1.4), and no others.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::recording::UnknownName;

/// Somebody to whom evidence is disclosed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// Who it is.
    pub name: String,
    /// As which of the notice's kinds.
    pub kind: RecipientKind,
}

/// The kinds of parties with whom the notice says that data is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecipientKind {
    /// A provider of information technology.
    ItProvider,
    /// A collection agency.
    CollectionAgency,
    /// A bailiff.
    Bailiff,
    /// A provider of legal services: a lawyer, a notary.
    LegalServices,
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
    /// A provider of administration.
    AdministrationProvider,
    /// A provider of communication.
    CommunicationProvider,
}

impl RecipientKind {
    /// Every kind, in the notice's order.
    pub const ALL: [Self; 13] = [
        Self::ItProvider,
        Self::CollectionAgency,
        Self::Bailiff,
        Self::LegalServices,
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

    /// As it stands in the catalog, in JSON and in the register.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ItProvider => "it-provider",
            Self::CollectionAgency => "collection-agency",
            Self::Bailiff => "bailiff",
            Self::LegalServices => "legal-services",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_spelt_the_same_everywhere() {
        for kind in RecipientKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("court".parse::<RecipientKind>().is_err());
    }
}
