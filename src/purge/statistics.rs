//! A month's end for what was counted in it: published once, folded so that nobody is found in it, and erased. Before the
//! month's key is destroyed, which seals what is counted.

use super::PurgeError;
use super::certify::prove;
use super::failures::Failures;
use super::months::GRACE;
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::ledger::kind::Kind;
use crate::ledger::statistics::{StatisticsFacts, StatisticsRecord};
use crate::recording::ExpiryMonth;
use crate::retention;
use crate::statistics::fold::{FEWEST_ACCOUNTS, FEWEST_CALLS, fold};
use crate::statistics::{count, open};
use crate::vault::VaultError;
use crate::vault::keyring::KeyringError;
use crate::vault::keys::KeyName;
use crate::vault::objects::ObjectKey;

/// Publishes every month that is over. Returns how many.
pub async fn publish(archive: &Archive, failures: &mut Failures) -> Result<u64, PurgeError> {
    let mut published = 0;
    for month in archive.catalog.statistics_months_open().await? {
        let done = publish_month(archive, month).await;
        published += u64::from(failures.keep("statistics", done));
    }
    let recorded = record(archive).await;
    failures.keep("statistics", recorded);
    Ok(published)
}

async fn publish_month(archive: &Archive, month: ExpiryMonth) -> Result<bool, PurgeError> {
    let now = archive.clock.now();
    let is_over = retention::month_end(&archive.policy, month).is_ok_and(|end| end.plus(GRACE) <= now);
    if !is_over {
        return Ok(false);
    }
    let counts = match open::read(archive, month).await {
        Ok(counts) => counts,
        Err(ArchiveError::Vault(VaultError::Keyring(KeyringError::Gone(_)))) => return forget(archive, month).await,
        Err(error) => return Err(error.into()),
    };
    let batch = fold(counts.counted, counts.carried);
    let facts = StatisticsFacts {
        month,
        published_at: now,
        fewest_calls: FEWEST_CALLS,
        fewest_accounts: FEWEST_ACCOUNTS,
        cells: batch.cells,
    };
    let (entry, _) = archive.entry(Kind::STATISTICS_PUBLISHED, About::NothingPersonal, &facts, now).await?;
    let carried = match &batch.carried {
        Some(tally) => {
            let next = count::month_of(archive, now)?;
            let secret = archive.keyring.ensure_secret(&KeyName::Month(next)).await.map_err(ArchiveError::from)?;
            Some((next, secret, tally))
        }
        None => None,
    };
    let mut tx = archive.catalog.begin().await?;
    if !tx.publish_statistics(month, now, entry.id).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    if let Some((next, secret, tally)) = carried {
        open::add(&mut tx, next, &secret, None, tally, None).await?;
    }
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    crate::failpoint::hit("statistics.published");
    Ok(true)
}

/// What was counted under a key that is gone cannot be read by anybody.
async fn forget(archive: &Archive, month: ExpiryMonth) -> Result<bool, PurgeError> {
    crate::statistics::lost();
    tracing::error!(%month, "the statistics of this month are lost: its key was destroyed before they were published");
    let mut tx = archive.catalog.begin().await?;
    tx.forget_statistics_cells(month).await?;
    tx.commit().await?;
    Ok(false)
}

/// Stores the signed document of every published month that has none yet.
async fn record(archive: &Archive) -> Result<(), PurgeError> {
    let waiting = archive.catalog.statistics_unsigned().await?;
    if waiting.is_empty() {
        return Ok(());
    }
    archive.publish_ledger().await?;
    for (month, entry) in waiting {
        let Some(proven) = prove(archive, entry).await? else { continue };
        let facts = serde_json::from_value(proven.opening.payload.clone());
        let facts: StatisticsFacts = facts.map_err(|_| ArchiveError::Document("the facts of statistics"))?;
        let controller = archive.controller();
        let record =
            StatisticsRecord { document_type: String::new(), facts, controller, ledger: proven, signature: None };
        let document = record.sign(&archive.signing)?;
        archive.store.put(&ObjectKey::Statistics(month), document.clone().into()).await?;
        crate::failpoint::hit("statistics.stored");
        let mut tx = archive.catalog.begin().await?;
        tx.sign_statistics(month, &document).await?;
        tx.commit().await?;
    }
    Ok(())
}
