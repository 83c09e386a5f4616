//! A call that is purged is counted: in the transaction that deletes its rows, so once, and never without them.

use std::sync::Arc;

use super::fold::{Tally, Traits};
use super::open;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{RecordingRow, Tx};
use crate::clock::Timestamp;
use crate::recording::{ExpiryMonth, RecordingId, Status};
use crate::retention::calendar_month;
use crate::vault::keys::KeyName;
use crate::vault::secrets::Secret;

/// What one call adds.
pub struct Contribution {
    month: ExpiryMonth,
    secret: Arc<Secret>,
    traits: Traits,
    tally: Tally,
    account: String,
}

/// What a recording adds that is purged at `at`. None: what never counted as a call (it was not accepted, or another upload
/// took its place), and what has no row any more.
pub async fn contribution(
    archive: &Archive,
    id: RecordingId,
    at: Timestamp,
) -> Result<Option<Contribution>, ArchiveError> {
    let Some(row) = archive.catalog.recording(id).await?.filter(|row| row.status == Status::Accepted) else {
        return Ok(None);
    };
    let month = month_of(archive, at)?;
    let secret = archive.keyring.ensure_secret(&KeyName::Month(month)).await?;
    let (account, kind) = customer(archive, &row.account_id).await?;
    let tally = Tally { calls: 1, seconds: whole_seconds(row.duration_ms), ..Tally::default() };
    Ok(Some(Contribution { month, secret, traits: traits_of(archive, row, kind)?, tally, account }))
}

/// The account that a recording counts for, and its kind of professional. Accounts that were merged are one customer.
async fn customer(archive: &Archive, id: &str) -> Result<(String, Option<String>), ArchiveError> {
    let mut known = archive.catalog.account(id).await?;
    if let Some(into) = known.as_ref().and_then(|account| account.merged_into.clone()) {
        known = archive.catalog.account(&into).await?;
    }
    let kind = known.as_ref().and_then(|account| account.kind).map(|kind| kind.as_str().to_owned());
    Ok((known.map_or_else(|| id.to_owned(), |account| account.id), kind))
}

/// Counts it.
pub async fn count(tx: &mut Tx, contribution: &Contribution) -> Result<(), ArchiveError> {
    let Contribution { month, secret, traits, tally, account } = contribution;
    open::add(tx, *month, secret, Some(traits), tally, Some(account)).await
}

/// The month on whose account something that happens at `at` goes.
pub fn month_of(archive: &Archive, at: Timestamp) -> Result<ExpiryMonth, ArchiveError> {
    calendar_month(&archive.policy, at).map_err(|_| ArchiveError::Document("a date beyond the calendar"))
}

fn traits_of(archive: &Archive, row: RecordingRow, kind: Option<String>) -> Result<Traits, ArchiveError> {
    let month = month_of(archive, row.recorded_at)?;
    Ok(Traits { month, product: row.product, language: row.language, kind })
}

/// Rounded to the nearest second: each call by itself, so that sums of cells are exact.
fn whole_seconds(duration_ms: u64) -> u64 {
    duration_ms.saturating_add(500) / 1_000
}

#[cfg(test)]
mod tests {
    use super::whole_seconds;

    #[test]
    fn half_a_second_counts_as_one() {
        assert_eq!([0, 499, 500, 1_499, 61_500].map(whole_seconds), [0, 0, 1, 1, 62]);
    }
}
