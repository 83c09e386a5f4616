//! The keyed hashes by which a recording is found. A contact person who left the account is found by nobody but whoever
//! answers a data subject: the recordings of theirs have other hashes, also those that arrive later.

use super::persons::PersonMacs;
use super::sql::statements;
use super::{Catalog, Result, Tx, unsigned};
use crate::recording::RecordingId;

statements! {
    INSERT = "INSERT INTO lookups (mac, recording_id) VALUES ($1, $2) ON CONFLICT (mac, recording_id) DO NOTHING";
    COUNT = "SELECT count(*) FROM lookups WHERE recording_id = $1";
    DELETE = "DELETE FROM lookups WHERE recording_id = $1";
    // Changes nothing, and takes the row: what is put in place of its hashes is of this state.
    AS_IT_IS = "UPDATE recordings SET revision = revision WHERE id = $1 AND revision = $2 AND stage = 'live'";
}

/// What a recording is found by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lookups {
    /// What belongs to the call.
    pub of_call: Vec<Vec<u8>>,
    /// What belongs to the contact person, where there is one.
    pub of_person: Option<PersonLookups>,
}

/// What a contact person is found by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonLookups {
    /// Who it is.
    pub who: PersonMacs,
    /// By everybody who may.
    pub usual: Vec<Vec<u8>>,
    /// Once they left.
    pub left: Vec<Vec<u8>>,
}

impl Lookups {
    /// The same under a further secret.
    pub fn and(mut self, other: Self) -> Self {
        self.of_call.extend(other.of_call);
        self.of_person = match (self.of_person, other.of_person) {
            (Some(mut ours), Some(theirs)) => {
                ours.usual.extend(theirs.usual);
                ours.left.extend(theirs.left);
                Some(ours)
            }
            (ours, theirs) => ours.or(theirs),
        };
        self
    }
}

impl Catalog {
    /// How many keyed hashes a recording is found by.
    pub async fn count_lookups(&self, id: RecordingId) -> Result<u64> {
        unsigned(sqlx::query_scalar(COUNT).bind(id.to_string()).fetch_one(&self.pool).await?)
    }
}

impl Tx {
    /// Adds keyed hashes to be found by. `account` is the recording's.
    pub async fn add_lookups(&mut self, id: RecordingId, account: &str, lookups: &Lookups) -> Result<()> {
        let of_person = match &lookups.of_person {
            Some(person) if self.has_left(account, &person.who).await? => person.left.as_slice(),
            Some(person) => person.usual.as_slice(),
            None => &[],
        };
        for mac in lookups.of_call.iter().chain(of_person) {
            sqlx::query(INSERT).bind(mac.clone()).bind(id.to_string()).execute(&mut *self.inner).await?;
        }
        Ok(())
    }

    /// Replaces all keyed hashes of a recording.
    pub async fn replace_lookups(&mut self, id: RecordingId, account: &str, lookups: &Lookups) -> Result<()> {
        sqlx::query(DELETE).bind(id.to_string()).execute(&mut *self.inner).await?;
        self.add_lookups(id, account, lookups).await
    }

    /// Takes a recording's row as of this revision, until the transaction ends; false when somebody changed it.
    pub async fn recording_is_at(&mut self, id: RecordingId, revision: u64) -> Result<bool> {
        let query = sqlx::query(AS_IT_IS).bind(id.to_string()).bind(super::signed(revision)?);
        Ok(query.execute(&mut *self.inner).await?.rows_affected() == 1)
    }
}
