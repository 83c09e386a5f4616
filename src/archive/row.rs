//! What is sealed in a recording's row: everything but account, product, language and times.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Archive, ArchiveError};
use crate::access::Actor;
use crate::audio::{Facts, Finding};
use crate::catalog::{Lookups, PersonLookups, PersonMacs, RecordingRow, Wrap};
use crate::clock::Timestamp;
use crate::recording::{Metadata, RecordingId};
use crate::vault::keyring::KeyringError;
use crate::vault::keys::KeyName;
use crate::vault::secrets::{DataKey, LookupField, MirroredField, Secret};
use crate::vault::small;

/// The sealed part of a row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SealedRow {
    /// What the product said.
    pub metadata: Metadata,
    /// SHA-256 of the original audio, 64 hexadecimal digits.
    pub sha256: String,
    /// What the audio is.
    pub facts: Facts,
    /// What the check found.
    pub findings: Vec<Finding>,
    /// The quarantined upload whose place this one took.
    pub supersedes: Option<RecordingId>,
    /// What legal decided while it was in quarantine.
    pub decision: Option<Decision>,
}

/// A decision on a quarantined recording.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Decision {
    /// Accepted or rejected.
    pub verdict: Verdict,
    /// Why, 1 to 1,000 characters.
    pub reason: String,
    /// Who decided.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// The two ways out of quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It counts as a recording like any other.
    Accept,
    /// It does not; it stays under retention all the same.
    Reject,
}

fn row_aad(id: RecordingId) -> Vec<u8> {
    format!("{id}/row").into_bytes()
}

fn receipt_aad(id: RecordingId) -> Vec<u8> {
    format!("{id}/receipt").into_bytes()
}

/// Seals a row under a key derived from the recording's own.
pub fn seal_row(id: RecordingId, key: &DataKey, row: &SealedRow) -> Result<Vec<u8>, ArchiveError> {
    let text = serde_json::to_vec(row).map_err(|_| ArchiveError::Document("row"))?;
    Ok(small::seal(&key.row_key()?, &row_aad(id), &text)?)
}

/// Opens a row.
pub fn open_row(id: RecordingId, key: &DataKey, sealed: &[u8]) -> Result<SealedRow, ArchiveError> {
    let text = small::open(&key.row_key()?, &row_aad(id), sealed)?;
    serde_json::from_slice(&text).map_err(|_| ArchiveError::Document("row"))
}

/// Seals a receipt, to be given back word for word.
pub fn seal_receipt(id: RecordingId, key: &DataKey, receipt: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    Ok(small::seal(&key.row_key()?, &receipt_aad(id), receipt)?)
}

/// Opens a receipt.
pub fn open_receipt(id: RecordingId, key: &DataKey, sealed: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    Ok(small::open(&key.row_key()?, &receipt_aad(id), sealed)?.to_vec())
}

/// The keyed hashes by which a recording is found, under the secret of its month or of a case that holds it; `who` is its
/// contact person, by [`Archive::person_macs`].
pub fn lookups_of(secret: &Secret, metadata: &Metadata, who: &PersonMacs) -> Lookups {
    let mac = |field, value: Option<&str>| Some(secret.lookup_mac(field, value?).to_vec());
    let of_call = [
        mac(LookupField::Call, Some(&metadata.call_id)),
        mac(LookupField::Lead, metadata.lead_id.as_deref()),
        mac(LookupField::Listing, metadata.listing_id.as_deref()),
        mac(LookupField::Number, metadata.number.as_deref()),
        mac(LookupField::Agent, metadata.agent.as_deref()),
    ];
    let of_person = metadata.person.as_ref().map(|person| {
        let (id, name) = (person.id.as_deref(), person.name.as_deref().map(fold_name));
        let under = |by_id, by_name| [mac(by_id, id), mac(by_name, name.as_deref())].into_iter().flatten().collect();
        PersonLookups {
            who: who.clone(),
            usual: under(LookupField::Person, LookupField::PersonName),
            left: under(LookupField::SubjectPerson, LookupField::SubjectPersonName),
        }
    });
    Lookups { of_call: of_call.into_iter().flatten().collect(), of_person }
}

/// A name as it is compared: lower case, single spaces.
pub fn fold_name(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

impl Archive {
    /// The recording's data key: by its month or, where that is over, by a case that holds it.
    /// [`ArchiveError::KeyDestroyed`] once the purge took it, or its month and no case has it.
    pub async fn data_key(&self, row: &RecordingRow) -> Result<DataKey, ArchiveError> {
        if let Some(wrapped) = &row.wrapped {
            match self.keyring.secret(&KeyName::Month(row.month)).await {
                Ok(month) => return Ok(month.unwrap_data_key(row.id, wrapped)?),
                Err(KeyringError::Gone(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.unwrap_any(row.id, &self.catalog.recording_keys(row.id).await?).await
    }

    /// The data key by the first of its wraps whose secret is still there.
    pub async fn unwrap_any(&self, id: RecordingId, wraps: &[Wrap]) -> Result<DataKey, ArchiveError> {
        for wrap in wraps {
            let holder: KeyName = wrap.holder.parse().map_err(|_| ArchiveError::Document("the holder of a key"))?;
            match self.keyring.secret(&holder).await {
                Ok(secret) => return Ok(secret.unwrap_data_key(id, &wrap.wrapped)?),
                Err(KeyringError::Gone(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ArchiveError::KeyDestroyed)
    }

    /// The keyed hashes by which a recording is found, under each of these holders' secrets that is still there.
    pub async fn lookups_under(&self, wraps: &[Wrap], metadata: &Metadata) -> Result<Lookups, ArchiveError> {
        let who = self.person_macs(metadata).await?;
        let mut lookups = Lookups::default();
        for wrap in wraps {
            let holder: KeyName = wrap.holder.parse().map_err(|_| ArchiveError::Document("the holder of a key"))?;
            match self.keyring.secret(&holder).await {
                Ok(secret) => lookups = lookups.and(lookups_of(&secret, metadata, &who)),
                Err(KeyringError::Gone(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(lookups)
    }

    /// The contact person of a recording as the account's persons are known: by the id or, where there is none, by the name.
    pub async fn person_macs(&self, metadata: &Metadata) -> Result<PersonMacs, ArchiveError> {
        let Some(person) = &metadata.person else { return Ok(PersonMacs::default()) };
        let installation = self.keyring.ensure_secret(&KeyName::Installation).await?;
        let mac = |field, value: &str| Some(installation.mirrored_mac(field, value).to_vec());
        Ok(match (&person.id, &person.name) {
            (Some(id), _) => PersonMacs { person: mac(MirroredField::Person, id), name: None },
            (None, Some(name)) => PersonMacs { person: None, name: mac(MirroredField::PersonName, &fold_name(name)) },
            (None, None) => PersonMacs::default(),
        })
    }

    /// The recording's data key and its opened row.
    pub async fn open_recording(&self, row: &RecordingRow) -> Result<(DataKey, SealedRow), ArchiveError> {
        let key = self.data_key(row).await?;
        let sealed = open_row(row.id, &key, &row.sealed)?;
        Ok((key, sealed))
    }
}
