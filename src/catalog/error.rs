//! What can go wrong in the catalog.

use sqlx::error::ErrorKind;

/// An error of the catalog. Its text is for logs: the engines' messages can name a table, never a value of ours.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The engine could not be reached or did not answer in time.
    #[error("the catalog does not answer: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// Two writers wanted the same name; the caller decides what that means.
    #[error("the row is there already")]
    AlreadyThere,
    /// The claim on a call is no longer the caller's, or another recording stands for the call since it was claimed.
    #[error("the claim on a call was lost")]
    ClaimLost,
    /// Since this process opened the catalog, its store, its keys or itself were moved.
    #[error("this catalog's store, keys or itself were moved since this process began: start it with the new settings")]
    Moved,
    /// A statement changed another number of rows than it must.
    #[error("a statement changed an unexpected number of rows: {0}")]
    Unexpected(&'static str),
    /// A stored value is none of those that this program writes.
    #[error("the catalog holds a value that it should not: {0}")]
    Corrupt(&'static str),
    /// The address is for an engine that is not known.
    #[error("not a catalog address: expected sqlite://… or postgres://…")]
    Address,
    /// The schema could not be brought up to date.
    #[error("the catalog's schema could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Anything else that the engine reports.
    #[error("the catalog reports an error: {}", engine_words(.0))]
    Engine(#[source] sqlx::Error),
}

impl CatalogError {
    /// A stable code for clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) | Self::Moved => "catalog-unavailable",
            _ => "internal",
        }
    }

    /// Whether it lies with the one row that was to be read or written, so that others may still be.
    pub fn is_of_one_row(&self) -> bool {
        match self {
            Self::AlreadyThere | Self::ClaimLost | Self::Unexpected(_) | Self::Corrupt(_) => true,
            // A constraint that a value breaks.
            Self::Engine(error) => error.as_database_error().is_some_and(|e| !matches!(e.kind(), ErrorKind::Other)),
            Self::Unavailable(_) | Self::Moved | Self::Address | Self::Migration(_) => false,
        }
    }
}

/// The engine's error code and class, without its message: PostgreSQL puts values of rows into details.
fn engine_words(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        Some(database) => format!("{:?} {}", database.kind(), database.code().unwrap_or_default()),
        None => error.to_string(),
    }
}

/// Whether an engine's error code says that it can be tried again in a while: PostgreSQL's SQLSTATE classes 08
/// (connection), 53 (too many connections, no memory, disk full), 57P (shut down, starting up, standby), 25006 (a primary
/// that became a standby), 40001 and 40P01 (serialization, deadlock); SQLite's 5 (busy) and 261 (busy, recovering).
fn comes_back(code: &str) -> bool {
    matches!(code, "25006" | "40001" | "40P01" | "5" | "261")
        || ["08", "53", "57P"].iter().any(|class| code.len() == 5 && code.starts_with(class))
}

impl From<sqlx::Error> for CatalogError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => Self::Unavailable(error),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            _ if error.as_database_error().is_some_and(|e| e.is_unique_violation()) => Self::AlreadyThere,
            _ if error.as_database_error().and_then(|e| e.code()).is_some_and(|code| comes_back(&code)) => {
                Self::Unavailable(error)
            }
            _ => Self::Engine(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_restart_of_the_engine_says_comes_back() {
        for code in ["57P01", "57P03", "08006", "53300", "40P01", "5"] {
            assert!(comes_back(code), "{code}");
        }
        for code in ["23505", "42P01", "22001", "1", "19", "2067", "57014"] {
            assert!(!comes_back(code), "{code}");
        }
    }
}
