//! The end of an account's data: fenced, its key destroyed, its objects and rows deleted, looked at again, certified. Each
//! step is one idempotent transaction; what drives it is a row of its own, which outlives the account's.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::account_purge_row::{AccountGround, AccountPurgeRow, EndedAccount, ErasedMark, account_purge_row};
use super::cases::{time, uuid};
use super::purge_row::{Deleted, PurgeStage};
use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx, exactly_one, unsigned};
use crate::clock::Timestamp;

/// The columns of an account's purge.
macro_rules! purge_columns {
    () => {
        "SELECT uuid, account_id, ground, request_id, rule, expires_at, stage, fenced_at, keys_destroyed_at, key_effective_at, \
         objects_deleted_at, rows_deleted_at, looked_again_at, deleted, entry_id FROM account_purges "
    };
}

statements! {
    DUE = "SELECT id FROM accounts WHERE stage = 'live' AND expires_at <= $1 AND id > $2 ORDER BY id LIMIT $3";
    COUNT_DUE = "SELECT count(*) FROM accounts WHERE stage = 'live' AND expires_at <= $1";
    // Write first: whoever changes the account has its row.
    FENCE_DUE = "UPDATE accounts SET stage = 'fenced' WHERE id = $1 AND stage = 'live' AND expires_at <= $2 \
        RETURNING uuid, rule, expires_at";
    FENCE = "UPDATE accounts SET stage = 'fenced' WHERE id = $1 AND stage = 'live' AND merged_into IS NULL \
        RETURNING uuid, rule, expires_at";
    OPEN = "INSERT INTO account_purges (uuid, account_id, ground, request_id, rule, expires_at, stage, fenced_at, deleted, id_mac, forget_at) \
        VALUES ($1, $2, $3, $4, $5, $6, 'fenced', $7, '{}', $8, $9) ON CONFLICT (uuid) DO NOTHING";
    AT_STAGE = concat!(purge_columns!(), "WHERE stage = $1 AND uuid > $2 ORDER BY uuid LIMIT $3");
    ONE = concat!(purge_columns!(), "WHERE uuid = $1");
    UNDER_WAY = "SELECT count(*) FROM account_purges WHERE stage <> 'certified'";
    FENCED_SINCE = "SELECT count(*) FROM account_purges WHERE fenced_at >= $1 AND ground = 'deadline'";
    TO_KEYS = "UPDATE account_purges SET stage = 'keys_destroyed', keys_destroyed_at = $2, deleted = $3, key_effective_at = $4 \
        WHERE uuid = $1 AND stage = 'fenced'";
    TO_OBJECTS = "UPDATE account_purges SET stage = 'objects_deleted', objects_deleted_at = $2, deleted = $3 \
        WHERE uuid = $1 AND stage = 'keys_destroyed'";
    TO_ROWS = "UPDATE account_purges SET stage = 'rows_deleted', rows_deleted_at = $2, deleted = $3, account_id = NULL \
        WHERE uuid = $1 AND stage = 'objects_deleted'";
    TO_LOOKED = "UPDATE account_purges SET stage = 'looked_again', looked_again_at = $2, entry_id = $3 \
        WHERE uuid = $1 AND stage = 'rows_deleted'";
    // Of what went elsewhere, or never was, there is nothing to certify.
    TO_END = "UPDATE account_purges SET stage = 'certified', looked_again_at = $2, certified_at = $2 \
        WHERE uuid = $1 AND stage = 'rows_deleted'";
    TO_CERTIFIED = "UPDATE account_purges SET stage = 'certified', certified_at = $2, document = $3 WHERE uuid = $1 AND stage = 'looked_again'";
    PERSONS = "DELETE FROM account_persons WHERE account_id = $1";
    REPS = "DELETE FROM account_reps WHERE account_id = $1";
    // What recordings still refer to is kept, and says no more than that. The portal does not get them back by it.
    BARE = "UPDATE accounts SET uuid = $2, kind = NULL, language = NULL, updated_at = NULL, relation_ended_at = NULL, \
        expires_at = NULL, rule = NULL, sealed = NULL, revision = 0, stored_revision = 0, stage = 'live', \
        closed_at = COALESCE(closed_at, relation_ended_at, $3) WHERE id = $1";
    APART = "UPDATE accounts SET merged_into = NULL, closed_at = $2 WHERE merged_into = $1";
    GONE = "DELETE FROM accounts WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM recordings r WHERE r.account_id = accounts.id)";
    // Nobody said anything of it, nothing is stamped with it, and no upload is about to be.
    IDLE = "SELECT id, uuid FROM accounts WHERE revision = 0 AND merged_into IS NULL AND stage = 'live' AND created_at < $1 AND id > $2 \
        AND NOT EXISTS (SELECT 1 FROM recordings r WHERE r.account_id = accounts.id) ORDER BY id LIMIT $3";
    TAKE_IDLE = "UPDATE accounts SET created_at = created_at WHERE id = $1 AND revision = 0 AND merged_into IS NULL AND stage = 'live'";
    LEFT = "SELECT (SELECT count(*) FROM accounts WHERE uuid = $1) + (SELECT count(*) FROM ledger_openings WHERE sealed_under = $2) \
        + (SELECT count(*) FROM secrets WHERE name = $2 AND wrapped IS NOT NULL)";
    ID_OF = "SELECT id FROM accounts WHERE uuid = $1";
    ERASED = "SELECT count(*) FROM account_purges WHERE id_mac = $1 AND forget_at > $2";
    FORGET = "UPDATE account_purges SET id_mac = NULL, forget_at = NULL WHERE id_mac IS NOT NULL AND forget_at <= $1";
    CERTIFICATE = "SELECT document FROM account_purges WHERE uuid = $1 AND document IS NOT NULL";
    FENCE_AGAIN = "UPDATE accounts SET stage = 'fenced' WHERE id = $1";
    RESTORE = "INSERT INTO account_purges (uuid, account_id, ground, rule, expires_at, stage, fenced_at, keys_destroyed_at, \
          key_effective_at, objects_deleted_at, rows_deleted_at, looked_again_at, certified_at, deleted, id_mac, forget_at, document) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $8, $8, $8, $8, '{}', $9, $10, $11) ON CONFLICT (uuid) DO NOTHING";
    MARK_OF = "SELECT id_mac, forget_at FROM account_purges WHERE uuid = $1 AND id_mac IS NOT NULL AND forget_at IS NOT NULL";
}

fn secret_of(uuid: Uuid) -> String {
    format!("account-{}", uuid.as_hyphenated())
}

impl Catalog {
    /// Accounts that may be fenced now, after `after` in the order of their ids.
    pub async fn accounts_due(&self, now: Timestamp, after: &str, limit: u32) -> Result<Vec<String>> {
        let query = sqlx::query_scalar(DUE).bind(now.micros()).bind(after).bind(i64::from(limit));
        Ok(query.fetch_all(&self.pool).await?)
    }

    /// How many those are.
    pub async fn count_accounts_due(&self, now: Timestamp) -> Result<u64> {
        unsigned(sqlx::query_scalar(COUNT_DUE).bind(now.micros()).fetch_one(&self.pool).await?)
    }

    /// How many were fenced since because their time was over.
    pub async fn accounts_fenced_since(&self, since: Timestamp) -> Result<u64> {
        unsigned(sqlx::query_scalar(FENCED_SINCE).bind(since.micros()).fetch_one(&self.pool).await?)
    }

    /// How many accounts' ends are under way.
    pub async fn account_purges_under_way(&self) -> Result<u64> {
        unsigned(sqlx::query_scalar(UNDER_WAY).fetch_one(&self.pool).await?)
    }

    /// Ends that have come just so far, after `after`.
    pub async fn account_purges_at(
        &self,
        stage: PurgeStage,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<AccountPurgeRow>> {
        let after = after.map(|uuid| uuid.to_string()).unwrap_or_default();
        let query = sqlx::query(AT_STAGE).bind(stage.as_str()).bind(after).bind(i64::from(limit));
        query.fetch_all(&self.pool).await?.iter().map(account_purge_row).collect()
    }

    /// The end of one account's data.
    pub async fn account_purge(&self, uuid: Uuid) -> Result<Option<AccountPurgeRow>> {
        let row = sqlx::query(ONE).bind(uuid.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(account_purge_row).transpose()
    }

    /// Its certificate.
    pub async fn account_certificate(&self, uuid: Uuid) -> Result<Option<Vec<u8>>> {
        Ok(sqlx::query_scalar(CERTIFICATE).bind(uuid.to_string()).fetch_optional(&self.pool).await?)
    }

    /// Whether the account with this keyed hash was erased by a decision.
    pub async fn account_was_erased(&self, id_mac: &[u8], now: Timestamp) -> Result<bool> {
        let query = sqlx::query_scalar(ERASED).bind(id_mac.to_vec()).bind(now.micros());
        let count: i64 = query.fetch_one(&self.pool).await?;
        Ok(count > 0)
    }

    /// What keeps an account that was erased by a decision from coming back.
    pub async fn erased_mark(&self, uuid: Uuid) -> Result<Option<ErasedMark>> {
        let row = sqlx::query(MARK_OF).bind(uuid.to_string()).fetch_optional(&self.pool).await?;
        row.map(|row| Ok((row.try_get("id_mac")?, time(&row, "forget_at")?))).transpose()
    }

    /// Accounts of which nothing was ever said and that nothing refers to, made before that time, after `after`.
    pub async fn idle_accounts(&self, before: Timestamp, after: &str, limit: u32) -> Result<Vec<(String, Uuid)>> {
        let query = sqlx::query(IDLE).bind(before.micros()).bind(after).bind(i64::from(limit));
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((row.try_get("id")?, uuid(row, "uuid")?))).collect()
    }
}

impl Tx {
    /// The fence of an account whose time is over: from here on nobody sees it, and nothing is put under its key. None when
    /// it is not due, or fenced already.
    pub async fn fence_account(&mut self, id: &str, now: Timestamp) -> Result<Option<AccountPurgeRow>> {
        let fenced = sqlx::query(FENCE_DUE).bind(id).bind(now.micros()).fetch_optional(&mut *self.inner).await?;
        let Some(row) = fenced else { return Ok(None) };
        self.open_account_purge(id, &row, AccountGround::Deadline, None, None, now).await.map(Some)
    }

    /// The fence of an account that is erased before its time. None when there is none of that id, or it is fenced already.
    pub async fn fence_erased_account(
        &mut self,
        id: &str,
        request: Uuid,
        mark: &ErasedMark,
        now: Timestamp,
    ) -> Result<Option<AccountPurgeRow>> {
        let fenced = sqlx::query(FENCE).bind(id).fetch_optional(&mut *self.inner).await?;
        let Some(row) = fenced else { return Ok(None) };
        self.open_account_purge(id, &row, AccountGround::Erasure, Some(request), Some(mark), now).await.map(Some)
    }

    async fn open_account_purge(
        &mut self,
        id: &str,
        row: &AnyRow,
        ground: AccountGround,
        request: Option<Uuid>,
        mark: Option<&ErasedMark>,
        now: Timestamp,
    ) -> Result<AccountPurgeRow> {
        let name: String = row.try_get("uuid")?;
        sqlx::query(OPEN)
            .bind(name.as_str())
            .bind(id)
            .bind(ground.as_str())
            .bind(request.map(|request| request.to_string()))
            .bind(row.try_get::<Option<String>, _>("rule")?)
            .bind(row.try_get::<Option<i64>, _>("expires_at")?)
            .bind(now.micros())
            .bind(mark.map(|(mac, _)| mac.clone()))
            .bind(mark.map(|(_, until)| until.micros()))
            .execute(&mut *self.inner)
            .await?;
        let row = sqlx::query(ONE).bind(name.as_str()).fetch_one(&mut *self.inner).await?;
        let purge = account_purge_row(&row)?;
        self.close_secret(&secret_of(purge.uuid), now).await?;
        Ok(purge)
    }

    /// What is under the key of an account that is no more ends: it was merged into another, or nothing was ever said of it.
    pub async fn end_account_key(&mut self, uuid: Uuid, ground: AccountGround, now: Timestamp) -> Result<()> {
        sqlx::query(OPEN)
            .bind(uuid.to_string())
            .bind(None::<String>)
            .bind(ground.as_str())
            .bind(None::<String>)
            .bind(None::<String>)
            .bind(None::<i64>)
            .bind(now.micros())
            .bind(None::<Vec<u8>>)
            .bind(None::<i64>)
            .execute(&mut *self.inner)
            .await?;
        self.close_secret(&secret_of(uuid), now).await
    }

    /// Notes that the key is destroyed, and from when on for good. `found` is what the store has, counted before.
    pub async fn account_key_destroyed(
        &mut self,
        purge: &AccountPurgeRow,
        found: &Deleted,
        (now, effective_at): (Timestamp, Timestamp),
    ) -> Result<()> {
        self.secret_is_destroyed(&secret_of(purge.uuid), now).await?;
        let done = sqlx::query(TO_KEYS)
            .bind(purge.uuid.to_string())
            .bind(now.micros())
            .bind(text_of(found)?)
            .bind(effective_at.micros())
            .execute(&mut *self.inner)
            .await?;
        exactly_one(done.rows_affected(), STEP_TAKEN)
    }

    /// Notes that the objects are gone.
    pub async fn account_objects_deleted(&mut self, purge: &AccountPurgeRow, now: Timestamp) -> Result<()> {
        self.advance_account(TO_OBJECTS, purge.uuid, now, &purge.deleted).await
    }

    /// Deletes the rows and erases the ledger's openings. What recordings still refer to stays, bare.
    pub async fn delete_account(&mut self, purge: &AccountPurgeRow, now: Timestamp) -> Result<()> {
        let mut deleted = purge.deleted.clone();
        deleted.insert("ledger_openings".to_owned(), self.erase_openings_under(&secret_of(purge.uuid)).await?);
        if let Some(id) = &purge.account_id {
            deleted.extend(self.delete_account_rows(id, now).await?);
        }
        self.advance_account(TO_ROWS, purge.uuid, now, &deleted).await
    }

    async fn delete_account_rows(&mut self, id: &str, now: Timestamp) -> Result<Deleted> {
        let mut deleted = Deleted::new();
        for (name, statement) in [("account_persons", PERSONS), ("account_reps", REPS)] {
            let done = sqlx::query(statement).bind(id).execute(&mut *self.inner).await?;
            deleted.insert(name.to_owned(), done.rows_affected());
        }
        // Those that were merged into it stand by themselves, until nothing refers to them.
        sqlx::query(APART).bind(id).bind(now.micros()).execute(&mut *self.inner).await?;
        let bare = sqlx::query(BARE).bind(id).bind(Uuid::new_v4().to_string()).bind(now.micros());
        let rows = bare.execute(&mut *self.inner).await?.rows_affected();
        deleted.insert("accounts".to_owned(), rows);
        sqlx::query(GONE).bind(id).execute(&mut *self.inner).await?;
        Ok(deleted)
    }

    async fn advance_account(
        &mut self,
        statement: &'static str,
        uuid: Uuid,
        now: Timestamp,
        deleted: &Deleted,
    ) -> Result<()> {
        let query = sqlx::query(statement).bind(uuid.to_string()).bind(now.micros()).bind(text_of(deleted)?);
        exactly_one(query.execute(&mut *self.inner).await?.rows_affected(), STEP_TAKEN)
    }

    /// How many rows of any kind still speak of an account, or are under its key.
    pub async fn account_rows_left(&mut self, uuid: Uuid) -> Result<u64> {
        let query = sqlx::query_scalar(LEFT).bind(uuid.to_string()).bind(secret_of(uuid));
        unsigned(query.fetch_one(&mut *self.inner).await?)
    }

    /// Notes that nothing was found any more, and which ledger entry says so.
    pub async fn account_looked_again(&mut self, uuid: Uuid, now: Timestamp, entry: Uuid) -> Result<()> {
        let query = sqlx::query(TO_LOOKED).bind(uuid.to_string()).bind(now.micros()).bind(entry.to_string());
        exactly_one(query.execute(&mut *self.inner).await?.rows_affected(), STEP_TAKEN)
    }

    /// Ends what has no certificate.
    pub async fn account_ended(&mut self, uuid: Uuid, now: Timestamp) -> Result<()> {
        let query = sqlx::query(TO_END).bind(uuid.to_string()).bind(now.micros());
        exactly_one(query.execute(&mut *self.inner).await?.rows_affected(), STEP_TAKEN)
    }

    /// Keeps the certificate and ends the purge.
    pub async fn certify_account(&mut self, uuid: Uuid, document: &[u8], now: Timestamp) -> Result<()> {
        let query = sqlx::query(TO_CERTIFIED).bind(uuid.to_string()).bind(now.micros()).bind(document.to_vec());
        exactly_one(query.execute(&mut *self.inner).await?.rows_affected(), STEP_TAKEN)
    }

    /// Deletes the row of an account of which nothing was ever said; false when something was meanwhile, or refers to it. Where
    /// it `has_key`, that ends as well.
    pub async fn remove_idle_account(&mut self, id: &str, uuid: Uuid, has_key: bool, now: Timestamp) -> Result<bool> {
        // The row first, in a statement of its own: see `close_month`.
        if sqlx::query(TAKE_IDLE).bind(id).execute(&mut *self.inner).await?.rows_affected() == 0 {
            return Ok(false);
        }
        for statement in [PERSONS, REPS] {
            sqlx::query(statement).bind(id).execute(&mut *self.inner).await?;
        }
        if sqlx::query(GONE).bind(id).execute(&mut *self.inner).await?.rows_affected() == 0 {
            return Ok(false);
        }
        if has_key {
            self.end_account_key(uuid, AccountGround::NeverFilled, now).await?;
        }
        Ok(true)
    }

    /// Forgets the marks of erased accounts whose time is over.
    pub async fn forget_erased_accounts(&mut self, now: Timestamp) -> Result<u64> {
        Ok(sqlx::query(FORGET).bind(now.micros()).execute(&mut *self.inner).await?.rows_affected())
    }

    /// Re-applies the end of an account's data that the store has the word of: for a catalog that is brought up to date. What
    /// is not certified yet is fenced, and the purge does it again. Returns whether there was an account.
    pub async fn restore_account_purge(&mut self, ended: &EndedAccount<'_>) -> Result<bool> {
        let EndedAccount { uuid, ground, at, rule, expires_at, mark, certificate } = *ended;
        let query = sqlx::query_scalar(ID_OF).bind(uuid.to_string());
        let id: Option<String> = query.fetch_optional(&mut *self.inner).await?;
        let is_done = certificate.is_some() || !ground.is_certified();
        if is_done {
            self.erase_openings_under(&secret_of(uuid)).await?;
            if let Some(id) = &id {
                self.delete_account_rows(id, at).await?;
            }
        } else if let Some(id) = &id {
            sqlx::query(FENCE_AGAIN).bind(id.as_str()).execute(&mut *self.inner).await?;
        }
        let time = is_done.then_some(at.micros());
        sqlx::query(RESTORE)
            .bind(uuid.to_string())
            .bind(id.clone().filter(|_| !is_done))
            .bind(ground.as_str())
            .bind(rule.map(str::to_owned))
            .bind(expires_at.map(Timestamp::micros))
            .bind(if is_done { "certified" } else { "fenced" })
            .bind(at.micros())
            .bind(time)
            .bind(mark.map(|(mac, _)| mac.clone()))
            .bind(mark.map(|(_, until)| until.micros()))
            .bind(certificate.map(<[u8]>::to_vec))
            .execute(&mut *self.inner)
            .await?;
        if is_done {
            self.restore_destroyed(&secret_of(uuid), at).await?;
        }
        Ok(id.is_some())
    }
}

/// What goes wrong when two do the same step.
const STEP_TAKEN: &str = "a step of an account's purge was done by somebody else";

fn text_of(deleted: &Deleted) -> Result<String> {
    serde_json::to_string(deleted).map_err(|_| CatalogError::Corrupt("counts"))
}
