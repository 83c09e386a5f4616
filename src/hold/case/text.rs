//! What a case says and the rules for it, and how that is sealed: under the case's own secret, with which it ends.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{Change, NewCase};
use crate::access::Actor;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::NoteRow;
use crate::clock::Timestamp;
use crate::receive::metadata::FieldProblem;
use crate::recording::Language;
use crate::vault::keys::KeyName;

/// The longest reference and the longest name of an owner, in characters.
const MAX_NAME_CHARS: usize = 200;
/// The longest ground, in characters.
const MAX_GROUND_CHARS: usize = 1_000;
/// The longest note, in characters.
const MAX_NOTE_CHARS: usize = 4_000;
/// The longest reason of a release or a decision, in characters.
const MAX_REASON_CHARS: usize = 1_000;

/// What is sealed in a case's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CaseText {
    pub reference: String,
    pub ground: String,
    pub owner: String,
    pub language: Language,
}

/// What is sealed in a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NoteText {
    pub by: Actor,
    pub text: String,
}

impl CaseText {
    /// Of a case of which only its holds are known.
    fn lost() -> Self {
        let lost = || "(lost with an old catalog)".to_owned();
        Self { reference: lost(), ground: lost(), owner: lost(), language: Language::En }
    }
}

fn review_problem(review_at: Timestamp, now: Timestamp) -> Option<FieldProblem> {
    (review_at <= now).then(|| FieldProblem::new("review_at", "out-of-range", "must lie in the future"))
}

impl NewCase {
    /// Everything that is wrong with it. Pure.
    pub fn problems(&self, now: Timestamp) -> Vec<FieldProblem> {
        let problem = FieldProblem::of_text;
        let found = [
            problem("reference", &self.reference, MAX_NAME_CHARS, false),
            problem("ground", &self.ground, MAX_GROUND_CHARS, true),
            problem("owner", &self.owner, MAX_NAME_CHARS, false),
            review_problem(self.review_at, now),
        ];
        found.into_iter().flatten().collect()
    }
}

impl Change {
    /// Everything that is wrong with it. Pure.
    pub fn problems(&self, now: Timestamp) -> Vec<FieldProblem> {
        let text =
            |field, text: &Option<String>, most, lines| FieldProblem::of_text(field, text.as_deref()?, most, lines);
        let found = [
            text("reference", &self.reference, MAX_NAME_CHARS, false),
            text("ground", &self.ground, MAX_GROUND_CHARS, true),
            text("owner", &self.owner, MAX_NAME_CHARS, false),
            self.review_at.and_then(|at| review_problem(at, now)),
        ];
        found.into_iter().flatten().collect()
    }

    /// The text with what is changed of it.
    pub(super) fn applied_to(&self, old: CaseText) -> CaseText {
        CaseText {
            reference: self.reference.clone().unwrap_or(old.reference),
            ground: self.ground.clone().unwrap_or(old.ground),
            owner: self.owner.clone().unwrap_or(old.owner),
            language: self.language.unwrap_or(old.language),
        }
    }
}

/// Everything that is wrong with a note. Pure.
pub fn note_problems(text: &str) -> Vec<FieldProblem> {
    FieldProblem::of_text("text", text, MAX_NOTE_CHARS, true).into_iter().collect()
}

/// Everything that is wrong with the reason of a closing, a release or a decision. Pure.
pub fn reason_problems(reason: &str) -> Vec<FieldProblem> {
    FieldProblem::of_text("reason", reason, MAX_REASON_CHARS, true).into_iter().collect()
}

/// Seals something of a case under its secret, which is there since the case is. `what` says which thing it is.
pub(in crate::hold) async fn seal<T: Serialize>(
    archive: &Archive,
    case: Uuid,
    what: &str,
    value: &T,
) -> Result<Vec<u8>, ArchiveError> {
    archive.seal_under(KeyName::Case(case), &aad(case, what), value).await
}

/// Opens what [`seal`] sealed.
pub(in crate::hold) async fn open<T: DeserializeOwned>(
    archive: &Archive,
    case: Uuid,
    what: &str,
    sealed: &[u8],
) -> Result<T, ArchiveError> {
    archive.open_under(KeyName::Case(case), &aad(case, what), sealed).await
}

fn aad(case: Uuid, what: &str) -> String {
    format!("case/{case}/{what}")
}

pub(super) async fn seal_case(archive: &Archive, case: Uuid, text: &CaseText) -> Result<Vec<u8>, ArchiveError> {
    seal(archive, case, "row", text).await
}

pub(super) async fn open_case(archive: &Archive, case: Uuid, sealed: &[u8]) -> Result<CaseText, ArchiveError> {
    if sealed.is_empty() { Ok(CaseText::lost()) } else { open(archive, case, "row", sealed).await }
}

pub(super) async fn seal_note(
    archive: &Archive,
    case: Uuid,
    id: Uuid,
    text: &NoteText,
) -> Result<Vec<u8>, ArchiveError> {
    seal(archive, case, &format!("note/{id}"), text).await
}

pub(super) async fn open_note(archive: &Archive, case: Uuid, row: &NoteRow) -> Result<NoteText, ArchiveError> {
    open(archive, case, &format!("note/{}", row.id), &row.sealed).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_names_its_field() {
        let now = Timestamp::from_micros(1_000);
        let new = NewCase {
            id: None,
            reference: "a\nb".into(),
            ground: " ".into(),
            owner: "é".repeat(201),
            language: Language::Nl,
            review_at: now,
        };
        let told: Vec<_> = new.problems(now).into_iter().map(|p| (p.field, p.code)).collect();
        let expected = [
            ("reference", "control-character"),
            ("ground", "empty"),
            ("owner", "too-long"),
            ("review_at", "out-of-range"),
        ];
        assert_eq!(told, expected.map(|(field, code)| (field.to_owned(), code)));
        let good = NewCase {
            reference: "2026/12".into(),
            ground: "unpaid invoices\nsince May".into(),
            owner: "An".into(),
            review_at: Timestamp::from_micros(1_001),
            ..new
        };
        assert_eq!(good.problems(now), []);
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let old = || CaseText { reference: "r".into(), ground: "g".into(), owner: "o".into(), language: Language::Fr };
        assert_eq!(Change::default().applied_to(old()), old());
        let change = Change { owner: Some("p".into()), language: Some(Language::De), ..Change::default() };
        assert_eq!(change.applied_to(old()), CaseText { owner: "p".into(), language: Language::De, ..old() });
        assert_eq!(change.problems(Timestamp::from_micros(0)), []);
        assert_eq!(Change { ground: Some(String::new()), ..change }.problems(Timestamp::from_micros(0)).len(), 1);
    }
}
