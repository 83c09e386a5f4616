//! A recording that was searched, played, exported, held past its deadline and handed over goes like any other once it is
//! let go, or erased by a decision: nothing of it is left in the archive, and whatever was proved of it, or of anything else,
//! before that still holds.

use std::path::PathBuf;

use earwitness::purge::erasure::{ErasureOutcome, erase};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::erasure::locked::{erasures, give_key};
use crate::gone::{everything, place_with, rows_about};
use crate::oversight::custody::check_proof;
use crate::rebuild::{checkpoint, head, leaves, post, tree_hash};
use crate::support::stack::Stack;
use crate::support::world::{Server, World, call, five_years_less, tone};

const TRANSCRIPT: &str = "de koper biedt nog vierduizend euro meer";
const NUMBER: &str = "+32470001122";
/// What only the recording says of itself. The case's own words have a period of their own.
const PERSONAL: &[&str] = &[
    NUMBER,
    "32470001122",
    "Jantje Zonderland",
    "pers-77",
    "call-dispute",
    "agent-ann",
    "lead-9",
    "list-5",
    TRANSCRIPT,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_embedded() {
    forgotten_and_still_proved(Stack::Embedded, End::Deadline).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_production() {
    forgotten_and_still_proved(Stack::Production, End::Deadline).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_an_erasure_on_embedded() {
    forgotten_and_still_proved(Stack::Embedded, End::Erasure).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_an_erasure_on_production() {
    forgotten_and_still_proved(Stack::Production, End::Erasure).await;
}

/// Why it goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Its deadline came while it was held, and it was let go.
    Deadline,
    /// It was let go, and then erased before its deadline.
    Erasure,
}

struct Office {
    world: World,
    server: Server,
    an: String,
    bo: String,
}

impl Office {
    async fn post(&self, who: &str, path: &str, body: &Value) -> reqwest::Response {
        let request = self.server.client.post(format!("{}{path}", self.server.base)).bearer_auth(who);
        request.json(body).send().await.expect("an answer")
    }

    async fn posted(&self, who: &str, path: &str, body: &Value) -> Value {
        let answer = self.post(who, path, body).await;
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).expect("json")
    }

    async fn bytes(&self, path: &str) -> Vec<u8> {
        let answer = self.server.get(&self.an, path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.bytes().await.expect("a body").to_vec()
    }

    async fn certificate(&self, id: &str) -> Vec<u8> {
        let path = format!("/v1/retention/certificates/{id}");
        self.server.until(&self.an, &path, StatusCode::OK).await.bytes().await.expect("a certificate").to_vec()
    }

    /// A file that an outsider keeps, apart from the archive.
    fn keep(&self, outside: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
        let path = outside.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    fn verify(&self, file: &std::path::Path, key: &std::path::Path) {
        let done = self.world.run(&["verify", &file.display().to_string(), "--trust", &key.display().to_string()]);
        assert!(done.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&done.stdout));
    }
}

async fn office(stack: Stack) -> Office {
    let mut world = World::new(stack).await;
    if stack == Stack::Production {
        give_key(&mut world, &erasures());
    }
    let legal = |name: &str| {
        let made = world.run_json(&["token", "create", "--role", "legal", "--name", name, "--json"]);
        made["token"].as_str().expect("a token").to_owned()
    };
    let (an, bo) = (legal("An"), legal("Bo"));
    let server = world.serve(None).await;
    Office { world, server, an, bo }
}

/// What is done with a recording in a dispute, and the package that leaves.
async fn dispute(office: &Office, id: &str) -> (String, Vec<u8>) {
    let put = office.server.client.put(format!("{}/v1/recordings/{id}/related/transcript", office.server.base));
    let put = put.bearer_auth(&office.an).header("Content-Type", "text/plain").body(TRANSCRIPT);
    assert!(put.send().await.expect("an answer").status().is_success());
    let found = office.posted(&office.an, "/v1/recordings/search", &json!({"number": NUMBER})).await;
    assert_eq!(found["recordings"].as_array().map(Vec::len), Some(1), "{found}");
    for path in ["/listen", "/audio", "/vcon", "/related/transcript"] {
        office.bytes(&format!("/v1/recordings/{id}{path}")).await;
    }
    let case = json!({"reference": "2026/0147", "ground": "invoice disputed", "owner": "An", "language": "nl",
        "review_at": "2099-01-01T00:00:00Z"});
    let case = office.posted(&office.an, "/v1/cases", &case).await["id"].as_str().expect("an id").to_owned();
    let held = json!({"search": {"number": NUMBER}});
    office.posted(&office.an, &format!("/v1/cases/{case}/holds"), &held).await;
    let asked =
        json!({"purpose": "summons", "recipient": {"name": "bailiff Peeters", "kind": "bailiff"}, "recordings": [id]});
    let package = office.post(&office.an, &format!("/v1/cases/{case}/evidence"), &asked).await;
    assert_eq!(package.status(), StatusCode::OK);
    (case, package.bytes().await.expect("a package").to_vec())
}

async fn let_go(office: &Office, case: &str) {
    let path = format!("/v1/cases/{case}/release");
    let asked = office.posted(&office.an, &path, &json!({"all": true, "reason": "settled"})).await;
    let decision = json!({"release": asked["id"], "decision": "approve", "reason": "agreed"});
    let own = office.post(&office.an, &format!("{path}/approve"), &decision).await;
    assert_eq!(own.status(), StatusCode::FORBIDDEN, "nobody agrees with themselves");
    office.posted(&office.bo, &format!("{path}/approve"), &decision).await;
}

/// Erases it behind the running server's back, once nothing holds it.
async fn erase_when_let_go(office: &Office, id: &str, case: &str) {
    let archive = office.world.archive().await;
    let (recording, request) = (id.parse().expect("an id"), Uuid::new_v4());
    assert_eq!(erase(&archive, recording, request).await.expect("an answer"), ErasureOutcome::Held);
    let_go(office, case).await;
    assert_eq!(erase(&archive, recording, request).await.expect("an answer"), ErasureOutcome::Fenced);
    archive.catalog.close().await;
}

async fn forgotten_and_still_proved(stack: Stack, end: End) {
    let office = office(stack).await;
    let (world, server) = (&office.world, &office.server);
    let ingest = world.token("ingest");
    // Another one goes first: its certificate is older than all that happens to this one.
    let mut other = call("call-before", five_years_less(3));
    other["number"] = json!("+32499000000");
    let before = office.certificate(&post(server, &ingest, &other, &tone(9)).await.0).await;
    let recorded = if end == End::Deadline { five_years_less(30) } else { 600 };
    let (id, receipt) = post(server, &ingest, &call("call-dispute", recorded), &tone(5)).await;
    let (case, package) = dispute(&office, &id).await;

    let custody = server.until(&office.an, &format!("/v1/recordings/{id}/custody"), StatusCode::OK).await;
    let custody: Value = custody.json().await.expect("json");
    let old = checkpoint(server, &office.an).await;
    for (path, table) in [("rows", "recordings"), ("keys", "recording_keys"), ("look-ups", "lookups")] {
        assert!(rows_about(world, &id).await.iter().any(|(name, rows)| *name == table && *rows > 0), "{path}");
    }

    // Past its deadline it is legal's alone, and not for longer than the case.
    let rep = world.run_json(&["token", "create", "--role", "rep", "--name", "rep", "--account", "acc-1", "--json"]);
    let rep = rep["token"].as_str().expect("a token");
    if end == End::Deadline {
        server.until(rep, &format!("/v1/recordings/{id}"), StatusCode::GONE).await;
        office.bytes(&format!("/v1/recordings/{id}/audio")).await;
        let_go(&office, &case).await;
    } else {
        erase_when_let_go(&office, &id, &case).await;
        assert_eq!(server.get(rep, &format!("/v1/recordings/{id}")).await.status(), StatusCode::GONE);
    }
    let certificate = office.certificate(&id).await;
    assert_eq!(server.get(&office.an, &format!("/v1/recordings/{id}")).await.status(), StatusCode::GONE);

    let left = everything(world).await;
    assert!(place_with(&left, case.as_bytes()).is_some(), "what is there is found");
    let tombstone = left.iter().any(|(place, _)| place.contains("erased/") && place.contains(&id));
    assert_eq!(tombstone, end == End::Erasure, "it is searched as well");
    for needle in
        PERSONAL.iter().map(|word| word.as_bytes()).chain(tone(5)[44..].chunks(4_000).map(|piece| &piece[..64]))
    {
        assert_eq!(place_with(&left, needle), None, "{:?}", String::from_utf8_lossy(needle));
    }
    assert_eq!(world.objects_of(&id).await, Vec::<String>::new());
    for (table, rows) in rows_about(world, &id).await {
        assert_eq!(rows, 0, "{table} still has rows");
    }

    // What an outsider kept still holds, and the tree of today goes on from that of then.
    let outside = tempfile::tempdir().expect("a folder");
    let key = office.keep(&outside, "key.json", &office.bytes("/v1/ledger/key").await);
    for (name, bytes) in [
        ("receipt.json", receipt.as_slice()),
        ("before.json", before.as_slice()),
        ("certificate.json", certificate.as_slice()),
        ("checkpoint", old.as_bytes()),
        ("package.zip", package.as_slice()),
    ] {
        office.verify(&office.keep(&outside, name, bytes), &key);
    }
    let proven = custody["entries"].as_array().expect("entries").iter().filter(|entry| entry["proof"].is_string());
    assert!(proven.map(|entry| check_proof(entry, custody["checkpoint"].as_str().expect("text"))).count() > 0);
    let (size, root) = head(&old);
    let all = leaves(server, &office.an).await;
    assert_eq!(tree_hash(&all[..size]).to_vec(), root, "the tree of then is the beginning of today's");
}
