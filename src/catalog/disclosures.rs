//! The register of disclosures: which package went to which kind of recipient, when, and how it ended. Who and why is sealed
//! under the case's secret, and goes through here as bytes.

use std::str::FromStr;

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::cases::{parse_uuids, time, time_or_none, uuid};
use super::recordings::parse_ids;
use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx, exactly_one, signed, unsigned};
use crate::clock::Timestamp;
use crate::recording::{RecordingId, UnknownName};

/// The columns of a disclosure.
macro_rules! columns {
    () => {
        "SELECT d.id, d.case_id, d.recipient_kind, d.state, d.begun_at, d.alive_until, d.ended_at, d.recordings, d.byte_len, \
         d.sha256, d.sealed FROM disclosures d "
    };
}

statements! {
    BEGIN = "INSERT INTO disclosures (id, case_id, recipient_kind, state, begun_at, alive_until, ended_at, recordings, byte_len, sha256, sealed) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING";
    ADD_RECORDING = "INSERT INTO disclosure_recordings (disclosure_id, recording_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    RENEW = "UPDATE disclosures SET alive_until = $2 WHERE id = $1 AND state = 'begun'";
    MADE = "UPDATE disclosures SET state = 'made', ended_at = $2, byte_len = $3, sha256 = $4, is_stored = 0 WHERE id = $1 AND state = 'begun'";
    // Also of one whose last bytes did not arrive.
    // Somebody may have said meanwhile how it ended, or that it goes on.
    ABANDON = "UPDATE disclosures SET state = 'broken', ended_at = $2, is_stored = 0 WHERE id = $1 AND state = 'begun' AND alive_until < $2";
    BROKEN = "UPDATE disclosures SET state = 'broken', ended_at = $2, is_stored = 0 WHERE id = $1 AND state <> 'broken'";
    // From the store's copy, which is newer than a row that does not say how it ended.
    ENDED = "UPDATE disclosures SET state = $2, ended_at = $3, byte_len = $4, sha256 = $5 WHERE id = $1 AND state = 'begun' AND $2 <> 'begun'";
    LOAD = concat!(columns!(), "WHERE d.id = $1");
    PAGE = concat!(columns!(), "WHERE ($1 = '' OR d.case_id = $1) AND ($2 = '' OR d.recipient_kind = $2) \
        AND ($3 = '' OR EXISTS (SELECT 1 FROM disclosure_recordings r WHERE r.disclosure_id = d.id AND r.recording_id = $3)) \
        AND d.begun_at >= $4 AND d.begun_at < $5 AND (d.begun_at < $6 OR (d.begun_at = $6 AND d.id < $7)) \
        ORDER BY d.begun_at DESC, d.id DESC LIMIT $8");
    RECORDINGS = "SELECT recording_id FROM disclosure_recordings WHERE disclosure_id = $1 ORDER BY recording_id";
    ABANDONED = concat!(columns!(), "WHERE d.state = 'begun' AND d.alive_until < $1 ORDER BY d.alive_until, d.id LIMIT $2");
    NOT_STORED = "SELECT id FROM disclosures WHERE is_stored = 0 ORDER BY id LIMIT $1";
    STORED = "UPDATE disclosures SET is_stored = 1 WHERE id = $1 AND state = $2";
}

/// How far a package is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisclosureState {
    /// It is being sent.
    Begun,
    /// All of it was sent.
    Made,
    /// It was not sent to its end.
    Broken,
}

impl DisclosureState {
    /// As it stands in the catalog and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Made => "made",
            Self::Broken => "broken",
        }
    }
}

impl FromStr for DisclosureState {
    type Err = UnknownName;
    fn from_str(text: &str) -> std::result::Result<Self, UnknownName> {
        [Self::Begun, Self::Made, Self::Broken].into_iter().find(|state| state.as_str() == text).ok_or(UnknownName)
    }
}

/// A row of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisclosureRow {
    /// The package's id.
    pub id: Uuid,
    /// The case.
    pub case_id: Uuid,
    /// What the recipient is to the company.
    pub recipient_kind: String,
    /// How far it is.
    pub state: DisclosureState,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// Until when nobody may say that it was abandoned.
    pub alive_until: Timestamp,
    /// When it ended, one way or the other.
    pub ended_at: Option<Timestamp>,
    /// How many recordings it has.
    pub recordings: u64,
    /// Length of the ZIP.
    pub byte_len: Option<u64>,
    /// SHA-256 of the ZIP.
    pub sha256: Option<String>,
    /// The rest.
    pub sealed: Vec<u8>,
}

/// Which disclosures are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DisclosureFilter {
    /// Of this case.
    pub case_id: Option<Uuid>,
    /// Of this recording.
    pub recording_id: Option<RecordingId>,
    /// To recipients of this kind.
    pub recipient_kind: Option<String>,
    /// Begun at this time or later.
    pub from: Option<Timestamp>,
    /// Begun before this time.
    pub to: Option<Timestamp>,
}

fn disclosure_row(row: &AnyRow) -> Result<DisclosureRow> {
    let state: String = row.try_get("state")?;
    let byte_len: Option<i64> = row.try_get("byte_len")?;
    Ok(DisclosureRow {
        id: uuid(row, "id")?,
        case_id: uuid(row, "case_id")?,
        recipient_kind: row.try_get("recipient_kind")?,
        state: state.parse().map_err(|_| CatalogError::Corrupt("disclosures.state"))?,
        begun_at: time(row, "begun_at")?,
        alive_until: time(row, "alive_until")?,
        ended_at: time_or_none(row, "ended_at")?,
        recordings: unsigned(row.try_get("recordings")?)?,
        byte_len: byte_len.map(unsigned).transpose()?,
        sha256: row.try_get("sha256")?,
        sealed: row.try_get("sealed")?,
    })
}

impl Catalog {
    /// One row of the register.
    pub async fn disclosure(&self, id: Uuid) -> Result<Option<DisclosureRow>> {
        let row = sqlx::query(LOAD).bind(id.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(disclosure_row).transpose()
    }

    /// A page of the register, newest first, after the row that was begun at that time.
    pub async fn disclosures(
        &self,
        filter: &DisclosureFilter,
        after: Option<(Timestamp, Uuid)>,
        limit: u32,
    ) -> Result<Vec<DisclosureRow>> {
        let text = |id: Option<String>| id.unwrap_or_default();
        let (at, id) = after.map_or((i64::MAX, String::new()), |(at, id)| (at.micros(), id.to_string()));
        let rows = sqlx::query(PAGE)
            .bind(text(filter.case_id.map(|id| id.to_string())))
            .bind(text(filter.recipient_kind.clone()))
            .bind(text(filter.recording_id.map(|id| id.to_string())))
            .bind(filter.from.map_or(i64::MIN, Timestamp::micros))
            .bind(filter.to.map_or(i64::MAX, Timestamp::micros))
            .bind(at)
            .bind(id)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(disclosure_row).collect()
    }

    /// The recordings of a package.
    pub async fn recordings_disclosed(&self, id: Uuid) -> Result<Vec<RecordingId>> {
        let ids: Vec<String> = sqlx::query_scalar(RECORDINGS).bind(id.to_string()).fetch_all(&self.pool).await?;
        parse_ids(&ids)
    }

    /// Packages that nobody sends any more, and of which nobody said how they ended.
    pub async fn disclosures_abandoned(&self, now: Timestamp, limit: u32) -> Result<Vec<DisclosureRow>> {
        let rows = sqlx::query(ABANDONED).bind(now.micros()).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(disclosure_row).collect()
    }

    /// Rows whose copy in the store is not theirs.
    pub async fn disclosures_not_stored(&self, limit: u32) -> Result<Vec<Uuid>> {
        let ids: Vec<String> = sqlx::query_scalar(NOT_STORED).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        parse_uuids(&ids)
    }

    /// Notes that the store has a copy of a row in this state.
    pub async fn disclosure_stored(&self, id: Uuid, state: DisclosureState) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(STORED).bind(id.to_string()).bind(state.as_str()).execute(&mut *tx.inner).await?;
        tx.commit().await
    }

    /// A package is still being sent; false where it ended, or was given up.
    pub async fn renew_disclosure(&self, id: Uuid, alive_until: Timestamp) -> Result<bool> {
        let mut tx = self.begin().await?;
        let query = sqlx::query(RENEW).bind(id.to_string()).bind(alive_until.micros());
        let done = query.execute(&mut *tx.inner).await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}

impl Tx {
    /// Adds a row with its recordings; false when it is there.
    pub async fn add_disclosure(&mut self, row: &DisclosureRow, recordings: &[RecordingId]) -> Result<bool> {
        let done = sqlx::query(BEGIN)
            .bind(row.id.to_string())
            .bind(row.case_id.to_string())
            .bind(row.recipient_kind.as_str())
            .bind(row.state.as_str())
            .bind(row.begun_at.micros())
            .bind(row.alive_until.micros())
            .bind(row.ended_at.map(Timestamp::micros))
            .bind(signed(row.recordings)?)
            .bind(row.byte_len.map(signed).transpose()?)
            .bind(row.sha256.clone())
            .bind(row.sealed.clone())
            .execute(&mut *self.inner)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        for recording in recordings {
            let query = sqlx::query(ADD_RECORDING).bind(row.id.to_string()).bind(recording.to_string());
            query.execute(&mut *self.inner).await?;
        }
        Ok(true)
    }

    /// A package is complete.
    pub async fn disclosure_made(&mut self, id: Uuid, at: Timestamp, byte_len: u64, sha256: &str) -> Result<()> {
        let query = sqlx::query(MADE).bind(id.to_string()).bind(at.micros()).bind(signed(byte_len)?).bind(sha256);
        exactly_one(query.execute(&mut *self.inner).await?.rows_affected(), "a package was made twice")
    }

    /// A package was not sent to its end; false when that was said before.
    pub async fn disclosure_broken(&mut self, id: Uuid, at: Timestamp) -> Result<bool> {
        let query = sqlx::query(BROKEN).bind(id.to_string()).bind(at.micros());
        Ok(query.execute(&mut *self.inner).await?.rows_affected() == 1)
    }

    /// Nobody sends a package any more; false where somebody does after all, or said how it ended.
    pub async fn disclosure_abandoned(&mut self, id: Uuid, now: Timestamp) -> Result<bool> {
        let query = sqlx::query(ABANDON).bind(id.to_string()).bind(now.micros());
        Ok(query.execute(&mut *self.inner).await?.rows_affected() == 1)
    }

    /// How a package ended, as the store's copy says; false when the row says so as well.
    pub async fn disclosure_ended_as(&mut self, row: &DisclosureRow) -> Result<bool> {
        let done = sqlx::query(ENDED)
            .bind(row.id.to_string())
            .bind(row.state.as_str())
            .bind(row.ended_at.map(Timestamp::micros))
            .bind(row.byte_len.map(signed).transpose()?)
            .bind(row.sha256.clone())
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}
