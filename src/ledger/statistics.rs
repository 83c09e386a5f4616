//! Published statistics: what purged calls leave for good. De-identified counts, no personal data.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LedgerError;
use super::document::{self, DocumentKind};
use super::shapes::{Controller, DocumentSignature, ProvenEntry};
use super::signing::SigningKey;
use crate::clock::Timestamp;
use crate::recording::ExpiryMonth;

/// The signed statistics of the calls that were purged in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatisticsRecord {
    /// Always `earwitness-statistics-v1`.
    #[serde(rename = "type")]
    #[schema(example = "earwitness-statistics-v1")]
    pub document_type: String,
    /// What was counted: the very members of the ledger entry's payload.
    #[serde(flatten)]
    pub facts: StatisticsFacts,
    /// Who answers for the recordings.
    pub controller: Controller,
    /// The entry `statistics.published` that says the same.
    pub ledger: ProvenEntry,
    /// The archive's signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<DocumentSignature>,
}

/// What was counted, each call in one cell. It is the payload of the ledger entry `statistics.published` as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatisticsFacts {
    /// The month in which the calls were purged. Nothing is added to it any more.
    #[schema(value_type = String, example = "2031-11")]
    pub month: ExpiryMonth,
    /// When it was published.
    #[schema(value_type = String, format = DateTime)]
    pub published_at: Timestamp,
    /// No cell has fewer calls than this.
    pub fewest_calls: u64,
    /// No cell is of fewer accounts than this.
    pub fewest_accounts: u64,
    /// The cells.
    pub cells: Vec<Cell>,
}

/// What a cell no longer tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Folded {
    /// Kinds of professional.
    Kind,
    /// Languages.
    Language,
    /// Products.
    Product,
    /// Months: the cell is of a year.
    Month,
    /// Years: the cell is of all time.
    Year,
}

/// A cell as it is published: de-identified counts that never expire.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Cell {
    /// When the calls were recorded: a month (`2026-11`), a year (`2026`), or null for all time.
    #[schema(example = "2026-11")]
    pub period: Option<String>,
    /// The product; null where none was named or `folded` has `product`.
    #[schema(example = "lead-contact")]
    pub product: Option<String>,
    /// The language; null where none was named or `folded` has `language`.
    #[schema(example = "nl")]
    pub language: Option<String>,
    /// The kind of professional; null where it was not known or `folded` has `kind`.
    #[schema(example = "estate-agent")]
    pub kind: Option<String>,
    /// What the cell does not tell apart, because a finer one would be of too few calls or accounts.
    pub folded: Vec<Folded>,
    /// How many calls.
    pub calls: u64,
    /// How long they were together, in seconds.
    pub seconds: u64,
}

impl StatisticsRecord {
    /// Signs it. What `document_type` and `signature` hold is replaced.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, LedgerError> {
        document::sign_shape(DocumentKind::Statistics, self, key)
    }
}
