//! Every row into another catalog, and back again to compare.
//!
//! Rows go through by what their columns hold, a bounded number at a time. Whether two tables are the same is told by
//! their number of rows and by the sum of the rows' digests, which does not depend on any order.

mod rows;
mod tables;

use futures::TryStreamExt as _;
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe};

use super::{Catalog, Result, Tx};
use rows::Value;

pub use rows::TableSum;
pub use tables::{Kind, NOT_COPIED, TABLES, Table};

/// Rows that one statement inserts.
const ROWS_AT_ONCE: usize = 50;

fn where_(table: &Table) -> String {
    table.only.map(|only| format!(" WHERE {only}")).unwrap_or_default()
}

fn select(table: &Table) -> String {
    let columns: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    format!("SELECT {} FROM {}{}", columns.join(", "), table.name, where_(table))
}

fn insert(table: &Table, rows: usize) -> String {
    let columns: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    let row = |n: usize| {
        let places: Vec<String> = (1..=columns.len()).map(|place| format!("${}", n * columns.len() + place)).collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!("INSERT INTO {} ({}) VALUES {}", table.name, columns.join(", "), rows.join(", "))
}

fn delete(table: &Table) -> String {
    format!("DELETE FROM {}", table.name)
}

fn count(table: &Table) -> String {
    format!("SELECT count(*) FROM {}{}", table.name, where_(table))
}

/// Every statement that is put together here.
pub(super) fn every_statement() -> Vec<String> {
    let of = |table| [select(table), insert(table, 1), insert(table, ROWS_AT_ONCE), delete(table), count(table)];
    TABLES.iter().flat_map(of).collect()
}

impl Catalog {
    /// How many rows there are that a copy would have to take along.
    pub async fn count_rows(&self) -> Result<u64> {
        let mut rows = 0;
        for table in TABLES {
            let of_table: i64 = sqlx::query_scalar(AssertSqlSafe(count(table))).fetch_one(&self.pool).await?;
            rows += super::unsigned(of_table)?;
        }
        Ok(rows)
    }
}

impl Tx {
    /// Empties every table that is copied, whatever is in it.
    pub async fn empty(&mut self) -> Result<()> {
        for table in TABLES.iter().rev() {
            sqlx::query(AssertSqlSafe(delete(table))).execute(&mut *self.inner).await?;
        }
        Ok(())
    }

    /// Copies one table into another catalog and says what was read. `progress` is told how many rows more there are.
    pub async fn copy_table(
        &mut self,
        into: &mut Self,
        table: &'static Table,
        progress: &mut impl FnMut(u64),
    ) -> Result<TableSum> {
        let mut sum = TableSum::default();
        let mut waiting: Vec<Vec<Value>> = Vec::with_capacity(ROWS_AT_ONCE);
        let mut rows = sqlx::query(AssertSqlSafe(select(table))).fetch(&mut *self.inner);
        while let Some(row) = rows.try_next().await? {
            let row = rows::read(&row, table)?;
            sum.add(&row);
            waiting.push(row);
            if waiting.len() == ROWS_AT_ONCE {
                progress(waiting.len() as u64);
                into.insert_rows(table, std::mem::take(&mut waiting)).await?;
            }
        }
        progress(waiting.len() as u64);
        for row in waiting {
            into.insert_rows(table, vec![row]).await?;
        }
        Ok(sum)
    }

    async fn insert_rows(&mut self, table: &Table, rows: Vec<Vec<Value>>) -> Result<()> {
        let expected = rows.len() as u64;
        let mut query: Query<'_, Any, AnyArguments> = sqlx::query(AssertSqlSafe(insert(table, rows.len())));
        for value in rows.into_iter().flatten() {
            query = match value {
                Value::Number(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
                Value::Bytes(bytes) => query.bind(bytes),
            };
        }
        let done = query.execute(&mut *self.inner).await?.rows_affected();
        if done == expected { Ok(()) } else { Err(super::CatalogError::Unexpected("rows of a copy")) }
    }

    /// Reads a whole table.
    pub async fn sum_table(&mut self, table: &'static Table) -> Result<TableSum> {
        let mut sum = TableSum::default();
        let mut rows = sqlx::query(AssertSqlSafe(select(table))).fetch(&mut *self.inner);
        while let Some(row) = rows.try_next().await? {
            sum.add(&rows::read(&row, table)?);
        }
        Ok(sum)
    }
}
