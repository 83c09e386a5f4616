//! Every version of a retention policy that was ever in force here.

use sqlx::Row;

use super::sql::statements;
use super::{Catalog, Result, unsigned};
use crate::clock::Timestamp;

statements! {
    NEWEST = "SELECT version, terms, applied_at FROM policies WHERE name = $1 ORDER BY version DESC LIMIT 1";
    ADD = "INSERT INTO policies (name, version, terms, applied_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name, version) DO NOTHING";
}

/// A version of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRow {
    /// 1, 2, …
    pub version: u64,
    /// Period, zone and end, as the configuration says them.
    pub terms: String,
    /// Since when.
    pub applied_at: Timestamp,
}

impl Catalog {
    /// The version of policy `name` that has these terms; a new one where the newest has others.
    pub async fn policy_version(&self, name: &str, terms: &str, now: Timestamp) -> Result<u64> {
        let mut tx = self.begin().await?;
        let newest = sqlx::query(NEWEST).bind(name).fetch_optional(&mut *tx.inner).await?;
        let version = match newest {
            Some(row) if row.try_get::<String, _>("terms")? == terms => unsigned(row.try_get("version")?)?,
            Some(row) => unsigned(row.try_get("version")?)? + 1,
            None => 1,
        };
        sqlx::query(ADD)
            .bind(name)
            .bind(super::signed(version)?)
            .bind(terms)
            .bind(now.micros())
            .execute(&mut *tx.inner)
            .await?;
        tx.commit().await?;
        Ok(version)
    }
}
