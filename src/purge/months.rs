//! A month's end: when nothing is left under its key, the key is destroyed, and with it whatever a backup holds.

use std::time::Duration;

use super::PurgeError;
use super::certify::prove;
use super::failures::Failures;
use crate::archive::Archive;
use crate::archive::journal::About;
use crate::catalog::{SecretRow, SecretState, pin};
use crate::clock::Timestamp;
use crate::ledger::destruction::{DestructionFacts, DestructionRecord};
use crate::ledger::kind::Kind;
use crate::recording::ExpiryMonth;
use crate::retention;
use crate::vault::keys::KeyName;
use crate::vault::objects::{ObjectKey, Prefix};

/// How long after its end a month's key lives on at least: uploads that were judged in the last second have ended.
const GRACE: Duration = Duration::from_secs(3600);

/// From when on the key of a month may be destroyed; none beyond the calendar.
fn destroyed_from(archive: &Archive, month: ExpiryMonth) -> Option<Timestamp> {
    retention::month_end(&archive.policy, month).ok().map(|end| end.plus(GRACE))
}

fn month_of(secret: &SecretRow) -> Option<ExpiryMonth> {
    match secret.name.parse() {
        Ok(KeyName::Month(month)) => Some(month),
        _ => None,
    }
}

/// Closes, destroys and records every month that is over and empty. Returns how many keys were destroyed.
pub async fn end_months(archive: &Archive, failures: &mut Failures) -> Result<u64, PurgeError> {
    let mut destroyed = 0;
    for secret in archive.catalog.list_secrets().await? {
        let Some(month) = month_of(&secret) else { continue };
        let ended = end(archive, &secret, month).await;
        destroyed += u64::from(failures.keep("month", ended));
    }
    record(archive).await?;
    Ok(destroyed)
}

async fn end(archive: &Archive, secret: &SecretRow, month: ExpiryMonth) -> Result<bool, PurgeError> {
    let closing = match secret.state {
        SecretState::Live => close(archive, secret, month).await?,
        SecretState::Closing => true,
        SecretState::Destroyed => false,
    };
    if closing {
        destroy(archive, month).await?;
    }
    Ok(closing)
}

async fn close(archive: &Archive, secret: &SecretRow, month: ExpiryMonth) -> Result<bool, PurgeError> {
    let now = archive.clock.now();
    if destroyed_from(archive, month).is_none_or(|from| now < from) {
        return Ok(false);
    }
    let mut tx = archive.catalog.begin().await?;
    let closed = tx.close_month(&secret.name, &month.to_string(), now).await?;
    tx.commit().await?;
    crate::failpoint::hit("month.closed");
    Ok(closed)
}

async fn destroy(archive: &Archive, month: ExpiryMonth) -> Result<(), PurgeError> {
    let name = KeyName::Month(month);
    let Some(secret) = archive.catalog.load_secret(&name.to_string()).await? else { return Ok(()) };
    let destruction = archive.keyring.destroy(&name).await.map_err(crate::archive::ArchiveError::from)?;
    crate::failpoint::hit("month.key_destroyed");
    if archive.keyring.provider().exists(&name).await.map_err(|e| crate::archive::ArchiveError::Vault(e.into()))? {
        return Err(PurgeError::KeyStillWorks);
    }
    archive.delete_all(&Prefix::erased_in(month)).await?;
    crate::failpoint::hit("month.tombstones_deleted");
    let now = archive.clock.now();
    let closed_at = secret.closed_at.unwrap_or(now);
    let (destroyed_at, effective_at) = times(closed_at, destruction.effective_at, now);
    let facts = DestructionFacts {
        month,
        closed_at,
        destroyed_at,
        effective_at,
        provider: archive.keyring.provider().kind().to_owned(),
        key_copies_destroyed: archive.keyring.provider().copies(),
        recordings_purged: archive.catalog.purged_in_month(&month.to_string()).await?,
        former_keys_left: archive.catalog.pinned(pin::KEYS_BEFORE).await?.is_some(),
        recordings_held: archive.catalog.held_in_month(&month.to_string()).await?,
    };
    let (entry, _) = archive.entry(Kind::MONTH_DESTROYED, About::NothingPersonal, &facts, now).await?;
    let mut tx = archive.catalog.begin().await?;
    if tx.mark_destroyed(&secret.name, destroyed_at, entry.id).await? {
        tx.forget_erasures(month).await?;
        tx.append_entry(&entry).await?;
        tx.commit().await?;
    }
    crate::failpoint::hit("month.destroyed");
    Ok(())
}

/// When a key was destroyed, and from when on it cannot be had back, never before the month was closed: a pass that
/// broke off after the provider did its part finds the earlier time, a provider that waits names a later one.
fn times(closed_at: Timestamp, effective_at: Timestamp, now: Timestamp) -> (Timestamp, Timestamp) {
    let destroyed_at = effective_at.min(now).max(closed_at);
    (destroyed_at, effective_at.max(destroyed_at))
}

/// Stores the signed record of every destruction that has none yet.
async fn record(archive: &Archive) -> Result<(), PurgeError> {
    let secrets = archive.catalog.list_secrets().await?;
    let waiting: Vec<&SecretRow> = secrets
        .iter()
        .filter(|s| s.state == SecretState::Destroyed && s.recorded_at.is_none() && month_of(s).is_some())
        .collect();
    if waiting.is_empty() {
        return Ok(());
    }
    archive.publish_ledger().await?;
    for secret in waiting {
        let (Some(month), Some(entry)) = (month_of(secret), secret.entry_id) else { continue };
        let Some(proven) = prove(archive, entry).await? else { continue };
        let facts = serde_json::from_value(proven.opening.payload.clone());
        let facts = facts.map_err(|_| crate::archive::ArchiveError::Document("the facts of a destruction"))?;
        let record = DestructionRecord {
            document_type: String::new(),
            facts,
            controller: archive.controller(),
            ledger: proven,
            signature: None,
        };
        let document = record.sign(&archive.signing)?;
        archive.store.put(&ObjectKey::MonthDestroyed(month), document.into()).await?;
        let mut tx = archive.catalog.begin().await?;
        tx.destruction_recorded(&secret.name, archive.clock.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_destroyed_and_effective_follow_each_other() {
        let at = Timestamp::from_micros;
        for (closed, effective, now, expected) in [
            (10, 20, 20, (20, 20)), // at once
            (10, 15, 20, (15, 15)), // by the pass before this one
            (10, 90, 20, (20, 90)), // the provider waits
            (10, 5, 20, (10, 10)),  // another machine's clock
        ] {
            let (destroyed_at, effective_at) = times(at(closed), at(effective), at(now));
            assert_eq!((destroyed_at.micros(), effective_at.micros()), expected);
        }
    }
}
