//! Keys on a server, and the server is away: what is in memory goes on for its time, the rest says why it cannot, and
//! nothing is lost or left behind. Then the end of a month, with the key on that server.

use std::net::SocketAddr;
use std::time::Duration;

use earwitness::access::Role;
use earwitness::clock::Clock as _;
use earwitness::fsck;
use earwitness::ledger::destruction::DestructionRecord;
use earwitness::purge::{PurgeError, pass};
use earwitness::vault::keyring::DEFAULT_KEEP;
use earwitness::vault::objects::ObjectKey;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::on_both_stacks;
use crate::support::archive::{Answer, Running, Someone, at};
use crate::support::sounds::wav;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    the_key_server_goes_away_and_comes_back,
    a_purge_waits_for_its_count_and_not_for_ever,
    the_end_of_a_month_on_a_key_server,
);

/// What may stay unanswered until somebody asks again.
const PATIENCE: Duration = Duration::from_secs(30);

/// The way to the run's OpenBao, which can be cut.
struct Way {
    address: SocketAddr,
    server: String,
    cut: CancellationToken,
}

impl Way {
    async fn new() -> Self {
        let server = std::env::var("EARWITNESS_TEST_BAO").expect("run the tests through ./test");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut way = Self { address: listener.local_addr().unwrap(), server, cut: CancellationToken::new() };
        way.open(listener);
        way
    }

    fn open(&mut self, listener: TcpListener) {
        self.cut = CancellationToken::new();
        let (cut, server) = (self.cut.clone(), self.server.trim_start_matches("http://").to_owned());
        tokio::spawn(async move {
            loop {
                let (mut here, _) = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap(),
                    () = cut.cancelled() => return,
                };
                let (cut, server) = (cut.clone(), server.clone());
                tokio::spawn(async move {
                    let mut there = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut here, &mut there) => {}
                        () = cut.cancelled() => {}
                    }
                });
            }
        });
    }

    /// Connections break, and new ones are refused.
    async fn cut(&self) {
        self.cut.cancel();
        while TcpStream::connect(self.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    async fn mend(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.open(listener);
    }
}

/// An archive with its keys in an engine of its own.
struct Keyed {
    running: Running,
    way: Way,
    mount: String,
    _token: tempfile::TempDir,
}

async fn bao(method: &str, path: &str, body: &Value) -> (u16, Value) {
    let told = |name| std::env::var(name).expect("run the tests through ./test");
    let url = format!("{}/v1/{path}", told("EARWITNESS_TEST_BAO"));
    let question = reqwest::Client::new().request(method.parse().unwrap(), url).json(body);
    let answer = question.header("X-Vault-Token", told("EARWITNESS_TEST_BAO_TOKEN")).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

impl Keyed {
    async fn start(place: &Place) -> Self {
        let mount = format!("k{}", uuid::Uuid::new_v4().simple());
        assert_eq!(bao("POST", &format!("sys/mounts/{mount}"), &json!({"type": "transit"})).await.0, 204);
        let token = tempfile::tempdir().unwrap();
        let file = token.path().join("token");
        std::fs::write(&file, std::env::var("EARWITNESS_TEST_BAO_TOKEN").unwrap()).unwrap();
        let way = Way::new().await;
        let keys = format!("transit+http://{}/{mount}", way.address);
        let more = [("EARWITNESS_KEYS", keys.as_str()), ("EARWITNESS_KEYS_TOKEN_FILE", file.to_str().unwrap())];
        Self { running: Running::start_with(place, &more).await, way, mount, _token: token }
    }

    async fn post(&self, who: &Someone, call_id: &str, recorded_at: &str) -> Answer {
        let metadata = json!({"call_id": call_id, "account_id": "A-1", "recorded_at": recorded_at});
        self.running.post(who, &metadata, &wav(8_000, 1)).await
    }

    async fn keys_check(&self, who: &Someone) -> Value {
        let ready = self.running.get(who, "/readyz").await.json();
        ready["checks"].as_array().unwrap().iter().find(|check| check["name"] == "keys").unwrap().clone()
    }

    async fn until_keys_are_ready(&self, who: &Someone) {
        let asking = async {
            while self.keys_check(who).await["status"] == "failed" {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.expect("the keys are ready again");
    }
}

fn assert_unavailable(answer: &Answer) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("key-provider-unavailable")));
    assert!(!answer.header("retry-after").is_empty());
    let text = answer.json().to_string();
    assert!(!text.contains("127.0.0.1") && !text.contains("vault:"), "{text}");
}

async fn the_key_server_goes_away_and_comes_back(place: &Place) {
    let mut keyed = Keyed::start(place).await;
    let (crm, legal) =
        (keyed.running.token(Role::Ingest, &[], None).await, keyed.running.token(Role::Legal, &[], None).await);
    let today = "2026-11-22T09:00:00Z";
    let first = keyed.post(&crm, "a", today).await;
    assert_eq!(first.status, 201, "{:?}", first.told());
    assert_ne!(keyed.keys_check(&legal).await["status"], "failed");

    keyed.way.cut().await;
    assert_eq!(keyed.keys_check(&legal).await["status"], "failed");
    assert_eq!(keyed.running.get(&legal, "/readyz").await.status, 503);
    let cached = keyed.post(&crm, "b", today).await;
    assert_eq!(cached.status, 201, "what is in memory goes on: {:?}", cached.told());
    assert_eq!(keyed.running.read(&legal, first.id(), "/audio").await.status, 200);
    let stored = keyed.running.objects(None).await;
    assert_unavailable(&keyed.post(&crm, "c", "2026-01-22T09:00:00Z").await);
    assert_eq!(keyed.running.objects(None).await, stored, "a month that is not in memory: nothing is stored");

    keyed.running.clock.advance(DEFAULT_KEEP);
    assert_unavailable(&keyed.post(&crm, "d", today).await);
    assert_unavailable(&keyed.running.read(&legal, first.id(), "/audio").await);
    assert_unavailable(&keyed.running.read(&legal, first.id(), "").await);
    assert_unavailable(&keyed.running.search(&legal, &json!({"number": "+32470001122"})).await);
    assert_eq!(keyed.running.objects(None).await, stored);

    keyed.way.mend().await;
    keyed.until_keys_are_ready(&legal).await;
    for (call_id, recorded_at) in [("c", "2026-01-22T09:00:00Z"), ("d", today)] {
        let again = keyed.post(&crm, call_id, recorded_at).await;
        assert_eq!(again.status, 201, "{call_id}: {:?}", again.told());
    }
    for id in [first.id(), cached.id()] {
        assert_eq!(keyed.running.read(&legal, id, "/audio").await.body, wav(8_000, 1));
    }
    let report = fsck::run(&keyed.running.archive, fsck::Options { rehash: true, ..fsck::Options::default() }).await;
    assert!(report.unwrap().is_sound());
}

async fn a_purge_waits_for_its_count_and_not_for_ever(place: &Place) {
    let keyed = Keyed::start(place).await;
    let (running, archive) = (&keyed.running, &keyed.running.archive);
    let crm = running.token(Role::Ingest, &[], None).await;
    let id = keyed.post(&crm, "a", "2021-11-22T11:00:00Z").await.id();
    running.clock.set(at("2026-11-22T11:00:30Z"));
    keyed.way.cut().await;
    let report = match pass(archive).await {
        Err(PurgeError::Incomplete { report, .. }) => report,
        other => panic!("the key that seals the count is away: {other:?}"),
    };
    assert_eq!((report.keys_destroyed, report.objects_deleted, report.rows_deleted), (1, 1, 0), "{report:?}");
    assert!(archive.catalog.recording(id).await.unwrap().is_some());

    running.clock.advance(Duration::from_secs(3_600));
    // Whatever else needs a key fails; the recording does not.
    let report = match pass(archive).await {
        Err(PurgeError::Incomplete { report, .. }) => *report,
        other => other.expect("a pass"),
    };
    assert_eq!((report.rows_deleted, report.certified), (1, 1), "{report:?}");
    assert!(archive.catalog.recording(id).await.unwrap().is_none());
    assert_eq!(archive.catalog.statistics_months_open().await.unwrap(), [], "it was not counted");
}

async fn the_end_of_a_month_on_a_key_server(place: &Place) {
    let keyed = Keyed::start(place).await;
    let archive = &keyed.running.archive;
    let crm = keyed.running.token(Role::Ingest, &[], None).await;
    assert_eq!(keyed.post(&crm, "a", "2021-11-22T11:00:00Z").await.status, 201);
    let key = format!("{}/keys/month-2026-11", keyed.mount);
    assert_eq!(bao("GET", &key, &json!({})).await.0, 200);

    for day in ["2026-11-22T11:00:30Z", "2026-12-01T01:00:00Z"] {
        keyed.running.clock.set(at(day));
        archive.catalog.beat(at(day)).await.unwrap();
        let report = pass(archive).await.unwrap();
        assert!(report.stopped_by.is_empty(), "{:?}", report.stopped_by);
    }
    assert_eq!(bao("GET", &key, &json!({})).await.0, 404, "the server has no such key any more");
    let month = "2026-11".parse().unwrap();
    let document = archive.store.get(&ObjectKey::MonthDestroyed(month), 1 << 20).await.unwrap();
    let record: DestructionRecord = serde_json::from_slice(&document).unwrap();
    let now = keyed.running.clock.now();
    assert_eq!(
        (record.facts.provider.as_str(), record.facts.destroyed_at, record.facts.effective_at),
        ("transit", now, now)
    );
    assert!(!record.facts.takes_effect_later());
}
