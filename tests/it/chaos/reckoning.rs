//! What has to be so once everything is quiet again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use earwitness::catalog::Catalog;
use earwitness::clock::Timestamp;
use earwitness::vault::objects::ObjectKey;
use futures::{StreamExt as _, stream};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use super::load::{Call, Done};
use crate::rebuild::{head, leaves_at};
use crate::support::objects::{certificates, recordings};
use crate::support::world::{World, unix_now};

/// Until dead claims and leases are over, what they leave is settled, and the last deadlines have passed.
const PATIENCE: Duration = Duration::from_secs(300);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Reads at a time.
const READS: usize = 4;

/// What was acknowledged, by the recordings' ids.
pub struct Promised {
    /// Not due for years.
    live: BTreeMap<String, Arc<Call>>,
    /// Due by now.
    due: BTreeMap<String, Arc<Call>>,
}

impl Promised {
    /// Each call has one recording at the most, whatever nodes it was sent to and however often.
    pub fn of(done: &Done) -> Self {
        let mut promised = Self { live: BTreeMap::new(), due: BTreeMap::new() };
        for call in &done.calls {
            let receipts = call.receipts.lock().expect("no panic").clone();
            assert!(receipts.windows(2).all(|two| two[0] == two[1]), "{} has two receipts", call.name);
            let expected = if call.is_twice { 2 } else { 1 };
            assert!(receipts.len() == expected || call.due_at.is_some(), "{} was not acknowledged", call.name);
            let Some(id) = call.id() else { continue };
            let of_its_kind = if call.due_at.is_some() { &mut promised.due } else { &mut promised.live };
            assert!(of_its_kind.insert(id, call.clone()).is_none(), "{} has another call's recording", call.name);
        }
        promised
    }

    pub fn counts(&self) -> (usize, usize) {
        (self.live.len(), self.due.len())
    }

    fn live_ids(&self) -> Vec<String> {
        self.live.keys().cloned().collect()
    }

    /// Waits until catalog and store have what is promised and nothing else, and nothing is left to be done.
    pub async fn until_settled(&self, world: &World) {
        let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
        let (begun, mut last) = (Instant::now(), String::new());
        loop {
            let totals = catalog.totals(now()).await.expect("totals");
            let waiting = (totals.purging, totals.stale_sidecars, totals.unsequenced);
            let due = catalog.count_due(now()).await.expect("a count");
            let unguarded = catalog.count_guards_missing().await.expect("a count");
            let stored = recordings(world.store().await).await;
            let dead = catalog.abandoned_calls(Timestamp::from_micros(i64::MAX), 1_000).await.expect("claims");
            let is_over = self.due.values().all(|call| call.due_at.is_some_and(|at| at < unix_now()));
            if is_over
                && (waiting, due, unguarded, dead.len()) == ((0, 0, 0), 0, 0, 0)
                && totals.live as usize == self.live.len()
                && stored == self.live_ids()
            {
                break;
            }
            let now =
                format!("{totals:?}, {due} due, {unguarded} unguarded, {} claims, {} stored", dead.len(), stored.len());
            if now != last {
                eprintln!("{:4} s: {now}; {} are to be kept", begun.elapsed().as_secs(), self.live.len());
                last = now;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not settle: {last}");
            tokio::time::sleep(PAUSE).await;
        }
        catalog.close().await;
    }

    /// A node gives back each recording byte for byte, and says of all that was due that it is over.
    pub async fn assert_served_by(&self, base: &str, legal: &str) {
        let reads = self.live.iter().map(|(id, call)| async move {
            let heard = get(base, legal, &format!("/v1/recordings/{id}/audio")).await;
            assert_eq!(heard.status(), StatusCode::OK, "{}: acknowledged, then lost", call.name);
            let same = heard.bytes().await.expect("audio") == call.audio();
            assert!(same, "{}: other bytes than were acknowledged", call.name);
        });
        stream::iter(reads).buffer_unordered(READS).collect::<()>().await;
        let gone = self.due.keys().map(|id| async move {
            for path in [format!("/v1/recordings/{id}"), format!("/v1/recordings/{id}/audio")] {
                assert_eq!(get(base, legal, &path).await.status(), StatusCode::GONE, "{id}");
            }
        });
        stream::iter(gone).buffer_unordered(READS).collect::<()>().await;
    }

    /// Everything that was due has a certificate that anybody can check, and nothing else has: but for uploads that came
    /// to their end without anybody being told, before they were due as well.
    pub async fn assert_purged_exactly(&self, world: &World, base: &str, legal: &str) {
        let trust = world.folder.path().join("key.json");
        let key = get(base, legal, "/v1/ledger/key").await.bytes().await.expect("a key");
        std::fs::write(&trust, key).expect("a file");
        for id in self.due.keys() {
            let answer = get(base, legal, &format!("/v1/retention/certificates/{id}")).await;
            assert_eq!(answer.status(), StatusCode::OK, "{id} has no certificate");
            let file = world.folder.path().join(format!("{id}.json"));
            let bytes = answer.bytes().await.expect("a certificate");
            std::fs::write(&file, &bytes).expect("a file");
            let arguments = ["verify", &file.display().to_string(), "--trust", &trust.display().to_string(), "--json"];
            let verified = tokio::task::block_in_place(|| world.run_json(&arguments));
            assert_eq!(verified["subject"], "certificate", "{verified}");
            let facts: Value = serde_json::from_slice(&bytes).expect("json");
            assert_eq!(facts["recording_id"], json!(id));
            let [expired, fenced] = ["expires_at", "fenced_at"]
                .map(|at| Timestamp::parse(facts[at].as_str().expect("a time")).expect("a time"));
            assert!(fenced >= expired, "{id} was purged early");
        }
        let purged: BTreeSet<String> = certificates(world.store().await)
            .await
            .iter()
            .map(|key| match key {
                ObjectKey::Certificate { id, .. } => id.to_string(),
                other => panic!("{other}"),
            })
            .collect();
        assert!(purged.iter().all(|id| !self.live.contains_key(id)), "purged before its time");
    }

    /// What is really in the bucket: of each recording one version of its audio, of what was due nothing.
    pub async fn assert_bucket(&self, world: &World) {
        let (mut audio, mut others) = (Vec::new(), BTreeSet::new());
        for found in world.outsider().await.everything().await {
            let Some((_, path)) = found.key.split_once("/rec/") else { continue };
            let mut pieces = path.split('/').skip(1);
            let (id, part) = (pieces.next().expect("an id").to_owned(), pieces.next().expect("a part"));
            assert_eq!(found.what, "version", "{found}");
            if part == "audio" {
                audio.push(id.clone());
            }
            others.insert(id);
        }
        audio.sort();
        assert_eq!(audio, self.live_ids(), "one version of each audio");
        assert_eq!(others.into_iter().collect::<Vec<_>>(), self.live_ids());
    }

    /// `fsck` reads each recording again and finds nothing.
    pub fn assert_sound(&self, world: &World) {
        let report = tokio::task::block_in_place(|| world.run_json(&["fsck", "--rehash", "--json"]));
        assert_eq!(report["findings"], json!([]), "{report}");
        assert_eq!(report["recordings"], json!(self.live.len()), "{report}");
    }
}

/// All leaves of the tree once everything that happened has its place in it.
pub async fn whole_tree(world: &World, base: &str) -> Vec<Vec<u8>> {
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    let begun = Instant::now();
    loop {
        let waiting = catalog.totals(now()).await.expect("totals").unsequenced;
        let size = catalog.ledger_state().await.expect("a tree").size;
        let published = get(base, "", "/v1/ledger/checkpoint").await.text().await.expect("a checkpoint");
        if waiting == 0 && head(&published).0 as u64 == size {
            catalog.close().await;
            return leaves_at(base).await;
        }
        assert!(begun.elapsed() < PATIENCE, "{waiting} entries have no place in the tree of {size}: {published}");
        tokio::time::sleep(PAUSE).await;
    }
}

fn now() -> Timestamp {
    Timestamp::from_micros(unix_now() * 1_000_000)
}

async fn get(base: &str, token: &str, path: &str) -> Response {
    let client = Client::builder().no_proxy().build().expect("a client");
    let request = client.get(format!("{base}{path}")).bearer_auth(token);
    request.header("Earwitness-Purpose", "test").send().await.expect("an answer")
}
