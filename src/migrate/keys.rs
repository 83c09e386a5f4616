//! Every secret from under the keys of one provider to under those of another.
//!
//! The wrapped secrets in the catalog are replaced in one transaction beside which nobody writes, which also moves the
//! pin; then their copies in the store follow. What is broken off before is done again, what is broken off behind is
//! finished by the same command. The old keys stay, so that backups of the catalog open, until [`destroy_old`]: until
//! then the key of a month that is over exists at the old provider.

use serde::Serialize;

use super::{MigrateError, alone};
use crate::archive::journal::plain_entry;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{SecretState, pin};
use crate::clock::Timestamp;
use crate::failpoint;
use crate::ledger::kind::Kind;
use crate::vault::keyring::{KeyringError, check_opens, rewrap};
use crate::vault::keys::{KeyName, KeyProvider};
use crate::vault::objects::{ObjectKey, Prefix, StoreError};

/// Longest wrapped secret that is read from the store.
const MAX_WRAPPED_BYTES: u64 = 64 << 10;
/// Things that one listing asks for.
const PAGE: usize = 1_000;

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KeysDone {
    /// Secrets that are wrapped by the new keys now.
    pub secrets: u64,
    /// Copies in the store that were brought up to the catalog's.
    pub copies: u64,
    /// Old keys destroyed.
    pub destroyed: u64,
    /// From when on nobody can get any of those back; a provider may wait for weeks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Timestamp>,
}

/// What the entries commit to.
#[derive(Serialize)]
struct KeysEntry<'a> {
    from: &'a str,
    to: &'a str,
    keys: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_at: Option<Timestamp>,
}

/// A secret that is in use.
struct Live {
    name: KeyName,
    wrapped: Vec<u8>,
}

/// Moves every secret to `new`. `archive` is opened with the old keys, and good for nothing afterwards.
pub async fn migrate_keys(archive: &Archive, new: &dyn KeyProvider, place: &str) -> Result<KeysDone, MigrateError> {
    let old = archive.keyring.provider().clone();
    if old.identity().is_some() && old.identity() == new.identity() {
        return Err(MigrateError::SamePlace);
    }
    alone::wait(&archive.catalog, &archive.node, archive.clock.as_ref()).await?;
    let is_back = check_target(archive, new, place).await?;
    shelve_what_only_the_store_has(archive).await?;
    if is_back {
        destroy_what_is_over(archive, new).await?;
    }
    let secrets = live(archive).await?;
    let mut rewrapped = Vec::with_capacity(secrets.len());
    for secret in &secrets {
        rewrapped.push(rewrap(&secret.name, &secret.wrapped, old.as_ref(), new).await?);
        failpoint::hit("migrate.secret_wrapped");
    }
    let now = archive.clock.now();
    let payload = KeysEntry { from: old.kind(), to: new.kind(), keys: secrets.len() as u64, effective_at: None };
    let entry = plain_entry(&Kind::KEYS_MIGRATED, &payload, now)?;
    let before = former(archive.catalog.pinned(pin::KEYS_BEFORE).await?, old.identity(), new.identity());
    let mut tx = archive.catalog.begin_alone().await?;
    let mut same = !tx.is_busy(&archive.node, now).await? && tx.count_secrets_in_use().await? == secrets.len() as u64;
    for (secret, wrapped) in secrets.iter().zip(&rewrapped) {
        same = same && tx.rewrap_secret(&secret.name.to_string(), &secret.wrapped, wrapped).await?;
    }
    if !same {
        tx.rollback().await?;
        return Err(MigrateError::Changed);
    }
    match new.identity() {
        Some(identity) => tx.move_pin(pin::KEYS, &identity).await?,
        None => drop(tx.unpin(pin::KEYS).await?),
    }
    tx.move_pin(pin::KEYS_BEFORE, &before).await?;
    tx.move_pin(pin::KEYS_PLACE, place).await?;
    tx.unpin(pin::KEYS_COPY).await?;
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    failpoint::hit("migrate.keys_moved");
    let copies = refresh_copies(archive).await?;
    Ok(KeysDone { secrets: secrets.len() as u64, copies, ..KeysDone::default() })
}

/// Months have the same names in every archive: keys that are there already would be shared with another one, and gone
/// when that one destroys them. What an earlier run made is ours, and what the secrets were under before; true then.
async fn check_target(archive: &Archive, new: &dyn KeyProvider, place: &str) -> Result<bool, MigrateError> {
    let pins = archive.catalog.pins().await?;
    let before = pins.get(pin::KEYS_BEFORE);
    let is_back = new.identity().is_some_and(|ours| before.is_some_and(|all| all.lines().any(|line| line == ours)));
    if is_back || pins.get(pin::KEYS_COPY).is_some_and(|begun| begun == place) {
        return Ok(is_back);
    }
    if !new.list().await.map_err(KeyringError::from)?.is_empty() {
        return Err(MigrateError::TargetNotEmpty);
    }
    let mut tx = archive.catalog.begin().await?;
    tx.move_pin(pin::KEYS_COPY, place).await?;
    tx.commit().await?;
    Ok(false)
}

/// Keys of months that were over while the secrets were under other keys: gone there, and now here.
async fn destroy_what_is_over(archive: &Archive, keys: &dyn KeyProvider) -> Result<(), MigrateError> {
    let there = keys.list().await.map_err(KeyringError::from)?;
    for row in archive.catalog.list_secrets().await? {
        if let Some(name) =
            there.iter().find(|name| row.state == SecretState::Destroyed && row.name == name.to_string())
        {
            keys.destroy(name).await.map_err(KeyringError::from)?;
        }
    }
    Ok(())
}

/// What is not known by a name is kept in mind as well: its keys are there all the same.
const UNKNOWN: &str = "unknown";

/// The former keys' identities and one more, without those that are in force.
fn former(before: Option<String>, one_more: Option<String>, in_force: Option<String>) -> String {
    let mut lines: Vec<String> = before.iter().flat_map(|text| text.lines().map(str::to_owned)).collect();
    lines.push(one_more.unwrap_or_else(|| UNKNOWN.to_owned()));
    lines.retain(|line| Some(line) != in_force.as_ref());
    lines.sort();
    lines.dedup();
    lines.join("\n")
}

/// Brings the copies in the store up to the catalog's secrets: behind a migration that was broken off.
pub async fn finish_keys(archive: &Archive) -> Result<KeysDone, MigrateError> {
    let secrets = live(archive).await?.len() as u64;
    Ok(KeysDone { secrets, copies: refresh_copies(archive).await?, ..KeysDone::default() })
}

/// Destroys the keys that `old` still has, once every secret and every copy of one opens without them. `archive` is
/// opened with the new keys. Backups from before the migration do not open any more.
pub async fn destroy_old(archive: &Archive, old: &dyn KeyProvider) -> Result<KeysDone, MigrateError> {
    let new = archive.keyring.provider().clone();
    if old.identity().is_some() && old.identity() == new.identity() {
        return Err(MigrateError::SamePlace);
    }
    // Months have the same names everywhere: keys of another archive would look like ours.
    let before = archive.catalog.pinned(pin::KEYS_BEFORE).await?.unwrap_or_default();
    let Some(identity) = old.identity().filter(|identity| before.lines().any(|line| line == identity)) else {
        return Err(MigrateError::NotTheOldKeys);
    };
    let mut done = finish_keys(archive).await?;
    for secret in live(archive).await? {
        check_opens(&secret.name, &secret.wrapped, new.as_ref()).await?;
        let copy = archive.store.get(&ObjectKey::Secret(secret.name), MAX_WRAPPED_BYTES).await?;
        check_opens(&secret.name, &copy, new.as_ref()).await?;
    }
    let ours = archive.catalog.list_secrets().await?;
    for name in old.list().await.map_err(KeyringError::from)? {
        // Of another installation, which has its keys at the same provider.
        if !ours.iter().any(|row| row.name == name.to_string()) {
            continue;
        }
        let destroyed = old.destroy(&name).await.map_err(KeyringError::from)?;
        done.effective_at = done.effective_at.max(Some(destroyed.effective_at));
        failpoint::hit("migrate.old_key_destroyed");
        if old.exists(&name).await.map_err(KeyringError::from)? {
            return Err(KeyringError::StillThere(name).into());
        }
        done.destroyed += 1;
    }
    let payload = KeysEntry { from: old.kind(), to: new.kind(), keys: done.destroyed, effective_at: done.effective_at };
    let entry = plain_entry(&Kind::KEYS_DESTROYED, &payload, archive.clock.now())?;
    let left: Vec<&str> = before.lines().filter(|line| *line != identity).collect();
    let mut tx = archive.catalog.begin().await?;
    match left.is_empty() {
        true => drop(tx.unpin(pin::KEYS_BEFORE).await?),
        false => tx.move_pin(pin::KEYS_BEFORE, &left.join("\n")).await?,
    }
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    Ok(done)
}

/// The secrets that are in use.
async fn live(archive: &Archive) -> Result<Vec<Live>, MigrateError> {
    let rows = archive.catalog.list_secrets().await?.into_iter();
    let in_use = rows.filter(|row| row.state != SecretState::Destroyed);
    let live = in_use.map(|row| {
        let name = row.name.parse().map_err(|_| ArchiveError::Document("the name of a secret"))?;
        let wrapped = row.wrapped.ok_or(ArchiveError::Document("a secret in use"))?;
        Ok(Live { name, wrapped })
    });
    live.collect::<Result<_, ArchiveError>>().map_err(MigrateError::from)
}

/// A process died between a secret's copy in the store and its row: the copy counts.
async fn shelve_what_only_the_store_has(archive: &Archive) -> Result<(), MigrateError> {
    let mut after = None;
    loop {
        let page = archive.store.list(&Prefix::secrets(), after.as_ref(), PAGE).await?;
        for version in page.found {
            let Some(ObjectKey::Secret(name)) = version.key else { continue };
            match archive.keyring.secret(&name).await {
                // The remains of a month that was destroyed.
                Ok(_) | Err(KeyringError::Gone(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn refresh_copies(archive: &Archive) -> Result<u64, MigrateError> {
    let mut copies = 0;
    for Live { name, wrapped } in live(archive).await? {
        let key = ObjectKey::Secret(name);
        match archive.store.get(&key, MAX_WRAPPED_BYTES).await {
            Ok(copy) if copy == wrapped => continue,
            Ok(_) | Err(StoreError::NotFound | StoreError::TooLarge { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        archive.store.put(&key, wrapped.clone().into()).await?;
        failpoint::hit("migrate.secret_copied");
        if archive.store.get(&key, MAX_WRAPPED_BYTES).await? != wrapped {
            return Err(MigrateError::ReadBack(key));
        }
        copies += 1;
    }
    Ok(copies)
}
