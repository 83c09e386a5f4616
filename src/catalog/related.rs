//! Related data: transcripts, notes; same fate as their recording.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx};
use crate::clock::Timestamp;
use crate::recording::RecordingId;

statements! {
    PUT = "INSERT INTO related (recording_id, name_mac, object_id, stored_at, sealed) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (recording_id, name_mac) DO UPDATE SET object_id = excluded.object_id, stored_at = excluded.stored_at, \
          sealed = excluded.sealed";
    OBJECT_OF = "SELECT object_id FROM related WHERE recording_id = $1 AND name_mac = $2";
    COUNT_OF = "SELECT count(*) FROM related WHERE recording_id = $1";
    OF_RECORDING = "SELECT name_mac, object_id, stored_at, sealed FROM related WHERE recording_id = $1 ORDER BY stored_at, object_id";
}

/// One piece of related data, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelatedRow {
    /// Keyed hash of the name, under the recording's own key.
    pub name_mac: Vec<u8>,
    /// Which object holds the content.
    pub object_id: Uuid,
    /// When it was stored.
    pub stored_at: Timestamp,
    /// Name, media type, digest and length, sealed.
    pub sealed: Vec<u8>,
}

fn object_id(row: &AnyRow) -> Result<Uuid> {
    let object: String = row.try_get("object_id")?;
    Uuid::try_parse(&object).map_err(|_| CatalogError::Corrupt("related.object_id"))
}

fn related_row(row: &AnyRow) -> Result<RelatedRow> {
    Ok(RelatedRow {
        name_mac: row.try_get("name_mac")?,
        object_id: object_id(row)?,
        stored_at: Timestamp::from_micros(row.try_get("stored_at")?),
        sealed: row.try_get("sealed")?,
    })
}

impl Catalog {
    /// All related data of a recording.
    pub async fn related(&self, id: RecordingId) -> Result<Vec<RelatedRow>> {
        let rows = sqlx::query(OF_RECORDING).bind(id.to_string()).fetch_all(&self.pool).await?;
        rows.iter().map(related_row).collect()
    }
}

impl Tx {
    /// Which object holds the related data of this name now: the one that [`Tx::put_related`] is about to replace. The
    /// recording's row must be locked by this transaction, as there.
    pub async fn related_object(&mut self, id: RecordingId, name_mac: &[u8]) -> Result<Option<Uuid>> {
        let found = sqlx::query(OBJECT_OF).bind(id.to_string()).bind(name_mac.to_vec());
        found.fetch_optional(&mut *self.inner).await?.as_ref().map(object_id).transpose()
    }

    /// How many pieces of related data there are. The recording's row must be locked by this transaction, as there.
    pub async fn count_related(&mut self, id: RecordingId) -> Result<u64> {
        let count: i64 = sqlx::query_scalar(COUNT_OF).bind(id.to_string()).fetch_one(&mut *self.inner).await?;
        super::unsigned(count)
    }

    /// Stores or replaces one piece of related data. The recording's row must be locked by this transaction
    /// (`touch_recording`) first, so that it cannot be fenced meanwhile.
    pub async fn put_related(&mut self, id: RecordingId, row: &RelatedRow) -> Result<()> {
        sqlx::query(PUT)
            .bind(id.to_string())
            .bind(row.name_mac.clone())
            .bind(row.object_id.to_string())
            .bind(row.stored_at.micros())
            .bind(row.sealed.clone())
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }
}
