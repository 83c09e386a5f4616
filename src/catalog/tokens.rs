//! Machine credentials. Only a hash of a token is ever here.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx};
use crate::clock::Timestamp;

statements! {
    INSERT = "INSERT INTO tokens (id, hash, role, name, accounts, agent, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    BY_HASH = "SELECT id, role, name, accounts, agent, created_at, expires_at, revoked_at FROM tokens WHERE hash = $1";
    LIST = "SELECT id, role, name, accounts, agent, created_at, expires_at, revoked_at FROM tokens ORDER BY created_at, id";
    REVOKE = "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
}

/// A token as the catalog knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its id; this is the actor in the ledger.
    pub id: Uuid,
    /// The role's name.
    pub role: String,
    /// Whose it is.
    pub name: String,
    /// The accounts a rep or portal is limited to.
    pub accounts: Vec<String>,
    /// Who a rep is in the metadata of calls.
    pub agent: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

fn token_row(row: &AnyRow) -> Result<TokenRow> {
    let id: String = row.try_get("id")?;
    let accounts: String = row.try_get("accounts")?;
    let time =
        |name| -> Result<Option<Timestamp>> { Ok(row.try_get::<Option<i64>, _>(name)?.map(Timestamp::from_micros)) };
    Ok(TokenRow {
        id: Uuid::try_parse(&id).map_err(|_| CatalogError::Corrupt("tokens.id"))?,
        role: row.try_get("role")?,
        name: row.try_get("name")?,
        accounts: serde_json::from_str(&accounts).map_err(|_| CatalogError::Corrupt("tokens.accounts"))?,
        agent: row.try_get("agent")?,
        created_at: Timestamp::from_micros(row.try_get("created_at")?),
        expires_at: time("expires_at")?,
        revoked_at: time("revoked_at")?,
    })
}

impl Catalog {
    /// The token with this hash, expired or revoked ones as well.
    pub async fn token_by_hash(&self, hash: &[u8]) -> Result<Option<TokenRow>> {
        let row = sqlx::query(BY_HASH).bind(hash.to_vec()).fetch_optional(&self.pool).await?;
        row.as_ref().map(token_row).transpose()
    }

    /// All tokens, oldest first.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>> {
        sqlx::query(LIST).fetch_all(&self.pool).await?.iter().map(token_row).collect()
    }
}

impl Tx {
    /// Keeps a new token's hash.
    pub async fn insert_token(&mut self, token: &TokenRow, hash: &[u8]) -> Result<()> {
        let accounts = serde_json::to_string(&token.accounts).map_err(|_| CatalogError::Corrupt("accounts"))?;
        sqlx::query(INSERT)
            .bind(token.id.to_string())
            .bind(hash.to_vec())
            .bind(token.role.as_str())
            .bind(token.name.as_str())
            .bind(accounts)
            .bind(token.agent.clone())
            .bind(token.created_at.micros())
            .bind(token.expires_at.map(Timestamp::micros))
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Ends a token; false when there is none of that id in force.
    pub async fn revoke_token(&mut self, id: Uuid, now: Timestamp) -> Result<bool> {
        let done = sqlx::query(REVOKE).bind(id.to_string()).bind(now.micros()).execute(&mut *self.inner).await?;
        Ok(done.rows_affected() == 1)
    }
}
