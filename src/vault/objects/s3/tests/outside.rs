//! What another client of the same bucket can do.

use std::process::Command;
use std::time::Duration;

use super::*;
use crate::vault::objects::conformance::key;
use crate::vault::objects::{Prefix, RecordingPart};

/// Runs `tests/outside/s3_client.py` on one name, and returns what it prints.
async fn client(store: &S3Store, what: &'static str, name: String) -> String {
    let python = std::env::var("EARWITNESS_TEST_PYTHON").expect("EARWITNESS_TEST_PYTHON is not set: use ./test");
    let (endpoint, bucket) = (settings().endpoint.unwrap(), store.bucket.to_string());
    let run = tokio::task::spawn_blocking(move || {
        Command::new(python).args(["tests/outside/s3_client.py", what, &endpoint, &bucket, &name]).output().unwrap()
    });
    let output = run.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_can_delete_what_is_locked_and_nothing_is_left_after_it_ends() {
    let store = store().await;
    let audio = key("2031-11", 1, RecordingPart::Audio);
    store.put_new(&audio, PutBody::bytes(vec![7; 9 << 20])).await.unwrap();
    let stored_at = store.head(&audio).await.unwrap().unwrap().modified_at;
    let locked = store.lock(&audio, stored_at.plus(Duration::from_secs(25))).await.unwrap();
    assert!(matches!(locked, LockOutcome::Locked(_)));
    assert_eq!(client(&store, "delete-versions", store.name(audio)).await, "AccessDenied");
    assert_eq!(client(&store, "shorten", store.name(audio)).await, "AccessDenied");
    // A plain DELETE is taken, and only hides it; an upload that nobody completes is one more thing to clear away.
    assert_eq!(client(&store, "hide", store.name(audio)).await, "marker");
    assert_eq!(client(&store, "upload", store.name(audio)).await, "pending");
    assert_eq!(client(&store, "count", store.name("")).await, "1 1 1");
    assert!(matches!(store.delete(&audio).await, Err(StoreError::Locked)));
    assert_eq!(client(&store, "count", store.name("")).await, "1 0 0");
    assert_eq!(store.get_range(&audio, 9 << 19, 2).await.unwrap(), [7, 7][..], "it is no longer hidden");
    while let Err(error) = store.delete(&audio).await {
        assert!(matches!(error, StoreError::Locked), "{error}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(client(&store, "count", store.name("")).await, "0 0 0");
    assert_eq!(store.list(&Prefix::all(), None, 10).await.unwrap().found, []);
}
