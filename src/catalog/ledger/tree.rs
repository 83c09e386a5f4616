//! The tree: entries get their places, hashes are stored, checkpoints published.

use sqlx::any::AnyRow;

use super::*;
use crate::catalog::sql::statements;

statements! {
    UNSEQUENCED = "SELECT id, at, kind, commitment FROM ledger_entries WHERE seq IS NULL ORDER BY at, id LIMIT $1";
    SEQUENCE = "UPDATE ledger_entries SET seq = $2 WHERE id = $1 AND seq IS NULL";
    SEQUENCE_KNOWN = "UPDATE ledger_entries SET seq = $2 WHERE commitment = $1 AND kind = $3 AND at = $4 AND seq IS NULL";
    INSERT_SEQUENCED = "INSERT INTO ledger_entries (id, seq, at, kind, commitment) VALUES ($1, $2, $3, $4, $5)";
    PUT_HASH = "INSERT INTO ledger_hashes (idx, hash) VALUES ($1, $2)";
    HASHES = "SELECT idx, hash FROM ledger_hashes WHERE idx IN \
        ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, \
        $26, $27, $28, $29, $30, $31, $32)";
    STATE = "SELECT size, root, published_size, published_at, checkpoint FROM ledger_state WHERE id = 1";
    FIRST_STATE = "INSERT INTO ledger_state (id, size, root, published_size, published_at, checkpoint) \
        VALUES (1, 0, $1, 0, 0, $2) ON CONFLICT (id) DO NOTHING";
    // The old size is the guard: two sequencers cannot both grow the same tree.
    GROW = "UPDATE ledger_state SET size = $2, root = $3 WHERE id = 1 AND size = $1";
    PUBLISHED = "UPDATE ledger_state SET published_size = $1, published_at = $2, checkpoint = $3 \
        WHERE id = 1 AND published_size <= $1 AND size >= $1";
    COSIGNED = "UPDATE ledger_state SET checkpoint = $3 WHERE id = 1 AND published_size = $1 AND checkpoint = $2";
    LEAVES = "SELECT id, seq, at, kind, commitment FROM ledger_entries WHERE seq >= $1 AND seq < $2 ORDER BY seq";
    TIMES_OF_KIND = "SELECT at FROM ledger_entries WHERE kind = $1";
    BY_ID = "SELECT id, seq, at, kind, commitment FROM ledger_entries WHERE id = $1";
}

/// Hashes that one statement asks for.
const HASHES_AT_ONCE: usize = 32;

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
        let mut known = std::collections::HashMap::with_capacity(indexes.len());
        for some in indexes.chunks(HASHES_AT_ONCE) {
            let mut query = sqlx::query(HASHES);
            for place in 0..HASHES_AT_ONCE {
                // No hash has an index below zero.
                query = query.bind(some.get(place).map_or(Ok(-1), |index| signed(*index))?);
            }
            for row in query.fetch_all(&self.pool).await? {
                known.insert(unsigned(row.try_get("idx")?)?, hash_of(&row.try_get::<Vec<u8>, _>("hash")?)?);
            }
        }
        let missing = CatalogError::Corrupt("a hash of the tree is missing");
        let found: Option<Vec<_>> = indexes.iter().map(|index| known.get(index).copied()).collect();
        found.ok_or(missing)
    }

    /// Leaves `from..to` of the tree.
    pub async fn ledger_leaves(&self, from: u64, to: u64) -> Result<Vec<SequencedEntry>> {
        let rows = sqlx::query(LEAVES).bind(signed(from)?).bind(signed(to)?).fetch_all(&self.pool).await?;
        rows.iter().map(sequenced_row).collect()
    }

    /// When something of this kind happened: of rare kinds, and rarely, for it reads the whole ledger.
    pub async fn times_of_kind(&self, kind: &str) -> Result<Vec<Timestamp>> {
        let rows = sqlx::query(TIMES_OF_KIND).bind(kind.to_owned()).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(Timestamp::from_micros(row.try_get("at")?))).collect()
    }

    /// One entry.
    pub async fn ledger_entry(&self, id: Uuid) -> Result<Option<SequencedEntry>> {
        let row = sqlx::query(BY_ID).bind(id.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(sequenced_row).transpose()
    }
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

    /// Notes that the store has everything up to `size`, under this checkpoint. False when more is published already.
    pub async fn ledger_published(&mut self, size: u64, at: Timestamp, checkpoint: &[u8]) -> Result<bool> {
        let done = sqlx::query(PUBLISHED)
            .bind(signed(size)?)
            .bind(at.micros())
            .bind(checkpoint.to_vec())
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Replaces the published checkpoint by itself with more signatures. False when it is no longer this one.
    pub async fn ledger_cosigned(&mut self, size: u64, from: &[u8], to: &[u8]) -> Result<bool> {
        let done = sqlx::query(COSIGNED)
            .bind(signed(size)?)
            .bind(from.to_vec())
            .bind(to.to_vec())
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}
