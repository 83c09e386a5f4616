//! The kinds of data that the archive holds. Pure.

use serde::Serialize;
use utoipa::ToSchema;

/// A kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Recordings of calls with what is known of them, waveforms and keys.
    CallRecordings,
    /// Transcripts, notes and the like, kept with a recording.
    RelatedData,
    /// Who did what with a recording, from where and why.
    AccessRecords,
    /// Searches, refusals and sign-ins, which are about no single recording.
    ActivityRecords,
    /// Accounts of professional customers, with their contact persons.
    Accounts,
    /// Disputes for which recordings are held, with notes and holds.
    Cases,
    /// To whom evidence was handed over.
    Disclosures,
    /// Requests of data subjects, with their decisions.
    SubjectRequests,
    /// Access tokens of people and machines.
    Credentials,
    /// Counts of purged calls.
    Statistics,
    /// The ledger's tree, certificates of deletion, records of destroyed keys.
    Proofs,
}

/// On what ground data are processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub enum Ground {
    /// Performance of a contract.
    #[serde(rename = "gdpr-6-1-b")]
    Contract,
    /// A legal obligation.
    #[serde(rename = "gdpr-6-1-c")]
    LegalObligation,
    /// A legitimate interest.
    #[serde(rename = "gdpr-6-1-f")]
    LegitimateInterest,
    /// They are no personal data.
    #[serde(rename = "none")]
    NoPersonalData,
}

/// What decides when data are purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// A period from an event of their own.
    Period,
    /// With the recording that they are about.
    WithRecording,
    /// With the case that they are about.
    WithCase,
    /// As long as entries of the ledger name them.
    Standing,
    /// For good.
    ForGood,
}

impl Category {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 11] = [
        Self::CallRecordings,
        Self::RelatedData,
        Self::AccessRecords,
        Self::ActivityRecords,
        Self::Accounts,
        Self::Cases,
        Self::Disclosures,
        Self::SubjectRequests,
        Self::Credentials,
        Self::Statistics,
        Self::Proofs,
    ];

    /// The ground on which they are processed.
    pub fn ground(self) -> Ground {
        match self {
            Self::CallRecordings | Self::RelatedData | Self::Cases | Self::Disclosures => Ground::LegitimateInterest,
            // Accountability and security of processing (articles 5(2) and 32), rights of data subjects (12 to 22).
            Self::AccessRecords | Self::ActivityRecords | Self::SubjectRequests | Self::Credentials => {
                Ground::LegalObligation
            }
            Self::Accounts => Ground::Contract,
            Self::Statistics | Self::Proofs => Ground::NoPersonalData,
        }
    }

    /// What decides when they are purged.
    pub fn until(self) -> Until {
        match self {
            Self::CallRecordings | Self::ActivityRecords | Self::Accounts | Self::Cases | Self::SubjectRequests => {
                Until::Period
            }
            Self::RelatedData | Self::AccessRecords => Until::WithRecording,
            Self::Disclosures => Until::WithCase,
            Self::Credentials => Until::Standing,
            Self::Statistics | Self::Proofs => Until::ForGood,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_for_good_is_no_personal_data() {
        for category in Category::ALL {
            let for_good = category.until() == Until::ForGood;
            assert_eq!(for_good, category.ground() == Ground::NoPersonalData, "{category:?}");
        }
    }
}
