//! Growing: an archive with all that there is in one, moved, and everything asked for again in its new place.

mod catalog;
mod keys;
mod store;

use earwitness::catalog::{Catalog, HoldRow};
use earwitness::recording::RecordingId;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::oversight::custody::check_proof;
use crate::rebuild::{checkpoint, head, hold, leaves, post, tree_hash};
use crate::support::engines::Engine;
use crate::support::world::{Server, World, call, five_years_less, tone, unix_now};

pub(crate) use catalog::CATALOG_POINTS;
pub(crate) use keys::KEYS_POINTS;
pub(crate) use store::STORE_POINTS;

const TRANSCRIPT: &str = "de makelaar belooft een bezichtiging op vrijdagmiddag";

/// One call that was taken in.
pub struct Taken {
    pub id: String,
    pub receipt: Vec<u8>,
    pub metadata: Value,
    pub audio: Vec<u8>,
}

/// What an archive has in it before it is moved.
pub struct Filled {
    pub world: World,
    pub ingest: String,
    pub legal: String,
    kept: Taken,
    held: Taken,
    doubtful: Taken,
    due: String,
    certificate: Vec<u8>,
    hold: HoldRow,
    /// A case with a note and a rule, as legal sees it.
    case: Value,
    checkpoints: Vec<String>,
}

async fn take_in(server: &Server, ingest: &str, metadata: Value, audio: Vec<u8>) -> Taken {
    let (id, receipt) = post(server, ingest, &metadata, &audio).await;
    Taken { id, receipt, metadata, audio }
}

async fn put_transcript(server: &Server, legal: &str, id: &str) {
    let request = server.client.put(format!("{}/v1/recordings/{id}/related/transcript", server.base));
    let answer = request.bearer_auth(legal).header("Content-Type", "text/plain").body(TRANSCRIPT).send().await;
    assert!(answer.expect("an answer").status().is_success());
}

async fn open_case(server: &Server, legal: &str) -> Value {
    let id = Uuid::new_v4();
    let path = format!("/v1/cases/{id}");
    let review_at = chrono::DateTime::from_timestamp(unix_now() + 60 * 24 * 3_600, 0).expect("a time").to_rfc3339();
    let new = json!({
        "id": id, "reference": "2026/12", "ground": "x", "owner": "An", "language": "nl", "review_at": review_at,
    });
    for (path, body) in [
        ("/v1/cases".to_owned(), new),
        (format!("{path}/notes"), json!({"text": "a note"})),
        (format!("{path}/holds"), json!({"account": "nobody's"})),
    ] {
        let request = server.client.post(format!("{}{path}", server.base)).bearer_auth(legal).json(&body);
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }
    server.get(legal, &path).await.json().await.expect("JSON")
}

impl Filled {
    /// A kept recording with a transcript, a held one, a quarantined one, and one that is purged and certified. The
    /// server is stopped.
    pub async fn new(engine: Engine) -> Self {
        let mut world = World::small_with(engine).await;
        let (ingest, legal) = (world.token("ingest"), world.token("legal"));
        let server = world.serve(None).await;
        let kept = take_in(&server, &ingest, call("kept", 60), tone(1)).await;
        let held = take_in(&server, &ingest, call("held", 90), tone(2)).await;
        let half = tone(3)[..20_000].to_vec();
        let doubtful = take_in(&server, &ingest, call("doubtful", 60), half).await;
        let due = take_in(&server, &ingest, call("due", five_years_less(3_600)), tone(4)).await.id;
        put_transcript(&server, &legal, &kept.id).await;
        let case = open_case(&server, &legal).await;
        let first = checkpoint(&server, &legal).await;
        server.stop().await;
        let hold = hold(&world, held.id.parse().expect("an id")).await;
        world.ahead_s = 7_200;
        let server = world.serve(None).await;
        let path = format!("/v1/retention/certificates/{due}");
        let certificate = server.until(&legal, &path, StatusCode::OK).await.bytes().await.expect("a certificate");
        world.until_sidecars_are_fresh().await;
        let second = checkpoint(&server, &legal).await;
        server.stop().await;
        let (certificate, checkpoints) = (certificate.to_vec(), vec![first, second]);
        Self { world, ingest, legal, kept, held, doubtful, due, certificate, hold, case, checkpoints }
    }

    /// Everything that was there is there, word for word and byte for byte, and what was purged is not.
    pub async fn check(&self) {
        let (world, legal) = (&self.world, &self.legal);
        let server = world.serve(None).await;
        for Taken { id, receipt, metadata, audio } in [&self.kept, &self.held, &self.doubtful] {
            let heard = server.get(legal, &format!("/v1/recordings/{id}/audio")).await;
            assert_eq!(heard.status(), StatusCode::OK);
            assert_eq!(heard.bytes().await.expect("audio"), *audio);
            let again = server.post(&self.ingest, metadata, audio).await.expect("an answer");
            assert_eq!(again.bytes().await.expect("a receipt"), *receipt, "word for word");
            self.check_custody(&server, id).await;
        }
        let path = format!("/v1/recordings/{}/related/transcript", self.kept.id);
        assert_eq!(server.get(legal, &path).await.text().await.expect("a text"), TRANSCRIPT);
        let found = server.client.post(format!("{}/v1/recordings/search", server.base)).bearer_auth(legal);
        let found = found.json(&json!({"number": "+32470001122"})).send().await.expect("an answer");
        let found: Value = found.json().await.expect("JSON");
        let found = found["recordings"].as_array().expect("a list").iter().map(|one| one["id"].as_str());
        let found: Vec<&str> = found.flatten().collect();
        for id in [&self.kept.id, &self.held.id, &self.doubtful.id] {
            assert!(found.contains(&id.as_str()), "{found:?}");
        }
        assert!(!found.contains(&self.due.as_str()), "{found:?}");
        assert_eq!(server.get(legal, &format!("/v1/recordings/{}", self.due)).await.status(), StatusCode::GONE);
        let path = format!("/v1/cases/{}", self.case["id"].as_str().expect("an id"));
        let case: Value = server.get(legal, &path).await.json().await.expect("JSON");
        assert_eq!(case, self.case, "a case is there with its note and its rule");
        let path = format!("/v1/retention/certificates/{}", self.due);
        assert_eq!(server.get(legal, &path).await.bytes().await.expect("a certificate"), self.certificate);
        self.check_tree(&server).await;
        let late = take_in(&server, &self.ingest, call(&Uuid::new_v4().to_string(), 30), tone(9)).await;
        let heard = server.get(legal, &format!("/v1/recordings/{}/audio", late.id)).await;
        assert_eq!(heard.bytes().await.expect("audio"), tone(9), "and it goes on");
        server.stop().await;
        let report = world.run_json(&["fsck", "--rehash", "--json"]);
        assert_eq!(report["findings"], json!([]), "{report}");
        self.check_hold().await;
    }

    async fn check_custody(&self, server: &Server, id: &str) {
        let page = server.get(&self.legal, &format!("/v1/recordings/{id}/custody")).await;
        let page: Value = page.json().await.expect("JSON");
        let point = page["checkpoint"].as_str().expect("a checkpoint");
        let entries = page["entries"].as_array().expect("entries");
        let proven: Vec<&Value> = entries.iter().filter(|entry| entry.get("proof").is_some()).collect();
        assert!(proven.iter().any(|entry| entry["kind"].as_str().expect("a kind").starts_with("recording.")), "{page}");
        for entry in proven {
            assert!(entry.get("opening").is_some(), "{page}");
            check_proof(entry, point);
        }
    }

    /// What was published before is the beginning of what is published now.
    async fn check_tree(&self, server: &Server) {
        let all = leaves(server, &self.legal).await;
        for old in &self.checkpoints {
            let (size, root) = head(old);
            assert!(size <= all.len());
            assert_eq!(tree_hash(&all[..size]).to_vec(), root, "a published checkpoint is contradicted");
        }
    }

    async fn check_hold(&self) {
        let catalog = Catalog::open(&self.world.catalog).await.expect("the catalog opens");
        let id: RecordingId = self.held.id.parse().expect("an id");
        assert_eq!(catalog.holds_of(id).await.expect("an answer"), [self.hold]);
        catalog.close().await;
    }

    /// Five years on everything but what is held is purged, in the new place as in the old one.
    pub async fn check_the_end(&mut self) {
        self.world.ahead_s += 5 * 366 * 24 * 3_600;
        let stopped = self.world.run(&["purge", "--json"]);
        assert_eq!(stopped.status.code(), Some(4), "five years since the last heartbeat");
        let report = self.world.run_json(&["purge", "--confirm", "moved on purpose", "--json"]);
        assert_eq!(report["failed"], 0, "{report}");
        assert!(self.world.objects_of(&self.kept.id).await.is_empty(), "purged");
        assert!(!self.world.objects_of(&self.held.id).await.is_empty(), "held");
        let (catalog, held) = (Catalog::open(&self.world.catalog).await.expect("it opens"), &self.held.id);
        let row = catalog.recording(held.parse().expect("an id")).await.expect("an answer");
        assert!(row.is_some_and(|row| row.wrapped.is_some()), "a hold wins after the move as well");
        catalog.close().await;
    }
}
