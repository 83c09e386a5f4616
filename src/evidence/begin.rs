//! Beginning a package: who may have what, and the entries that are committed before its first byte leaves.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use super::EvidenceError;
use super::recipient::{MAX_NAME_CHARS, Recipient};
use super::register::{self, Told};
use super::seal::{self, FileSealer, Sealer as _};
use crate::access::Actor;
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{DisclosureRow, DisclosureState, LedgerState, NewEntry};
use crate::clock::Timestamp;
use crate::find::{FindError, Reader, Sight, look_up};
use crate::hold::HoldError;
use crate::hold::case::{self, Case};
use crate::ledger::kind::Kind;
use crate::receive::metadata::FieldProblem;
use crate::recording::{Language, RecordingId};
use crate::signature::certificate::Known;

/// Most recordings of one package.
pub const MAX_RECORDINGS: usize = 5_000;
/// Longest purpose, in characters.
const MAX_PURPOSE_CHARS: usize = 200;
/// Recordings that are asked for at once.
const PAGE: u32 = 500;
/// How long a package counts as being sent after it was last heard of.
pub(super) const ALIVE: Duration = Duration::from_secs(15 * 60);
/// How long the ledger has for publishing what was entered.
const PUBLISHING: Duration = Duration::from_secs(30);
/// How long to wait for the node that publishes.
const PAUSE: Duration = Duration::from_millis(100);

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

/// What the ledger's entries about a package commit to.
#[derive(Serialize)]
pub(super) struct PackagePayload<'a> {
    pub package_id: Uuid,
    pub case_id: Uuid,
    pub actor: &'a Actor,
    pub purpose: &'a str,
    pub recipient: &'a Recipient,
    pub seal: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte_len: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<&'static str>,
}

/// A package that was begun.
pub struct Begun {
    /// Its id.
    pub id: Uuid,
    /// What was asked for.
    pub asked: Asked,
    /// Who asked.
    pub reader: Reader,
    /// The case.
    pub case: Case,
    /// The recordings, in their order.
    pub recordings: Vec<RecordingId>,
    /// When.
    pub at: Timestamp,
    /// What signs it.
    pub sealer: Arc<FileSealer>,
    /// Its certificate.
    pub certificate: Known,
    /// Its fingerprint.
    pub fingerprint: String,
    /// The ledger's state that every proof leads to.
    pub state: LedgerState,
}

impl Begun {
    pub(super) fn payload(&self) -> PackagePayload<'_> {
        PackagePayload {
            package_id: self.id,
            case_id: self.case.id,
            actor: &self.reader.actor,
            purpose: &self.asked.purpose,
            recipient: &self.asked.recipient,
            seal: &self.fingerprint,
            sha256: None,
            byte_len: None,
            failure: None,
        }
    }
}

/// Begins a package. When this returns, the ledger says so, provably.
///
/// # Errors
/// [`EvidenceError::Case`], [`EvidenceError::Recording`] where one is not there or its time is over, [`EvidenceError::Nothing`],
/// [`EvidenceError::Seal`].
pub async fn begin(archive: &Archive, asked: Asked, reader: Reader) -> Result<Begun, EvidenceError> {
    let case = case::look_up(archive, asked.case_id).await?;
    if case.closed_at.is_some() {
        return Err(HoldError::CaseClosed.into());
    }
    let recordings = recordings(archive, &asked).await?;
    let at = archive.clock.now();
    let organization = archive.controller().name;
    let since_1970 = at.since(Timestamp::from_micros(0));
    let sealer = Arc::new(seal::open(&archive.config.seal, &organization, since_1970)?);
    let own = sealer.chain().first().ok_or(seal::SealError::Unfit("there is no certificate"))?;
    let certificate = Known::from_der(own)?;
    let fingerprint = certificate.fingerprint()?;
    let state = archive.catalog.ledger_state().await?;
    let id = Uuid::new_v4();
    let mut begun = Begun { id, asked, reader, case, recordings, at, sealer, certificate, fingerprint, state };
    let entries = enter(archive, &begun).await?;
    crate::failpoint::hit("evidence.begun");
    register::keep(archive, id).await;
    begun.state = published(archive, &entries).await?;
    Ok(begun)
}

async fn recordings(archive: &Archive, asked: &Asked) -> Result<Vec<RecordingId>, EvidenceError> {
    let mut ids = Vec::new();
    if let Some(named) = &asked.recordings {
        for id in named {
            if !ids.contains(id) {
                ids.push(*id);
            }
        }
        return Ok(ids);
    }
    loop {
        let page = archive.catalog.recordings_of_case(asked.case_id, ids.last().copied(), PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        ids.extend(page);
        if ids.len() > MAX_RECORDINGS {
            return Err(EvidenceError::TooMany(MAX_RECORDINGS as u64));
        }
        if is_last {
            return if ids.is_empty() { Err(EvidenceError::Nothing) } else { Ok(ids) };
        }
    }
}

/// One entry about the case and one about each recording, with the register's row, in one transaction. Gives their ids.
async fn enter(archive: &Archive, begun: &Begun) -> Result<Vec<Uuid>, EvidenceError> {
    let payload = begun.payload();
    let mut entries: Vec<(Option<RecordingId>, NewEntry)> = Vec::with_capacity(begun.recordings.len() + 1);
    for id in &begun.recordings {
        let opened = look_up(archive, *id, Sight::View(&begun.reader.view)).await?;
        let about = About::Recording(*id, &opened.key);
        entries.push((Some(*id), archive.entry(Kind::EVIDENCE_BEGUN, about, &payload, begun.at).await?.0));
    }
    let about = About::Case(begun.case.id);
    entries.push((None, archive.entry(Kind::EVIDENCE_BEGUN, about, &payload, begun.at).await?.0));
    let told = Told {
        actor: begun.reader.actor.clone(),
        recipient: begun.asked.recipient.clone(),
        purpose: begun.asked.purpose.clone(),
        language: begun.asked.language.unwrap_or(begun.case.language),
        seal: begun.fingerprint.clone(),
    };
    let row = DisclosureRow {
        id: begun.id,
        case_id: begun.case.id,
        recipient_kind: begun.asked.recipient.kind.as_str().to_owned(),
        state: DisclosureState::Begun,
        begun_at: begun.at,
        alive_until: begun.at.plus(ALIVE),
        ended_at: None,
        recordings: begun.recordings.len() as u64,
        byte_len: None,
        sha256: None,
        sealed: register::seal(archive, begun.case.id, begun.id, &told).await?,
    };
    // Rows are taken in this order by everybody: recordings, by their ids, and then the case.
    entries.sort_by_key(|(recording, _)| recording.map_or((1, None), |id| (0, Some(id))));
    let mut tx = archive.catalog.begin().await?;
    for (recording, entry) in &entries {
        let open = match recording {
            Some(id) => tx.keep_live(*id).await?,
            None => tx.touch_case(begun.case.id).await?,
        };
        if !open {
            tx.rollback().await?;
            return Err(recording.map_or(HoldError::CaseClosed.into(), |_| FindError::Gone.into()));
        }
        tx.append_entry(entry).await?;
    }
    if !tx.add_disclosure(&row, &begun.recordings).await? {
        return Err(ArchiveError::Document("a package's id that is taken").into());
    }
    tx.commit().await?;
    archive.ledger_nudge.notify_one();
    Ok(entries.into_iter().map(|(_, entry)| entry.id).collect())
}

/// Waits until a published checkpoint covers these entries. On another node than this one that takes a second or so.
async fn published(archive: &Archive, entries: &[Uuid]) -> Result<LedgerState, EvidenceError> {
    let waited = tokio::time::timeout(PUBLISHING, async {
        loop {
            archive.publish_ledger().await?;
            let state = archive.catalog.ledger_state().await?;
            if covers(archive, &state, entries).await? {
                return Ok(state);
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    waited.await.unwrap_or(Err(EvidenceError::NotPublished))
}

async fn covers(archive: &Archive, state: &LedgerState, entries: &[Uuid]) -> Result<bool, EvidenceError> {
    for id in entries {
        let seq = archive.catalog.ledger_entry(*id).await?.and_then(|entry| entry.seq);
        if seq.is_none_or(|seq| seq >= state.published_size) {
            return Ok(false);
        }
    }
    Ok(true)
}
