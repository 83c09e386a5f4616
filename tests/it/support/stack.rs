//! The two stacks on which the suite runs: everything embedded (SQLite, a folder of objects, a folder of keys), and the
//! engines of a production (PostgreSQL, an S3 store, OpenBao) that `./test` started.

use std::path::Path;
use std::sync::Arc;

use earwitness::archive::{Archive, Parts};
use earwitness::clock::Clock;
use earwitness::config::{Config, Inputs};
use tempfile::TempDir;

use super::engines::{postgres_schema, sqlite_url};
use super::outsider::Outsider;

/// Which stack a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stack {
    Embedded,
    Production,
}

/// Which of the store's buckets a test of the production stack has its objects in.
///
/// A store lives in real time: a lock that ends in five years outlives every purge that a test moves its clock to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// With Object Lock. For tests that live in real time.
    Locked,
    /// With versions, and without Object Lock. For tests that move their clock to a purge.
    Versioned,
}

/// Where one installation has its objects and its keys.
#[derive(Debug, Clone)]
pub struct Engines {
    settings: Vec<(&'static str, String)>,
}

impl Engines {
    /// Places where nothing is yet. `folder` is for what the servers' secrets need.
    pub async fn new(_stack: Stack, _bucket: Bucket, _folder: &Path) -> Self {
        Self { settings: Vec::new() }
    }

    /// The store's address, where it is no folder.
    pub fn store(&self) -> Option<&str> {
        self.settings().find(|(name, _)| *name == "EARWITNESS_STORE").map(|(_, address)| address)
    }

    /// The settings that name them; none where they are the embedded ones, below the data folder.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

/// Reads settings as they are written in the environment.
pub fn config<'a>(settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Config {
    let env = settings.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    Config::load(&Inputs { env, ..Inputs::default() }).expect("the configuration is good")
}

/// Where one installation of the tests in this process has its catalog, its objects and its keys. What is embedded lasts
/// as long as the last clone of this.
#[derive(Clone)]
pub struct Place {
    pub stack: Stack,
    /// The catalog's address.
    pub catalog: String,
    bucket: Bucket,
    engines: Engines,
    folder: Arc<TempDir>,
}

impl Place {
    /// A place where nothing is yet.
    pub async fn new(stack: Stack, bucket: Bucket) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        let engines = Engines::new(stack, bucket, folder.path()).await;
        Self { stack, catalog: new_catalog(stack, folder.path()).await, bucket, engines, folder }
    }

    /// The same objects and keys, with an empty catalog, as after a loss.
    pub async fn without_its_catalog(&self) -> Self {
        Self { catalog: new_catalog(self.stack, self.folder.path()).await, ..self.clone() }
    }

    /// Another installation of the same kind, which has nothing in common with this one.
    pub async fn of_a_stranger(&self) -> Self {
        Self::new(self.stack, self.bucket).await
    }

    /// A folder for what the test itself needs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The bucket, seen from outside. On the production stack only.
    pub async fn outsider(&self) -> Outsider {
        Outsider::at(self.engines.store().expect("a bucket")).await
    }

    /// The installation's configuration, and `more`.
    pub fn config(&self, more: &[(&str, &str)]) -> Config {
        let data = self.folder.path().join("data");
        let own = [
            ("EARWITNESS_DATA", data.to_str().expect("a plain path")),
            ("EARWITNESS_CATALOG", &self.catalog),
            ("EARWITNESS_SPOOL", self.folder.path().to_str().expect("a plain path")),
        ];
        config(own.into_iter().chain(self.engines.settings()).chain(more.iter().copied()))
    }

    /// Opens the archive of this place, with `more` settings.
    pub async fn open(&self, clock: Arc<dyn Clock>, more: &[(&str, &str)]) -> Arc<Archive> {
        let parts = Parts {
            config: self.config(more),
            clock,
            decoder_program: env!("CARGO_BIN_EXE_earwitness").into(),
            clock_is_system: false,
        };
        Archive::open(parts).await.expect("the archive opens")
    }
}

async fn new_catalog(stack: Stack, folder: &Path) -> String {
    match stack {
        Stack::Embedded => sqlite_url(&folder.join(format!("catalog-{}.db", uuid::Uuid::new_v4().simple()))),
        Stack::Production => postgres_schema().await,
    }
}

/// Makes one test per stack out of an async function that takes a `&Place`; says in which bucket the objects are there.
#[macro_export]
macro_rules! on_both_stacks {
    (in $bucket:ident: $($name:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                use $crate::support::stack::{Bucket, Place, Stack};
                super::$name(&Place::new(Stack::Embedded, Bucket::$bucket).await).await;
            })+
        }
        mod production {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                use $crate::support::stack::{Bucket, Place, Stack};
                super::$name(&Place::new(Stack::Production, Bucket::$bucket).await).await;
            })+
        }
    };
}
