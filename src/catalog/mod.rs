//! All SQL, and nothing but: one file per noun, the same text for both engines.
//!
//! What must hold here: statements are constants (one test prepares each on SQLite and PostgreSQL); a transaction
//! writes first (`UPDATE … RETURNING`) and never reads a row in order to decide whether to write it; every expected
//! row count is asserted. The catalog knows nothing of keys: sealed columns go through it as bytes.

use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::{Any, AnyPool, Executor, Row, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::clock::Timestamp;

mod access;
mod account_purge;
mod account_purge_row;
mod accounts;
mod brakes;
mod calls;
mod case_purge;
mod cases;
mod copy;
mod dialect;
mod disclosures;
mod erasures;
mod error;
mod guards;
mod holdings;
mod holds;
mod leases;
mod ledger;
mod lookups;
mod persons;
mod pins;
mod policies;
mod pulse;
mod purge_row;
mod purges;
mod recordings;
mod related;
mod release_row;
mod releases;
mod remains;
mod rules;
mod search;
mod secrets;
mod sql;
mod statistics;
mod tokens;
mod totals;

pub use account_purge_row::{AccountGround, AccountPurgeRow, EndedAccount, ErasedMark};
pub use accounts::{AccountFilter, AccountRow, AccountTimes};
pub use brakes::{Brake, BrakeKind, KnownTimes};
pub use calls::{CallClaim, CallState};
pub use case_purge::{CasePurgeStage, ClosedCase};
pub use cases::{CaseFilter, CaseRow, NoteRow};
pub use copy::{Kind as ColumnKind, NOT_COPIED, TABLES, Table, TableSum};
pub use dialect::Engine;
pub use disclosures::{DisclosureFilter, DisclosureRow, DisclosureState};
pub use erasures::{EarlyFence, ErasureRow};
pub use error::CatalogError;
pub use guards::Guard;
pub use holdings::{Countable, Extent};
pub use holds::{HeldRecording, HoldOutcome, HoldRow};
use pins::Bound;

pub use ledger::{LedgerState, NewEntry, NewOpening, OpeningRow, SequencedEntry, UnsequencedEntry};
pub use lookups::{Lookups, PersonLookups};
pub use persons::{PersonMacs, PersonRow};
pub use pins::{Pins, pin};
pub use policies::PolicyRow;
pub use pulse::{Busy, Pulse};
pub use purge_row::{Deleted, LOCKED_OBJECTS, LOCKED_VERSIONS, Locked, PurgeRow, PurgeStage};
pub use recordings::{NewRecording, RecordingRow, Stage, Wrap};
pub use related::RelatedRow;
pub use release_row::{HoldToRelease, ReleaseRow, ReleaseScope, ReleaseState};
pub use rules::RuleRow;
pub use search::{Filter, Page, ScopeFilter};
pub use secrets::{SecretRow, SecretState};
pub use sql::prepare_all;
pub use statistics::OpenCell;
pub use tokens::TokenRow;
pub use totals::{MonthTotals, Totals};

type Result<T> = std::result::Result<T, CatalogError>;

/// How long a statement waits for SQLite's write lock, held by another process, before it gives up.
const SQLITE_BUSY_MS: u32 = 30_000;

/// Connections to PostgreSQL, unless said otherwise.
const POSTGRES_CONNECTIONS: u32 = 16;

/// How often, with what pause, and how long each time the catalog's log is tried to be emptied while somebody reads it.
const SETTLE_ATTEMPTS: u32 = 5;
const SETTLE_PAUSE: Duration = Duration::from_millis(100);
const SETTLE_BUSY_MS: u32 = 200;

/// The catalog: a pool of connections to one of the two engines.
#[derive(Clone)]
pub struct Catalog {
    pool: AnyPool,
    engine: Engine,
    /// SQLite has one writer; waiting for it here is fair and costs no polling. PostgreSQL has none.
    writer: Option<Arc<Mutex<()>>>,
    /// What must still be pinned whenever something is written through this handle.
    bound: Arc<Bound>,
}

/// A transaction that writes. Dropped without `commit`, it leaves nothing behind.
pub struct Tx {
    inner: Transaction<'static, Any>,
    _writer: Option<OwnedMutexGuard<()>>,
}

impl Catalog {
    /// Connects to `url` (`sqlite://path` or `postgres://…`), makes the database file where there is none, and
    /// brings the schema up to date.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, POSTGRES_CONNECTIONS).await
    }

    /// The same with at most so many connections to PostgreSQL. Nodes that start at once bring the schema up to date one
    /// after the other, under the engine's own lock (an advisory lock on PostgreSQL).
    pub async fn open_with(url: &str, postgres_connections: u32) -> Result<Self> {
        install_default_drivers();
        let engine = Engine::of_url(url)?;
        let target = engine.connect_url(url);
        let pool = AnyPoolOptions::new()
            .max_connections(engine.pool_size(postgres_connections))
            .acquire_timeout(Duration::from_secs(30))
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    for pragma in engine.session_settings(SQLITE_BUSY_MS) {
                        connection.execute(sqlx::AssertSqlSafe(pragma)).await?;
                    }
                    Ok(())
                })
            })
            .connect(&target)
            .await?;
        engine.migrator().run(&pool).await?;
        let writer = (engine == Engine::Sqlite).then(|| Arc::new(Mutex::new(())));
        Ok(Self { pool, engine, writer, bound: Arc::default() })
    }

    /// Which engine this is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Begins a transaction that writes. [`CatalogError::Moved`] once store, keys or catalog were moved elsewhere.
    pub async fn begin(&self) -> Result<Tx> {
        let mut tx = self.begin_any().await?;
        tx.check_bound(&self.bound).await?;
        Ok(tx)
    }

    /// Begins a transaction beside which nobody else writes: it waits for those that are running, and new ones wait
    /// for its end. For moving what this catalog belongs to.
    pub async fn begin_alone(&self) -> Result<Tx> {
        let mut tx = self.begin_any().await?;
        for statement in self.engine.exclude_writers() {
            sqlx::query(*statement).execute(&mut *tx.inner).await?;
        }
        tx.check_bound(&self.bound).await?;
        Ok(tx)
    }

    async fn begin_any(&self) -> Result<Tx> {
        let writer = match &self.writer {
            Some(writer) => Some(writer.clone().lock_owned().await),
            None => None,
        };
        let inner = self.pool.begin_with(self.engine.begin()).await?;
        Ok(Tx { inner, _writer: writer })
    }

    /// The engine's own clock, where it has one that is not this machine's by definition (PostgreSQL).
    pub async fn server_now(&self) -> Result<Option<Timestamp>> {
        let Some(statement) = self.engine.server_clock() else { return Ok(None) };
        let micros: i64 = sqlx::query_scalar(statement).fetch_one(&self.pool).await?;
        Ok(Some(Timestamp::from_micros(micros)))
    }

    /// Asks for an answer. [`CatalogError::Moved`] when nothing could be written any more.
    pub async fn ping(&self) -> Result<()> {
        self.bound.check(&self.pins().await?)
    }

    /// Makes the engine let go of what was deleted (SQLite: empties the write-ahead log into the file, where
    /// `secure_delete` has overwritten it). PostgreSQL has autovacuum, and nothing in it was ever readable.
    ///
    /// False when it could not: somebody read for too long what was there before.
    pub async fn settle(&self) -> Result<bool> {
        if self.engine != Engine::Sqlite {
            return Ok(true);
        }
        for attempt in 0..SETTLE_ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(SETTLE_PAUSE).await;
            }
            if self.empty_log().await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// One attempt, which keeps no writer waiting for longer than it must; false when a reader was in the way.
    async fn empty_log(&self) -> Result<bool> {
        let _writer = match &self.writer {
            Some(writer) => Some(writer.lock().await),
            None => None,
        };
        let mut connection = self.pool.acquire().await?;
        for pragma in self.engine.session_settings(SETTLE_BUSY_MS) {
            connection.execute(sqlx::AssertSqlSafe(pragma)).await?;
        }
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
        for pragma in self.engine.session_settings(SQLITE_BUSY_MS) {
            connection.execute(sqlx::AssertSqlSafe(pragma)).await?;
        }
        // The row is (busy, pages in the log, pages moved).
        Ok(row?.try_get::<i64, _>(0)? == 0)
    }

    /// Closes every connection; for a graceful end.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl Tx {
    /// Makes what was written durable.
    pub async fn commit(self) -> Result<()> {
        self.inner.commit().await?;
        Ok(())
    }

    /// Takes everything back.
    pub async fn rollback(self) -> Result<()> {
        self.inner.rollback().await?;
        Ok(())
    }
}

/// A count of rows that had to be exactly one.
fn exactly_one(affected: u64, what: &'static str) -> Result<()> {
    if affected == 1 { Ok(()) } else { Err(CatalogError::Unexpected(what)) }
}

/// `i64` to `u64`, for columns that are never negative.
fn unsigned(value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| CatalogError::Corrupt("a count below zero"))
}

/// `u64` to the `i64` of a column.
fn signed(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| CatalogError::Corrupt("a count beyond the column"))
}
