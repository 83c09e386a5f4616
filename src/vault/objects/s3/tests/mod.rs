mod bucket;
mod deviant;
mod fake;
mod outside;

use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::clock::SystemClock;
use crate::config::StoreUrl;
use crate::vault::objects::conformance;

/// The settings of the server that `./test` starts, with a prefix of its own.
fn settings() -> S3Settings {
    let url = std::env::var("EARWITNESS_TEST_S3").expect("EARWITNESS_TEST_S3 is not set: run the tests with ./test");
    let url = match url.parse().unwrap() {
        StoreUrl::S3(url) => Some(url),
        StoreUrl::Disk(_) => None,
    };
    let url = url.expect("EARWITNESS_TEST_S3 is an s3:// address");
    S3Settings {
        bucket: url.bucket,
        prefix: format!("tests/{}", Uuid::new_v4().as_hyphenated()),
        endpoint: url.endpoint,
        region: url.region,
        path_style: url.path_style,
        ca_pem: None,
        lock_mode: LockMode::Governance,
        erasing: None,
    }
}

async fn store() -> S3Store {
    S3Store::open(settings(), Arc::new(SystemClock::new())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_the_contract() {
    conformance::all(Arc::new(store().await)).await;
}
