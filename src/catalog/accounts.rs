//! The mirrored accounts. For now only that they exist; their life comes with the accounts' own interface.

use sqlx::Row;

use super::sql::statements;
use super::{Catalog, Result, Tx};
use crate::clock::Timestamp;

statements! {
    ENSURE = "INSERT INTO accounts (id, created_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
    CLOSED = "SELECT closed_at FROM accounts WHERE id = $1";
}

impl Catalog {
    /// Whether the portal may still reach an account's recordings.
    pub async fn account_is_closed(&self, id: &str) -> Result<bool> {
        match sqlx::query(CLOSED).bind(id).fetch_optional(&self.pool).await? {
            Some(row) => Ok(row.try_get::<Option<i64>, _>("closed_at")?.is_some()),
            None => Ok(false),
        }
    }
}

impl Tx {
    /// Makes an account's row, to be filled later, where there is none.
    pub(super) async fn ensure_account(&mut self, id: &str, now: Timestamp) -> Result<()> {
        sqlx::query(ENSURE).bind(id).bind(now.micros()).execute(&mut *self.inner).await?;
        Ok(())
    }
}
