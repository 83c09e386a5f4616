//! The sidecar: what the store keeps beside a recording's audio, so that a lost or old catalog can be brought up to
//! date. Sealed under a key derived from the recording's own; rewritten when something changes, purged with it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Archive, ArchiveError};
use crate::catalog::{HoldRow, NewEntry, NewOpening, NewRecording, OpeningRow, RecordingRow, RelatedRow, Stage, Wrap};
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;
use crate::recording::{ExpiryMonth, Language, RecordingId, Status};
use crate::vault::objects::{ObjectKey, RecordingPart, StoreError};
use crate::vault::secrets::DataKey;
use crate::vault::small;

/// The version of the form in which sidecars are written.
const VERSION: u32 = 2;
/// Longest sidecar that is written, and so the longest that is read, in bytes. What a recording may have at the most (its
/// metadata, 256 pieces of related data, [`MAX_ENTRIES`]) stays well below.
const MAX_BYTES: u64 = 4 << 20;
/// Entries that a sidecar carries at the most: state changes, never accesses. Of more it carries the first, which the
/// receipt promised, and the newest; the openings of those between are in the catalog and its backups alone.
const MAX_ENTRIES: u32 = 1_000;

/// Bytes as base64 in JSON.
pub(crate) mod base64_bytes {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        BASE64_STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// As it lies in the store.
#[derive(Serialize, Deserialize)]
struct Outer {
    version: u32,
    recording_id: RecordingId,
    month: ExpiryMonth,
    wraps: Vec<OuterWrap>,
    #[serde(with = "base64_bytes")]
    sealed: Vec<u8>,
}

/// The data key under the secret of its month, or of a case that holds it.
#[derive(Serialize, Deserialize)]
struct OuterWrap {
    holder: String,
    #[serde(with = "base64_bytes")]
    wrapped: Vec<u8>,
}

/// What is sealed in it: the row, word for word, and what belongs to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the columns of the catalog's tables")]
pub struct Sidecar {
    pub account_id: String,
    pub product: Option<String>,
    pub language: Option<Language>,
    pub recorded_at: Timestamp,
    pub received_at: Timestamp,
    pub expires_at: Timestamp,
    pub rule: String,
    pub status: Status,
    pub byte_len: u64,
    pub duration_ms: u64,
    pub ingested_by: String,
    pub revision: u64,
    #[serde(with = "base64_bytes")]
    pub sealed: Vec<u8>,
    #[serde(with = "base64_bytes")]
    pub sealed_receipt: Vec<u8>,
    pub holds: Vec<SidecarHold>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<SidecarReleased>,
    pub related: Vec<SidecarRelated>,
    pub entries: Vec<SidecarEntry>,
}

/// A hold in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the columns of the catalog's table")]
pub struct SidecarHold {
    pub id: Uuid,
    pub case_id: Uuid,
    pub placed_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<Uuid>,
    #[serde(default)]
    pub place_no: u64,
}

impl SidecarHold {
    fn of(hold: &HoldRow) -> Self {
        let HoldRow { id, case_id, placed_at, rule_id, place_no, .. } = *hold;
        Self { id, case_id, placed_at, rule_id, place_no }
    }

    /// As the catalog takes it in.
    pub fn to_row(&self, recording_id: RecordingId) -> HoldRow {
        let Self { id, case_id, placed_at, rule_id, place_no } = *self;
        HoldRow { id, case_id, recording_id, placed_at, rule_id, place_no }
    }
}

/// A hold of a rule that was released while the rule is in force, which does not hold the recording again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the columns of the catalog's table")]
pub struct SidecarReleased {
    #[serde(flatten)]
    pub hold: SidecarHold,
    pub released_at: Timestamp,
}

/// A piece of related data.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the columns of the catalog's table")]
pub struct SidecarRelated {
    #[serde(with = "base64_bytes")]
    pub name_mac: Vec<u8>,
    pub object_id: Uuid,
    pub stored_at: Timestamp,
    #[serde(with = "base64_bytes")]
    pub sealed: Vec<u8>,
}

/// A ledger entry with its sealed opening.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the columns of the catalog's table")]
pub struct SidecarEntry {
    pub id: Uuid,
    pub at: Timestamp,
    pub kind: String,
    #[serde(with = "base64_bytes")]
    pub commitment: Vec<u8>,
    pub sealed_under: String,
    #[serde(with = "base64_bytes")]
    pub sealed: Vec<u8>,
}

/// A sidecar that was read, with the keys that opened it.
pub struct OpenedSidecar {
    /// The recording.
    pub id: RecordingId,
    /// Its expiry month.
    pub month: ExpiryMonth,
    /// Its data key under the secret of its month and of each case that holds it.
    pub wraps: Vec<Wrap>,
    /// Its data key.
    pub key: DataKey,
    /// What was sealed.
    pub body: Sidecar,
}

impl Sidecar {
    /// The sidecar of a recording that is about to be inserted.
    pub fn of_new(new: &NewRecording, language: Option<Language>, entry: &NewEntry) -> Self {
        Self {
            account_id: new.account_id.clone(),
            product: new.product.clone(),
            language,
            recorded_at: new.recorded_at,
            received_at: new.received_at,
            expires_at: new.expires_at,
            rule: new.rule.clone(),
            status: new.status,
            byte_len: new.byte_len,
            duration_ms: new.duration_ms,
            ingested_by: new.ingested_by.clone(),
            revision: new.revision,
            sealed: new.sealed.clone(),
            sealed_receipt: new.sealed_receipt.clone(),
            holds: Vec::new(),
            released: Vec::new(),
            related: Vec::new(),
            entries: entry.opening.iter().map(|opening| SidecarEntry::of(entry, opening)).collect(),
        }
    }
}

impl SidecarEntry {
    fn of(entry: &NewEntry, opening: &NewOpening) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            kind: entry.kind.clone(),
            commitment: entry.commitment.to_vec(),
            sealed_under: opening.sealed_under.clone(),
            sealed: opening.sealed.clone(),
        }
    }

    /// An entry as the catalog has it.
    pub fn of_row(row: OpeningRow) -> Self {
        Self {
            id: row.entry.entry.id,
            at: row.entry.entry.at,
            kind: row.entry.entry.kind,
            commitment: row.entry.entry.commitment.to_vec(),
            sealed_under: row.sealed_under,
            sealed: row.sealed,
        }
    }

    /// As the catalog takes it in; with the recording that it is about, if any.
    pub fn to_new(&self, recording: Option<RecordingId>) -> Result<NewEntry, ArchiveError> {
        let commitment = self.commitment.as_slice().try_into();
        let opening = NewOpening {
            recording_id: recording,
            sealed_under: self.sealed_under.clone(),
            erase_at: None,
            sealed: self.sealed.clone(),
        };
        Ok(NewEntry {
            id: self.id,
            at: self.at,
            kind: self.kind.clone(),
            commitment: commitment.map_err(|_| ArchiveError::Document("a commitment of another length"))?,
            opening: Some(opening),
        })
    }
}

impl From<&SidecarRelated> for RelatedRow {
    fn from(related: &SidecarRelated) -> Self {
        Self {
            name_mac: related.name_mac.clone(),
            object_id: related.object_id,
            stored_at: related.stored_at,
            sealed: related.sealed.clone(),
        }
    }
}

fn object_key(month: ExpiryMonth, id: RecordingId) -> ObjectKey {
    ObjectKey::Recording { month, id, part: RecordingPart::Sidecar }
}

impl Archive {
    /// Writes a recording's sidecar in place of any older one. One that could not be read back is refused, and the older
    /// one stays: [`StoreError::TooLarge`].
    pub async fn write_sidecar(
        &self,
        id: RecordingId,
        month: ExpiryMonth,
        key: &DataKey,
        wraps: &[Wrap],
        body: &Sidecar,
    ) -> Result<(), ArchiveError> {
        let text = serde_json::to_vec(body).map_err(|_| ArchiveError::Document("sidecar"))?;
        let sealed =
            small::seal(key.object_key(RecordingPart::Sidecar)?.key(), &RecordingPart::Sidecar.aad(id), &text)?;
        let wraps = wraps.iter().map(|w| OuterWrap { holder: w.holder.clone(), wrapped: w.wrapped.clone() }).collect();
        let outer = Outer { version: VERSION, recording_id: id, month, wraps, sealed };
        let bytes = serde_json::to_vec(&outer).map_err(|_| ArchiveError::Document("sidecar"))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(StoreError::TooLarge { max_bytes: MAX_BYTES }.into());
        }
        Ok(self.store.put(&object_key(month, id), bytes.into()).await?)
    }

    /// Brings the sidecar of a recording up to its row's revision.
    ///
    /// One at a time in this process, and looked at again after the write: an older state must not stay over a newer
    /// one, and nothing may stay of a recording that the purge took meanwhile.
    pub async fn refresh_sidecar(&self, id: RecordingId) -> Result<(), ArchiveError> {
        let _one_at_a_time = self.sidecar_writer.lock().await;
        let Some(mut row) = self.catalog.recording(id).await? else { return Ok(()) };
        while row.stage == Stage::Live {
            let wraps = self.catalog.recording_keys(id).await?;
            let key = self.data_key(&row).await?;
            let body = self.sidecar_of(&row).await?;
            self.write_sidecar(id, row.month, &key, &wraps, &body).await?;
            match self.catalog.recording(id).await? {
                Some(now) if now.stage == Stage::Live && now.revision == row.revision => {
                    return Ok(self.catalog.sidecar_written(id, row.revision).await?);
                }
                Some(now) if now.stage == Stage::Live => row = now,
                _ => return Ok(self.store.delete(&object_key(row.month, id)).await?),
            }
        }
        Ok(())
    }

    async fn sidecar_of(&self, row: &RecordingRow) -> Result<Sidecar, ArchiveError> {
        let holds = self.catalog.holds_of(row.id).await?;
        let released = self.catalog.released_by_rules(row.id).await?;
        let related = self.catalog.related(row.id).await?.into_iter();
        let entries = self.changes_of(row.id).await?;
        let language = row.language.as_deref().map(|code| serde_json::from_value(code.into()));
        Ok(Sidecar {
            account_id: row.account_id.clone(),
            product: row.product.clone(),
            language: language.transpose().map_err(|_| ArchiveError::Document("a language"))?,
            recorded_at: row.recorded_at,
            received_at: row.received_at,
            expires_at: row.expires_at,
            rule: row.rule.clone(),
            status: row.status,
            byte_len: row.byte_len,
            duration_ms: row.duration_ms,
            ingested_by: row.ingested_by.clone(),
            revision: row.revision,
            sealed: row.sealed.clone(),
            sealed_receipt: row.sealed_receipt.clone(),
            holds: holds.iter().map(SidecarHold::of).collect(),
            released: released
                .iter()
                .map(|(hold, released_at)| SidecarReleased { hold: SidecarHold::of(hold), released_at: *released_at })
                .collect(),
            related: related
                .map(|r| SidecarRelated {
                    name_mac: r.name_mac,
                    object_id: r.object_id,
                    stored_at: r.stored_at,
                    sealed: r.sealed,
                })
                .collect(),
            entries: entries.into_iter().map(SidecarEntry::of_row).collect(),
        })
    }

    /// The entries that a sidecar carries: see [`MAX_ENTRIES`].
    async fn changes_of(&self, id: RecordingId) -> Result<Vec<OpeningRow>, ArchiveError> {
        let read = Kind::RECORDING_READ;
        let mut entries = self.catalog.custody_of_changes(id, read.as_str(), MAX_ENTRIES).await?;
        if entries.len() == MAX_ENTRIES as usize
            && let Some(first) = self.catalog.first_of_kind(id, Kind::RECORDING_RECEIVED.as_str()).await?
            && !entries.iter().any(|entry| entry.entry.entry.id == first.entry.entry.id)
        {
            entries[0] = first;
        }
        Ok(entries)
    }

    /// Reads and opens a sidecar; none when there is none.
    pub async fn read_sidecar(
        &self,
        month: ExpiryMonth,
        id: RecordingId,
    ) -> Result<Option<OpenedSidecar>, ArchiveError> {
        let name = object_key(month, id);
        if self.store.head(&name).await?.is_none() {
            return Ok(None);
        }
        let bytes = self.store.get(&name, MAX_BYTES).await?;
        let outer: Outer = serde_json::from_slice(&bytes).map_err(|_| ArchiveError::Document("sidecar"))?;
        if outer.version != VERSION || outer.recording_id != id || outer.month != month {
            return Err(ArchiveError::Document("a sidecar of another recording or version"));
        }
        let wraps = outer.wraps.into_iter().map(|w| Wrap { holder: w.holder, wrapped: w.wrapped }).collect::<Vec<_>>();
        let key = self.unwrap_any(id, &wraps).await?;
        let text =
            small::open(key.object_key(RecordingPart::Sidecar)?.key(), &RecordingPart::Sidecar.aad(id), &outer.sealed)?;
        let body = serde_json::from_slice(&text).map_err(|_| ArchiveError::Document("sidecar"))?;
        Ok(Some(OpenedSidecar { id, month, wraps, key, body }))
    }
}
