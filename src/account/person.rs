//! A contact person changes function or leaves: who it was is gone from the account at once, and nobody finds recordings by
//! the person any more but whoever answers a data subject. The recordings keep their own period, and what they say.
//!
//! What stays of the person are keyed hashes of id and name, so that nothing that comes late brings the person back: a word
//! of the product, an upload, a rebuilt catalog. An upload's commit has the account's row, as the leaving has; so one waits
//! for the other, and the walk over the recordings that follows sees what came before.

use serde::Serialize;
use uuid::Uuid;

use super::text::{self, Contact};
use super::{AccountError, family, mirrored_mac, record, row_to_change};
use crate::access::Actor;
use crate::archive::journal::About;
use crate::archive::row::fold_name;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{Filter, Page, PersonRow, RecordingRow, ScopeFilter, Stage};
use crate::ledger::kind::Kind;
use crate::recording::Status;
use crate::vault::secrets::MirroredField;

/// Recordings that one look at the catalog gives.
const PAGE: u32 = 200;
/// Accounts that one look at the catalog gives.
const ACCOUNTS: u32 = 100;

/// What the entry commits to: the keyed hash of the person's id, and not the id.
#[derive(Serialize)]
struct LeftPayload<'a> {
    actor: &'a Actor,
    account: Uuid,
    person_mac: String,
}

/// A person as the catalog takes them in, sealed under the secret of that account.
pub(super) async fn row_of(archive: &Archive, account: Uuid, contact: &Contact) -> Result<PersonRow, ArchiveError> {
    let person_mac = mirrored_mac(archive, MirroredField::Person, &contact.id).await?;
    let name_mac = match &contact.name {
        Some(name) => Some(mirrored_mac(archive, MirroredField::PersonName, &fold_name(name)).await?),
        None => None,
    };
    let sealed = Some(text::seal_contact(archive, account, &person_mac, contact).await?);
    Ok(PersonRow { person_mac, name_mac, left_at: None, moved: false, sealed })
}

/// A person leaves an account, whether or not the account or the person were heard of before. False when they left before.
///
/// # Errors
/// [`AccountError::Merged`] once the account was merged into another.
pub async fn left(archive: &Archive, id: &str, person: &str, actor: &Actor) -> Result<bool, AccountError> {
    let mac = mirrored_mac(archive, MirroredField::Person, person).await?;
    let is_new = loop {
        if let Some(is_new) = try_left(archive, id, &mac, actor).await? {
            break is_new;
        }
    };
    move_all(archive, id).await?;
    Ok(is_new)
}

/// None when the account changed meanwhile.
async fn try_left(archive: &Archive, id: &str, mac: &[u8], actor: &Actor) -> Result<Option<bool>, AccountError> {
    let row = row_to_change(archive, id).await?;
    let now = archive.clock.now();
    let payload = LeftPayload { actor, account: row.uuid, person_mac: hex::encode(mac) };
    let (entry, _) = archive.entry(Kind::ACCOUNT_PERSON_LEFT, About::Account(row.uuid), &payload, now).await?;
    let mut tx = archive.catalog.begin().await?;
    if !tx.touch_account(id, row.revision).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    if !tx.person_leaves(id, mac, now).await? {
        tx.rollback().await?;
        return Ok(Some(false));
    }
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    crate::failpoint::hit("account.person_left");
    archive.ledger_nudge.notify_one();
    record::keep(archive, row.uuid).await;
    Ok(Some(true))
}

/// Takes whoever left out of what the recordings of an account, and of those merged into it, are found by.
pub(super) async fn move_all(archive: &Archive, id: &str) -> Result<(), ArchiveError> {
    // Before the walk: whoever leaves meanwhile is not moved by it.
    let mut persons = archive.catalog.persons_of(id).await?;
    persons.retain(|person| person.left_at.is_some() && !person.moved);
    if persons.is_empty() {
        return Ok(());
    }
    let all = vec![Status::Accepted, Status::Quarantined, Status::Rejected, Status::Superseded];
    let accounts = Some(family(archive, id).await?);
    let scope = ScopeFilter { accounts, or_macs: Vec::new(), statuses: all, held_past_deadline: true };
    let mut after = None;
    loop {
        let page = Page { after, limit: PAGE };
        let rows = archive.catalog.search(&scope, &Filter::default(), page, archive.clock.now()).await?;
        let Some(last) = rows.last() else { break };
        after = Some((last.recorded_at, last.id));
        for row in rows {
            move_one(archive, row).await?;
        }
    }
    crate::failpoint::hit("account.recordings_moved");
    for person in persons {
        archive.catalog.person_moved(id, &person.person_mac).await?;
    }
    Ok(())
}

async fn move_one(archive: &Archive, row: RecordingRow) -> Result<(), ArchiveError> {
    let mut row = Some(row);
    // Changed meanwhile (a hold, a decision), it is looked at anew.
    while let Some(as_read) = row {
        let opened = match archive.open_recording(&as_read).await {
            Ok((_, sealed)) => sealed,
            Err(error) if error.is_unavailable() => return Err(error),
            Err(error) => {
                tracing::error!(id = %as_read.id, %error, "a recording of somebody who left does not open");
                return Ok(());
            }
        };
        if opened.metadata.person.is_none() {
            return Ok(());
        }
        let wraps = archive.catalog.recording_keys(as_read.id).await?;
        let lookups = archive.lookups_under(&wraps, &opened.metadata).await?;
        let mut tx = archive.catalog.begin().await?;
        if tx.recording_is_at(as_read.id, as_read.revision).await? {
            tx.replace_lookups(as_read.id, &as_read.account_id, &lookups).await?;
            tx.commit().await?;
            return Ok(());
        }
        tx.rollback().await?;
        row = archive.catalog.recording(as_read.id).await?.filter(|row| row.stage == Stage::Live);
    }
    Ok(())
}

/// Carries on what was broken off, or came to be by a late word of the product. Returns for how many accounts; the first
/// failure at the end.
pub async fn carry_on(archive: &Archive) -> Result<u64, ArchiveError> {
    let (mut done, mut first, mut after) = (0, None, String::new());
    loop {
        let accounts = archive.catalog.accounts_left(&after, ACCOUNTS).await?;
        let Some(last) = accounts.last() else { break };
        after.clone_from(last);
        for id in &accounts {
            match move_all(archive, id).await {
                Ok(()) => done += 1,
                Err(error) => {
                    tracing::error!(%error, "somebody who left an account is still found in recordings");
                    first.get_or_insert(error);
                }
            }
        }
    }
    first.map_or(Ok(done), Err)
}
