//! The register of disclosures: to whom what was handed over, why, and how it ended. Sealed under the case's secret, and
//! kept in the store as well, so that a lost catalog gets it back.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::recipient::Recipient;
use crate::access::Actor;
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{DisclosureFilter, DisclosureRow, DisclosureState};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;
use crate::recording::{Language, RecordingId};
use crate::vault::keys::KeyName;
use crate::vault::objects::ObjectKey;
use crate::vault::small;

/// Longest copy in the store, in bytes: the ids of all recordings of a package.
const MAX_BYTES: u64 = 4 << 20;
/// Rows that one pass looks at.
const BATCH: u32 = 100;

/// What is sealed in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Who handed it over.
    pub actor: Actor,
    /// To whom.
    pub recipient: Recipient,
    /// Why.
    pub purpose: String,
    /// The language of the report.
    pub language: Language,
    /// The certificate that it is signed with.
    pub seal: String,
}

/// A row, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// What is plain of it.
    pub row: DisclosureRow,
    /// The rest.
    pub told: Told,
}

/// A row's copy in the store.
#[derive(Serialize, Deserialize)]
struct Copy {
    recipient_kind: String,
    state: String,
    begun_at: Timestamp,
    alive_until: Timestamp,
    ended_at: Option<Timestamp>,
    byte_len: Option<u64>,
    sha256: Option<String>,
    recordings: Vec<RecordingId>,
    told: Told,
}

fn aad(id: Uuid, what: &str) -> Vec<u8> {
    format!("disclosure/{}/{what}", id.as_hyphenated()).into_bytes()
}

/// Seals what a row says.
pub(super) async fn seal(archive: &Archive, case: Uuid, id: Uuid, told: &Told) -> Result<Vec<u8>, ArchiveError> {
    let text = serde_json::to_vec(told).map_err(|_| ArchiveError::Document("a disclosure"))?;
    let secret = archive.keyring.secret(&KeyName::Case(case)).await?;
    Ok(small::seal(secret.meta_key(), &aad(id, "row"), &text)?)
}

/// Opens a row.
pub async fn open(archive: &Archive, row: DisclosureRow) -> Result<Disclosure, ArchiveError> {
    let secret = archive.keyring.secret(&KeyName::Case(row.case_id)).await?;
    let text = small::open(secret.meta_key(), &aad(row.id, "row"), &row.sealed)?;
    let told = serde_json::from_slice(&text).map_err(|_| ArchiveError::Document("a disclosure"))?;
    Ok(Disclosure { row, told })
}

#[derive(Serialize)]
struct ReadPayload<'a> {
    actor: &'a Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recording_id: Option<RecordingId>,
    found: u64,
}

/// A page of the register, and where the next begins.
pub type RegisterPage<T> = (Vec<T>, Option<(Timestamp, Uuid)>);

/// A page of the register, newest first; noted in the ledger before it is shown.
pub async fn page(
    archive: &Archive,
    filter: &DisclosureFilter,
    after: Option<(Timestamp, Uuid)>,
    limit: u32,
    actor: &Actor,
) -> Result<RegisterPage<DisclosureRow>, ArchiveError> {
    let mut rows = archive.catalog.disclosures(filter, after, limit.saturating_add(1)).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|row| (row.begun_at, row.id));
    let (case_id, recording_id) = (filter.case_id, filter.recording_id);
    let payload = ReadPayload { actor, case_id, recording_id, found: rows.len() as u64 };
    archive.enter(Kind::DISCLOSURES_READ, About::Activity, &payload, archive.clock.now()).await?;
    Ok((rows, next))
}

/// Brings the store's copy of a row up to it. What fails is left to the background pass.
pub(super) async fn keep(archive: &Archive, id: Uuid) {
    if let Err(error) = store(archive, id).await {
        tracing::warn!(package = %id, %error, "the store's copy of a disclosure is left to the background pass");
    }
}

async fn store(archive: &Archive, id: Uuid) -> Result<(), ArchiveError> {
    let Some(row) = archive.catalog.disclosure(id).await? else { return Ok(()) };
    let (case, state) = (row.case_id, row.state);
    let recordings = archive.catalog.recordings_disclosed(id).await?;
    let Disclosure { row, told } = open(archive, row).await?;
    let DisclosureRow { recipient_kind, begun_at, alive_until, ended_at, byte_len, sha256, .. } = row;
    let state_text = state.as_str().to_owned();
    let copy =
        Copy { recipient_kind, state: state_text, begun_at, alive_until, ended_at, byte_len, sha256, recordings, told };
    let text = serde_json::to_vec(&copy).map_err(|_| ArchiveError::Document("a disclosure"))?;
    let secret = archive.keyring.secret(&KeyName::Case(case)).await?;
    let sealed = small::seal(secret.meta_key(), &aad(id, "copy"), &text)?;
    let name = ObjectKey::Disclosure { case, id };
    archive.store.put(&name, sealed.into()).await?;
    // The case may have been purged meanwhile: nothing of it stays.
    if archive.catalog.disclosure(id).await?.is_none() {
        return Ok(archive.store.delete(&name).await?);
    }
    Ok(archive.catalog.disclosure_stored(id, state).await?)
}

/// Brings copies in the store up to their rows, a batch at the most. Gives how many.
pub async fn keep_stale(archive: &Archive) -> Result<u64, ArchiveError> {
    let mut kept = 0;
    for id in archive.catalog.disclosures_not_stored(BATCH).await? {
        store(archive, id).await?;
        kept += 1;
    }
    Ok(kept)
}

/// Puts a row back from the store's copy; false when it is there. Its case is there before it.
pub async fn restore(archive: &Archive, case: Uuid, id: Uuid) -> Result<bool, ArchiveError> {
    if archive.catalog.case(case).await?.is_none() {
        return Ok(false);
    }
    let sealed = archive.store.get(&ObjectKey::Disclosure { case, id }, MAX_BYTES).await?;
    let secret = archive.keyring.secret(&KeyName::Case(case)).await?;
    let text = small::open(secret.meta_key(), &aad(id, "copy"), &sealed)?;
    let copy: Copy = serde_json::from_slice(&text).map_err(|_| ArchiveError::Document("a disclosure"))?;
    let state: DisclosureState = copy.state.parse().map_err(|_| ArchiveError::Document("a disclosure"))?;
    let row = DisclosureRow {
        id,
        case_id: case,
        recipient_kind: copy.recipient_kind,
        state,
        begun_at: copy.begun_at,
        alive_until: copy.alive_until,
        ended_at: copy.ended_at,
        recordings: copy.recordings.len() as u64,
        byte_len: copy.byte_len,
        sha256: copy.sha256.clone(),
        sealed: seal(archive, case, id, &copy.told).await?,
    };
    let mut tx = archive.catalog.begin().await?;
    let is_new = tx.add_disclosure(&row, &copy.recordings).await?;
    // The catalog may be from before the package was ready.
    let ended = if is_new { false } else { tx.disclosure_ended_as(&row).await? };
    tx.commit().await?;
    Ok(is_new || ended)
}
