//! Reading accounts. Each look is in the ledger before anything is shown.

use serde::Serialize;
use uuid::Uuid;

use super::{Account, AccountError, family, is_over, open_row};
use crate::access::{Actor, Caller, Role};
use crate::archive::Archive;
use crate::archive::journal::About;
use crate::catalog::{AccountFilter, AccountRow};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;

#[derive(Serialize)]
struct ReadPayload<'a> {
    actor: &'a Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<u64>,
}

/// Which accounts somebody sees, and how much of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Only these; none given means all.
    pub accounts: Option<Vec<String>>,
    /// What is sealed of them as well.
    pub sealed: bool,
}

impl Sight {
    /// What this caller sees: a rep the accounts of the token, those that the agent is assigned to, and what was merged into
    /// them; who runs or audits the archive, or hands over, nothing that is sealed.
    pub async fn of(archive: &Archive, caller: &Caller) -> Result<Self, AccountError> {
        let sealed = matches!(caller.role, Role::Legal | Role::Privacy | Role::Rep);
        if caller.role != Role::Rep {
            return Ok(Self { accounts: None, sealed });
        }
        let mut accounts = match &caller.agent {
            Some(agent) => super::accounts_of_rep(archive, agent).await?,
            None => Vec::new(),
        };
        for account in &caller.accounts {
            accounts.extend(family(archive, account).await?);
        }
        accounts.sort_unstable();
        accounts.dedup();
        Ok(Self { accounts: Some(accounts), sealed })
    }

    fn admits(&self, id: &str) -> bool {
        self.accounts.as_ref().is_none_or(|accounts| accounts.iter().any(|account| account == id))
    }
}

/// One account, noted in the ledger.
///
/// # Errors
/// [`AccountError::NotFound`] where there is none for them, [`AccountError::Gone`] once its time is over.
pub async fn read(archive: &Archive, id: &str, sight: &Sight, actor: &Actor) -> Result<Account, AccountError> {
    let row = archive.catalog.account(id).await?.filter(|_| sight.admits(id)).ok_or(AccountError::NotFound)?;
    if is_over(&row, archive.clock.now()) {
        return Err(AccountError::Gone);
    }
    // Of one of which nothing was said yet there is no secret to seal under.
    let about = if row.revision > 0 { About::Account(row.uuid) } else { About::Activity };
    let payload = ReadPayload { actor, account: Some(row.uuid), found: None };
    let account = shown(archive, row, sight).await?;
    note(archive, about, &payload).await?;
    Ok(account)
}

/// A page of accounts, newest first; noted in the ledger. One that does not open is passed over, loudly.
pub async fn page(
    archive: &Archive,
    filter: AccountFilter,
    after: Option<(Timestamp, Uuid)>,
    limit: u32,
    sight: &Sight,
    actor: &Actor,
) -> Result<(Vec<Account>, Option<(Timestamp, Uuid)>), AccountError> {
    let mut rows = match &sight.accounts {
        None => archive.catalog.accounts(filter, after, archive.clock.now(), limit.saturating_add(1)).await?,
        Some(accounts) => own(archive, accounts, filter, after).await?,
    };
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|row| (row.created_at, row.uuid));
    let mut accounts = Vec::with_capacity(rows.len());
    for row in rows {
        let uuid = row.uuid;
        match shown(archive, row, sight).await {
            Ok(account) => accounts.push(account),
            Err(error) if error.is_unavailable() => return Err(error.into()),
            Err(error) => tracing::error!(account = %uuid, %error, "an account does not open"),
        }
    }
    let payload = ReadPayload { actor, account: None, found: Some(accounts.len() as u64) };
    note(archive, About::Activity, &payload).await?;
    Ok((accounts, next))
}

/// A rep's accounts are few: they are asked for one by one.
async fn own(
    archive: &Archive,
    accounts: &[String],
    filter: AccountFilter,
    after: Option<(Timestamp, Uuid)>,
) -> Result<Vec<AccountRow>, AccountError> {
    let now = archive.clock.now();
    let mut rows = Vec::with_capacity(accounts.len());
    for id in accounts {
        rows.extend(archive.catalog.account(id).await?);
    }
    let place = |row: &AccountRow| (row.created_at, row.uuid);
    rows.retain(|row| !is_over(row, now) && filter.admits(row) && after.is_none_or(|after| place(row) < after));
    rows.sort_by_key(|row| std::cmp::Reverse(place(row)));
    Ok(rows)
}

async fn shown(archive: &Archive, row: AccountRow, sight: &Sight) -> Result<Account, crate::archive::ArchiveError> {
    if sight.sealed {
        return open_row(archive, row).await;
    }
    let persons = archive.catalog.persons_of(&row.id).await?;
    let persons_left = persons.iter().filter(|person| person.left_at.is_some()).count() as u64;
    Ok(Account { row, details: None, persons: Vec::new(), persons_left })
}

async fn note(archive: &Archive, about: About<'_>, payload: &ReadPayload<'_>) -> Result<(), AccountError> {
    let (entry, _) = archive.entry(Kind::ACCOUNT_READ, about, payload, archive.clock.now()).await?;
    let mut tx = archive.catalog.begin().await?;
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    Ok(())
}
