//! An installation of its own, run by the real binary: started, killed, moved in time, started again.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use earwitness::archive::engines::{open_keys, open_store};
use earwitness::archive::{Archive, Parts};
use earwitness::catalog::Catalog;
use earwitness::clock::{Clock, SystemClock};
use earwitness::config::Config;
use earwitness::vault::keys::KeyProvider;
use earwitness::vault::objects::{ObjectKey, ObjectStore};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection, Executor};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::engines::{Engine, sqlite_url};
use super::objects;
use super::outsider::Outsider;
use super::stack::{Bucket, Engines, Stack};
use super::wiretap::Wiretap;

/// How long anything that must happen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A data folder, a catalog, a store, keys, and what the process is told.
pub struct World {
    pub folder: TempDir,
    pub stack: Stack,
    pub catalog: String,
    pub(super) engines: Engines,
    pub(super) store: OnceCell<Arc<dyn ObjectStore>>,
    /// Seconds by which the process's clock is ahead.
    pub ahead_s: i64,
}

/// A running `serve`.
pub struct Server {
    child: Child,
    pub base: String,
    pub client: Client,
}

impl World {
    /// One that lives in real time, but for moments: on the production stack its store has Object Lock.
    pub async fn new(stack: Stack) -> Self {
        Self::within(stack, Bucket::Locked).await
    }

    /// One whose clock will be moved to a purge: see [`Bucket`].
    pub async fn moving_its_clock(stack: Stack) -> Self {
        Self::within(stack, Bucket::Versioned).await
    }

    /// One with everything in its data folder but the catalog, which is on this engine.
    pub async fn small_with(engine: Engine) -> Self {
        let mut world = Self::new(Stack::Embedded).await;
        world.catalog = empty_catalog(&world.folder, engine).await;
        world
    }

    async fn within(stack: Stack, bucket: Bucket) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let engines = Engines::new(stack, bucket).await;
        let catalog = empty_catalog(&folder, stack.catalog()).await;
        Self { folder, stack, catalog, engines, store: OnceCell::new(), ahead_s: 0 }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its objects, through the program's own trait.
    pub async fn store(&self) -> &dyn ObjectStore {
        let opened =
            self.store.get_or_init(async || open_store(&self.config(), &clock()).await.expect("the store opens"));
        opened.await.as_ref()
    }

    /// From now on all traffic to store, catalog and key server is listened to. On the production stack only.
    pub async fn listened_to(&mut self) -> [Wiretap; 3] {
        let (store, keys) = (self.engines.store().expect("a bucket"), self.engines.keys().expect("a key server"));
        let wires = [authority(store, "endpoint=http://"), authority(&self.catalog, "@"), authority(keys, "://")];
        let taps =
            [Wiretap::before(&wires[0]).await, Wiretap::before(&wires[1]).await, Wiretap::before(&wires[2]).await];
        let [store, catalog, keys] = [0, 1, 2].map(|n| (wires[n].as_str(), taps[n].address.to_string()));
        self.catalog = self.catalog.replace(catalog.0, &catalog.1);
        self.engines = self.engines.moved(store.0, &store.1).moved(keys.0, &keys.1);
        taps
    }

    /// From now on this setting, of its store or its keys, is another one.
    pub fn use_engine(&mut self, setting: &'static str, address: &str) {
        self.engines.set(setting, address);
        self.store = OnceCell::new();
    }

    /// Its bucket, seen from outside. On the production stack only.
    pub async fn outsider(&self) -> Outsider {
        Outsider::at(self.engines.store().expect("a bucket")).await
    }

    /// Its keys, through the program's own trait.
    pub async fn keys(&self) -> Arc<dyn KeyProvider> {
        open_keys(&self.config(), &clock()).await.expect("the keys open")
    }

    /// The address of its keys. On the production stack only.
    pub fn keys_address(&self) -> &str {
        self.engines.keys().expect("a key server")
    }

    /// Its archive, opened in this process, with the machine's clock.
    pub async fn archive(&self) -> Arc<Archive> {
        let program = env!("CARGO_BIN_EXE_earwitness").into();
        let parts = Parts { config: self.config(), clock: clock(), decoder_program: program, clock_is_system: false };
        Archive::open(parts).await.expect("the archive opens")
    }

    fn config(&self) -> Config {
        let data = self.data().display().to_string();
        let own = [("EARWITNESS_DATA", data.as_str()), ("EARWITNESS_CATALOG", &self.catalog)];
        self.engines.config(self.folder.path(), own)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_earwitness"));
        command
            .args(arguments)
            .envs(self.engines.environment())
            .env("EARWITNESS_DATA", self.data())
            .env("EARWITNESS_CATALOG", &self.catalog)
            .env("EARWITNESS_SPOOL", self.folder.path())
            .env("EARWITNESS_SWEEP_INTERVAL", "200ms")
            .env("EARWITNESS_TEST_CLOCK_OFFSET_S", self.ahead_s.to_string())
            .env("EARWITNESS_LOG", "warn")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// The same with more in its environment.
    pub fn run_with(&self, arguments: &[&str], env: &[(&str, &str)]) -> Output {
        self.command(arguments).envs(env.iter().copied()).output().expect("the binary runs")
    }

    /// Runs a command that has to succeed, and reads its one JSON document.
    pub fn run_json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {}\n{stderr}", output.status);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{arguments:?}: {e}\n{stderr}"))
    }

    pub fn token(&self, role: &str) -> String {
        self.token_with_id(role).1
    }

    /// A new token's id, and the token.
    pub fn token_with_id(&self, role: &str) -> (String, String) {
        let made = self.run_json(&["token", "create", "--role", role, "--name", role, "--json"]);
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        (text("id"), text("token"))
    }

    /// Starts `serve` and waits until it is ready; `fail_at` names the fail point at which it kills itself.
    pub async fn serve(&self, fail_at: Option<&str>) -> Server {
        let env: Vec<_> = fail_at.iter().map(|name| ("EARWITNESS_FAILPOINT", *name)).collect();
        self.serve_with(&env).await
    }

    /// The same, where the fail point does nothing before [`World::arm`]: a start comes past many of them.
    pub async fn serve_to_be_armed(&self, fail_at: &str) -> Server {
        let armed = self.arm_file().display().to_string();
        let _ = std::fs::remove_file(&armed);
        self.serve_with(&[("EARWITNESS_FAILPOINT", fail_at), ("EARWITNESS_TEST_ARMED", &armed)]).await
    }

    /// From now on the fail point of [`World::serve_to_be_armed`] kills.
    pub fn arm(&self) {
        std::fs::write(self.arm_file(), b"").expect("a file");
    }

    fn arm_file(&self) -> PathBuf {
        self.folder.path().join("armed")
    }

    async fn serve_with(&self, env: &[(&str, &str)]) -> Server {
        let port = free_port();
        let mut command = self.command(&["serve", "--listen", &format!("127.0.0.1:{port}")]);
        command.envs(env.iter().copied());
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("serve.log"));
        let log = log.expect("a log file");
        let child = command.stdout(Stdio::null()).stderr(log).spawn().expect("the binary starts");
        let mut server = Server { child, base: format!("http://127.0.0.1:{port}"), client: Client::new() };
        server.until_ready().await;
        server
    }

    /// Every file below the data folder and the catalog's file, with its bytes: for looking for what must be nowhere.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        walk(self.folder.path(), &mut files);
        files
    }

    /// The paths of everything that a recording has in the store, in order.
    pub async fn objects_of(&self, id: &str) -> Vec<String> {
        objects::of_recordings(self.store().await, Some(id)).await
    }

    /// The newest certificate of a purge in the store.
    pub async fn certificate(&self) -> (ObjectKey, Vec<u8>) {
        let key = objects::certificates(self.store().await).await.pop().expect("a certificate");
        (key, objects::bytes_of(self.store().await, &key).await)
    }

    /// Waits until this is so.
    pub async fn until(&self, is_so: impl AsyncFn(&Self) -> bool, what: &str) {
        let end = Instant::now() + PATIENCE;
        while !is_so(self).await {
            assert!(Instant::now() < end, "in vain: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the running server's housekeeping has brought every sidecar up to its row.
    pub async fn until_sidecars_are_fresh(&self) {
        let end = Instant::now() + PATIENCE;
        let catalog = Catalog::open(&self.catalog).await.expect("the catalog opens");
        while !catalog.stale_sidecars(1).await.expect("an answer").is_empty() {
            assert!(Instant::now() < end, "a sidecar stays older than its row");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        catalog.close().await;
    }

    /// Waits until the running server's housekeeping has made the keys of the next months.
    pub async fn until_months_are_ahead(&self) {
        let end = Instant::now() + PATIENCE;
        let catalog = Catalog::open(&self.catalog).await.expect("the catalog opens");
        while catalog.live_months().await.expect("an answer").len() < 3 {
            assert!(Instant::now() < end, "the next months have no keys");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        catalog.close().await;
    }

    /// A copy of the catalog as it is now. No process may be using it.
    pub async fn back_up(&self) -> String {
        let Some((_, name)) = self.catalog.strip_prefix("postgres").and_then(|rest| rest.rsplit_once('/')) else {
            let copy = sqlite_file(&self.folder);
            let from = self.catalog.trim_start_matches("sqlite://");
            for end in ["", "-wal"] {
                let from = format!("{from}{end}");
                if Path::new(&from).exists() {
                    std::fs::copy(from, format!("{}{end}", copy.display())).expect("a copy of the catalog");
                }
            }
            return sqlite_url(&copy);
        };
        database(&format!("CREATE DATABASE {{name}} TEMPLATE {name}")).await
    }

    /// An empty place for a catalog, as after a loss.
    pub async fn empty_catalog(&self) -> String {
        let engine = if self.catalog.starts_with("sqlite") { Engine::Sqlite } else { Engine::Postgres };
        empty_catalog(&self.folder, engine).await
    }
}

/// An empty place for a catalog on this engine.
pub async fn empty_catalog(folder: &TempDir, engine: Engine) -> String {
    match engine {
        Engine::Sqlite => sqlite_url(&sqlite_file(folder)),
        Engine::Postgres => database("CREATE DATABASE {name}").await,
    }
}

fn sqlite_file(folder: &TempDir) -> PathBuf {
    folder.path().join(format!("catalog-{}.db", uuid::Uuid::new_v4().simple()))
}

fn walk(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, files);
        } else if let Ok(bytes) = std::fs::read(&path) {
            files.push((path, bytes));
        }
    }
}

/// Makes a database in the run's PostgreSQL and gives its address.
async fn database(statement: &str) -> String {
    let server = std::env::var("EARWITNESS_TEST_POSTGRES").expect("run the tests through ./test");
    let name = format!("w{}", uuid::Uuid::new_v4().simple());
    let mut connection = sqlx::postgres::PgConnection::connect(&server).await.expect("PostgreSQL answers");
    let statement = statement.replace("{name}", &name);
    connection.execute(sqlx::AssertSqlSafe(statement)).await.expect("a database of one's own");
    connection.close().await.expect("the connection closes");
    let (base, _) = server.rsplit_once('/').expect("an address with a database");
    format!("{base}/{name}")
}

/// `host:port` in an address, which stands behind this.
fn authority(address: &str, behind: &str) -> String {
    let (_, rest) = address.split_once(behind).expect("an address with a host");
    rest.split(['/', '&']).next().expect("a host").to_owned()
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}

impl Server {
    async fn until_ready(&mut self) {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Ok(response) = self.client.get(format!("{}/readyz", self.base)).send().await
                && response.status() == StatusCode::OK
            {
                return;
            }
            // Killed by its fail point while starting: that is an end as well.
            if self.child.try_wait().expect("the child's state").is_some() || Instant::now() > end {
                assert!(Instant::now() <= end, "serve did not become ready");
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Posts a recording; an error when the server dies under it.
    pub async fn post(&self, token: &str, metadata: &Value, audio: &[u8]) -> reqwest::Result<Response> {
        let request = self.client.post(format!("{}/v1/recordings", self.base)).bearer_auth(token);
        request.multipart(upload(metadata, audio)).send().await
    }

    pub async fn get(&self, token: &str, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.base)).bearer_auth(token);
        request.header("Earwitness-Purpose", "test").send().await.expect("an answer")
    }

    /// Asks again until the answer has this status.
    pub async fn until(&self, token: &str, path: &str, status: StatusCode) -> Response {
        let end = Instant::now() + PATIENCE;
        loop {
            let response = self.get(token, path).await;
            if response.status() == status {
                return response;
            }
            assert!(Instant::now() < end, "{path} still answers {}", response.status());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("the child's state").is_none()
    }

    /// Waits for the process to end by itself.
    pub async fn until_dead(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child's state") {
                return status;
            }
            assert!(Instant::now() < end, "the process did not reach its fail point");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("a kill");
        self.child.wait().expect("an end");
    }

    /// SIGTERM, and a graceful end.
    pub async fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
        let status = self.until_dead().await;
        assert!(status.success(), "serve ended with {status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The two parts of an upload.
pub fn upload(metadata: &Value, audio: &[u8]) -> Form {
    Form::new()
        .part("metadata", Part::text(metadata.to_string()).mime_str("application/json").expect("a media type"))
        .part("audio", Part::bytes(audio.to_vec()).file_name("audio"))
}

/// Four seconds of two tones, mono, 8 kHz, 16 bits; another `seed`, another sound.
pub fn tone(seed: u32) -> Vec<u8> {
    tone_of(4, seed)
}

/// The same for so many seconds.
pub fn tone_of(seconds: u32, seed: u32) -> Vec<u8> {
    let rate = 8_000_u32;
    let samples: Vec<u8> = (0..rate * seconds)
        .flat_map(|n| {
            let t = f64::from(n) / f64::from(rate);
            let low = (t * (300.0 + f64::from(seed % 97) * 7.0) * std::f64::consts::TAU).sin();
            let high = (t * (1_100.0 + f64::from(seed % 31) * 13.0) * std::f64::consts::TAU).sin();
            (((low + high * 0.5) * 9_000.0) as i16).to_le_bytes()
        })
        .collect();
    let mut wav = Vec::new();
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + samples.len() as u32).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&rate.to_le_bytes());
    wav.extend_from_slice(&(rate * 2).to_le_bytes());
    wav.extend_from_slice(b"\x02\0\x10\0data");
    wav.extend_from_slice(&(samples.len() as u32).to_le_bytes());
    wav.extend_from_slice(&samples);
    wav
}

/// The metadata of a call recorded `ago_s` seconds ago by the machine's clock.
pub fn call(name: &str, ago_s: i64) -> Value {
    let at = chrono::DateTime::from_timestamp(unix_now() - ago_s, 0).expect("a time");
    json!({
        "call_id": name, "account_id": "acc-1", "recorded_at": at.to_rfc3339(), "direction": "inbound",
        "agent": "agent-ann", "person": {"id": "pers-77", "name": "Jantje Zonderland"}, "number": "+32470001122",
        "lead_id": "lead-9", "listing_id": "list-5", "product": "leads", "language": "nl"
    })
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "a test of the real process lives in the machine's time")]
pub fn unix_now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// So long before now that the five years are over `left_s` seconds from now.
pub fn five_years_less(left_s: i64) -> i64 {
    #[expect(clippy::disallowed_methods, reason = "a test of the real process lives in the machine's time")]
    let now = chrono::Utc::now();
    let then = now.checked_sub_months(chrono::Months::new(60)).expect("a date");
    (now - then).num_seconds() - left_s
}
