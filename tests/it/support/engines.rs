//! A fresh, empty catalog for each test, on each engine.

use std::path::Path;

use earwitness::catalog::Catalog;
use sqlx::{Connection, Executor};
use tempfile::TempDir;

/// Which engine a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// A catalog's address that lasts as long as this value.
pub struct CatalogPlace {
    pub url: String,
    _folder: TempDir,
}

impl CatalogPlace {
    /// A place where no catalog is yet.
    pub async fn new(engine: Engine) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = match engine {
            Engine::Sqlite => sqlite_url(&folder.path().join("catalog.db")),
            Engine::Postgres => postgres_schema().await,
        };
        Self { url, _folder: folder }
    }

    pub async fn open(&self) -> Catalog {
        Catalog::open(&self.url).await.expect("the catalog opens")
    }
}

pub fn sqlite_url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

/// Makes a schema of its own in the run's PostgreSQL and gives its address.
pub async fn postgres_schema() -> String {
    let server = std::env::var("EARWITNESS_TEST_POSTGRES")
        .expect("EARWITNESS_TEST_POSTGRES is not set: run the tests through ./test, which starts a PostgreSQL");
    let schema = format!("t{}", uuid::Uuid::new_v4().simple());
    let mut connection = sqlx::postgres::PgConnection::connect(&server).await.expect("PostgreSQL answers");
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).await.expect("a schema of one's own");
    connection.close().await.expect("the connection closes");
    let separator = if server.contains('?') { '&' } else { '?' };
    format!("{server}{separator}options=-csearch_path%3D{schema}")
}

/// Makes one test per engine out of an async function that takes a `&CatalogPlace`.
#[macro_export]
macro_rules! on_both_catalogs {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let place = $crate::support::engines::CatalogPlace::new($crate::support::engines::Engine::Sqlite).await;
                super::$name(&place).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let place = $crate::support::engines::CatalogPlace::new($crate::support::engines::Engine::Postgres).await;
                super::$name(&place).await;
            })+
        }
    };
}

/// Makes one test per engine out of an async function that takes an `Engine`.
#[macro_export]
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::support::engines::Engine::Sqlite).await; })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::support::engines::Engine::Postgres).await; })+
        }
    };
}
