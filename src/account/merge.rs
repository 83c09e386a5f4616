//! Two accounts become one. Recordings stay stamped with the account they came with: that is what they prove, and a hold's
//! rule covers what it covered. What was said of the account, its persons and its reps are the other's from then on, sealed
//! anew; its own key is destroyed by the next pass of the purge.

use serde::Serialize;
use uuid::Uuid;

use super::text::{self, Details, Former};
use super::{Account, AccountError, macs_of_reps, open_row, person, record, row_to_change};
use crate::access::Actor;
use crate::archive::Archive;
use crate::archive::journal::About;
use crate::catalog::{AccountGround, PersonRow};
use crate::ledger::kind::Kind;

#[derive(Serialize)]
struct MergedPayload<'a> {
    actor: &'a Actor,
    account: Uuid,
    merged: Uuid,
    merged_id: &'a str,
}

/// Merges an account into another, which is heard of by that if it was not before. Merged into that one already, it stays so.
///
/// # Errors
/// [`AccountError::Merged`] where either was merged into a third, [`AccountError::Itself`].
pub async fn merge(archive: &Archive, id: &str, into: &str, actor: &Actor) -> Result<Account, AccountError> {
    if id == into {
        return Err(AccountError::Itself);
    }
    loop {
        match try_merge(archive, id, into, actor).await {
            Ok(Some(account)) => {
                // Who left the one may be found in recordings of the other.
                person::move_all(archive, into).await?;
                return Ok(account);
            }
            Ok(None) => {}
            Err(AccountError::Merged(other)) if other == into => {
                let row = row_to_change(archive, into).await?;
                return Ok(open_row(archive, row).await?);
            }
            Err(error) => return Err(error),
        }
    }
}

/// None when one of them changed meanwhile.
async fn try_merge(archive: &Archive, id: &str, into: &str, actor: &Actor) -> Result<Option<Account>, AccountError> {
    let from = row_to_change(archive, id).await?;
    let from = open_row(archive, from).await?;
    let to = row_to_change(archive, into).await?;
    let to = open_row(archive, to).await?;
    let details = merged(&from, &to);
    let sealed = text::seal(archive, to.row.uuid, "row", &details).await?;
    let persons = persons_of(archive, &from, &to).await?;
    let reps = macs_of_reps(archive, &details.reps).await?;
    let now = archive.clock.now();
    let payload = MergedPayload { actor, account: to.row.uuid, merged: from.row.uuid, merged_id: id };
    let (entry, _) = archive.entry(Kind::ACCOUNT_MERGED, About::Account(to.row.uuid), &payload, now).await?;
    let plain = (to.row.kind.or(from.row.kind), to.row.language.or(from.row.language), to.row.updated_at);
    let mut tx = archive.catalog.begin().await?;
    // Always in the same order, whichever is merged into which: two merges must not wait for each other.
    let first = if id < into { (id, from.row.revision) } else { (into, to.row.revision) };
    let taken = tx.touch_account(first.0, first.1).await?;
    let step = |row_id: &str, revision: u64| if row_id == first.0 { revision + 1 } else { revision };
    if !taken
        || !tx.fill_account(into, step(into, to.row.revision), plain, &sealed).await?
        || !tx.point_account(id, step(id, from.row.revision), into).await?
    {
        tx.rollback().await?;
        return Ok(None);
    }
    tx.move_persons_who_left(id, into).await?;
    for person in &persons {
        tx.put_person(into, person).await?;
    }
    tx.assign_reps(into, &reps).await?;
    tx.end_account_key(from.row.uuid, AccountGround::Merged, now).await?;
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    crate::failpoint::hit("account.merged");
    archive.ledger_nudge.notify_one();
    record::keep(archive, to.row.uuid).await;
    let row = archive.catalog.account(into).await?.ok_or(AccountError::NotFound)?;
    Ok(Some(open_row(archive, row).await?))
}

/// What is said of both, as of one: what the other has is the other's own. Pure.
fn merged(from: &Account, to: &Account) -> Details {
    let own = to.details.clone();
    let mut details = own.or_else(|| from.details.clone()).unwrap_or_else(|| Details {
        name: None,
        vat_number: None,
        address: None,
        email: None,
        number: None,
        reps: Vec::new(),
        merged: Vec::new(),
    });
    if to.details.is_none() {
        details.merged.clear();
    }
    let former = from.details.as_ref();
    details.reps.extend(former.into_iter().flat_map(|former| former.reps.iter().cloned()));
    details.reps.sort_unstable();
    details.reps.dedup();
    details.merged.extend(former.into_iter().flat_map(|former| former.merged.iter().cloned()));
    details.merged.push(Former {
        id: from.row.id.clone(),
        name: former.and_then(|former| former.name.clone()),
        vat_number: former.and_then(|former| former.vat_number.clone()),
        address: former.and_then(|former| former.address.clone()),
        email: former.and_then(|former| former.email.clone()),
        number: former.and_then(|former| former.number.clone()),
    });
    details
}

/// The persons of an account that the other does not have, sealed under the other's secret.
async fn persons_of(archive: &Archive, from: &Account, to: &Account) -> Result<Vec<PersonRow>, AccountError> {
    let mut rows = Vec::new();
    for contact in from.persons.iter().filter(|contact| !to.persons.iter().any(|known| known.id == contact.id)) {
        rows.push(person::row_of(archive, to.row.uuid, contact).await?);
    }
    Ok(rows)
}
