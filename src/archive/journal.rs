//! How an event becomes an entry of the ledger: committed to, sealed, and written in the event's own transaction.

use chrono::Months;
use serde::Serialize;
use uuid::Uuid;

use super::{Archive, ArchiveError};
use crate::catalog::{NewEntry, NewOpening, OpeningRow};
use crate::clock::Timestamp;
use crate::ledger::entry::Opening;
use crate::ledger::kind::Kind;
use crate::recording::{ExpiryMonth, RecordingId};
use crate::retention::calendar_month;
use crate::vault::keys::KeyName;
use crate::vault::secrets::DataKey;
use crate::vault::small;

/// How long it is known what a search asked for, in months.
const ACTIVITY_MONTHS: u32 = 12;

/// What marks an opening that is sealed under the recording's own key.
const UNDER_RECORDING: &str = "recording";
/// What marks an opening without personal data, kept as it is.
const PLAIN: &str = "none";

/// What an event is about; this decides under which key it is sealed and when it is erased.
#[derive(Clone, Copy)]
pub enum About<'a> {
    /// A recording: sealed under its key, erased with it.
    Recording(RecordingId, &'a DataKey),
    /// A case: sealed under its secret, erased with it.
    Case(Uuid),
    /// An account: sealed under its secret, erased with it.
    Account(Uuid),
    /// No single recording (a search, a refusal): sealed under a month's key, erased after twelve months.
    Activity,
    /// The installation (tokens, brakes): sealed under its key, kept.
    Installation,
    /// Nothing personal at all: kept as it is.
    NothingPersonal,
}

/// An entry about nothing personal, kept as it is: it needs no key.
pub fn plain_entry<T: Serialize>(kind: &Kind, payload: &T, at: Timestamp) -> Result<NewEntry, ArchiveError> {
    let opening = Opening::new(payload)?;
    let kept =
        NewOpening { recording_id: None, sealed_under: PLAIN.to_owned(), erase_at: None, sealed: bytes_of(&opening) };
    let (kind, commitment) = (kind.as_str().to_owned(), opening.commit().0);
    Ok(NewEntry { id: Uuid::new_v4(), at, kind, commitment, opening: Some(kept) })
}

impl Archive {
    /// Makes an entry of what happened at `at`. The opening is returned for those who hand it out (a receipt).
    pub async fn entry<T: Serialize>(
        &self,
        kind: Kind,
        about: About<'_>,
        payload: &T,
        at: Timestamp,
    ) -> Result<(NewEntry, Opening), ArchiveError> {
        let opening = Opening::new(payload)?;
        let id = Uuid::new_v4();
        let sealed = self.seal_opening(id, about, &opening, at).await?;
        let entry =
            NewEntry { id, at, kind: kind.as_str().to_owned(), commitment: opening.commit().0, opening: Some(sealed) };
        Ok((entry, opening))
    }

    /// Enters what happened at `at` in a transaction of its own: a look at something, before it is shown.
    pub async fn enter<T: Serialize>(
        &self,
        kind: Kind,
        about: About<'_>,
        payload: &T,
        at: Timestamp,
    ) -> Result<(), ArchiveError> {
        let (entry, _) = self.entry(kind, about, payload, at).await?;
        let mut tx = self.catalog.begin().await?;
        tx.append_entry(&entry).await?;
        tx.commit().await?;
        self.ledger_nudge.notify_one();
        Ok(())
    }

    async fn seal_opening(
        &self,
        id: Uuid,
        about: About<'_>,
        opening: &Opening,
        at: Timestamp,
    ) -> Result<NewOpening, ArchiveError> {
        let plain = bytes_of(opening);
        let aad = aad_of(id);
        let new = |recording_id, under: &str, erase_at, sealed| NewOpening {
            recording_id,
            sealed_under: under.to_owned(),
            erase_at,
            sealed,
        };
        Ok(match about {
            About::Recording(recording, key) => {
                new(Some(recording), UNDER_RECORDING, None, small::seal(&key.ledger_key()?, &aad, &plain)?)
            }
            About::Case(id) => self.under(KeyName::Case(id), &aad, &plain).await?,
            About::Account(id) => self.under(KeyName::Account(id), &aad, &plain).await?,
            About::Activity => {
                let (name, erase_at) = self.activity_key(at)?;
                let secret = self.keyring.ensure_secret(&name).await?;
                new(None, &name.to_string(), Some(erase_at), small::seal(secret.meta_key(), &aad, &plain)?)
            }
            About::Installation => {
                let secret = self.keyring.ensure_secret(&KeyName::Installation).await?;
                let sealed = small::seal(secret.meta_key(), &aad, &plain)?;
                new(None, &KeyName::Installation.to_string(), None, sealed)
            }
            About::NothingPersonal => new(None, PLAIN, None, plain),
        })
    }

    /// Opens what an entry about a recording committed to.
    pub fn open_custody(&self, key: &DataKey, row: &OpeningRow) -> Result<Opening, ArchiveError> {
        let plain = match row.sealed_under.as_str() {
            UNDER_RECORDING => small::open(&key.ledger_key()?, &aad_of(row.entry.entry.id), &row.sealed)?.to_vec(),
            PLAIN => row.sealed.clone(),
            _ => return Err(ArchiveError::Document("an opening under another key")),
        };
        opening_of(&plain)
    }

    /// Seals under a secret of its own, with which it ends.
    async fn under(&self, name: KeyName, aad: &[u8], plain: &[u8]) -> Result<NewOpening, ArchiveError> {
        let secret = self.keyring.secret(&name).await?;
        let sealed = small::seal(secret.meta_key(), aad, plain)?;
        Ok(NewOpening { recording_id: None, sealed_under: name.to_string(), erase_at: None, sealed })
    }

    /// Opens what an entry about a case committed to.
    pub async fn open_of_case(&self, case: Uuid, row: &OpeningRow) -> Result<Opening, ArchiveError> {
        self.open_entry(KeyName::Case(case), row).await
    }

    /// Opens what an entry about an account committed to.
    pub async fn open_of_account(&self, account: Uuid, row: &OpeningRow) -> Result<Opening, ArchiveError> {
        self.open_entry(KeyName::Account(account), row).await
    }

    async fn open_entry(&self, name: KeyName, row: &OpeningRow) -> Result<Opening, ArchiveError> {
        if row.sealed_under != name.to_string() {
            return Err(ArchiveError::Document("an opening under another key"));
        }
        let secret = self.keyring.secret(&name).await?;
        opening_of(&small::open(secret.meta_key(), &aad_of(row.entry.entry.id), &row.sealed)?)
    }

    /// Reads an opening that was kept as it is.
    pub fn open_plain(&self, sealed_under: &str, bytes: &[u8]) -> Result<Opening, ArchiveError> {
        if sealed_under == PLAIN { opening_of(bytes) } else { Err(ArchiveError::Document("a sealed opening")) }
    }

    /// The month key under which activity of today is sealed, and when it is erased: no later than the month's end.
    fn activity_key(&self, at: Timestamp) -> Result<(KeyName, Timestamp), ArchiveError> {
        let beyond = || ArchiveError::Document("a date beyond the calendar");
        let erase_at: Timestamp =
            at.to_utc().checked_add_months(Months::new(ACTIVITY_MONTHS)).ok_or_else(beyond)?.into();
        let month: ExpiryMonth = calendar_month(&self.policy, erase_at).map_err(|_| beyond())?;
        Ok((KeyName::Month(month), erase_at))
    }
}

fn aad_of(entry: Uuid) -> Vec<u8> {
    format!("entry/{entry}").into_bytes()
}

/// Salt, then payload.
fn bytes_of(opening: &Opening) -> Vec<u8> {
    [opening.salt.as_slice(), opening.payload.as_slice()].concat()
}

fn opening_of(bytes: &[u8]) -> Result<Opening, ArchiveError> {
    let (salt, payload) = bytes.split_first_chunk::<32>().ok_or(ArchiveError::Document("a short opening"))?;
    Ok(Opening { salt: *salt, payload: payload.to_vec() })
}
