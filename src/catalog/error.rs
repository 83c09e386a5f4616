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

impl From<sqlx::Error> for CatalogError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => {
                Self::Unavailable(error)
            }
            _ if error.as_database_error().is_some_and(|e| e.is_unique_violation()) => Self::AlreadyThere,
            _ => Self::Engine(error),
        }
    }
}
