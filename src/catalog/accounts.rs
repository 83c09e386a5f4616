//! The mirrored accounts. What the product says of them is sealed under a secret of their own and goes through here as
//! bytes; a recording may come before its account, whose row then waits to be filled.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::account_purge_row::AccountGround;
use super::cases::{parse_uuids, time, time_or_none, uuid};
use super::sql::{marks, statements};
use super::{Catalog, CatalogError, Result, Tx, signed, unsigned};
use crate::clock::Timestamp;
use crate::recording::{Language, Professional};

/// The columns of an account.
macro_rules! account_columns {
    () => {
        "SELECT a.id, a.uuid, a.kind, a.language, a.created_at, a.updated_at, a.closed_at, a.relation_ended_at, a.expires_at, \
         a.rule, a.merged_into, a.stage, a.revision, a.stored_revision, a.sealed FROM accounts a "
    };
}

statements! {
    // Takes the row of an account that is there: it does not go, and nobody leaves it, before this transaction ends.
    ENSURE = "INSERT INTO accounts (id, uuid, created_at) VALUES ($1, $2, $3) \
        ON CONFLICT (id) DO UPDATE SET created_at = accounts.created_at";
    LOAD = concat!(account_columns!(), "WHERE a.id = $1");
    BY_UUID = concat!(account_columns!(), "WHERE a.uuid = $1");
    PAGE = concat!(account_columns!(), "WHERE (a.created_at < $1 OR (a.created_at = $1 AND a.uuid < $2)) \
        AND ($3 = 'all' OR ($3 = 'ended' AND a.relation_ended_at IS NOT NULL) \
          OR ($3 = 'closed' AND a.closed_at IS NOT NULL AND a.relation_ended_at IS NULL) \
          OR ($3 = 'open' AND a.closed_at IS NULL AND a.relation_ended_at IS NULL AND a.merged_into IS NULL)) \
        AND a.stage = 'live' AND (a.expires_at IS NULL OR a.expires_at > $4) ORDER BY a.created_at DESC, a.uuid DESC LIMIT $5");
    CLOSED = "SELECT count(*) FROM accounts a JOIN accounts b ON b.id = COALESCE(a.merged_into, a.id) \
        WHERE a.id = $1 AND (b.closed_at IS NOT NULL OR b.relation_ended_at IS NOT NULL OR b.stage <> 'live')";
    // The revision is the guard: two who change the same account at once cannot both win.
    FILL = "UPDATE accounts SET kind = $3, language = $4, updated_at = $5, sealed = $6, revision = revision + 1 \
        WHERE id = $1 AND revision = $2 AND stage = 'live' AND merged_into IS NULL";
    LIVE_ON = "UPDATE accounts SET closed_at = $3, relation_ended_at = $4, expires_at = $5, rule = $6, revision = revision + 1 \
        WHERE id = $1 AND revision = $2 AND stage = 'live' AND merged_into IS NULL";
    TOUCH = "UPDATE accounts SET revision = revision + 1 WHERE id = $1 AND revision = $2 AND stage = 'live' AND merged_into IS NULL";
    // What was said of it is the other's now; so is whatever was merged into it before.
    POINT = "UPDATE accounts SET merged_into = $3, uuid = $4, kind = NULL, language = NULL, updated_at = NULL, closed_at = NULL, \
        relation_ended_at = NULL, expires_at = NULL, rule = NULL, sealed = NULL, revision = 0, stored_revision = 0 \
        WHERE id = $1 AND revision = $2 AND stage = 'live' AND merged_into IS NULL";
    POINT_ON = "UPDATE accounts SET merged_into = $2 WHERE merged_into = $1";
    NOT_STORED = "SELECT uuid FROM accounts WHERE stored_revision < revision AND stage = 'live' AND uuid > $1 \
        ORDER BY uuid LIMIT $2";
    STORED = "UPDATE accounts SET stored_revision = $2 WHERE uuid = $1 AND stored_revision < $2";
    AFTER = "SELECT uuid FROM accounts WHERE uuid > $1 ORDER BY uuid LIMIT $2";
    // From the store's copy, where that is newer. A row that was never filled takes over the copy's name.
    RESTORE = "INSERT INTO accounts (id, uuid, kind, language, created_at, updated_at, closed_at, relation_ended_at, expires_at, rule, \
          revision, stored_revision, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12) \
        ON CONFLICT (id) DO UPDATE SET uuid = excluded.uuid, kind = excluded.kind, language = excluded.language, \
          created_at = excluded.created_at, updated_at = excluded.updated_at, closed_at = excluded.closed_at, \
          relation_ended_at = excluded.relation_ended_at, expires_at = excluded.expires_at, rule = excluded.rule, \
          revision = excluded.revision, stored_revision = excluded.stored_revision, sealed = excluded.sealed \
        WHERE accounts.stage = 'live' AND accounts.merged_into IS NULL AND ((accounts.uuid = excluded.uuid AND accounts.revision < excluded.revision) \
          OR (accounts.uuid <> excluded.uuid AND accounts.revision = 0))";
    // Nobody parts what was merged: an older row, or the copy of one, is of before that.
    POINT_AGAIN = "UPDATE accounts SET merged_into = $2, uuid = $3, kind = NULL, language = NULL, updated_at = NULL, closed_at = NULL, \
        relation_ended_at = NULL, expires_at = NULL, rule = NULL, sealed = NULL, revision = 0, stored_revision = 0 \
        WHERE id = $1 AND merged_into IS NULL AND stage = 'live'";
}

/// An account as the catalog has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// The product's id.
    pub id: String,
    /// Our name for it: in keys, objects and certificates.
    pub uuid: Uuid,
    /// What kind of professional it is.
    pub kind: Option<Professional>,
    /// The language that the customer chose.
    pub language: Option<Language>,
    /// When it was first heard of.
    pub created_at: Timestamp,
    /// When the product last changed it, by the product's clock.
    pub updated_at: Option<Timestamp>,
    /// Since when the portal does not reach it.
    pub closed_at: Option<Timestamp>,
    /// When the relation ended.
    pub relation_ended_at: Option<Timestamp>,
    /// When its data end.
    pub expires_at: Option<Timestamp>,
    /// The retention rule that gave that.
    pub rule: Option<String>,
    /// The account that it was merged into.
    pub merged_into: Option<String>,
    /// Whether its purge has begun: then it is told of to nobody.
    pub is_purging: bool,
    /// Counts its changes; 0 where nothing was ever said of it.
    pub revision: u64,
    /// The change of which the store has a copy.
    pub stored_revision: u64,
    /// What the product says of it; none where it said nothing yet.
    pub sealed: Option<Vec<u8>>,
}

/// What an account's times are, and the rule behind them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the columns of AccountRow, described there")]
pub struct AccountTimes {
    pub closed_at: Option<Timestamp>,
    pub relation_ended_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub rule: Option<String>,
}

/// Which accounts a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccountFilter {
    /// All.
    #[default]
    All,
    /// Those that the portal reaches.
    Open,
    /// Those that were closed.
    Closed,
    /// Those whose relation ended.
    Ended,
}

impl AccountFilter {
    /// Whether it shows this account.
    pub fn admits(self, row: &AccountRow) -> bool {
        let (closed, ended) = (row.closed_at.is_some(), row.relation_ended_at.is_some());
        match self {
            Self::All => true,
            Self::Open => !closed && !ended && row.merged_into.is_none(),
            Self::Closed => closed && !ended,
            Self::Ended => ended,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Ended => "ended",
        }
    }
}

impl AccountRow {
    /// Its times.
    pub fn times(&self) -> AccountTimes {
        let Self { closed_at, relation_ended_at, expires_at, .. } = *self;
        AccountTimes { closed_at, relation_ended_at, expires_at, rule: self.rule.clone() }
    }
}

pub(super) fn account_row(row: &AnyRow) -> Result<AccountRow> {
    let text = |name| -> Result<Option<String>> { Ok(row.try_get(name)?) };
    let kind = text("kind")?.map(|kind| kind.parse().map_err(|_| CatalogError::Corrupt("accounts.kind")));
    let language = text("language")?.map(|code| code.parse().map_err(|_| CatalogError::Corrupt("accounts.language")));
    Ok(AccountRow {
        id: row.try_get("id")?,
        uuid: uuid(row, "uuid")?,
        kind: kind.transpose()?,
        language: language.transpose()?,
        created_at: time(row, "created_at")?,
        updated_at: time_or_none(row, "updated_at")?,
        closed_at: time_or_none(row, "closed_at")?,
        relation_ended_at: time_or_none(row, "relation_ended_at")?,
        expires_at: time_or_none(row, "expires_at")?,
        rule: text("rule")?,
        merged_into: text("merged_into")?,
        is_purging: row.try_get::<String, _>("stage")? != "live",
        revision: unsigned(row.try_get("revision")?)?,
        stored_revision: unsigned(row.try_get("stored_revision")?)?,
        sealed: row.try_get("sealed")?,
    })
}

/// Of so many accounts, those that are known, and all that were merged into them.
pub(super) fn families(count: usize) -> String {
    let marks = marks(count);
    format!("SELECT id FROM accounts WHERE id IN ({marks}) OR merged_into IN ({marks}) ORDER BY id")
}

impl Catalog {
    /// One account.
    pub async fn account(&self, id: &str) -> Result<Option<AccountRow>> {
        sqlx::query(LOAD).bind(id).fetch_optional(&self.pool).await?.as_ref().map(account_row).transpose()
    }

    /// The same by our name for it.
    pub async fn account_of(&self, uuid: Uuid) -> Result<Option<AccountRow>> {
        let row = sqlx::query(BY_UUID).bind(uuid.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(account_row).transpose()
    }

    /// A page of accounts whose time is not over, newest first, after the one that was made at that time.
    pub async fn accounts(
        &self,
        filter: AccountFilter,
        after: Option<(Timestamp, Uuid)>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<AccountRow>> {
        let (at, uuid) = after.map_or((i64::MAX, String::new()), |(at, uuid)| (at.micros(), uuid.to_string()));
        let query = sqlx::query(PAGE).bind(at).bind(uuid).bind(filter.as_str()).bind(now.micros());
        query.bind(i64::from(limit)).fetch_all(&self.pool).await?.iter().map(account_row).collect()
    }

    /// Those of these accounts that are known, and all that were merged into them.
    pub async fn families(&self, ids: &[String]) -> Result<Vec<String>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(families(ids.len())));
        for id in ids {
            query = query.bind(id.as_str());
        }
        Ok(query.fetch_all(&self.pool).await?)
    }

    /// Whether the portal may not reach an account's recordings: it was closed, or the relation ended.
    pub async fn account_is_closed(&self, id: &str) -> Result<bool> {
        let count: i64 = sqlx::query_scalar(CLOSED).bind(id).fetch_one(&self.pool).await?;
        Ok(count > 0)
    }

    /// Accounts whose copy in the store is older than their row, in the order of our names for them, after `after`.
    pub async fn accounts_not_stored(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<Uuid>> {
        let after = after.map(|uuid| uuid.to_string()).unwrap_or_default();
        let ids: Vec<String> =
            sqlx::query_scalar(NOT_STORED).bind(after).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        parse_uuids(&ids)
    }

    /// Notes that the copy of this revision is in the store.
    pub async fn account_stored(&self, uuid: Uuid, revision: u64) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(STORED).bind(uuid.to_string()).bind(signed(revision)?).execute(&mut *tx.inner).await?;
        tx.commit().await
    }

    /// Our names for accounts in their order, after `after`: for walks over all.
    pub async fn account_uuids_after(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<Uuid>> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let query = sqlx::query_scalar(AFTER).bind(after).bind(i64::from(limit));
        let ids: Vec<String> = query.fetch_all(&self.pool).await?;
        parse_uuids(&ids)
    }
}

impl Tx {
    /// Makes an account's row, to be filled later, where there is none; and takes it, until this transaction ends.
    pub async fn ensure_account(&mut self, id: &str, now: Timestamp) -> Result<()> {
        let query = sqlx::query(ENSURE).bind(id).bind(Uuid::new_v4().to_string()).bind(now.micros());
        query.execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Puts other content in place of revision `from`; false when somebody else changed the account, or it cannot be changed.
    pub async fn fill_account(
        &mut self,
        id: &str,
        from: u64,
        (kind, language, updated_at): (Option<Professional>, Option<Language>, Option<Timestamp>),
        sealed: &[u8],
    ) -> Result<bool> {
        let query = sqlx::query(FILL).bind(id).bind(signed(from)?).bind(kind.map(|kind| kind.as_str().to_owned()));
        let query = query.bind(language.map(|l| l.code().to_owned())).bind(updated_at.map(Timestamp::micros));
        Ok(query.bind(sealed.to_vec()).execute(&mut *self.inner).await?.rows_affected() == 1)
    }

    /// Puts other times in place of revision `from`; false when somebody else changed the account, or it cannot be changed.
    pub async fn set_account_times(&mut self, id: &str, from: u64, times: &AccountTimes) -> Result<bool> {
        let query = sqlx::query(LIVE_ON).bind(id).bind(signed(from)?).bind(times.closed_at.map(Timestamp::micros));
        let query = query.bind(times.relation_ended_at.map(Timestamp::micros));
        let query = query.bind(times.expires_at.map(Timestamp::micros)).bind(times.rule.clone());
        Ok(query.execute(&mut *self.inner).await?.rows_affected() == 1)
    }

    /// Something beside the account's row changes. False when somebody else changed it, or it cannot be changed.
    pub async fn touch_account(&mut self, id: &str, from: u64) -> Result<bool> {
        let query = sqlx::query(TOUCH).bind(id).bind(signed(from)?);
        Ok(query.execute(&mut *self.inner).await?.rows_affected() == 1)
    }

    /// Makes an account, at revision `from`, one that was merged into another, with all that were merged into it before.
    /// Its persons and reps are the other's. False when somebody else changed it.
    pub async fn point_account(&mut self, id: &str, from: u64, into: &str) -> Result<bool> {
        let query = sqlx::query(POINT).bind(id).bind(signed(from)?).bind(into).bind(Uuid::new_v4().to_string());
        if query.execute(&mut *self.inner).await?.rows_affected() != 1 {
            return Ok(false);
        }
        sqlx::query(POINT_ON).bind(id).bind(into).execute(&mut *self.inner).await?;
        Ok(true)
    }

    /// Puts back an account from the store's copy; false when the row is as new, or another account has the id.
    pub async fn restore_account(&mut self, row: &AccountRow) -> Result<bool> {
        let done = sqlx::query(RESTORE)
            .bind(row.id.as_str())
            .bind(row.uuid.to_string())
            .bind(row.kind.map(|kind| kind.as_str().to_owned()))
            .bind(row.language.map(|language| language.code().to_owned()))
            .bind(row.created_at.micros())
            .bind(row.updated_at.map(Timestamp::micros))
            .bind(row.closed_at.map(Timestamp::micros))
            .bind(row.relation_ended_at.map(Timestamp::micros))
            .bind(row.expires_at.map(Timestamp::micros))
            .bind(row.rule.clone())
            .bind(signed(row.revision)?)
            .bind(row.sealed.clone())
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Puts back that an account was merged into another, which has its persons; what is left under its key ends.
    pub async fn restore_pointer(&mut self, id: &str, into: &str, now: Timestamp) -> Result<()> {
        self.ensure_account(id, now).await?;
        let row = sqlx::query(LOAD).bind(id).fetch_one(&mut *self.inner).await?;
        let before = account_row(&row)?;
        let query = sqlx::query(POINT_AGAIN).bind(id).bind(into).bind(Uuid::new_v4().to_string());
        if query.execute(&mut *self.inner).await?.rows_affected() == 0 {
            return Ok(());
        }
        sqlx::query(POINT_ON).bind(id).bind(into).execute(&mut *self.inner).await?;
        self.move_persons_who_left(id, into).await?;
        if before.revision > 0 {
            self.end_account_key(before.uuid, AccountGround::Merged, now).await?;
        }
        Ok(())
    }
}
