//! The catalog lost, and the catalog put back as it was: after `fsck --rebuild` every acknowledged recording is there,
//! nothing purged is back, and the ledger goes on consistently with every checkpoint published before.

use std::os::unix::process::ExitStatusExt as _;

use aws_lc_rs::digest::{SHA256, digest};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use earwitness::catalog::{Catalog, HoldOutcome, HoldRow, PurgeStage};
use earwitness::clock::Timestamp;
use earwitness::recording::RecordingId;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::stack::Stack;
use crate::support::world::{Server, World, call, five_years_less, tone, unix_now};

/// In the order in which one rebuild comes to them.
pub(crate) const REBUILD_POINTS: &[&str] = &["rebuild.ledger", "rebuild.cases", "rebuild.purges", "rebuild.erasures"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_nothing_on_embedded() {
    comes_back(Stack::Embedded, Loss::Everything, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_nothing_on_production() {
    comes_back(Stack::Production, Loss::Everything, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_nothing_after_dying_on_the_way_on_embedded() {
    comes_back(Stack::Embedded, Loss::Everything, REBUILD_POINTS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_nothing_after_dying_on_the_way_on_production() {
    comes_back(Stack::Production, Loss::Everything, REBUILD_POINTS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_an_old_copy_on_embedded() {
    comes_back(Stack::Embedded, Loss::SinceTheBackup, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_an_old_copy_on_production() {
    comes_back(Stack::Production, Loss::SinceTheBackup, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_an_old_copy_after_dying_on_the_way_on_embedded() {
    comes_back(Stack::Embedded, Loss::SinceTheBackup, REBUILD_POINTS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_an_old_copy_after_dying_on_the_way_on_production() {
    comes_back(Stack::Production, Loss::SinceTheBackup, REBUILD_POINTS).await;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    Everything,
    SinceTheBackup,
}

/// A hold that the running server was not told of, so that its sidecar is left to housekeeping.
pub(crate) async fn hold(world: &World, id: RecordingId) -> HoldRow {
    let (hold, case, at) = (Uuid::new_v4(), Uuid::new_v4(), Timestamp::from_micros(unix_now() * 1_000_000));
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    let mut tx = catalog.begin().await.expect("a transaction");
    tx.ensure_case(case, at, b"").await.expect("a case");
    let hold = HoldRow { place_no: 1, ..HoldRow::direct(hold, case, id, at) };
    assert_eq!(tx.place_hold(&hold).await.expect("an answer"), HoldOutcome::Placed);
    tx.commit().await.expect("a commit");
    assert_eq!(catalog.stale_sidecars(10).await.expect("an answer"), [id], "its sidecar does not know of the hold");
    catalog.close().await;
    hold
}

/// Kills a rebuild at this point, with the purge applied or not yet.
async fn dies_at(world: &World, point: &str, due: RecordingId) {
    let died = world.run_with(&["fsck", "--rebuild", "--json"], &[("EARWITNESS_FAILPOINT", point)]);
    assert_eq!(died.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&died.stderr));
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    let stage = catalog.purge_of(due).await.expect("an answer").map(|purge| purge.stage);
    catalog.close().await;
    let expected = (["rebuild.purges", "rebuild.erasures"].contains(&point)).then_some(PurgeStage::Certified);
    assert_eq!(stage, expected, "{point}");
}

/// RFC 6962 section 2.1, as it is written there.
pub(crate) fn tree_hash(leaves: &[Vec<u8>]) -> [u8; 32] {
    let hash =
        |parts: &[&[u8]]| -> [u8; 32] { digest(&SHA256, &parts.concat()).as_ref().try_into().expect("32 bytes") };
    match leaves {
        [] => hash(&[]),
        [one] => hash(&[&[0], one]),
        many => {
            let split = many.len().next_power_of_two() / 2;
            hash(&[&[1], &tree_hash(&many[..split]), &tree_hash(&many[split..])])
        }
    }
}

/// Size and root of a checkpoint.
pub(crate) fn head(checkpoint: &str) -> (usize, Vec<u8>) {
    let mut lines = checkpoint.lines().skip(1);
    let size = lines.next().expect("a size").parse().expect("a number");
    (size, BASE64_STANDARD.decode(lines.next().expect("a root")).expect("base64"))
}

/// All leaves of the published tree, over HTTP.
pub(crate) async fn leaves(server: &Server, token: &str) -> Vec<Vec<u8>> {
    checkpoint(server, token).await;
    leaves_at(&server.base).await
}

/// The same from whoever serves there, once there is a tree. Nothing may be added meanwhile.
pub(crate) async fn leaves_at(base: &str) -> Vec<Vec<u8>> {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let get = async |path: String| {
        let response = client.get(format!("{base}/v1/ledger/{path}")).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.bytes().await.expect("a whole answer")
    };
    let (size, _) = head(&String::from_utf8_lossy(&get("checkpoint".to_owned()).await));
    let mut leaves = Vec::new();
    for index in 0..size.div_ceil(256) {
        let width = (size - index * 256).min(256);
        let partial = if width == 256 { String::new() } else { format!(".p/{width}") };
        let bytes = get(format!("tile/entries/{index:03}{partial}")).await;
        let mut rest = &bytes[..];
        while let Some((len, tail)) = rest.split_first_chunk::<2>() {
            let (leaf, tail) = tail.split_at(usize::from(u16::from_be_bytes(*len)));
            leaves.push(leaf.to_vec());
            rest = tail;
        }
    }
    assert_eq!(leaves.len(), size);
    leaves
}

pub(crate) async fn checkpoint(server: &Server, token: &str) -> String {
    let response = server.until(token, "/v1/ledger/checkpoint", StatusCode::OK).await;
    response.text().await.expect("a checkpoint")
}

pub(crate) async fn post(server: &Server, token: &str, metadata: &Value, audio: &[u8]) -> (String, Vec<u8>) {
    let response = server.post(token, metadata, audio).await.expect("an answer");
    assert!(response.status().is_success(), "{}", response.status());
    let receipt = response.bytes().await.expect("a receipt").to_vec();
    let id = serde_json::from_slice::<Value>(&receipt).expect("json")["id"].as_str().expect("an id").to_owned();
    (id, receipt)
}

async fn comes_back(stack: Stack, loss: Loss, points: &[&str]) {
    let mut world = World::moving_its_clock(stack).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let (early, due, doubtful, late) =
        (call("early", 60), call("due", five_years_less(3_600)), call("cut", 60), call("late", 30));

    let server = world.serve(None).await;
    let (early_id, early_receipt) = post(&server, &ingest, &early, &tone(1)).await;
    let (due_id, _) = post(&server, &ingest, &due, &tone(2)).await;
    let whole = tone(3);
    let (doubtful_id, _) = post(&server, &ingest, &doubtful, &whole[..whole.len() / 2]).await;
    let first = checkpoint(&server, &legal).await;
    server.stop().await;
    let backup = world.back_up().await;
    let early_parsed: RecordingId = early_id.parse().expect("an id");
    let held = hold(&world, early_parsed).await;

    let server = world.serve(None).await;
    let (late_id, late_receipt) = post(&server, &ingest, &late, &tone(4)).await;
    let decision = json!({"decision": "accept", "reason": "the half that there is suffices"});
    let decided = server.client.post(format!("{}/v1/recordings/{doubtful_id}/quarantine", server.base));
    let decided = decided.bearer_auth(&legal).json(&decision).send().await.expect("an answer");
    assert_eq!(decided.status(), StatusCode::OK);
    server.stop().await;
    world.ahead_s = 7_200;
    let server = world.serve(None).await;
    let certificate = format!("/v1/retention/certificates/{due_id}");
    let certified = server.until(&legal, &certificate, StatusCode::OK).await.bytes().await.expect("a certificate");
    let second = checkpoint(&server, &legal).await;
    world.until_sidecars_are_fresh().await;
    server.stop().await;

    world.catalog = if loss == Loss::Everything { world.empty_catalog().await } else { backup };
    let refused = world.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(4), "an old catalog is not served");
    for point in points {
        dies_at(&world, point, due_id.parse().expect("an id")).await;
    }
    let report = world.run_json(&["fsck", "--rebuild", "--rehash", "--json"]);
    let left_to_apply = if points.is_empty() { 1 } else { 0 };
    assert_eq!(report["purges_applied"], left_to_apply, "{report}");

    let (ingest, legal) =
        if loss == Loss::Everything { (world.token("ingest"), world.token("legal")) } else { (ingest, legal) };
    let server = world.serve(None).await;
    for (id, audio) in [(&early_id, tone(1)), (&late_id, tone(4)), (&doubtful_id, whole[..whole.len() / 2].to_vec())] {
        let heard = server.get(&legal, &format!("/v1/recordings/{id}/audio")).await;
        assert_eq!(heard.status(), StatusCode::OK);
        assert_eq!(heard.bytes().await.expect("audio"), audio);
    }
    let doubtful: Value =
        server.get(&legal, &format!("/v1/recordings/{doubtful_id}")).await.json().await.expect("json");
    assert_eq!(doubtful["status"], "accepted", "a decision since the backup is kept");
    assert_eq!(server.get(&legal, &format!("/v1/recordings/{due_id}")).await.status(), StatusCode::GONE);
    assert_eq!(server.get(&legal, &certificate).await.bytes().await.expect("a certificate"), certified);
    for (metadata, audio, receipt) in [(&early, tone(1), &early_receipt), (&late, tone(4), &late_receipt)] {
        let again = server.post(&ingest, metadata, &audio).await.expect("an answer");
        assert_eq!(again.status(), StatusCode::OK, "the same call is known again");
        assert_eq!(again.bytes().await.expect("a receipt"), *receipt, "word for word");
    }
    // The tree goes on: what was published before is the beginning of what is published now.
    let all = leaves(&server, &legal).await;
    for old in [&first, &second] {
        let (size, root) = head(old);
        assert!(size <= all.len());
        assert_eq!(tree_hash(&all[..size]).to_vec(), root, "a published checkpoint is contradicted");
    }
    server.stop().await;
    let report = world.run_json(&["fsck", "--rehash", "--json"]);
    assert_eq!(report["findings"], json!([]), "{report}");
    assert_eq!(report["recordings"], 3);
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    let holds = catalog.holds_of(early_parsed).await.expect("an answer");
    assert_eq!(holds, [held], "a hold since the backup is kept");
    catalog.close().await;
}
