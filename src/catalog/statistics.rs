//! What purged calls leave: cells that are being counted, sealed; months that are published, for good.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx, exactly_one};
use crate::clock::Timestamp;
use crate::recording::ExpiryMonth;

statements! {
    TAKE = "UPDATE statistics_open SET month = month WHERE month = $1 AND cell_mac = $2 RETURNING sealed";
    ADD = "INSERT INTO statistics_open (month, cell_mac, sealed) VALUES ($1, $2, $3)";
    REPLACE = "UPDATE statistics_open SET sealed = $3 WHERE month = $1 AND cell_mac = $2";
    ADD_ACCOUNT = "INSERT INTO statistics_accounts (month, cell_mac, account_mac) VALUES ($1, $2, $3) \
        ON CONFLICT (month, cell_mac, account_mac) DO NOTHING";
    IS_PUBLISHED = "SELECT count(*) FROM statistics_published WHERE month = $1";
    MONTHS_OPEN = "SELECT DISTINCT month FROM statistics_open ORDER BY month";
    CELLS = "SELECT cell_mac, sealed FROM statistics_open WHERE month = $1 ORDER BY cell_mac";
    ACCOUNTS = "SELECT account_mac FROM statistics_accounts WHERE month = $1 AND cell_mac = $2 ORDER BY account_mac";
    PUBLISH = "INSERT INTO statistics_published (month, published_at, entry_id) VALUES ($1, $2, $3) ON CONFLICT (month) DO NOTHING";
    FORGET_CELLS = "DELETE FROM statistics_open WHERE month = $1";
    FORGET_ACCOUNTS = "DELETE FROM statistics_accounts WHERE month = $1";
    UNSIGNED = "SELECT month, entry_id FROM statistics_published WHERE document IS NULL AND entry_id IS NOT NULL ORDER BY month";
    SIGN = "UPDATE statistics_published SET document = $2 WHERE month = $1 AND document IS NULL";
    DOCUMENTS = "SELECT document FROM statistics_published WHERE document IS NOT NULL ORDER BY month";
    LAST = "SELECT max(month) AS month FROM statistics_published";
    RESTORE = "INSERT INTO statistics_published (month, published_at, document) VALUES ($1, $2, $3) \
        ON CONFLICT (month) DO UPDATE SET document = excluded.document";
}

/// A cell that is being counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCell {
    /// Which cell: a keyed hash.
    pub mac: Vec<u8>,
    /// Its traits and counts, sealed.
    pub sealed: Vec<u8>,
}

fn month_of(row: &AnyRow) -> Result<ExpiryMonth> {
    row.try_get::<String, _>("month")?.parse().map_err(|_| CatalogError::Corrupt("a month of statistics"))
}

impl Catalog {
    /// Months in which something was counted and that are not published, earliest first.
    pub async fn statistics_months_open(&self) -> Result<Vec<ExpiryMonth>> {
        sqlx::query(MONTHS_OPEN).fetch_all(&self.pool).await?.iter().map(month_of).collect()
    }

    /// The cells of a month that is not published.
    pub async fn statistics_cells(&self, month: ExpiryMonth) -> Result<Vec<OpenCell>> {
        let rows = sqlx::query(CELLS).bind(month.to_string()).fetch_all(&self.pool).await?;
        let cell = |row: &AnyRow| Ok(OpenCell { mac: row.try_get("cell_mac")?, sealed: row.try_get("sealed")? });
        rows.iter().map(cell).collect()
    }

    /// The accounts of such a cell: keyed hashes, each once.
    pub async fn statistics_accounts(&self, month: ExpiryMonth, cell: &[u8]) -> Result<Vec<Vec<u8>>> {
        Ok(sqlx::query_scalar(ACCOUNTS).bind(month.to_string()).bind(cell.to_vec()).fetch_all(&self.pool).await?)
    }

    /// Published months that have no signed document yet, with the ledger's entry about each.
    pub async fn statistics_unsigned(&self) -> Result<Vec<(ExpiryMonth, Uuid)>> {
        let rows = sqlx::query(UNSIGNED).fetch_all(&self.pool).await?;
        let one = |row: &AnyRow| {
            let entry = Uuid::try_parse(&row.try_get::<String, _>("entry_id")?);
            Ok((month_of(row)?, entry.map_err(|_| CatalogError::Corrupt("statistics_published.entry_id"))?))
        };
        rows.iter().map(one).collect()
    }

    /// The signed documents of all published months, earliest first.
    pub async fn statistics_documents(&self) -> Result<Vec<Vec<u8>>> {
        Ok(sqlx::query_scalar(DOCUMENTS).fetch_all(&self.pool).await?)
    }

    /// The last month that was published.
    pub async fn statistics_published_until(&self) -> Result<Option<ExpiryMonth>> {
        let row = sqlx::query(LAST).fetch_one(&self.pool).await?;
        let month: Option<String> = row.try_get("month")?;
        month.map(|month| month.parse().map_err(|_| CatalogError::Corrupt("a month of statistics"))).transpose()
    }
}

impl Tx {
    /// Takes a cell for counting on: what is sealed in it, none where it has to be made. Nobody else counts in it until
    /// this transaction ends.
    pub async fn take_statistics_cell(&mut self, month: ExpiryMonth, mac: &[u8]) -> Result<Option<Vec<u8>>> {
        let row = sqlx::query(TAKE).bind(month.to_string()).bind(mac.to_vec()).fetch_optional(&mut *self.inner).await?;
        row.map(|row| Ok(row.try_get("sealed")?)).transpose()
    }

    /// Puts a cell that was taken, `is_new` or not, with one more account. [`CatalogError::Unexpected`] when its month is
    /// published: what is published does not change.
    pub async fn put_statistics_cell(
        &mut self,
        month: ExpiryMonth,
        cell: &OpenCell,
        is_new: bool,
        account: Option<&[u8]>,
    ) -> Result<()> {
        let statement = if is_new { ADD } else { REPLACE };
        let query = sqlx::query(statement).bind(month.to_string()).bind(cell.mac.clone()).bind(cell.sealed.clone());
        exactly_one(query.execute(&mut *self.inner).await?.rows_affected(), "a cell of statistics")?;
        if let Some(account) = account {
            let query = sqlx::query(ADD_ACCOUNT).bind(month.to_string()).bind(cell.mac.clone()).bind(account.to_vec());
            query.execute(&mut *self.inner).await?;
        }
        if self.is_statistics_month_published(month).await? {
            return Err(CatalogError::Unexpected("a call was to be counted in a published month"));
        }
        Ok(())
    }

    /// Whether a month is published.
    pub async fn is_statistics_month_published(&mut self, month: ExpiryMonth) -> Result<bool> {
        let count: i64 = sqlx::query_scalar(IS_PUBLISHED).bind(month.to_string()).fetch_one(&mut *self.inner).await?;
        Ok(count > 0)
    }

    /// Marks a month as published, and erases what it was made from. False when it was published before.
    pub async fn publish_statistics(&mut self, month: ExpiryMonth, at: Timestamp, entry: Uuid) -> Result<bool> {
        let query = sqlx::query(PUBLISH).bind(month.to_string()).bind(at.micros()).bind(entry.to_string());
        if query.execute(&mut *self.inner).await?.rows_affected() == 0 {
            return Ok(false);
        }
        self.forget_statistics_cells(month).await?;
        Ok(true)
    }

    /// Erases what was counted in a month and not published.
    pub async fn forget_statistics_cells(&mut self, month: ExpiryMonth) -> Result<()> {
        for statement in [FORGET_CELLS, FORGET_ACCOUNTS] {
            sqlx::query(statement).bind(month.to_string()).execute(&mut *self.inner).await?;
        }
        Ok(())
    }

    /// Keeps the signed document of a published month; one that is there already stays.
    pub async fn sign_statistics(&mut self, month: ExpiryMonth, document: &[u8]) -> Result<()> {
        sqlx::query(SIGN).bind(month.to_string()).bind(document.to_vec()).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Takes a published month in from the store: for a catalog that is brought up to date.
    pub async fn restore_statistics(&mut self, month: ExpiryMonth, at: Timestamp, document: &[u8]) -> Result<()> {
        let query = sqlx::query(RESTORE).bind(month.to_string()).bind(at.micros()).bind(document.to_vec());
        query.execute(&mut *self.inner).await?;
        self.forget_statistics_cells(month).await
    }
}
