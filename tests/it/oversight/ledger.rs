//! The ledger as a witness sees it: over HTTP alone, without a token.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use earwitness::archive::journal::About;
use earwitness::ledger::kind::Kind;
use serde_json::{Value, json};

use super::rfc6962::{Hash, consistency, is_consistent, leaf, root};
use crate::on_both_stacks;
use crate::support::archive::Running;
use crate::support::stack::Place;

on_both_stacks!(in Locked: a_witness_follows_the_tree_over_http_alone, only_tiles_that_were_published_are_there);

struct Fetched {
    status: u16,
    caching: String,
    body: Vec<u8>,
}

async fn fetch(running: &Running, path: &str) -> Fetched {
    let response = reqwest::get(format!("http://{}{path}", running.address)).await.unwrap();
    let caching = response.headers()["cache-control"].to_str().unwrap().to_owned();
    Fetched { status: response.status().as_u16(), caching, body: response.bytes().await.unwrap().to_vec() }
}

/// Writes entries without personal data, and publishes them.
async fn grow(running: &Running, by: usize) {
    let archive = &running.archive;
    let mut tx = archive.catalog.begin().await.unwrap();
    for n in 0..by {
        let at = archive.clock.now();
        let made = archive.entry(Kind::BRAKE_RAISED, About::NothingPersonal, &json!({"n": n}), at).await;
        tx.append_entry(&made.unwrap().0).await.unwrap();
    }
    tx.commit().await.unwrap();
    archive.publish_ledger().await.unwrap();
}

/// Size and root of the newest checkpoint, its signature checked (C2SP signed-note).
async fn checkpoint(running: &Running) -> (usize, Hash) {
    let text = String::from_utf8(fetch(running, "/v1/ledger/checkpoint").await.body).unwrap();
    let key: Value = serde_json::from_slice(&fetch(running, "/v1/ledger/key").await.body).unwrap();
    let (body, signatures) = text.split_once("\n\n").unwrap();
    let body = format!("{body}\n");
    let (name, signature) = signatures.trim_end().strip_prefix("— ").unwrap().split_once(' ').unwrap();
    assert_eq!(key["origin"], name);
    assert!(key["vkey"].as_str().unwrap().starts_with(&format!("{name}+")));
    let raw = BASE64_STANDARD.decode(key["key"].as_str().unwrap()).unwrap();
    let signature = BASE64_STANDARD.decode(signature).unwrap();
    UnparsedPublicKey::new(&ED25519, &raw).verify(body.as_bytes(), &signature[4..]).expect("the signature holds");
    let lines: Vec<&str> = body.lines().collect();
    assert_eq!((lines[0], lines.len()), (name, 3));
    (lines[1].parse().unwrap(), BASE64_STANDARD.decode(lines[2]).unwrap().try_into().unwrap())
}

/// `n` things of 256 to a tile: index and width of each tile.
fn tiles_of(n: usize) -> Vec<String> {
    (0..n.div_ceil(256))
        .map(|index| match (n - index * 256).min(256) {
            256 => format!("{index:03}"),
            width => format!("{index:03}.p/{width}"),
        })
        .collect()
}

/// The hashes of all leaves, from the tiles of level 0.
async fn leaf_hashes(running: &Running, size: usize) -> Vec<Hash> {
    let mut hashes = Vec::new();
    for tile in tiles_of(size) {
        let fetched = fetch(running, &format!("/v1/ledger/tile/0/{tile}")).await;
        assert_eq!(fetched.status, 200, "{tile}");
        let full = !tile.contains(".p/");
        assert_eq!(fetched.caching.contains("immutable"), full, "{tile}: {}", fetched.caching);
        assert!(fetched.caching.starts_with("public, max-age="), "{}", fetched.caching);
        hashes.extend(fetched.body.chunks(32).map(|hash| Hash::try_from(hash).unwrap()));
    }
    assert_eq!(hashes.len(), size);
    hashes
}

/// The leaves themselves, from the bundles.
async fn leaves(running: &Running, size: usize) -> Vec<Vec<u8>> {
    let mut leaves = Vec::new();
    for tile in tiles_of(size) {
        let bundle = fetch(running, &format!("/v1/ledger/tile/entries/{tile}")).await.body;
        let mut rest = bundle.as_slice();
        while let Some((len, after)) = rest.split_first_chunk::<2>() {
            let (one, after) = after.split_at(u16::from_be_bytes(*len).into());
            leaves.push(one.to_vec());
            rest = after;
        }
    }
    leaves
}

async fn a_witness_follows_the_tree_over_http_alone(place: &Place) {
    let running = Running::start(place).await;
    assert_eq!(fetch(&running, "/v1/ledger/checkpoint").await.status, 404);
    let mut seen = Vec::new();
    for by in [5, 295, 212, 130] {
        grow(&running, by).await;
        seen.push(checkpoint(&running).await);
    }
    assert_eq!(seen.iter().map(|(size, _)| *size).collect::<Vec<_>>(), [5, 300, 512, 642]);
    let (size, newest) = seen[3];
    let hashes = leaf_hashes(&running, size).await;
    assert_eq!(root(&hashes), newest);
    let leaves = leaves(&running, size).await;
    assert_eq!(leaves.iter().map(|bytes| leaf(bytes)).collect::<Vec<_>>(), hashes, "bundles and tiles agree");
    for (n, bytes) in leaves.iter().enumerate() {
        assert_eq!(serde_json::from_slice::<Value>(bytes).unwrap()["seq"], n);
    }
    for (older, newer) in [(0, 1), (0, 3), (1, 2), (2, 3), (1, 3)] {
        let (first, second) = (seen[older], seen[newer]);
        let proof = consistency(first.0, &hashes[..second.0]);
        assert!(is_consistent(first, second, &proof), "{} to {}", first.0, second.0);
        let mut other = first;
        other.1[0] ^= 1;
        assert!(!is_consistent(other, second, &proof), "another history does not pass");
    }
    let upper = fetch(&running, "/v1/ledger/tile/1/000.p/2").await.body;
    let of_full: Vec<u8> = hashes[..512].chunks(256).flat_map(root).collect();
    assert_eq!(upper, of_full);
}

async fn only_tiles_that_were_published_are_there(place: &Place) {
    let running = Running::start(place).await;
    grow(&running, 3).await;
    assert_eq!(fetch(&running, "/v1/ledger/tile/0/000.p/3").await.status, 200);
    for path in [
        "0/000",
        "0/000.p/2",
        "0/001.p/1",
        "1/000.p/1",
        "0/0",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/03",
        "6/000",
        "entries",
        "0/x000/000",
        "..%2fcheckpoint",
        "0/..%2f..%2f..%2fcatalog.db",
        "0/000.p/3/",
        "%30/000.p/3%00",
        "",
    ] {
        let fetched = fetch(&running, &format!("/v1/ledger/tile/{path}")).await;
        assert_eq!((fetched.status, fetched.caching.as_str()), (404, "no-store"), "{path}");
    }
    assert_eq!(fetch(&running, "/v1/ledger/checkpoint").await.caching, "no-store");
}
