//! The end of accounts' data: fenced when their time is over (or an erasure was decided), their key destroyed at the
//! provider, and with it whatever backups hold of them; the store's copy and the rows deleted, all of it looked for again,
//! and certified. What was merged into another account, or was never filled, ends by the same steps, without a certificate.
//!
//! No hold keeps an account's data: a hold is on recordings. As long as one of those stands, the row that it refers to does
//! as well, and says nothing but its id.

use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use super::certify::prove;
use super::failures::Failures;
use super::steps::not_before;
use super::{BATCH, PurgeError};
use crate::account::end::{self, Ended};
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{AccountGround, AccountPurgeRow, Deleted, PurgeStage};
use crate::clock::Timestamp;
use crate::ledger::account_certificate::{AccountCertificate, AccountFacts, AccountGroundText};
use crate::ledger::certificate::{Backups, BackupsEndBy, Counts};
use crate::ledger::kind::Kind;
use crate::vault::VaultError;
use crate::vault::keys::KeyName;
use crate::vault::objects::ObjectKey;

/// How long an account of which nothing was ever said, and that nothing refers to, stays: an upload, or the product's first
/// word, may be on its way.
const IDLE: Duration = Duration::from_secs(24 * 3600);

/// The steps, in their order.
const STEPS: [PurgeStage; 5] = [
    PurgeStage::Fenced,
    PurgeStage::KeysDestroyed,
    PurgeStage::ObjectsDeleted,
    PurgeStage::RowsDeleted,
    PurgeStage::LookedAgain,
];

/// What the fence's entry says. No personal data.
#[derive(Serialize)]
struct Fenced<'a> {
    account: Uuid,
    ground: &'static str,
    rule: Option<&'a str>,
    expires_at: Option<Timestamp>,
}

/// Ends the data of every account whose time is over, and goes on with those whose end was broken off. Returns how many came
/// to their end. One that fails keeps no other.
pub(super) async fn end_accounts(archive: &Archive, failures: &mut Failures) -> Result<u64, PurgeError> {
    fence_due(archive, failures).await?;
    remove_idle(archive, failures).await?;
    let mut ended = 0;
    for stage in STEPS {
        ended += advance(archive, stage, failures).await?;
    }
    let mut tx = archive.catalog.begin().await?;
    tx.forget_erased_accounts(archive.clock.now()).await?;
    tx.commit().await?;
    Ok(ended)
}

async fn fence_due(archive: &Archive, failures: &mut Failures) -> Result<(), PurgeError> {
    let (mut tried, mut after) = (0, String::new());
    while tried < BATCH {
        let due = archive.catalog.accounts_due(archive.clock.now(), &after, BATCH - tried).await?;
        let Some(last) = due.last() else { break };
        after.clone_from(last);
        for id in &due {
            let fenced = fence(archive, id).await;
            tried += u32::from(failures.keep("account", fenced));
        }
    }
    Ok(())
}

async fn fence(archive: &Archive, id: &str) -> Result<bool, PurgeError> {
    let now = archive.clock.now();
    let mut tx = archive.catalog.begin().await?;
    let Some(purge) = tx.fence_account(id, now).await? else {
        tx.rollback().await?;
        return Ok(false);
    };
    let said = Fenced {
        account: purge.uuid,
        ground: purge.ground.as_str(),
        rule: purge.rule.as_deref(),
        expires_at: purge.expires_at,
    };
    let (entry, _) = archive.entry(Kind::PURGE_FENCED, About::NothingPersonal, &said, now).await?;
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    crate::failpoint::hit("account.fenced");
    Ok(true)
}

/// Removes the rows of accounts of which nothing was ever said, once nothing refers to them.
async fn remove_idle(archive: &Archive, failures: &mut Failures) -> Result<(), PurgeError> {
    let before = archive.clock.now().minus(IDLE);
    let mut after = String::new();
    loop {
        let idle = archive.catalog.idle_accounts(before, &after, BATCH).await?;
        let Some((last, _)) = idle.last() else { return Ok(()) };
        after.clone_from(last);
        for (id, uuid) in &idle {
            let removed = remove(archive, id, *uuid).await;
            failures.keep("account", removed);
        }
    }
}

async fn remove(archive: &Archive, id: &str, uuid: Uuid) -> Result<bool, PurgeError> {
    let has_key = archive.catalog.load_secret(&KeyName::Account(uuid).to_string()).await?.is_some();
    let mut tx = archive.catalog.begin().await?;
    if tx.remove_idle_account(id, uuid, has_key, archive.clock.now()).await? {
        tx.commit().await?;
        return Ok(true);
    }
    tx.rollback().await?;
    Ok(false)
}

/// Takes what stands at `stage` to the next one. Returns how many came to their end.
async fn advance(archive: &Archive, stage: PurgeStage, failures: &mut Failures) -> Result<u64, PurgeError> {
    let (mut ended, mut after) = (0, None);
    let mut is_ready = false;
    loop {
        let page = archive.catalog.account_purges_at(stage, after, BATCH).await?;
        let Some(last) = page.last() else { return Ok(ended) };
        after = Some(last.uuid);
        if !std::mem::replace(&mut is_ready, true) && !super::steps::make_ready(archive, stage).await? {
            return Ok(ended);
        }
        for purge in &page {
            let done = advance_one(archive, purge).await;
            ended += u64::from(failures.keep("account", done));
        }
    }
}

/// True when it is the end.
async fn advance_one(archive: &Archive, purge: &AccountPurgeRow) -> Result<bool, PurgeError> {
    match purge.stage {
        PurgeStage::Fenced => destroy_key(archive, purge).await.map(|()| false),
        PurgeStage::KeysDestroyed => delete_objects(archive, purge).await.map(|()| false),
        PurgeStage::ObjectsDeleted => delete_rows(archive, purge).await.map(|()| false),
        PurgeStage::RowsDeleted => look_again(archive, purge).await,
        PurgeStage::LookedAgain => certify(archive, purge).await,
        PurgeStage::Certified => Ok(false),
    }
}

/// First the store is told, then the key goes: a catalog that is lost in between finds both, or what explains the key's end.
async fn destroy_key(archive: &Archive, purge: &AccountPurgeRow) -> Result<(), PurgeError> {
    let mark = archive.catalog.erased_mark(purge.uuid).await?;
    end::keep(archive, purge.uuid, &Ended::of(purge, mark)).await?;
    crate::failpoint::hit("account.end_kept");
    let name = KeyName::Account(purge.uuid);
    let found = counted(archive, purge.uuid).await?;
    let destruction = archive.keyring.destroy(&name).await.map_err(ArchiveError::from)?;
    if archive.keyring.provider().exists(&name).await.map_err(|error| ArchiveError::Vault(VaultError::from(error)))? {
        return Err(PurgeError::KeyStillWorks);
    }
    let at = not_before(archive, purge.fenced_at);
    let mut tx = archive.catalog.begin().await?;
    tx.account_key_destroyed(purge, &found, (at, destruction.effective_at.max(at))).await?;
    tx.commit().await?;
    crate::failpoint::hit("account.key_destroyed");
    Ok(())
}

/// What the store has of an account but the word that it ended.
async fn counted(archive: &Archive, uuid: Uuid) -> Result<Deleted, PurgeError> {
    let copy = u64::from(archive.store.head(&ObjectKey::Account(uuid)).await?.is_some());
    Ok(Deleted::from([("objects".to_owned(), copy), ("object_versions".to_owned(), copy), ("keys".to_owned(), 1)]))
}

async fn delete_objects(archive: &Archive, purge: &AccountPurgeRow) -> Result<(), PurgeError> {
    archive.store.delete(&ObjectKey::Account(purge.uuid)).await?;
    let at = not_before(archive, purge.keys_destroyed_at.unwrap_or(purge.fenced_at));
    let mut tx = archive.catalog.begin().await?;
    tx.account_objects_deleted(purge, at).await?;
    tx.commit().await?;
    crate::failpoint::hit("account.objects_deleted");
    Ok(())
}

async fn delete_rows(archive: &Archive, purge: &AccountPurgeRow) -> Result<(), PurgeError> {
    let at = not_before(archive, purge.objects_deleted_at.unwrap_or(purge.fenced_at));
    let mut tx = archive.catalog.begin().await?;
    tx.delete_account(purge, at).await?;
    tx.commit().await?;
    crate::failpoint::hit("account.rows_deleted");
    Ok(())
}

/// Looks for everything again, in store, catalog and keys. What is found is deleted again; only when nothing is found does it
/// go on to its certificate, or, where there is nothing to certify, to its end.
async fn look_again(archive: &Archive, purge: &AccountPurgeRow) -> Result<bool, PurgeError> {
    if archive.store.head(&ObjectKey::Account(purge.uuid)).await?.is_some() {
        tracing::warn!(account = %purge.uuid, "a copy that was being written came behind the purge");
        archive.store.delete(&ObjectKey::Account(purge.uuid)).await?;
        return Ok(false);
    }
    let at = not_before(archive, purge.rows_deleted_at.unwrap_or(purge.fenced_at));
    let certified = match certified_ground(purge.ground) {
        Some(ground) => Some(
            archive
                .entry(Kind::ACCOUNT_PURGED, About::NothingPersonal, &facts(archive, purge, ground, at)?, at)
                .await?
                .0,
        ),
        None => None,
    };
    let mut tx = archive.catalog.begin().await?;
    match &certified {
        Some(entry) => tx.account_looked_again(purge.uuid, at, entry.id).await?,
        None => tx.account_ended(purge.uuid, at).await?,
    }
    let left = tx.account_rows_left(purge.uuid).await?;
    if left > 0 {
        tx.rollback().await?;
        return Err(PurgeError::RowsLeft { left });
    }
    if let Some(entry) = &certified {
        tx.append_entry(entry).await?;
    }
    tx.commit().await?;
    crate::failpoint::hit("account.looked_again");
    Ok(false)
}

/// The ground as a certificate says it; none of what has none.
fn certified_ground(ground: AccountGround) -> Option<AccountGroundText> {
    match ground {
        AccountGround::Deadline => Some(AccountGroundText::Deadline),
        AccountGround::Erasure => Some(AccountGroundText::Erasure),
        AccountGround::Merged | AccountGround::NeverFilled => None,
    }
}

fn facts(
    archive: &Archive,
    purge: &AccountPurgeRow,
    ground: AccountGroundText,
    looked_again_at: Timestamp,
) -> Result<AccountFacts, PurgeError> {
    let step = |at: Option<Timestamp>| at.ok_or(ArchiveError::Document("a purge without the time of a step"));
    let deleted = Counts::of(&purge.deleted);
    let key_effective_at = step(purge.key_effective_at)?;
    let age = archive.config.backup_max_age;
    let backups = match age.is_zero() {
        true => Backups { unreadable_from: Some(key_effective_at), by: BackupsEndBy::AccountKeyDestroyed },
        false => Backups { unreadable_from: Some(looked_again_at.plus(age)), by: BackupsEndBy::GreatestAge },
    };
    Ok(AccountFacts {
        account: purge.uuid,
        ground,
        rule: purge.rule.clone(),
        expires_at: purge.expires_at,
        fenced_at: purge.fenced_at,
        keys_destroyed_at: step(purge.keys_destroyed_at)?,
        key_effective_at,
        provider: archive.keyring.provider().kind().to_owned(),
        objects_deleted_at: step(purge.objects_deleted_at)?,
        rows_deleted_at: step(purge.rows_deleted_at)?,
        looked_again_at,
        found_again: deleted.none_left(),
        deleted,
        backups,
    })
}

/// Writes the certificate of what was looked at again; false while the ledger has not published its entry.
async fn certify(archive: &Archive, purge: &AccountPurgeRow) -> Result<bool, PurgeError> {
    let entry = purge.entry_id.ok_or(ArchiveError::Document("a purge without its entry"))?;
    let Some(proven) = prove(archive, entry).await? else { return Ok(false) };
    // Read back, not computed again: the certificate says what the ledger says.
    let facts: AccountFacts = serde_json::from_value(proven.opening.payload.clone())
        .map_err(|_| ArchiveError::Document("the facts of a purge"))?;
    if facts.account != purge.uuid {
        return Err(ArchiveError::Document("the facts of another purge").into());
    }
    let certificate = AccountCertificate {
        document_type: String::new(),
        facts,
        controller: archive.controller(),
        ledger: proven,
        signature: None,
    };
    let document = certificate.sign(&archive.signing)?;
    archive.store.put(&ObjectKey::AccountCertificate(purge.uuid), document.clone().into()).await?;
    crate::failpoint::hit("account.certificate_stored");
    let mut tx = archive.catalog.begin().await?;
    tx.certify_account(purge.uuid, &document, archive.clock.now()).await?;
    tx.commit().await?;
    crate::failpoint::hit("account.certified");
    tracing::info!(account = %purge.uuid, "an account's data are gone");
    Ok(true)
}
