//! What a package is asked for with.

use uuid::Uuid;

use super::recipient::{MAX_NAME_CHARS, Recipient};
use crate::receive::metadata::FieldProblem;
use crate::recording::{Language, RecordingId};

/// Most recordings of one package.
pub const MAX_RECORDINGS: usize = 5_000;
/// Longest purpose, in characters.
const MAX_PURPOSE_CHARS: usize = 200;

/// A package that is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The case.
    pub case_id: Uuid,
    /// Why.
    pub purpose: String,
    /// To whom.
    pub recipient: Recipient,
    /// Which recordings; none: all that the case holds.
    pub recordings: Option<Vec<RecordingId>>,
    /// The language of the report; none: the case's.
    pub language: Option<Language>,
}

impl Asked {
    /// Everything that is wrong with it. Pure.
    pub fn problems(&self) -> Vec<FieldProblem> {
        let recordings = self.recordings.as_deref();
        let counted = match recordings {
            Some([]) => Some(FieldProblem::new("recordings", "empty", "must name at least one recording")),
            Some(ids) if ids.len() > MAX_RECORDINGS => {
                Some(FieldProblem::new("recordings", "too-long", format!("must name at most {MAX_RECORDINGS}")))
            }
            _ => None,
        };
        let found = [
            problem("purpose", &self.purpose, MAX_PURPOSE_CHARS),
            problem("recipient.name", &self.recipient.name, MAX_NAME_CHARS),
            counted,
        ];
        found.into_iter().flatten().collect()
    }
}

fn problem(field: &str, text: &str, most: usize) -> Option<FieldProblem> {
    if text.trim().is_empty() {
        Some(FieldProblem::new(field, "empty", "must not be empty"))
    } else if text.chars().count() > most {
        Some(FieldProblem::new(field, "too-long", format!("must have at most {most} characters")))
    } else if text.chars().any(char::is_control) {
        Some(FieldProblem::new(field, "control-character", "must have no control characters"))
    } else {
        None
    }
}
