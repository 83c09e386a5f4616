//! The two stacks on which the suite runs: everything embedded (SQLite, a folder of objects, a folder of keys), and the
//! engines of a production (PostgreSQL, an S3 store, OpenBao) that `./test` started.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use earwitness::archive::{Archive, Parts};
use earwitness::clock::Clock;
use earwitness::config::{Config, Inputs};
use tempfile::TempDir;

use super::engines::{Engine, postgres_schema, sqlite_url};
use super::outsider::Outsider;

/// Which stack a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stack {
    Embedded,
    Production,
}

impl Stack {
    /// What its catalog is on.
    pub fn catalog(self) -> Engine {
        match self {
            Self::Embedded => Engine::Sqlite,
            Self::Production => Engine::Postgres,
        }
    }
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
#[derive(Debug, Clone, Default)]
pub struct Engines {
    settings: Vec<(&'static str, String)>,
    /// What the key server wants to see.
    token: Option<String>,
}

impl Engines {
    /// Places where nothing is yet: on the production stack a prefix of the bucket and a transit engine of their own.
    pub async fn new(stack: Stack, bucket: Bucket) -> Self {
        if stack == Stack::Embedded {
            return Self::default();
        }
        let name = format!("t{}", uuid::Uuid::new_v4().simple());
        let token = variable("EARWITNESS_TEST_BAO_TOKEN");
        let keys = transit_engine(&variable("EARWITNESS_TEST_BAO"), &token, &name).await;
        let address = match bucket {
            Bucket::Locked => variable("EARWITNESS_TEST_S3"),
            Bucket::Versioned => variable("EARWITNESS_TEST_S3_VERSIONED"),
        };
        let (place, query) = address.split_once('?').expect("an address with an endpoint");
        let store = format!("{place}/{name}?{query}");
        Self { settings: vec![("EARWITNESS_STORE", store), ("EARWITNESS_KEYS", keys)], token: Some(token) }
    }

    /// The store's address, where it is no folder.
    pub fn store(&self) -> Option<&str> {
        self.settings.iter().find(|(name, _)| *name == "EARWITNESS_STORE").map(|(_, address)| address.as_str())
    }

    /// The address of the keys, where they are in no folder.
    pub fn keys(&self) -> Option<&str> {
        self.settings.iter().find(|(name, _)| *name == "EARWITNESS_KEYS").map(|(_, address)| address.as_str())
    }

    /// Another address for this setting.
    pub fn set(&mut self, setting: &'static str, address: &str) {
        self.settings.retain(|(name, _)| *name != setting);
        self.settings.push((setting, address.to_owned()));
    }

    /// The same engines at another address.
    pub fn moved(&self, from: &str, to: &str) -> Self {
        let moved = self.settings.iter().map(|(name, value)| (*name, value.replace(from, to)));
        Self { settings: moved.collect(), token: self.token.clone() }
    }

    /// What a process finds in its environment; nothing where the engines are the embedded ones.
    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        let settings = self.settings.iter().map(|(name, value)| (*name, value.as_str()));
        settings.chain(self.token.iter().map(|token| ("BAO_TOKEN", token.as_str())))
    }

    /// The configuration of this process: `own` settings, and where the engines are. Its environment is the same for
    /// all tests, so that the token is in a file in `folder`.
    pub fn config<'a>(&'a self, folder: &Path, own: impl IntoIterator<Item = (&'a str, &'a str)>) -> Config {
        let settings = self.settings.iter().map(|(name, value)| (*name, value.as_str())).chain(own);
        let mut env: Vec<_> = settings.map(|(name, value)| (name.into(), value.into())).collect();
        if let Some(token) = &self.token {
            let file = folder.join("token");
            let open = std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&file);
            open.and_then(|mut opened| opened.write_all(token.as_bytes())).expect("a file");
            env.push(("EARWITNESS_KEYS_TOKEN_FILE".into(), file.into()));
        }
        Config::load(&Inputs { env, ..Inputs::default() }).expect("the configuration is good")
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests through ./test"))
}

/// Mounts a transit engine in the run's OpenBao and gives its address.
async fn transit_engine(server: &str, token: &str, name: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mount = client.post(format!("{server}/v1/sys/mounts/{name}")).header("X-Vault-Token", token);
    let mounted = mount.json(&serde_json::json!({"type": "transit"})).send().await.expect("OpenBao answers");
    assert!(mounted.status().is_success(), "{}", mounted.status());
    format!("transit+{server}/{name}")
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
        let engines = Engines::new(stack, bucket).await;
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
        self.engines.config(self.folder.path(), own.into_iter().chain(more.iter().copied()))
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

/// Makes one test per stack out of an async function that takes a `Stack` and makes its own place.
#[macro_export]
macro_rules! on_each_stack {
    ($($name:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::support::stack::Stack::Embedded).await; })+
        }
        mod production {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::support::stack::Stack::Production).await; })+
        }
    };
}
