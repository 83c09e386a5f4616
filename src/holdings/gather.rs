//! How much of each kind there is, and until when.

use serde::Serialize;
use utoipa::ToSchema;

use super::category::{Category, Ground, Until};
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{Countable, Extent};
use crate::clock::Timestamp;
use crate::hold::case;

/// One kind of data, as it stands now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Holding {
    /// What it is.
    pub category: Category,
    /// On what ground it is processed.
    pub ground: Ground,
    /// What decides when it is purged.
    pub until: Until,
    /// The retention rule that new data get, or the period; null where they follow something else, or stay.
    #[schema(example = "call_recording/1 P5Y Europe/Brussels instant")]
    pub rule: Option<String>,
    /// How many there are: recordings, pieces, entries, accounts, cases, rows, requests, tokens, months, leaves.
    pub count: u64,
    /// When the first of them ends; null where none has a date yet, or never ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first_end: Option<Timestamp>,
    /// When the last of those that have a date ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_end: Option<Timestamp>,
}

/// Gathers all of them.
pub async fn gather(archive: &Archive) -> Result<Vec<Holding>, ArchiveError> {
    let mut all = Vec::with_capacity(Category::ALL.len());
    for category in Category::ALL {
        let extent = extent(archive, category).await?;
        all.push(Holding {
            category,
            ground: category.ground(),
            until: category.until(),
            rule: rule(archive, category),
            count: extent.count,
            first_end: extent.first,
            last_end: extent.last,
        });
    }
    Ok(all)
}

/// How much, with the times at which it ends.
async fn extent(archive: &Archive, category: Category) -> Result<Extent, ArchiveError> {
    let countable = match category {
        Category::CallRecordings => Countable::Recordings,
        Category::RelatedData => Countable::Related,
        Category::AccessRecords => Countable::Accesses,
        Category::ActivityRecords => Countable::Activity,
        Category::Cases => Countable::Cases,
        Category::Disclosures => Countable::Disclosures,
        Category::Credentials => Countable::Tokens,
        Category::Statistics => Countable::Statistics,
        Category::Proofs => Countable::Proofs,
        Category::Accounts => Countable::Accounts,
        Category::SubjectRequests => return Ok(Extent::default()),
    };
    let extent = archive.catalog.extent(countable).await?;
    let ends = |at: Option<Timestamp>| match category {
        Category::Cases | Category::Disclosures => at.and_then(|closed_at| case::expires_at(archive, closed_at)),
        _ => at,
    };
    Ok(Extent { count: extent.count, first: ends(extent.first), last: ends(extent.last) })
}

fn rule(archive: &Archive, category: Category) -> Option<String> {
    match category {
        Category::CallRecordings | Category::RelatedData | Category::AccessRecords => Some(archive.policy.rule_text()),
        _ => None,
    }
}
