//! The ledger's entry about an access: committed before the first byte leaves.

use std::time::Duration;

use serde::Serialize;

use super::look_up::is_readable;
use super::related::keyed_hash;
use super::{FindError, Opened, Question, Reader};
use crate::access::Actor;
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;

/// The ranges of one playback count once within this time.
const WINDOW: Duration = Duration::from_secs(600);

/// What is done with a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// Its metadata are read.
    Metadata,
    /// The original is fetched.
    Audio,
    /// It is played.
    Listen,
    /// Its waveform is looked at.
    Waveform,
    /// Its receipt is read again.
    Receipt,
    /// It is fetched as a vCon: the original, the metadata and what is attached.
    Vcon,
    /// Its ledger entries are read. The further pages of one look come in many requests.
    Custody {
        /// Whether this is a further page.
        continued: bool,
    },
    /// Related data of this name are read.
    Related(&'a str),
}

impl Action<'_> {
    /// As the ledger has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Audio => "audio",
            Self::Listen => "listen",
            Self::Waveform => "waveform",
            Self::Receipt => "receipt",
            Self::Vcon => "vcon",
            Self::Custody { .. } => "custody",
            Self::Related(_) => "related",
        }
    }

    /// Whether it comes in many requests that are one access.
    fn comes_in_ranges(self) -> bool {
        matches!(self, Self::Audio | Self::Listen | Self::Custody { continued: true })
    }
}

#[derive(Serialize)]
struct ReadPayload<'a> {
    actor: &'a Actor,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    related: Option<&'a str>,
}

#[derive(Serialize)]
struct SearchPayload<'a> {
    actor: &'a Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<&'a str>,
    asked: &'a Question,
    found: u64,
}

/// Notes that a recording is read.
///
/// # Errors
/// [`FindError::Gone`] when it was fenced or its deadline passed meanwhile: then nothing of it may leave.
pub async fn record_read(
    archive: &Archive,
    opened: &Opened,
    reader: &Reader,
    action: Action<'_>,
) -> Result<(), FindError> {
    let (row, now) = (&opened.row, archive.clock.now());
    let related = if let Action::Related(name) = action { Some(name) } else { None };
    let purpose = reader.purpose.as_deref();
    let payload = ReadPayload { actor: &reader.actor, action: action.as_str(), purpose, related };
    let about = About::Recording(row.id, &opened.key);
    let (entry, _) = archive.entry(Kind::RECORDING_READ, about, &payload, now).await?;

    let mut tx = archive.catalog.begin().await?;
    if !tx.keep_live(row.id).await? {
        return Err(FindError::Gone);
    }
    let is_first = if action.comes_in_ranges() {
        let (actor, what) = (reader.actor.id.to_string(), window_name(opened, action, purpose)?);
        tx.first_access(&actor, row.id, &what, window_start(now)).await?
    } else {
        true
    };
    if is_first {
        tx.append_entry(&entry).await?;
        tx.commit().await?;
        archive.ledger_nudge.notify_one();
    } else {
        tx.rollback().await?;
    }
    // Committing takes its time, and the deadline does not wait.
    let past_deadline = reader.view.held_past_deadline;
    if is_readable(row, archive.clock.now(), past_deadline) { Ok(()) } else { Err(FindError::Gone) }
}

/// Notes a search: what was asked, and how many recordings the answer shows.
pub async fn record_search(
    archive: &Archive,
    reader: &Reader,
    question: &Question,
    found: usize,
) -> Result<(), ArchiveError> {
    let purpose = reader.purpose.as_deref();
    let payload = SearchPayload { actor: &reader.actor, purpose, asked: question, found: found as u64 };
    archive.enter(Kind::SEARCH_MADE, About::Activity, &payload, archive.clock.now()).await
}

/// What counts as the same access. Somebody who states another purpose makes another access, or that purpose would be
/// lost; the catalog sees a keyed hash of it.
fn window_name(opened: &Opened, action: Action<'_>, purpose: Option<&str>) -> Result<String, FindError> {
    let Some(purpose) = purpose else { return Ok(action.as_str().to_owned()) };
    let hash = keyed_hash(&opened.key, "purpose", purpose)?;
    Ok(format!("{}/{}", action.as_str(), hex::encode(&hash[..8])))
}

fn window_start(now: Timestamp) -> Timestamp {
    let window_us = i64::try_from(WINDOW.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.micros().div_euclid(window_us).saturating_mul(window_us))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_lasts_ten_minutes() {
        let at = |text| Timestamp::parse(text).unwrap();
        assert_eq!(window_start(at("2026-11-22T10:19:59.999999Z")), at("2026-11-22T10:10:00Z"));
        assert_eq!(window_start(at("2026-11-22T10:20:00Z")), at("2026-11-22T10:20:00Z"));
    }
}
