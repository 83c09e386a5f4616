//! The store's copy of an account, sealed under its secret: with it a lost or old catalog gets back the account, its persons
//! and reps, what was merged into it, and what the ledger says about it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::macs_of_reps;
use super::text::{self, Details};
use crate::archive::copies::{self, Copied, MAX_BYTES};
use crate::archive::sidecar::{SidecarEntry, base64_bytes};
use crate::archive::{Archive, ArchiveError, Bookmark};
use crate::catalog::{AccountGround, AccountRow, PersonRow};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;
use crate::recording::{Language, Professional};
use crate::vault::keys::KeyName;
use crate::vault::objects::ObjectKey;

/// The version of the form.
const VERSION: u32 = 1;
/// Entries of the ledger that a copy carries, the newest; never accesses.
const MAX_ENTRIES: u32 = 5_000;

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Record {
    version: u32,
    id: String,
    kind: Option<Professional>,
    language: Option<Language>,
    created_at: Timestamp,
    updated_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    relation_ended_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    rule: Option<String>,
    revision: u64,
    sealed: Option<Base64>,
    persons: Vec<KeptPerson>,
    /// The accounts that were merged into it.
    merged: Vec<String>,
    entries: Vec<SidecarEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Base64(#[serde(with = "base64_bytes")] Vec<u8>);

#[derive(Serialize, Deserialize)]
struct KeptPerson {
    #[serde(with = "base64_bytes")]
    person_mac: Vec<u8>,
    name_mac: Option<Base64>,
    left_at: Option<Timestamp>,
    sealed: Option<Base64>,
}

impl KeptPerson {
    fn of(row: PersonRow) -> Self {
        let PersonRow { person_mac, name_mac, left_at, sealed, .. } = row;
        Self { person_mac, name_mac: name_mac.map(Base64), left_at, sealed: sealed.map(Base64) }
    }

    fn into_row(self) -> PersonRow {
        let Self { person_mac, name_mac, left_at, sealed } = self;
        let bytes = |kept: Option<Base64>| kept.map(|Base64(bytes)| bytes);
        PersonRow { person_mac, name_mac: bytes(name_mac), left_at, moved: false, sealed: bytes(sealed) }
    }
}

/// Accounts as what has a copy.
struct Accounts;

#[async_trait]
impl Copied for Accounts {
    const WHAT: &'static str = "account";
    type Row = AccountRow;

    fn writer(archive: &Archive) -> &Mutex<()> {
        &archive.account_writer
    }

    fn key(id: Uuid) -> ObjectKey {
        ObjectKey::Account(id)
    }

    async fn row(archive: &Archive, id: Uuid) -> Result<Option<AccountRow>, ArchiveError> {
        let row = archive.catalog.account_of(id).await?;
        Ok(row.filter(|row| !row.is_purging && row.revision > 0))
    }

    fn revision(row: &AccountRow) -> u64 {
        row.revision
    }

    async fn sealed(archive: &Archive, row: &AccountRow) -> Result<Vec<u8>, ArchiveError> {
        text::seal(archive, row.uuid, "record", &record_of(archive, row).await?).await
    }

    fn was_put() {
        crate::failpoint::hit("account.stored");
    }

    async fn note_stored(archive: &Archive, id: Uuid, revision: u64) -> Result<(), ArchiveError> {
        Ok(archive.catalog.account_stored(id, revision).await?)
    }

    fn bookmark(archive: &Archive) -> &Bookmark<Uuid> {
        &archive.bookmarks.accounts
    }

    async fn not_stored(archive: &Archive, after: Option<Uuid>, limit: u32) -> Result<Vec<Uuid>, ArchiveError> {
        Ok(archive.catalog.accounts_not_stored(after, limit).await?)
    }
}

/// Brings the store's copy of an account up to its row. What fails is left to the background pass.
pub(super) async fn keep(archive: &Archive, uuid: Uuid) {
    copies::keep::<Accounts>(archive, uuid).await;
}

/// Brings the store's copy of an account up to its row.
pub async fn refresh(archive: &Archive, uuid: Uuid) -> Result<(), ArchiveError> {
    copies::refresh::<Accounts>(archive, uuid).await
}

/// Brings the copies up to date that are not, a page at the most. Returns how many.
pub async fn refresh_stale(archive: &Archive) -> Result<u64, ArchiveError> {
    copies::refresh_stale::<Accounts>(archive).await
}

async fn record_of(archive: &Archive, row: &AccountRow) -> Result<Record, ArchiveError> {
    let catalog = &archive.catalog;
    let under = KeyName::Account(row.uuid).to_string();
    let entries = catalog.entries_under(&under, Kind::ACCOUNT_READ.as_str(), MAX_ENTRIES).await?.into_iter();
    let mut merged = catalog.families(std::slice::from_ref(&row.id)).await?;
    merged.retain(|id| *id != row.id);
    Ok(Record {
        version: VERSION,
        id: row.id.clone(),
        kind: row.kind,
        language: row.language,
        created_at: row.created_at,
        updated_at: row.updated_at,
        closed_at: row.closed_at,
        relation_ended_at: row.relation_ended_at,
        expires_at: row.expires_at,
        rule: row.rule.clone(),
        revision: row.revision,
        sealed: row.sealed.clone().map(Base64),
        persons: catalog.persons_of(&row.id).await?.into_iter().map(KeptPerson::of).collect(),
        merged,
        entries: entries.map(SidecarEntry::of_row).collect(),
    })
}

/// Brings an account's row up to the store's copy. True when it was missing or older.
pub async fn restore(archive: &Archive, uuid: Uuid) -> Result<bool, ArchiveError> {
    let sealed = archive.store.get(&ObjectKey::Account(uuid), MAX_BYTES).await?;
    let record: Record = text::open(archive, uuid, "record", &sealed).await?;
    if record.version != VERSION {
        return Err(ArchiveError::Document("an account of another version"));
    }
    let row = row_of(uuid, &record);
    if archive.catalog.account_of(uuid).await?.is_some_and(|known| known.is_purging || known.revision >= row.revision) {
        return Ok(false);
    }
    if archive.catalog.account(&row.id).await?.is_some_and(|known| known.merged_into.is_some()) {
        // From before the account was merged into another, which has what belongs to it: only its key is left to go.
        let mut tx = archive.catalog.begin().await?;
        tx.end_account_key(uuid, AccountGround::Merged, archive.clock.now()).await?;
        tx.commit().await?;
        return Ok(true);
    }
    let reps = match &row.sealed {
        Some(sealed) => {
            let details: Details = text::open(archive, uuid, "row", sealed).await?;
            macs_of_reps(archive, &details.reps).await?
        }
        None => Vec::new(),
    };
    let entries: Vec<_> = record.entries.iter().map(|entry| entry.to_new(None)).collect::<Result<_, _>>()?;
    let before = archive.catalog.persons_of(&row.id).await?;
    let now = archive.clock.now();
    let mut tx = archive.catalog.begin().await?;
    if !tx.restore_account(&row).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    for gone in before.iter().filter(|old| !record.persons.iter().any(|new| new.person_mac == old.person_mac)) {
        tx.remove_person(&row.id, &gone.person_mac).await?;
    }
    for person in record.persons {
        tx.restore_person(&row.id, &person.into_row()).await?;
    }
    tx.assign_reps(&row.id, &reps).await?;
    for id in &record.merged {
        tx.restore_pointer(id, &row.id, now).await?;
    }
    for entry in &entries {
        tx.append_missing_entry(entry).await?;
    }
    tx.commit().await?;
    Ok(true)
}

fn row_of(uuid: Uuid, record: &Record) -> AccountRow {
    AccountRow {
        id: record.id.clone(),
        uuid,
        kind: record.kind,
        language: record.language,
        created_at: record.created_at,
        updated_at: record.updated_at,
        closed_at: record.closed_at,
        relation_ended_at: record.relation_ended_at,
        expires_at: record.expires_at,
        rule: record.rule.clone(),
        merged_into: None,
        is_purging: false,
        revision: record.revision,
        stored_revision: record.revision,
        sealed: record.sealed.as_ref().map(|Base64(bytes)| bytes.clone()),
    }
}
