//! Which store and which keys this catalog belongs to.

use super::sql::statements;
use super::{Catalog, Result};

statements! {
    PIN = "INSERT INTO pins (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    PINNED = "SELECT value FROM pins WHERE name = $1";
}

impl Catalog {
    /// What is pinned under `name`.
    pub async fn pinned(&self, name: &str) -> Result<Option<String>> {
        Ok(sqlx::query_scalar(PINNED).bind(name).fetch_optional(&self.pool).await?)
    }

    /// Pins `value` under `name` where nothing is pinned yet, and gives what is pinned now.
    pub async fn pin(&self, name: &str, value: &str) -> Result<String> {
        let mut tx = self.begin().await?;
        sqlx::query(PIN).bind(name).bind(value).execute(&mut *tx.inner).await?;
        let pinned = sqlx::query_scalar(PINNED).bind(name).fetch_one(&mut *tx.inner).await?;
        tx.commit().await?;
        Ok(pinned)
    }
}
