//! The purge's brakes and its heartbeat.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::sql::statements;
use super::{Catalog, CatalogError, Result, Tx};
use crate::clock::Timestamp;

statements! {
    BEAT = "INSERT INTO heartbeat (id, at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at = excluded.at";
    LAST_BEAT = "SELECT at FROM heartbeat WHERE id = 1";
    NEWEST_UNTIL = "SELECT CAST(max(t.at) AS BIGINT) AS at FROM (SELECT max(at) AS at FROM ledger_entries WHERE at <= $1 \
        UNION ALL SELECT max(received_at) AS at FROM recordings WHERE received_at <= $1) t";
    OLDEST_SINCE = "SELECT CAST(min(t.at) AS BIGINT) AS at FROM (SELECT min(at) AS at FROM ledger_entries WHERE at > $1 \
        UNION ALL SELECT min(received_at) AS at FROM recordings WHERE received_at > $1) t";
    RAISE = "INSERT INTO brakes (id, kind, raised_at, detail) SELECT $1, $2, $3, $4 \
        WHERE NOT EXISTS (SELECT 1 FROM brakes WHERE kind = $2 AND confirmed_at IS NULL)";
    OPEN = "SELECT id, kind, raised_at, detail, confirmed_at, permit_count, permit_until FROM brakes \
        WHERE confirmed_at IS NULL ORDER BY raised_at, id";
    CONFIRM = "UPDATE brakes SET confirmed_at = $2, permit_count = $3, permit_until = $4 WHERE id = $1 AND confirmed_at IS NULL";
    PERMIT = "SELECT CAST(max(permit_count) AS BIGINT) AS permit FROM brakes WHERE kind = 'too-much-due' AND permit_until > $1";
}

/// Why the purge stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrakeKind {
    /// The clock is more than a day from the last heartbeat.
    ClockJump,
    /// This machine's clock and the catalog's disagree.
    ClockDisagrees,
    /// Far more is due than usual.
    TooMuchDue,
}

impl BrakeKind {
    /// As it stands in the catalog, in JSON and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClockJump => "clock-jump",
            Self::ClockDisagrees => "clock-disagrees",
            Self::TooMuchDue => "too-much-due",
        }
    }

    /// Whether it says that the clock may be wrong.
    pub fn is_about_the_clock(self) -> bool {
        matches!(self, Self::ClockJump | Self::ClockDisagrees)
    }

    fn parse(text: &str) -> Result<Self> {
        let all = [Self::ClockJump, Self::ClockDisagrees, Self::TooMuchDue];
        all.into_iter().find(|kind| kind.as_str() == text).ok_or(CatalogError::Corrupt("brakes.kind"))
    }
}

/// A brake that is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brake {
    /// Its id.
    pub id: Uuid,
    /// Why.
    pub kind: BrakeKind,
    /// Since when.
    pub raised_at: Timestamp,
    /// What was seen, in figures.
    pub detail: String,
}

/// What the rows that a rebuild brings back (the ledger's entries, the recordings) say about the time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KnownTimes {
    /// The newest at or before the instant that was asked about.
    pub until: Option<Timestamp>,
    /// The oldest after it.
    pub since: Option<Timestamp>,
    /// The newest of all.
    pub newest: Option<Timestamp>,
}

fn brake_row(row: &AnyRow) -> Result<Brake> {
    let id: String = row.try_get("id")?;
    Ok(Brake {
        id: Uuid::try_parse(&id).map_err(|_| CatalogError::Corrupt("brakes.id"))?,
        kind: BrakeKind::parse(&row.try_get::<String, _>("kind")?)?,
        raised_at: Timestamp::from_micros(row.try_get("raised_at")?),
        detail: row.try_get("detail")?,
    })
}

impl Catalog {
    /// When the purge last looked at the clock.
    pub async fn last_heartbeat(&self) -> Result<Option<Timestamp>> {
        let at: Option<i64> = sqlx::query_scalar(LAST_BEAT).fetch_optional(&self.pool).await?;
        Ok(at.map(Timestamp::from_micros))
    }

    /// The times that the catalog's rows bear, around `edge`. Reads every entry: for when there is no heartbeat.
    pub async fn known_times(&self, edge: Timestamp) -> Result<KnownTimes> {
        let end = Timestamp::from_micros(i64::MAX);
        Ok(KnownTimes {
            until: self.known_time(NEWEST_UNTIL, edge).await?,
            since: self.known_time(OLDEST_SINCE, edge).await?,
            newest: self.known_time(NEWEST_UNTIL, end).await?,
        })
    }

    async fn known_time(&self, statement: &'static str, edge: Timestamp) -> Result<Option<Timestamp>> {
        let row = sqlx::query(statement).bind(edge.micros()).fetch_one(&self.pool).await?;
        Ok(row.try_get::<Option<i64>, _>("at")?.map(Timestamp::from_micros))
    }

    /// Notes that the purge looked at the clock.
    pub async fn beat(&self, now: Timestamp) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.beat(now).await?;
        tx.commit().await
    }

    /// The brakes that are on.
    pub async fn open_brakes(&self) -> Result<Vec<Brake>> {
        sqlx::query(OPEN).fetch_all(&self.pool).await?.iter().map(brake_row).collect()
    }

    /// How many an operator lets go on at once, while that permission lasts.
    pub async fn purge_permit(&self, now: Timestamp) -> Result<Option<u64>> {
        let row = sqlx::query(PERMIT).bind(now.micros()).fetch_one(&self.pool).await?;
        row.try_get::<Option<i64>, _>("permit")?.map(super::unsigned).transpose()
    }
}

impl Tx {
    /// Notes that the purge looked at the clock.
    pub async fn beat(&mut self, now: Timestamp) -> Result<()> {
        sqlx::query(BEAT).bind(now.micros()).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Puts a brake on; false when one of its kind is on already.
    pub async fn raise_brake(&mut self, brake: &Brake) -> Result<bool> {
        let done = sqlx::query(RAISE)
            .bind(brake.id.to_string())
            .bind(brake.kind.as_str())
            .bind(brake.raised_at.micros())
            .bind(brake.detail.as_str())
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Lets a brake go, with a permission for `permit_count` recordings until `permit_until`.
    pub async fn confirm_brake(
        &mut self,
        id: Uuid,
        now: Timestamp,
        permit_count: u64,
        permit_until: Timestamp,
    ) -> Result<bool> {
        let done = sqlx::query(CONFIRM)
            .bind(id.to_string())
            .bind(now.micros())
            .bind(super::signed(permit_count)?)
            .bind(permit_until.micros())
            .execute(&mut *self.inner)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}
