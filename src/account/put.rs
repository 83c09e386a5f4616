//! What the product says of an account, taken in whenever it arrives: the same again changes nothing, what is older than
//! what arrived before neither, and nothing brings a person back who left.

use std::collections::HashSet;

use serde::Serialize;
use uuid::Uuid;

use super::text::{self, AccountUpdate, Contact, Details};
use super::{Account, AccountError, macs_of_reps, open_row, person, record, row_to_change};
use crate::access::Actor;
use crate::archive::Archive;
use crate::archive::journal::About;
use crate::catalog::PersonRow;
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;

/// What a word of the product came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is the first about this account.
    Filled,
    /// Something is different now.
    Changed,
    /// It was known, or is older than what is known.
    Unchanged,
}

/// What the entry commits to: that something changed, not to what, so that who a person was is nowhere else.
#[derive(Serialize)]
struct ChangedPayload<'a> {
    actor: &'a Actor,
    account: Uuid,
    changed: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<Timestamp>,
}

/// Takes in what the product says of an account.
///
/// # Errors
/// [`AccountError::Merged`] once it was merged into another, [`AccountError::Gone`] and [`AccountError::Erased`] once its
/// data ended.
pub async fn put(
    archive: &Archive,
    id: &str,
    update: &AccountUpdate,
    actor: &Actor,
) -> Result<(Account, Put), AccountError> {
    // Overtaken by another change, it is compared anew with what stands then.
    loop {
        if let Some(done) = try_put(archive, id, update, actor).await? {
            return Ok(done);
        }
    }
}

/// None when the account changed meanwhile.
async fn try_put(
    archive: &Archive,
    id: &str,
    update: &AccountUpdate,
    actor: &Actor,
) -> Result<Option<(Account, Put)>, AccountError> {
    let row = row_to_change(archive, id).await?;
    let rows = archive.catalog.persons_of(id).await?;
    let known = open_row(archive, row).await?;
    let row = &known.row;
    let is_stale = matches!((update.updated_at, row.updated_at), (Some(new), Some(old)) if new < old);
    if is_stale {
        return Ok(Some((known, Put::Unchanged)));
    }
    let merged = known.details.as_ref().map(|details| details.merged.clone()).unwrap_or_default();
    let details = update.details(merged);
    let persons = persons_of(archive, row.uuid, &update.persons, &rows).await?;
    let mut changed = changed(&known, update, &details, &persons);
    if changed.is_empty() && learns_a_name(&rows, &persons) {
        changed.push("persons");
    }
    if changed.is_empty() {
        return Ok(Some((known, Put::Unchanged)));
    }
    let outcome =
        if known.details.as_ref().is_some_and(|details| details.name.is_some()) { Put::Changed } else { Put::Filled };
    let sealed = text::seal(archive, row.uuid, "row", &details).await?;
    let reps = macs_of_reps(archive, &details.reps).await?;
    let payload = ChangedPayload { actor, account: row.uuid, changed, updated_at: update.updated_at };
    let now = archive.clock.now();
    let (entry, _) = archive.entry(Kind::ACCOUNT_CHANGED, About::Account(row.uuid), &payload, now).await?;
    let plain = (update.kind, update.language, update.updated_at.or(row.updated_at));
    let mut tx = archive.catalog.begin().await?;
    if !tx.fill_account(id, row.revision, plain, &sealed).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    let named: HashSet<&[u8]> = persons.iter().map(|(row, _)| row.person_mac.as_slice()).collect();
    for gone in rows.iter().filter(|row| !named.contains(row.person_mac.as_slice())) {
        tx.remove_person(id, &gone.person_mac).await?;
    }
    for (person, _) in &persons {
        tx.put_person(id, person).await?;
    }
    tx.assign_reps(id, &reps).await?;
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    crate::failpoint::hit("account.changed");
    archive.ledger_nudge.notify_one();
    record::keep(archive, row.uuid).await;
    let row = archive.catalog.account(id).await?.ok_or(AccountError::NotFound)?;
    Ok(Some((open_row(archive, row).await?, outcome)))
}

/// The persons as the catalog takes them in, with what is said of those who did not leave.
async fn persons_of<'a>(
    archive: &Archive,
    account: Uuid,
    contacts: &'a [Contact],
    rows: &[PersonRow],
) -> Result<Vec<(PersonRow, Option<&'a Contact>)>, AccountError> {
    let left = rows.iter().filter(|row| row.left_at.is_some());
    let left: HashSet<&[u8]> = left.map(|row| row.person_mac.as_slice()).collect();
    let mut persons = Vec::with_capacity(contacts.len());
    for contact in contacts {
        let mut row = person::row_of(archive, account, contact).await?;
        let has_left = left.contains(row.person_mac.as_slice());
        if has_left {
            row.sealed = None;
        }
        persons.push((row, (!has_left).then_some(contact)));
    }
    Ok(persons)
}

/// Whether it says whose name somebody has who left before anybody named them. Pure.
fn learns_a_name(rows: &[PersonRow], persons: &[(PersonRow, Option<&Contact>)]) -> bool {
    let mut nameless = rows.iter().filter(|row| row.left_at.is_some() && row.name_mac.is_none());
    nameless.any(|row| persons.iter().any(|(new, _)| new.person_mac == row.person_mac && new.name_mac.is_some()))
}

/// What is different, by the names of the fields. Pure.
fn changed(
    known: &Account,
    update: &AccountUpdate,
    details: &Details,
    persons: &[(PersonRow, Option<&Contact>)],
) -> Vec<&'static str> {
    let old = known.details.as_ref();
    let differs = |of: fn(&Details) -> &Option<String>| old.map(of) != Some(of(details));
    let mut new: Vec<&Contact> = persons.iter().filter_map(|(_, contact)| *contact).collect();
    new.sort_by(|a, b| a.id.cmp(&b.id));
    let is_newer = update.updated_at.is_some() && update.updated_at != known.row.updated_at;
    let fields = [
        ("name", differs(|details| &details.name)),
        ("vat_number", differs(|details| &details.vat_number)),
        ("address", differs(|details| &details.address)),
        ("email", differs(|details| &details.email)),
        ("number", differs(|details| &details.number)),
        ("language", known.row.language != update.language),
        ("kind", known.row.kind != update.kind),
        ("reps", old.map(|old| &old.reps) != Some(&details.reps)),
        ("persons", known.persons.iter().collect::<Vec<_>>() != new),
        ("updated_at", is_newer),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
