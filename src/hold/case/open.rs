//! The life of a case but its end: opened, changed, noted upon, closed. Each is one transaction with its ledger entry;
//! the store's copy follows, and where it cannot, the background pass makes up for it.

use serde::Serialize;
use uuid::Uuid;

use super::text::{self, CaseText, NoteText};
use super::{Case, HoldError, Note, open_row, open_row_only, record, row};
use crate::access::Actor;
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{CaseRow, NoteRow};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;
use crate::recording::Language;
use crate::vault::keys::KeyName;

/// Notes that a case has at the most: its copy in the store carries all of them.
pub const MAX_NOTES: u64 = 1_000;

/// A case that is to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCase {
    /// Its id, where the caller chose one: then the same request again opens no second case.
    pub id: Option<Uuid>,
    /// What the company calls it, 1 to 200 characters.
    pub reference: String,
    /// Why recordings are to be held for it, 1 to 1,000 characters.
    pub ground: String,
    /// Who answers for it, 1 to 200 characters.
    pub owner: String,
    /// In which language reports of it are written.
    pub language: Language,
    /// When somebody has to look whether it is still needed; in the future.
    pub review_at: Timestamp,
}

/// What is to be changed of a case; what is none stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the fields of NewCase, described there")]
pub struct Change {
    pub reference: Option<String>,
    pub ground: Option<String>,
    pub owner: Option<String>,
    pub language: Option<Language>,
    pub review_at: Option<Timestamp>,
}

/// What the entries about what a case says commit to.
#[derive(Serialize)]
struct CasePayload<'a> {
    actor: &'a Actor,
    case_id: Uuid,
    #[serde(flatten)]
    text: &'a CaseText,
    review_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct NotePayload<'a> {
    actor: &'a Actor,
    case_id: Uuid,
    note_id: Uuid,
}

#[derive(Serialize)]
struct ClosedPayload<'a> {
    actor: &'a Actor,
    case_id: Uuid,
    reason: &'a str,
}

/// Opens a case. False when it had been opened before with the same words.
///
/// # Errors
/// [`HoldError::Conflict`] where there is another case of the chosen id.
pub async fn open(archive: &Archive, new: &NewCase, actor: &Actor) -> Result<(Case, bool), HoldError> {
    let id = new.id.unwrap_or_else(Uuid::new_v4);
    if let Some(known) = archive.catalog.case(id).await? {
        return again(archive, &known, new).await;
    }
    // The key first: nothing is sealed under one that is not kept yet.
    archive.keyring.ensure_secret(&KeyName::Case(id)).await.map_err(ArchiveError::from)?;
    crate::failpoint::hit("case.key_made");
    let text = CaseText {
        reference: new.reference.trim().to_owned(),
        ground: new.ground.trim().to_owned(),
        owner: new.owner.trim().to_owned(),
        language: new.language,
    };
    let now = archive.clock.now();
    let sealed = text::seal_case(archive, id, &text).await?;
    let payload = CasePayload { actor, case_id: id, text: &text, review_at: Some(new.review_at) };
    let (entry, _) = archive.entry(Kind::CASE_OPENED, About::Case(id), &payload, now).await?;
    let mut tx = archive.catalog.begin().await?;
    if !tx.open_case(id, now, new.review_at, &sealed).await? {
        tx.rollback().await?;
        return again(archive, &row(archive, id).await?, new).await;
    }
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    crate::failpoint::hit("case.opened");
    archive.ledger_nudge.notify_one();
    record::keep(archive, id).await;
    Ok((open_row(archive, &row(archive, id).await?).await?, true))
}

async fn again(archive: &Archive, known: &CaseRow, new: &NewCase) -> Result<(Case, bool), HoldError> {
    if known.is_purging {
        return Err(HoldError::Conflict);
    }
    let case = open_row(archive, known).await?;
    let same = case.reference == new.reference.trim()
        && case.ground == new.ground.trim()
        && case.owner == new.owner.trim()
        && case.language == new.language
        && case.review_at == new.review_at;
    if same { Ok((case, false)) } else { Err(HoldError::Conflict) }
}

/// Changes what a case says.
///
/// # Errors
/// [`HoldError::CaseClosed`] once it is closed.
pub async fn change(archive: &Archive, id: Uuid, change: &Change, actor: &Actor) -> Result<Case, HoldError> {
    // Overtaken by another change, it is made anew from what stands then.
    while !try_change(archive, id, change, actor).await? {}
    archive.ledger_nudge.notify_one();
    record::keep(archive, id).await;
    super::read::with_notes(archive, &row(archive, id).await?).await
}

/// False when the case changed meanwhile.
async fn try_change(archive: &Archive, id: Uuid, change: &Change, actor: &Actor) -> Result<bool, HoldError> {
    let row = open_row_only(archive, id).await?;
    let text = change.applied_to(text::open_case(archive, id, &row.sealed).await?);
    let review_at = change.review_at.or(row.review_at);
    let sealed = text::seal_case(archive, id, &text).await?;
    let payload = CasePayload { actor, case_id: id, text: &text, review_at };
    let (entry, _) = archive.entry(Kind::CASE_CHANGED, About::Case(id), &payload, archive.clock.now()).await?;
    let mut tx = archive.catalog.begin().await?;
    if !tx.change_case(id, row.revision, review_at, &sealed).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    Ok(true)
}

/// Adds a note to a case. The same note again, by its chosen id, adds none.
///
/// # Errors
/// [`HoldError::CaseClosed`] once it is closed; [`HoldError::TooMany`] where it has as many notes as it may have.
pub async fn note(
    archive: &Archive,
    case: Uuid,
    id: Option<Uuid>,
    words: &str,
    actor: &Actor,
) -> Result<Note, HoldError> {
    open_row_only(archive, case).await?;
    let id = id.unwrap_or_else(Uuid::new_v4);
    if let Some(known) = archive.catalog.case_notes(case).await?.iter().find(|note| note.id == id) {
        let known = super::open_note(archive, case, known).await?;
        return if known.text == words.trim() { Ok(known) } else { Err(HoldError::Conflict) };
    }
    let now = archive.clock.now();
    let text = NoteText { by: actor.clone(), text: words.trim().to_owned() };
    let row = NoteRow { id, at: now, sealed: text::seal_note(archive, case, id, &text).await? };
    let payload = NotePayload { actor, case_id: case, note_id: id };
    let (entry, _) = archive.entry(Kind::CASE_CHANGED, About::Case(case), &payload, now).await?;
    let mut tx = archive.catalog.begin().await?;
    if !tx.touch_case(case).await? {
        tx.rollback().await?;
        return Err(HoldError::CaseClosed);
    }
    if tx.count_notes(case).await? >= MAX_NOTES {
        tx.rollback().await?;
        return Err(HoldError::TooMany("notes", MAX_NOTES));
    }
    tx.add_note(case, &row).await?;
    tx.append_entry(&entry).await?;
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    record::keep(archive, case).await;
    Ok(Note { id, at: now, by: text.by.name, text: text.text })
}

/// Closes a case: from here on its retention period counts. One that is closed already stays as it is.
///
/// # Errors
/// [`HoldError::StillHolds`] while a hold or a rule of it is in force, or a release waits.
pub async fn close(archive: &Archive, id: Uuid, reason: &str, actor: &Actor) -> Result<Case, HoldError> {
    let before = row(archive, id).await?;
    if before.closed_at.is_none() {
        let now = archive.clock.now();
        let payload = ClosedPayload { actor, case_id: id, reason: reason.trim() };
        let (entry, _) = archive.entry(Kind::CASE_CLOSED, About::Case(id), &payload, now).await?;
        let mut tx = archive.catalog.begin().await?;
        if tx.close_case(id, now).await? {
            // Asked once the row is ours: whatever is placed or asked for takes it first.
            let left = tx.case_as_of_now(id).await?.ok_or(HoldError::NoCase)?;
            if left.holds + left.rules + left.releases > 0 {
                tx.rollback().await?;
                return Err(HoldError::StillHolds);
            }
            tx.append_entry(&entry).await?;
            tx.commit().await?;
            archive.ledger_nudge.notify_one();
        }
        record::keep(archive, id).await;
    }
    super::read::with_notes(archive, &row(archive, id).await?).await
}
