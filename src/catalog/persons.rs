//! The contact persons of accounts, and the company's agents that accounts are assigned to: both by keyed hashes, what is
//! said of a person sealed under the account's secret.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx};
use crate::clock::Timestamp;

statements! {
    OF_ACCOUNT = "SELECT person_mac, name_mac, left_at, moved, sealed FROM account_persons WHERE account_id = $1 ORDER BY person_mac";
    // One who left stays so, whatever comes late.
    PUT = "INSERT INTO account_persons (account_id, person_mac, name_mac, sealed) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (account_id, person_mac) DO UPDATE SET name_mac = excluded.name_mac, sealed = excluded.sealed \
        WHERE account_persons.left_at IS NULL";
    // By the name that a late word of a person who left brings, recordings that have no more than that are known as well.
    LEARN_NAME = "UPDATE account_persons SET name_mac = $3, moved = 0 \
        WHERE account_id = $1 AND person_mac = $2 AND left_at IS NOT NULL AND name_mac IS NULL";
    REMOVE = "DELETE FROM account_persons WHERE account_id = $1 AND person_mac = $2 AND left_at IS NULL";
    LEAVE = "INSERT INTO account_persons (account_id, person_mac, left_at) VALUES ($1, $2, $3) \
        ON CONFLICT (account_id, person_mac) DO UPDATE SET left_at = excluded.left_at, sealed = NULL \
        WHERE account_persons.left_at IS NULL";
    // A name that somebody who is still there has as well says nothing of who left.
    HAS_LEFT = "SELECT count(*) FROM account_persons p JOIN accounts a ON p.account_id = COALESCE(a.merged_into, a.id) \
        WHERE a.id = $1 AND p.left_at IS NOT NULL AND (p.person_mac = $2 OR (p.name_mac = $3 AND NOT EXISTS \
          (SELECT 1 FROM account_persons q WHERE q.account_id = p.account_id AND q.name_mac = $3 AND q.left_at IS NULL)))";
    TO_MOVE = "SELECT DISTINCT account_id FROM account_persons WHERE left_at IS NOT NULL AND moved = 0 \
        AND account_id > $1 ORDER BY account_id LIMIT $2";
    MOVED = "UPDATE account_persons SET moved = 1 WHERE account_id = $1 AND person_mac = $2 AND moved = 0";
    RESTORE = "INSERT INTO account_persons (account_id, person_mac, name_mac, left_at, moved, sealed) VALUES ($1, $2, $3, $4, 0, $5) \
        ON CONFLICT (account_id, person_mac) DO UPDATE SET name_mac = COALESCE(excluded.name_mac, account_persons.name_mac), \
          left_at = COALESCE(account_persons.left_at, excluded.left_at), moved = 0, \
          sealed = CASE WHEN account_persons.left_at IS NULL THEN excluded.sealed ELSE NULL END";
    // Persons of two accounts that become one: who is in both is the other's, and who left either has left.
    LEFT_BOTH = "UPDATE account_persons SET left_at = (SELECT f.left_at FROM account_persons f WHERE f.account_id = $1 \
          AND f.person_mac = account_persons.person_mac), sealed = NULL, moved = 0 WHERE account_id = $2 AND left_at IS NULL \
        AND EXISTS (SELECT 1 FROM account_persons f WHERE f.account_id = $1 AND f.person_mac = account_persons.person_mac \
          AND f.left_at IS NOT NULL)";
    MOVE_LEFT = "INSERT INTO account_persons (account_id, person_mac, name_mac, left_at) \
        SELECT $2, f.person_mac, f.name_mac, f.left_at FROM account_persons f WHERE f.account_id = $1 AND f.left_at IS NOT NULL \
        ON CONFLICT (account_id, person_mac) DO NOTHING";
    CLEAR = "DELETE FROM account_persons WHERE account_id = $1";
    ADD_REP = "INSERT INTO account_reps (account_id, agent_mac) VALUES ($1, $2) ON CONFLICT (account_id, agent_mac) DO NOTHING";
    CLEAR_REPS = "DELETE FROM account_reps WHERE account_id = $1";
    OF_REP = "SELECT DISTINCT a.id FROM account_reps p JOIN accounts a ON p.account_id = COALESCE(a.merged_into, a.id) \
        WHERE p.agent_mac = $1 ORDER BY a.id";
}

/// A contact person as the catalog has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// The keyed hash of the product's id of the person.
    pub person_mac: Vec<u8>,
    /// The keyed hash of the name, as far as it was ever known.
    pub name_mac: Option<Vec<u8>>,
    /// When the person left.
    pub left_at: Option<Timestamp>,
    /// Whether one who left is found in no recording any more.
    pub moved: bool,
    /// Who it is; none of one who left.
    pub sealed: Option<Vec<u8>>,
}

/// A contact person as a recording names them, by keyed hashes: the id, or the name where there is no id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonMacs {
    /// Of the product's id of the person.
    pub person: Option<Vec<u8>>,
    /// Of the name alone.
    pub name: Option<Vec<u8>>,
}

fn person_row(row: &AnyRow) -> Result<PersonRow> {
    let moved: i64 = row.try_get("moved")?;
    Ok(PersonRow {
        person_mac: row.try_get("person_mac")?,
        name_mac: row.try_get("name_mac")?,
        left_at: row.try_get::<Option<i64>, _>("left_at")?.map(Timestamp::from_micros),
        moved: match moved {
            0 => false,
            1 => true,
            _ => return Err(CatalogError::Corrupt("account_persons.moved")),
        },
        sealed: row.try_get("sealed")?,
    })
}

impl Catalog {
    /// An account's persons, those who left as well.
    pub async fn persons_of(&self, account: &str) -> Result<Vec<PersonRow>> {
        sqlx::query(OF_ACCOUNT).bind(account).fetch_all(&self.pool).await?.iter().map(person_row).collect()
    }

    /// Accounts somebody left who may still be found in a recording, in their order, after `after`.
    pub async fn accounts_left(&self, after: &str, limit: u32) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(TO_MOVE).bind(after).bind(i64::from(limit)).fetch_all(&self.pool).await?)
    }

    /// The accounts that an agent is assigned to, with those that were merged into them.
    pub async fn accounts_of_rep(&self, agent_mac: &[u8]) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(OF_REP).bind(agent_mac.to_vec()).fetch_all(&self.pool).await?)
    }

    /// Notes that somebody who left is found in no recording any more.
    pub async fn person_moved(&self, account: &str, person_mac: &[u8]) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(MOVED).bind(account).bind(person_mac.to_vec()).execute(&mut *tx.inner).await?;
        tx.commit().await
    }
}

impl Tx {
    /// Keeps what is said of a person, but of one who left: of them at the most the name's keyed hash.
    pub async fn put_person(&mut self, account: &str, person: &PersonRow) -> Result<()> {
        sqlx::query(PUT)
            .bind(account)
            .bind(person.person_mac.clone())
            .bind(person.name_mac.clone())
            .bind(person.sealed.clone())
            .execute(&mut *self.inner)
            .await?;
        if let Some(name) = &person.name_mac {
            let query = sqlx::query(LEARN_NAME).bind(account).bind(person.person_mac.clone()).bind(name.clone());
            query.execute(&mut *self.inner).await?;
        }
        Ok(())
    }

    /// Removes a person whom the product does not name any more. One who left stays known as such.
    pub async fn remove_person(&mut self, account: &str, person_mac: &[u8]) -> Result<()> {
        sqlx::query(REMOVE).bind(account).bind(person_mac.to_vec()).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// A person leaves: who it was is gone. False when they left before.
    pub async fn person_leaves(&mut self, account: &str, person_mac: &[u8], now: Timestamp) -> Result<bool> {
        let query = sqlx::query(LEAVE).bind(account).bind(person_mac.to_vec()).bind(now.micros());
        Ok(query.execute(&mut *self.inner).await?.rows_affected() == 1)
    }

    /// Whether somebody whom a recording of this account names has left it, or the account that it was merged into.
    pub async fn has_left(&mut self, account: &str, who: &PersonMacs) -> Result<bool> {
        let query = sqlx::query_scalar(HAS_LEFT).bind(account);
        let query = query.bind(who.person.clone().unwrap_or_default()).bind(who.name.clone().unwrap_or_default());
        let count: i64 = query.fetch_one(&mut *self.inner).await?;
        Ok(count > 0)
    }

    /// Puts back a person from the store's copy. One who left stays so.
    pub async fn restore_person(&mut self, account: &str, person: &PersonRow) -> Result<()> {
        sqlx::query(RESTORE)
            .bind(account)
            .bind(person.person_mac.clone())
            .bind(person.name_mac.clone())
            .bind(person.left_at.map(Timestamp::micros))
            .bind(person.sealed.clone())
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// That persons left one account is known of another from now on; the first has none any more, nor reps.
    pub async fn move_persons_who_left(&mut self, from: &str, to: &str) -> Result<()> {
        for statement in [LEFT_BOTH, MOVE_LEFT] {
            sqlx::query(statement).bind(from).bind(to).execute(&mut *self.inner).await?;
        }
        for statement in [CLEAR, CLEAR_REPS] {
            sqlx::query(statement).bind(from).execute(&mut *self.inner).await?;
        }
        Ok(())
    }

    /// Assigns an account to these agents and no others.
    pub async fn assign_reps(&mut self, account: &str, agents: &[Vec<u8>]) -> Result<()> {
        sqlx::query(CLEAR_REPS).bind(account).execute(&mut *self.inner).await?;
        for agent in agents {
            sqlx::query(ADD_REP).bind(account).bind(agent.clone()).execute(&mut *self.inner).await?;
        }
        Ok(())
    }
}
