//! Sealing what was checked, and putting it into the store.

use std::io::SeekFrom;

use tokio::io::AsyncSeekExt as _;

use super::ReceiveError;
use super::pipeline::Checked;
use crate::archive::row::{SealedRow, lookups_of};
use crate::archive::{Archive, ArchiveError};
use crate::catalog::{Lookups, Wrap};
use crate::vault::keys::KeyName;
use crate::vault::objects::{ObjectKey, PutBody, RecordingPart};
use crate::vault::sealed;
use crate::vault::secrets::DataKey;

/// What the store holds now, and what the commit needs.
pub struct Sealed {
    /// The recording's data key.
    pub key: DataKey,
    /// The same under its month's secret.
    pub wrap: Wrap,
    /// The row to be sealed.
    pub row: SealedRow,
    /// Keyed hashes to be found by.
    pub lookups: Lookups,
}

/// Seals audio and waveform under a new key and puts them into the store.
pub async fn seal_and_store(archive: &Archive, checked: &Checked) -> Result<Sealed, ReceiveError> {
    let name = KeyName::Month(checked.deadline.month);
    let month = archive.keyring.ensure_secret(&name).await.map_err(ArchiveError::from)?;
    let key = DataKey::generate().map_err(ArchiveError::from)?;
    let wrapped = month.wrap_data_key(checked.id, &key).map_err(ArchiveError::from)?;
    put_audio(archive, checked, &key).await?;
    crate::failpoint::hit("receive.audio_stored");
    put_waveform(archive, checked, &key).await?;
    crate::failpoint::hit("receive.waveform_stored");
    let metadata = &checked.submission.metadata;
    let row = SealedRow {
        metadata: metadata.clone(),
        sha256: hex::encode(checked.submission.audio.sha256),
        facts: checked.inspection.facts.clone(),
        findings: checked.inspection.findings.clone(),
        supersedes: checked.supersedes,
        decision: None,
    };
    let lookups = lookups_of(&month, metadata, &archive.person_macs(metadata).await?);
    Ok(Sealed { key, wrap: Wrap { holder: name.to_string(), wrapped }, row, lookups })
}

fn name(checked: &Checked, part: RecordingPart) -> ObjectKey {
    ObjectKey::Recording { month: checked.deadline.month, id: checked.id, part }
}

async fn put_audio(archive: &Archive, checked: &Checked, key: &DataKey) -> Result<(), ArchiveError> {
    let file = checked.submission.audio.file.try_clone();
    let unreadable = |source| ArchiveError::Io { what: "reading the spooled audio", source };
    let mut file = tokio::fs::File::from_std(file.map_err(unreadable)?);
    file.seek(SeekFrom::Start(0)).await.map_err(unreadable)?;
    let aad = RecordingPart::Audio.aad(checked.id);
    let body = sealed::seal_reader(file, checked.submission.audio.byte_len, key, &aad)?;
    archive.store.put_new(&name(checked, RecordingPart::Audio), body).await?;
    Ok(())
}

async fn put_waveform(archive: &Archive, checked: &Checked, key: &DataKey) -> Result<(), ArchiveError> {
    let part = RecordingPart::Waveform;
    let text = serde_json::to_vec(&checked.inspection.waveform).map_err(|_| ArchiveError::Document("waveform"))?;
    let sealed = crate::vault::small::seal(key.object_key(part)?.key(), &part.aad(checked.id), &text)?;
    archive.store.put_new(&name(checked, part), PutBody::bytes(sealed)).await?;
    Ok(())
}
