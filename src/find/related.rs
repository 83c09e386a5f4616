//! Related data: transcripts, notes and the like. Sealed under the recording's key, with the same fate.

use std::io::SeekFrom;
use std::str::FromStr;

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncSeekExt as _;
use utoipa::ToSchema;
use uuid::Uuid;

use super::deadline::ByteStream;
use super::{FindError, Opened, Reader, audio};
use crate::access::Actor;
use crate::archive::journal::About;
use crate::archive::{Archive, ArchiveError};
use crate::catalog::RelatedRow;
use crate::clock::Timestamp;
use crate::ledger::kind::Kind;
use crate::receive::spool::SpooledAudio;
use crate::recording::{RecordingId, UnknownName};
use crate::vault::objects::{ObjectKey, RecordingPart};
use crate::vault::secrets::DataKey;
use crate::vault::{SealError, sealed, small};

/// The largest piece of related data, in bytes.
pub const MAX_RELATED_BYTES: u64 = 16 << 20;

/// How many pieces of related data a recording has at the most: its sidecar carries a line about each.
pub const MAX_RELATED_ITEMS: u64 = 256;

/// The name of a piece of related data: 1 to 64 of `a-z 0-9 . _ -`, the first a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelatedName(String);

impl RelatedName {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RelatedName {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let first = text.bytes().next().is_some_and(plain);
        let rest = text.bytes().all(|b| plain(b) || matches!(b, b'.' | b'_' | b'-'));
        if first && rest && text.len() <= 64 { Ok(Self(text.to_owned())) } else { Err(UnknownName) }
    }
}

/// One piece of related data, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RelatedItem {
    /// Its name.
    #[schema(example = "transcript.json")]
    pub name: String,
    /// Its media type (RFC 6838), as it was handed over.
    #[schema(example = "application/json")]
    pub media_type: String,
    /// Its length in bytes.
    pub byte_len: u64,
    /// SHA-256 of it, 64 hexadecimal digits.
    #[schema(min_length = 64, max_length = 64)]
    pub sha256: String,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    pub stored_at: Timestamp,
    /// The object that holds it.
    #[serde(skip)]
    object_id: Uuid,
}

/// What is sealed in the catalog about it.
#[derive(Serialize, Deserialize)]
struct SealedItem {
    name: String,
    media_type: String,
    byte_len: u64,
    sha256: String,
}

/// A piece of related data that arrived whole.
pub struct Incoming {
    /// Its name.
    pub name: RelatedName,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub content: SpooledAudio,
    /// Who hands it over.
    pub actor: Actor,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It was here already, word for word.
    Same,
    /// There was nothing of this name.
    New,
    /// It took the place of what had this name.
    Replaced,
}

#[derive(Serialize)]
struct StoredPayload<'a> {
    actor: &'a Actor,
    name: &'a str,
    media_type: &'a str,
    byte_len: u64,
    sha256: &'a str,
}

/// HMAC-SHA256 of a text under a key of the recording's own: with its key the text can no longer be guessed.
pub(super) fn keyed_hash(key: &DataKey, purpose: &str, text: &str) -> Result<Vec<u8>, SealError> {
    let key = key.row_key()?.derive(&[], &[b"earwitness-keyed-hash-v1\0", purpose.as_bytes()])?;
    Ok(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()), text.as_bytes()).as_ref().to_vec())
}

fn aad(id: RecordingId, object: Uuid) -> Vec<u8> {
    format!("{id}/related/{}", object.as_hyphenated()).into_bytes()
}

fn open_item(opened: &Opened, row: &RelatedRow) -> Result<RelatedItem, FindError> {
    let key = opened.key.related_key(row.object_id)?;
    let text = small::open(&key, &aad(opened.row.id, row.object_id), &row.sealed)?;
    let item: SealedItem = serde_json::from_slice(&text).map_err(|_| ArchiveError::Document("related data"))?;
    let SealedItem { name, media_type, byte_len, sha256 } = item;
    Ok(RelatedItem { name, media_type, byte_len, sha256, stored_at: row.stored_at, object_id: row.object_id })
}

/// What there is, oldest first.
pub async fn list(archive: &Archive, opened: &Opened) -> Result<Vec<RelatedItem>, FindError> {
    archive.catalog.related(opened.row.id).await?.iter().map(|row| open_item(opened, row)).collect()
}

/// The piece of this name; [`FindError::NotFound`] when there is none.
pub async fn find(archive: &Archive, opened: &Opened, name: &RelatedName) -> Result<RelatedItem, FindError> {
    let hash = keyed_hash(&opened.key, "related-name", name.as_str())?;
    let rows = archive.catalog.related(opened.row.id).await?;
    let row = rows.iter().find(|row| row.name_mac == hash).ok_or(FindError::NotFound)?;
    open_item(opened, row)
}

/// A range of its content, cut at the deadline.
pub async fn content(
    archive: &Archive,
    opened: &Opened,
    reader: &Reader,
    item: &RelatedItem,
    range: std::ops::Range<u64>,
) -> Result<ByteStream, FindError> {
    audio::object(archive, opened, reader, RecordingPart::Related(item.object_id), range).await
}

/// All of its content, for who cuts it at the deadline with what he puts around it.
pub(super) async fn uncut_content(
    archive: &Archive,
    opened: &Opened,
    item: &RelatedItem,
) -> Result<ByteStream, FindError> {
    audio::uncut(archive, opened, RecordingPart::Related(item.object_id), None).await
}

/// Stores a piece, in place of what has its name. The object comes first, then row and ledger entry in one transaction;
/// what it replaces is deleted last, so that at no time there is a row without its object.
pub async fn put(archive: &Archive, opened: &Opened, incoming: Incoming) -> Result<(Stored, RelatedItem), FindError> {
    let sha256 = hex::encode(incoming.content.sha256);
    match find(archive, opened, &incoming.name).await {
        Ok(item) if item.sha256 == sha256 && item.media_type == incoming.media_type => return Ok((Stored::Same, item)),
        Ok(_) | Err(FindError::NotFound) => {}
        Err(error) => return Err(error),
    }
    let item = RelatedItem {
        name: incoming.name.as_str().to_owned(),
        media_type: incoming.media_type,
        byte_len: incoming.content.byte_len,
        sha256,
        stored_at: archive.clock.now(),
        object_id: Uuid::new_v4(),
    };
    put_object(archive, opened, &item, incoming.content).await?;
    crate::failpoint::hit("related.object_stored");
    let replaced = match commit(archive, opened, &item, &incoming.actor).await {
        Ok(replaced) => replaced,
        Err((error, is_certain)) => {
            if is_certain {
                discard(archive, opened, item.object_id).await;
            }
            return Err(error);
        }
    };
    archive.ledger_nudge.notify_one();
    crate::failpoint::hit("related.committed");
    if let Err(error) = archive.refresh_sidecar(opened.row.id).await {
        tracing::warn!(%error, "a sidecar is left to the background pass");
    }
    if let Some(old) = replaced {
        discard(archive, opened, old).await;
    }
    Ok((if replaced.is_some() { Stored::Replaced } else { Stored::New }, item))
}

fn object_name(opened: &Opened, object: Uuid) -> ObjectKey {
    ObjectKey::Recording { month: opened.row.month, id: opened.row.id, part: RecordingPart::Related(object) }
}

async fn put_object(
    archive: &Archive,
    opened: &Opened,
    item: &RelatedItem,
    content: SpooledAudio,
) -> Result<(), FindError> {
    let part = RecordingPart::Related(item.object_id);
    let mut file = tokio::fs::File::from_std(content.file);
    let rewound = file.seek(SeekFrom::Start(0)).await;
    rewound.map_err(|source| ArchiveError::Io { what: "reading spooled related data", source })?;
    let key = opened.key.object_key(part)?;
    let body = sealed::seal_reader(file, content.byte_len, &key, &part.aad(opened.row.id))?;
    archive.store.put_new(&object_name(opened, item.object_id), body).await?;
    Ok(())
}

/// Row and entry. Gives the object that lost its place; an error comes with whether nothing can have been committed.
async fn commit(
    archive: &Archive,
    opened: &Opened,
    item: &RelatedItem,
    actor: &Actor,
) -> Result<Option<Uuid>, (FindError, bool)> {
    let RelatedItem { name, media_type, byte_len, sha256, stored_at, object_id } = item;
    let prepare = async {
        let payload = StoredPayload { actor, name, media_type, byte_len: *byte_len, sha256 };
        let about = About::Recording(opened.row.id, &opened.key);
        let (entry, _) = archive.entry(Kind::RELATED_STORED, about, &payload, *stored_at).await?;
        let row = seal_item(opened, item)?;
        let mut tx = archive.catalog.begin().await?;
        if !tx.touch_recording(opened.row.id, archive.clock.now()).await? {
            return Err(FindError::Gone);
        }
        let replaced = tx.related_object(opened.row.id, &row.name_mac).await?;
        // The row is locked: nobody else adds one between the count and the commit.
        if replaced.is_none() && tx.count_related(opened.row.id).await? >= MAX_RELATED_ITEMS {
            return Err(FindError::TooManyRelated);
        }
        tx.put_related(opened.row.id, &row).await?;
        tx.append_entry(&entry).await?;
        Ok((tx, replaced.filter(|old| old != object_id)))
    };
    let (tx, replaced) = prepare.await.map_err(|error| (error, true))?;
    tx.commit().await.map_err(|error| (error.into(), false))?;
    Ok(replaced)
}

fn seal_item(opened: &Opened, item: &RelatedItem) -> Result<RelatedRow, FindError> {
    let sealed = SealedItem {
        name: item.name.clone(),
        media_type: item.media_type.clone(),
        byte_len: item.byte_len,
        sha256: item.sha256.clone(),
    };
    let text = serde_json::to_vec(&sealed).map_err(|_| ArchiveError::Document("related data"))?;
    let key = opened.key.related_key(item.object_id)?;
    Ok(RelatedRow {
        name_mac: keyed_hash(&opened.key, "related-name", &item.name)?,
        object_id: item.object_id,
        stored_at: item.stored_at,
        sealed: small::seal(&key, &aad(opened.row.id, item.object_id), &text)?,
    })
}

/// Deletes an object that no row names. What fails here is found as an orphan later.
async fn discard(archive: &Archive, opened: &Opened, object: Uuid) {
    if let Err(error) = archive.store.delete(&object_name(opened, object)).await {
        tracing::warn!(%error, "an object without a row is left to the background pass");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["transcript.json", "0", "note_2-b", &"a".repeat(64)] {
            assert_eq!(good.parse::<RelatedName>().map(|n| n.0).as_deref(), Ok(good));
        }
        for bad in ["", ".", "..", ".a", "-a", "A", "a/b", "a b", "é", &"a".repeat(65)] {
            assert_eq!(bad.parse::<RelatedName>(), Err(UnknownName), "{bad}");
        }
    }

    #[test]
    fn a_keyed_hash_depends_on_recording_purpose_and_text() {
        let (one, two) = (DataKey::from_slice(&[1; 32]).unwrap(), DataKey::from_slice(&[2; 32]).unwrap());
        let hash = keyed_hash(&one, "related-name", "note").unwrap();
        assert_eq!(hash, keyed_hash(&one, "related-name", "note").unwrap());
        assert_ne!(hash, keyed_hash(&two, "related-name", "note").unwrap());
        assert_ne!(hash, keyed_hash(&one, "purpose", "note").unwrap());
        assert_ne!(hash, keyed_hash(&one, "related-name", "nota").unwrap());
    }
}
