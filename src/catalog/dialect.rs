//! The few places in which the two engines differ.

use sqlx::migrate::Migrator;

use super::CatalogError;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// The engine under the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded, one file; the default.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

impl Engine {
    pub(super) fn of_url(url: &str) -> Result<Self, CatalogError> {
        match url.split_once("://").map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Self::Sqlite),
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            _ => Err(CatalogError::Address),
        }
    }

    /// SQLite is told to make its file; the rest of the address is the user's.
    pub(super) fn connect_url(self, url: &str) -> String {
        match self {
            Self::Sqlite if !url.contains('?') => format!("{url}?mode=rwc"),
            _ => url.to_owned(),
        }
    }

    pub(super) fn pool_size(self, postgres_connections: u32) -> u32 {
        match self {
            Self::Sqlite => 8,
            Self::Postgres => postgres_connections,
        }
    }

    pub(super) fn migrator(self) -> &'static Migrator {
        match self {
            Self::Sqlite => &SQLITE,
            Self::Postgres => &POSTGRES,
        }
    }

    /// `synchronous=FULL` because an acknowledged recording survives a power cut; `secure_delete` because deleted
    /// is deleted; `busy_timeout` because the command line works beside a running server.
    pub(super) fn session_settings(self, busy_ms: u32) -> Vec<String> {
        match self {
            Self::Sqlite => vec![
                format!("PRAGMA busy_timeout = {busy_ms}"),
                "PRAGMA journal_mode = WAL".to_owned(),
                "PRAGMA synchronous = FULL".to_owned(),
                "PRAGMA secure_delete = ON".to_owned(),
                "PRAGMA foreign_keys = ON".to_owned(),
            ],
            Self::Postgres => vec!["SET default_transaction_isolation = 'read committed'".to_owned()],
        }
    }

    /// IMMEDIATE takes SQLite's write lock at once: a transaction that upgrades later can deadlock with another.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// Every transaction that writes reads the pins at its beginning (see [`super::pins`]), which in PostgreSQL holds
    /// the table until its end: whoever has the table alone is the only writer. In SQLite `BEGIN IMMEDIATE` suffices.
    pub(super) fn exclude_writers(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &[],
            // A dump can read for hours, and everybody would wait behind us.
            Self::Postgres => &["SET LOCAL lock_timeout = '30s'", "LOCK TABLE pins IN ACCESS EXCLUSIVE MODE"],
        }
    }

    pub(super) fn server_clock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"),
        }
    }
}
