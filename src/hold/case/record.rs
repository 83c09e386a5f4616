//! The store's copy of a case, sealed under its secret: with it a lost or old catalog gets back the case, its notes, rules
//! and releases, and what the ledger says about it. Its holds come back with the recordings' sidecars.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::text;
use crate::archive::copies::{self, Copied, MAX_BYTES};
use crate::archive::sidecar::{SidecarEntry, base64_bytes};
use crate::archive::{Archive, ArchiveError, Bookmark};
use crate::catalog::{CaseRow, Catalog, NoteRow, ReleaseRow, ReleaseScope, ReleaseState, RuleRow};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;
use crate::recording::RecordingId;
use crate::vault::keys::KeyName;
use crate::vault::objects::ObjectKey;

/// The version of the form.
const VERSION: u32 = 1;
/// Releases with which nothing is left to do that a copy carries, the newest.
const MAX_DONE: u32 = 500;
/// Entries of the ledger that a copy carries, the newest; never accesses.
const MAX_ENTRIES: u32 = 5_000;

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Record {
    version: u32,
    opened_at: Timestamp,
    review_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    revision: u64,
    holds_placed: u64,
    #[serde(with = "base64_bytes")]
    sealed: Vec<u8>,
    notes: Vec<KeptNote>,
    rules: Vec<KeptRule>,
    releases: Vec<KeptRelease>,
    entries: Vec<SidecarEntry>,
}

#[derive(Serialize, Deserialize)]
struct KeptNote {
    id: Uuid,
    at: Timestamp,
    #[serde(with = "base64_bytes")]
    sealed: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct KeptRule {
    id: Uuid,
    account_id: String,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    placed_at: Timestamp,
    place_no: u64,
    ended_at: Option<Timestamp>,
    #[serde(with = "base64_bytes")]
    sealed: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct KeptRelease {
    id: Uuid,
    asked_at: Timestamp,
    scope: KeptScope,
    up_to: u64,
    state: KeptState,
    decided_at: Option<Timestamp>,
    done_at: Option<Timestamp>,
    #[serde(with = "base64_bytes")]
    sealed: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeptScope {
    Recordings(Vec<RecordingId>),
    Rule(Uuid),
    All,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeptState {
    Asked,
    Approved,
    Refused,
}

impl KeptRule {
    fn of(rule: RuleRow) -> Self {
        let RuleRow { id, account_id, from, to, placed_at, place_no, ended_at, sealed, .. } = rule;
        Self { id, account_id, from, to, placed_at, place_no, ended_at, sealed }
    }

    fn into_row(self, case_id: Uuid) -> RuleRow {
        let Self { id, account_id, from, to, placed_at, place_no, ended_at, sealed } = self;
        RuleRow { id, case_id, account_id, from, to, placed_at, place_no, ended_at, sealed }
    }
}

impl KeptRelease {
    fn of(release: ReleaseRow) -> Self {
        let ReleaseRow { id, asked_at, up_to, decided_at, done_at, sealed, .. } = release;
        let scope = match release.scope {
            ReleaseScope::Recordings(ids) => KeptScope::Recordings(ids),
            ReleaseScope::Rule(rule) => KeptScope::Rule(rule),
            ReleaseScope::All => KeptScope::All,
        };
        let state = match release.state {
            ReleaseState::Asked => KeptState::Asked,
            ReleaseState::Approved => KeptState::Approved,
            ReleaseState::Refused => KeptState::Refused,
        };
        Self { id, asked_at, scope, up_to, state, decided_at, done_at, sealed }
    }

    fn into_row(self, case_id: Uuid) -> ReleaseRow {
        let Self { id, asked_at, up_to, decided_at, sealed, .. } = self;
        // An approved one is carried out once more: a sidecar may be from before it was, and bring a hold back.
        let done_at = self.done_at.filter(|_| !matches!(self.state, KeptState::Approved));
        let scope = match self.scope {
            KeptScope::Recordings(ids) => ReleaseScope::Recordings(ids),
            KeptScope::Rule(rule) => ReleaseScope::Rule(rule),
            KeptScope::All => ReleaseScope::All,
        };
        let state = match self.state {
            KeptState::Asked => ReleaseState::Asked,
            KeptState::Approved => ReleaseState::Approved,
            KeptState::Refused => ReleaseState::Refused,
        };
        ReleaseRow { id, case_id, asked_at, scope, up_to, state, decided_at, done_at, sealed }
    }
}

/// Cases as what has a copy.
struct Cases;

#[async_trait]
impl Copied for Cases {
    const WHAT: &'static str = "case";
    type Row = CaseRow;

    fn writer(archive: &Archive) -> &Mutex<()> {
        &archive.case_writer
    }

    fn key(id: Uuid) -> ObjectKey {
        ObjectKey::Case(id)
    }

    async fn row(archive: &Archive, id: Uuid) -> Result<Option<CaseRow>, ArchiveError> {
        Ok(archive.catalog.case(id).await?.filter(|case| !case.is_purging))
    }

    fn revision(row: &CaseRow) -> u64 {
        row.revision
    }

    async fn sealed(archive: &Archive, row: &CaseRow) -> Result<Vec<u8>, ArchiveError> {
        text::seal(archive, row.id, "record", &record_of(archive, row).await?).await
    }

    fn was_put() {
        crate::failpoint::hit("case.stored");
    }

    async fn note_stored(archive: &Archive, id: Uuid, revision: u64) -> Result<(), ArchiveError> {
        Ok(archive.catalog.case_stored(id, revision).await?)
    }

    fn bookmark(archive: &Archive) -> &Bookmark<Uuid> {
        &archive.bookmarks.cases
    }

    async fn not_stored(archive: &Archive, after: Option<Uuid>, limit: u32) -> Result<Vec<Uuid>, ArchiveError> {
        Ok(archive.catalog.cases_not_stored(after, limit).await?)
    }
}

/// Brings the store's copy of a case up to its row. What fails is left to the background pass.
pub(in crate::hold) async fn keep(archive: &Archive, id: Uuid) {
    copies::keep::<Cases>(archive, id).await;
}

/// Brings the store's copy of a case up to its row.
pub async fn refresh(archive: &Archive, id: Uuid) -> Result<(), ArchiveError> {
    copies::refresh::<Cases>(archive, id).await
}

/// Brings the copies up to date that are not, a batch at the most. Returns how many.
pub async fn refresh_stale(archive: &Archive) -> Result<u64, ArchiveError> {
    copies::refresh_stale::<Cases>(archive).await
}

async fn record_of(archive: &Archive, case: &CaseRow) -> Result<Record, ArchiveError> {
    let (catalog, id) = (&archive.catalog, case.id);
    let notes = catalog.case_notes(id).await?.into_iter();
    let rules = catalog.rules_of(id).await?.into_iter();
    let releases = releases_of(catalog, id).await?.into_iter();
    let under = KeyName::Case(id).to_string();
    let entries = catalog.entries_under(&under, Kind::CASE_READ.as_str(), MAX_ENTRIES).await?.into_iter();
    Ok(Record {
        version: VERSION,
        opened_at: case.opened_at,
        review_at: case.review_at,
        closed_at: case.closed_at,
        revision: case.revision,
        holds_placed: case.holds_placed,
        sealed: case.sealed.clone(),
        notes: notes.map(|note| KeptNote { id: note.id, at: note.at, sealed: note.sealed }).collect(),
        rules: rules.map(KeptRule::of).collect(),
        releases: releases.map(KeptRelease::of).collect(),
        entries: entries.map(SidecarEntry::of_row).collect(),
    })
}

/// All releases that are not done, and the newest others. What such a one names was let go of, as the sidecars say: of
/// thousands of recordings only those are told of whose sidecar does not say so yet.
async fn releases_of(catalog: &Catalog, case: Uuid) -> Result<Vec<ReleaseRow>, ArchiveError> {
    let mut releases = catalog.open_releases_of(case).await?;
    for mut done in catalog.done_releases_of(case, MAX_DONE).await? {
        if let ReleaseScope::Recordings(named) = &mut done.scope {
            *named = catalog.stale_recordings_of(done.id).await?;
        }
        releases.push(done);
    }
    Ok(releases)
}

/// Brings a case's row up to the store's copy. True when it was missing or older.
pub async fn restore(archive: &Archive, id: Uuid) -> Result<bool, ArchiveError> {
    let sealed = archive.store.get(&ObjectKey::Case(id), MAX_BYTES).await?;
    let record: Record = text::open(archive, id, "record", &sealed).await?;
    if record.version != VERSION {
        return Err(ArchiveError::Document("a case of another version"));
    }
    if archive.catalog.case(id).await?.is_some_and(|row| row.is_purging || row.revision >= record.revision) {
        return Ok(false);
    }
    let entries: Vec<_> = record.entries.iter().map(|entry| entry.to_new(None)).collect::<Result<_, _>>()?;
    let mut tx = archive.catalog.begin().await?;
    if !tx.restore_case(&row_of(id, &record)).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    for KeptNote { id: note, at, sealed } in record.notes {
        tx.add_note(id, &NoteRow { id: note, at, sealed }).await?;
    }
    for rule in record.rules {
        tx.restore_rule(&rule.into_row(id)).await?;
    }
    for release in record.releases {
        tx.restore_release(&release.into_row(id)).await?;
    }
    for entry in &entries {
        tx.append_missing_entry(entry).await?;
    }
    tx.commit().await?;
    Ok(true)
}

fn row_of(id: Uuid, record: &Record) -> CaseRow {
    CaseRow {
        id,
        opened_at: record.opened_at,
        review_at: record.review_at,
        closed_at: record.closed_at,
        is_purging: false,
        revision: record.revision,
        stored_revision: record.revision,
        holds_placed: record.holds_placed,
        sealed: record.sealed.clone(),
        holds: 0,
        rules: 0,
        releases: 0,
    }
}
