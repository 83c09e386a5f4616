//! Statistics of a lost or old catalog: what was published comes back from the store, and what was purged since the backup
//! is counted again unless it is in there.

use super::believe;
use super::rebuild::MAX_BYTES;
use crate::archive::{Archive, ArchiveError};
use crate::ledger::certificate::PurgeFacts;
use crate::recording::ExpiryMonth;
use crate::statistics::{self, Contribution};
use crate::vault::objects::ObjectKey;

/// Takes a published month in. What the old catalog has counted for it is in there.
pub(super) async fn published(archive: &Archive, month: ExpiryMonth) -> Result<(), ArchiveError> {
    let bytes = archive.store.get(&ObjectKey::Statistics(month), MAX_BYTES).await?;
    let facts = believe::statistics(archive, &bytes)?;
    if facts.month != month {
        return Err(ArchiveError::Document("statistics of another month"));
    }
    let mut tx = archive.catalog.begin().await?;
    tx.restore_statistics(month, facts.published_at, &bytes).await?;
    tx.commit().await?;
    Ok(())
}

/// What a purge adds that is applied again: nothing if its month was published, else it counts in the present one.
pub(super) async fn uncounted(archive: &Archive, facts: &PurgeFacts) -> Result<Option<Contribution>, ArchiveError> {
    let month = statistics::count::month_of(archive, facts.rows_deleted_at)?;
    if archive.catalog.statistics_published_until().await?.is_some_and(|until| month <= until) {
        return Ok(None);
    }
    statistics::contribution(archive, facts.recording_id, archive.clock.now()).await
}
