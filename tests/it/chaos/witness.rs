//! Somebody who keeps every checkpoint that any node publishes, and in the end holds all of them against the tree.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Client;
use tokio_util::sync::CancellationToken;

use super::nodes::{Addresses, NODES};
use crate::oversight::rfc6962::{leaf, root};
use crate::rebuild::head;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// See the module.
#[derive(Default)]
pub struct Witness {
    seen: Mutex<BTreeSet<(usize, Vec<u8>)>>,
}

impl Witness {
    /// Looks at one node after the other until told to stop.
    pub async fn watch(self: Arc<Self>, addresses: Addresses, stop: CancellationToken) {
        let http = Client::builder().timeout(Duration::from_secs(20)).no_proxy().build().expect("a client");
        for node in (0..NODES).cycle() {
            if stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                return;
            }
            let Some(base) = addresses.of(node) else { continue };
            let Ok(answer) = http.get(format!("{base}/v1/ledger/checkpoint")).send().await else { continue };
            if !answer.status().is_success() {
                continue;
            }
            let Ok(text) = answer.text().await else { continue };
            self.seen.lock().expect("no panic").insert(head(&text));
        }
    }

    /// Every checkpoint that was seen is of a beginning of this tree. Gives how many there were.
    pub fn assert_all_in(&self, leaves: &[Vec<u8>]) -> usize {
        let hashes: Vec<_> = leaves.iter().map(|bytes| leaf(bytes)).collect();
        let seen = self.seen.lock().expect("no panic");
        for (size, published) in seen.iter() {
            assert!(*size <= hashes.len(), "a checkpoint of {size} entries; the tree has {}", hashes.len());
            assert_eq!(root(&hashes[..*size]).to_vec(), *published, "a published checkpoint is contradicted");
        }
        seen.len()
    }
}
