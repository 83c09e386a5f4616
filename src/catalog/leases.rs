//! Work that must run once at a time, on however many nodes.

use super::sql::statements;
use super::{Catalog, Result};
use crate::clock::Timestamp;

statements! {
    TAKE = "INSERT INTO leases (name, owner, until) VALUES ($1, $2, $3) \
        ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until \
        WHERE leases.owner = excluded.owner OR leases.until <= $4";
    GIVE_BACK = "DELETE FROM leases WHERE name = $1 AND owner = $2";
}

impl Catalog {
    /// Takes or renews the lease on a piece of work; false while somebody else has it.
    pub async fn take_lease(&self, name: &str, owner: &str, until: Timestamp, now: Timestamp) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(TAKE)
            .bind(name)
            .bind(owner)
            .bind(until.micros())
            .bind(now.micros())
            .execute(&mut *tx.inner)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(done == 1)
    }

    /// Gives a lease back.
    pub async fn give_back_lease(&self, name: &str, owner: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(GIVE_BACK).bind(name).bind(owner).execute(&mut *tx.inner).await?;
        tx.commit().await
    }
}
