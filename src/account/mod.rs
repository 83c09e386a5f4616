//! The product's accounts, mirrored: who they are, which persons are to be spoken to, which agents see them, and their life
//! until their data end.
//!
//! | file | what it answers for |
//! |---|---|
//! | `text` | what the product says of an account, and the rules for it; sealed under the account's secret |
//! | [`put`](put()) | what the product says now, whenever it arrives |
//! | [`life`] | closing, opening again, the end of the relation; the rules apart |
//! | [`person`] | somebody leaves: who it was is gone, here and from what is found |
//! | [`merge`](merge()) | two accounts become one |
//! | [`read`](mod@read) | one account, or a page of them, noted in the ledger |
//! | [`import`](mod@import) | many at once, from a file |
//! | [`end`] | the store's word that an account's data ended; an erasure before their time |
//! | [`record`] | the copy in the store, from which a lost or old catalog gets the account back |

pub mod end;
pub mod import;
pub mod life;
mod merge;
pub mod person;
mod put;
pub mod read;
pub mod record;
mod text;

pub use end::erase;
pub use life::{close, end_relation, reopen};
pub use merge::merge;
pub use put::{Put, put};
pub use text::{AccountUpdate, Contact, Details, Former, id_problems};

use crate::archive::{Archive, ArchiveError};
use crate::catalog::{AccountRow, CatalogError};
use crate::clock::Timestamp;
use crate::retention::{BadRule, BeyondCalendar, End, Policy, deadline, is_due};
use crate::vault::keys::KeyName;
use crate::vault::secrets::MirroredField;

/// The name of the accounts' retention rule.
pub const RULE: &str = "account";

/// Why nothing was done about an account.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// There is none of this id.
    #[error("there is no such account")]
    NotFound,
    /// It was merged into another, which has what belongs to it.
    #[error("the account was merged into another")]
    Merged(String),
    /// Its data ended, or are ending.
    #[error("the retention period of the account's data is over")]
    Gone,
    /// It was erased by a decision.
    #[error("the account was erased by a decision")]
    Erased,
    /// An account cannot become part of itself.
    #[error("an account cannot be merged into itself")]
    Itself,
    /// The relation would end in the future, or beyond the calendar.
    #[error("the end of the relation lies in the future, or its retention period beyond the calendar")]
    EndedAt,
    /// One of the archive's parts.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl AccountError {
    /// A stable code for clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Merged(_) => "account-merged",
            Self::Gone => "expired",
            Self::Erased => "erased",
            Self::Itself => "conflict",
            Self::EndedAt => "invalid-body",
            Self::Archive(error) => error.code(),
        }
    }
}

impl From<CatalogError> for AccountError {
    fn from(error: CatalogError) -> Self {
        Self::Archive(error.into())
    }
}

/// An account, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What is plain of it.
    pub row: AccountRow,
    /// What the product says of it; none where it said nothing yet.
    pub details: Option<Details>,
    /// Its contact persons, by their ids.
    pub persons: Vec<Contact>,
    /// How many persons left, of whom no more is known.
    pub persons_left: u64,
}

/// The account and all that were merged into it: whoever sees the account sees the recordings of all of them.
pub async fn family(archive: &Archive, id: &str) -> Result<Vec<String>, ArchiveError> {
    families(archive, &[id.to_owned()]).await
}

/// These accounts and all that were merged into them, each once. One that nobody has heard of yet is alone.
pub async fn families(archive: &Archive, ids: &[String]) -> Result<Vec<String>, ArchiveError> {
    let mut all = archive.catalog.families(ids).await?;
    all.extend_from_slice(ids);
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// An account with its persons, for those who are known to be allowed; none where there is none, or its time is over.
/// Notes nothing in the ledger.
pub async fn open(archive: &Archive, id: &str) -> Result<Option<Account>, ArchiveError> {
    let row = archive.catalog.account(id).await?;
    match row.filter(|row| !is_over(row, archive.clock.now())) {
        Some(row) => open_row(archive, row).await.map(Some),
        None => Ok(None),
    }
}

/// Whether an account's time is over, whatever the purge is doing.
fn is_over(row: &AccountRow, now: Timestamp) -> bool {
    row.is_purging || row.expires_at.is_some_and(|expires_at| is_due(now, expires_at))
}

async fn open_row(archive: &Archive, row: AccountRow) -> Result<Account, ArchiveError> {
    let details = match &row.sealed {
        Some(sealed) => Some(text::open(archive, row.uuid, "row", sealed).await?),
        None => None,
    };
    let (mut persons, mut persons_left) = (Vec::new(), 0);
    for person in archive.catalog.persons_of(&row.id).await? {
        match &person.sealed {
            Some(sealed) => persons.push(text::open_contact(archive, row.uuid, &person.person_mac, sealed).await?),
            None => persons_left += 1,
        }
    }
    persons.sort_by(|a: &Contact, b| a.id.cmp(&b.id));
    Ok(Account { row, details, persons, persons_left })
}

/// The row of an account that can be changed, whose secret is there; made where nobody has heard of the account yet.
async fn row_to_change(archive: &Archive, id: &str) -> Result<AccountRow, AccountError> {
    let known = archive.catalog.account(id).await?;
    if known.as_ref().is_none_or(|row| row.revision == 0) {
        refuse_erased(archive, id).await?;
    }
    let row = match known {
        Some(row) => row,
        None => {
            let mut tx = archive.catalog.begin().await?;
            tx.ensure_account(id, archive.clock.now()).await?;
            tx.commit().await?;
            archive.catalog.account(id).await?.ok_or(AccountError::NotFound)?
        }
    };
    if let Some(into) = row.merged_into {
        return Err(AccountError::Merged(into));
    }
    if is_over(&row, archive.clock.now()) {
        return Err(AccountError::Gone);
    }
    // The key first: nothing is sealed under one that is not kept yet.
    archive.keyring.ensure_secret(&KeyName::Account(row.uuid)).await.map_err(ArchiveError::from)?;
    crate::failpoint::hit("account.key_made");
    Ok(row)
}

/// What was erased by a decision does not come back because the product still has it.
async fn refuse_erased(archive: &Archive, id: &str) -> Result<(), AccountError> {
    let mac = mirrored_mac(archive, MirroredField::Account, id).await?;
    let erased = archive.catalog.account_was_erased(&mac, archive.clock.now()).await?;
    if erased { Err(AccountError::Erased) } else { Ok(()) }
}

/// The keyed hash, under the installation's key, by which something of an account is known.
async fn mirrored_mac(archive: &Archive, field: MirroredField, value: &str) -> Result<Vec<u8>, ArchiveError> {
    let installation = archive.keyring.ensure_secret(&KeyName::Installation).await?;
    Ok(installation.mirrored_mac(field, value).to_vec())
}

/// The accounts that an agent is assigned to, with those that were merged into them.
pub async fn accounts_of_rep(archive: &Archive, agent: &str) -> Result<Vec<String>, ArchiveError> {
    let mac = mirrored_mac(archive, MirroredField::Agent, agent).await?;
    Ok(archive.catalog.accounts_of_rep(&mac).await?)
}

/// The keyed hashes of an account's agents.
async fn macs_of_reps(archive: &Archive, reps: &[String]) -> Result<Vec<Vec<u8>>, ArchiveError> {
    let mut macs = Vec::with_capacity(reps.len());
    for rep in reps {
        macs.push(mirrored_mac(archive, MirroredField::Agent, rep).await?);
    }
    Ok(macs)
}

/// The retention rule of accounts, as configured, with the version under which the catalog knows it.
async fn policy(archive: &Archive) -> Result<Policy, ArchiveError> {
    let (period, zone) = (archive.config.accounts_retention, archive.policy.zone);
    let terms = format!("{period} {zone} {}", End::Instant);
    let version = archive.catalog.policy_version(RULE, &terms, archive.clock.now()).await?;
    let version = u32::try_from(version).map_err(|_| ArchiveError::Document("the version of a policy"))?;
    Policy::new(RULE, version, period, zone, End::Instant)
        .map_err(|error: BadRule| ArchiveError::Configuration(error.to_string()))
}

/// When the data of an account whose relation ended then are over, and the rule that says so.
async fn end_of_data(
    archive: &Archive,
    ended_at: Timestamp,
) -> Result<Result<(Timestamp, String), BeyondCalendar>, ArchiveError> {
    let policy = policy(archive).await?;
    Ok(deadline(&policy, ended_at).map(|deadline| (deadline.expires_at, policy.rule_text())))
}
