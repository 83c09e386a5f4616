//! The ledger's rows. Entries stay for good and say nothing about anybody; openings are sealed and can be erased.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx, exactly_one, signed, unsigned};
use crate::clock::Timestamp;
use crate::recording::RecordingId;

statements! {
    APPEND = "INSERT INTO ledger_entries (id, at, kind, commitment) VALUES ($1, $2, $3, $4)";
    APPEND_MISSING = "INSERT INTO ledger_entries (id, at, kind, commitment) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING";
    // A leaf that came back from the tiles got a new id; its own comes back with its opening.
    RENAME = "UPDATE ledger_entries SET id = $1 WHERE commitment = $2 AND kind = $3 AND at = $4 AND id <> $1 AND seq IS NOT NULL \
        AND NOT EXISTS (SELECT 1 FROM ledger_openings o WHERE o.entry_id = ledger_entries.id) \
        AND NOT EXISTS (SELECT 1 FROM ledger_entries e WHERE e.id = $1)";
    OPENING = "INSERT INTO ledger_openings (entry_id, recording_id, sealed_under, erase_at, sealed) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (entry_id) DO NOTHING";
    UNSEQUENCED = "SELECT id, at, kind, commitment FROM ledger_entries WHERE seq IS NULL ORDER BY at, id LIMIT $1";
    SEQUENCE = "UPDATE ledger_entries SET seq = $2 WHERE id = $1 AND seq IS NULL";
    SEQUENCE_KNOWN = "UPDATE ledger_entries SET seq = $2 WHERE commitment = $1 AND kind = $3 AND at = $4 AND seq IS NULL";
    INSERT_SEQUENCED = "INSERT INTO ledger_entries (id, seq, at, kind, commitment) VALUES ($1, $2, $3, $4, $5)";
    PUT_HASH = "INSERT INTO ledger_hashes (idx, hash) VALUES ($1, $2)";
    HASH_RANGE = "SELECT idx, hash FROM ledger_hashes WHERE idx >= $1 AND idx <= $2 ORDER BY idx";
    STATE = "SELECT size, root, published_size, published_at, checkpoint FROM ledger_state WHERE id = 1";
    FIRST_STATE = "INSERT INTO ledger_state (id, size, root, published_size, published_at, checkpoint) \
        VALUES (1, 0, $1, 0, 0, $2) ON CONFLICT (id) DO NOTHING";
    // The old size is the guard: two sequencers cannot both grow the same tree.
    GROW = "UPDATE ledger_state SET size = $2, root = $3 WHERE id = 1 AND size = $1";
    PUBLISHED = "UPDATE ledger_state SET published_size = $1, published_at = $2, checkpoint = $3 \
        WHERE id = 1 AND published_size <= $1 AND size >= $1";
    LEAVES = "SELECT id, seq, at, kind, commitment FROM ledger_entries WHERE seq >= $1 AND seq < $2 ORDER BY seq";
    BY_ID = "SELECT id, seq, at, kind, commitment FROM ledger_entries WHERE id = $1";
    // In the tree's order, what has no place yet last: a page once given out does not shift.
    OF_RECORDING = "SELECT e.id, e.seq, e.at, e.kind, e.commitment, o.sealed_under, o.sealed FROM ledger_openings o \
        JOIN ledger_entries e ON e.id = o.entry_id WHERE o.recording_id = $1 \
        ORDER BY COALESCE(e.seq, 9223372036854775807), e.at, e.id LIMIT $2 OFFSET $3";
    CHANGES_OF = "SELECT e.id, e.seq, e.at, e.kind, e.commitment, o.sealed_under, o.sealed FROM ledger_openings o \
        JOIN ledger_entries e ON e.id = o.entry_id WHERE o.recording_id = $1 AND e.kind <> $2 ORDER BY e.at, e.id LIMIT $3";
    OPENING_OF = "SELECT e.id, e.seq, e.at, e.kind, e.commitment, o.sealed_under, o.sealed FROM ledger_openings o \
        JOIN ledger_entries e ON e.id = o.entry_id WHERE e.id = $1";
    ERASE_DUE = "DELETE FROM ledger_openings WHERE entry_id IN \
        (SELECT entry_id FROM ledger_openings WHERE erase_at IS NOT NULL AND erase_at <= $1 LIMIT $2)";
    ERASE_OF = "DELETE FROM ledger_openings WHERE recording_id = $1";
    COUNT_OF = "SELECT count(*) FROM ledger_openings WHERE recording_id = $1";
}

/// An entry to be appended; its place in the tree comes later, from the sequencer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Its own id.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// What happened, without anybody in it.
    pub kind: String,
    /// SHA-256 over salt and payload.
    pub commitment: [u8; 32],
    /// What was committed to, sealed; none when it is kept elsewhere.
    pub opening: Option<NewOpening>,
}

/// A sealed salt and payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOpening {
    /// The recording it is about: it is erased with it.
    pub recording_id: Option<RecordingId>,
    /// `recording` (the recording's own key), or the name of the secret that seals it.
    pub sealed_under: String,
    /// When it is erased on its own account.
    pub erase_at: Option<Timestamp>,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
}

/// An entry that has no place in the tree yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsequencedEntry {
    /// Its own id.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: String,
    /// What it commits to.
    pub commitment: [u8; 32],
}

/// An entry with its place, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequencedEntry {
    /// The entry.
    pub entry: UnsequencedEntry,
    /// Its index in the tree.
    pub seq: Option<u64>,
}

/// An entry about a recording, with its sealed opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningRow {
    /// The entry.
    pub entry: SequencedEntry,
    /// What sealed it.
    pub sealed_under: String,
    /// The sealed opening.
    pub sealed: Vec<u8>,
}

/// How far the tree has grown, and how far that is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerState {
    /// Leaves in the tree.
    pub size: u64,
    /// Its root hash.
    pub root: [u8; 32],
    /// Leaves that the newest checkpoint covers.
    pub published_size: u64,
    /// When it was signed.
    pub published_at: Timestamp,
    /// That checkpoint, a signed note; empty before the first.
    pub checkpoint: Vec<u8>,
}

fn hash_of(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| CatalogError::Corrupt("a hash of another length"))
}

fn entry_row(row: &AnyRow) -> Result<UnsequencedEntry> {
    let id: String = row.try_get("id")?;
    Ok(UnsequencedEntry {
        id: Uuid::try_parse(&id).map_err(|_| CatalogError::Corrupt("ledger_entries.id"))?,
        at: Timestamp::from_micros(row.try_get("at")?),
        kind: row.try_get("kind")?,
        commitment: hash_of(&row.try_get::<Vec<u8>, _>("commitment")?)?,
    })
}

fn sequenced_row(row: &AnyRow) -> Result<SequencedEntry> {
    let seq: Option<i64> = row.try_get("seq")?;
    Ok(SequencedEntry { entry: entry_row(row)?, seq: seq.map(unsigned).transpose()? })
}

impl Catalog {
    /// Where the tree stands; makes the row with the empty tree's root where there is none.
    pub async fn ledger_state(&self) -> Result<LedgerState> {
        if let Some(row) = sqlx::query(STATE).fetch_optional(&self.pool).await? {
            return state_row(&row);
        }
        let empty = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"");
        let mut tx = self.begin().await?;
        sqlx::query(FIRST_STATE).bind(empty.as_ref().to_vec()).bind(Vec::<u8>::new()).execute(&mut *tx.inner).await?;
        tx.commit().await?;
        state_row(&sqlx::query(STATE).fetch_one(&self.pool).await?)
    }

    /// Entries without a place, oldest first.
    pub async fn unsequenced(&self, limit: u32) -> Result<Vec<UnsequencedEntry>> {
        let rows = sqlx::query(UNSEQUENCED).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(entry_row).collect()
    }

    /// The stored hashes at these indexes (tlog numbering), in the order asked for; an error when one is missing.
    pub async fn ledger_hashes(&self, indexes: &[u64]) -> Result<Vec<[u8; 32]>> {
        let mut found = Vec::with_capacity(indexes.len());
        for index in indexes {
            let rows = sqlx::query(HASH_RANGE)
                .bind(signed(*index)?)
                .bind(signed(*index)?)
                .fetch_optional(&self.pool)
                .await?
                .ok_or(CatalogError::Corrupt("a hash of the tree is missing"))?;
            found.push(hash_of(&rows.try_get::<Vec<u8>, _>("hash")?)?);
        }
        Ok(found)
    }

    /// Leaves `from..to` of the tree.
    pub async fn ledger_leaves(&self, from: u64, to: u64) -> Result<Vec<SequencedEntry>> {
        let rows = sqlx::query(LEAVES).bind(signed(from)?).bind(signed(to)?).fetch_all(&self.pool).await?;
        rows.iter().map(sequenced_row).collect()
    }

    /// One entry.
    pub async fn ledger_entry(&self, id: Uuid) -> Result<Option<SequencedEntry>> {
        let row = sqlx::query(BY_ID).bind(id.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(sequenced_row).transpose()
    }

    /// What happened to a recording, in the ledger's order, a page at a time.
    pub async fn custody(&self, id: RecordingId, limit: u32, offset: u64) -> Result<Vec<OpeningRow>> {
        let rows = sqlx::query(OF_RECORDING)
            .bind(id.to_string())
            .bind(i64::from(limit))
            .bind(signed(offset)?)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(opening_row).collect()
    }

    /// The same without entries of kind `but`, the first `limit`: for the sidecar, which carries no accesses.
    pub async fn custody_of_changes(&self, id: RecordingId, but: &str, limit: u32) -> Result<Vec<OpeningRow>> {
        let rows =
            sqlx::query(CHANGES_OF).bind(id.to_string()).bind(but).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(opening_row).collect()
    }

    /// An entry with its opening, while that is kept.
    pub async fn opening(&self, entry: Uuid) -> Result<Option<OpeningRow>> {
        let row = sqlx::query(OPENING_OF).bind(entry.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(opening_row).transpose()
    }
}

fn opening_row(row: &AnyRow) -> Result<OpeningRow> {
    Ok(OpeningRow {
        entry: sequenced_row(row)?,
        sealed_under: row.try_get("sealed_under")?,
        sealed: row.try_get("sealed")?,
    })
}

fn state_row(row: &AnyRow) -> Result<LedgerState> {
    Ok(LedgerState {
        size: unsigned(row.try_get("size")?)?,
        root: hash_of(&row.try_get::<Vec<u8>, _>("root")?)?,
        published_size: unsigned(row.try_get("published_size")?)?,
        published_at: Timestamp::from_micros(row.try_get("published_at")?),
        checkpoint: row.try_get("checkpoint")?,
    })
}

impl Tx {
    /// Appends an entry and its opening, in this transaction, without a place yet.
    pub async fn append_entry(&mut self, entry: &NewEntry) -> Result<()> {
        self.append(APPEND, entry).await
    }

    /// The same for an entry that may be there already: for bringing a catalog up to date.
    pub async fn append_missing_entry(&mut self, entry: &NewEntry) -> Result<()> {
        sqlx::query(RENAME)
            .bind(entry.id.to_string())
            .bind(entry.commitment.to_vec())
            .bind(entry.kind.as_str())
            .bind(entry.at.micros())
            .execute(&mut *self.inner)
            .await?;
        self.append(APPEND_MISSING, entry).await
    }

    async fn append(&mut self, statement: &'static str, entry: &NewEntry) -> Result<()> {
        sqlx::query(statement)
            .bind(entry.id.to_string())
            .bind(entry.at.micros())
            .bind(entry.kind.as_str())
            .bind(entry.commitment.to_vec())
            .execute(&mut *self.inner)
            .await?;
        let Some(opening) = &entry.opening else { return Ok(()) };
        self.put_opening(entry.id, opening).await
    }

    /// Keeps the opening of an entry, unless there is one.
    pub async fn put_opening(&mut self, entry: Uuid, opening: &NewOpening) -> Result<()> {
        sqlx::query(OPENING)
            .bind(entry.to_string())
            .bind(opening.recording_id.map(|id| id.to_string()))
            .bind(opening.sealed_under.as_str())
            .bind(opening.erase_at.map(Timestamp::micros))
            .bind(opening.sealed.clone())
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Gives an entry its place.
    pub async fn sequence_entry(&mut self, id: Uuid, seq: u64) -> Result<()> {
        let done = sqlx::query(SEQUENCE).bind(id.to_string()).bind(signed(seq)?).execute(&mut *self.inner).await?;
        exactly_one(done.rows_affected(), "an entry was sequenced twice")
    }

    /// Gives a leaf that the store's tiles prove its place again: the waiting entry that commits to the same, or a
    /// new one.
    pub async fn replay_leaf(&mut self, entry: &UnsequencedEntry, seq: u64) -> Result<()> {
        let known = sqlx::query(SEQUENCE_KNOWN)
            .bind(entry.commitment.to_vec())
            .bind(signed(seq)?)
            .bind(entry.kind.as_str())
            .bind(entry.at.micros())
            .execute(&mut *self.inner)
            .await?
            .rows_affected();
        if known > 0 {
            return exactly_one(known, "two waiting entries commit to the same");
        }
        sqlx::query(INSERT_SEQUENCED)
            .bind(entry.id.to_string())
            .bind(signed(seq)?)
            .bind(entry.at.micros())
            .bind(entry.kind.as_str())
            .bind(entry.commitment.to_vec())
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Grows the tree from `old_size`; false when somebody else grew it first.
    pub async fn grow_ledger(
        &mut self,
        old_size: u64,
        new_size: u64,
        root: [u8; 32],
        hashes: &[(u64, [u8; 32])],
    ) -> Result<bool> {
        let done = sqlx::query(GROW)
            .bind(signed(old_size)?)
            .bind(signed(new_size)?)
            .bind(root.to_vec())
            .execute(&mut *self.inner)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        for (index, hash) in hashes {
            sqlx::query(PUT_HASH).bind(signed(*index)?).bind(hash.to_vec()).execute(&mut *self.inner).await?;
        }
        Ok(true)
    }

    /// Notes that the store has everything up to `size`, under this checkpoint.
    pub async fn ledger_published(&mut self, size: u64, at: Timestamp, checkpoint: &[u8]) -> Result<()> {
        let done = sqlx::query(PUBLISHED)
            .bind(signed(size)?)
            .bind(at.micros())
            .bind(checkpoint.to_vec())
            .execute(&mut *self.inner)
            .await?;
        exactly_one(done.rows_affected(), "the ledger's state moved backwards")
    }

    /// Erases openings whose own time has come, at most `limit`.
    pub async fn erase_due_openings(&mut self, now: Timestamp, limit: u32) -> Result<u64> {
        let done = sqlx::query(ERASE_DUE).bind(now.micros()).bind(i64::from(limit)).execute(&mut *self.inner).await?;
        Ok(done.rows_affected())
    }

    /// Erases every opening about a recording.
    pub(super) async fn erase_openings_of(&mut self, id: &str) -> Result<u64> {
        Ok(sqlx::query(ERASE_OF).bind(id).execute(&mut *self.inner).await?.rows_affected())
    }

    /// How many openings about a recording are left.
    pub(super) async fn count_openings_of(&mut self, id: &str) -> Result<i64> {
        Ok(sqlx::query_scalar(COUNT_OF).bind(id).fetch_one(&mut *self.inner).await?)
    }
}
