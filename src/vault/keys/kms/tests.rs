//! Against the run's stand-in for AWS (EARWITNESS_TEST_MOTO), each test with aliases of its own. The stand-in goes on
//! using keys that are to be deleted, and misnames one error; a small proxy in front of it answers these two as AWS
//! documents them.

use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};

use super::*;
use crate::clock::ManualClock;
use crate::vault::keys::conformance;

fn name() -> KeyName {
    "month-2031-11".parse().unwrap()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::parse("2026-11-22T10:00:00Z").unwrap()))
}

async fn asked(moto: &str, target: &str, headers: &HeaderMap, body: Vec<u8>) -> (StatusCode, Bytes) {
    let mut question = reqwest::Client::new().post(moto).header("x-amz-target", format!("TrentService.{target}"));
    for name in ["authorization", "x-amz-date", "content-type"] {
        if let Some(value) = headers.get(name) {
            question = question.header(name, value);
        }
    }
    let answer = question.body(body).send().await.unwrap();
    (answer.status(), answer.bytes().await.unwrap())
}

async fn as_aws_does(State(moto): State<String>, headers: HeaderMap, body: Bytes) -> (StatusCode, Bytes) {
    let target = headers["x-amz-target"].to_str().unwrap().trim_start_matches("TrentService.").to_owned();
    let refuse = |error: &str| (StatusCode::BAD_REQUEST, Bytes::from(json!({"__type": error}).to_string()));
    if matches!(target.as_str(), "Encrypt" | "Decrypt") {
        let key = serde_json::from_slice::<Value>(&body).unwrap()["KeyId"].clone();
        let (_, told) = asked(&moto, "DescribeKey", &headers, json!({"KeyId": key}).to_string().into_bytes()).await;
        let state = serde_json::from_slice::<Value>(&told).unwrap()["KeyMetadata"]["KeyState"].clone();
        match state.as_str() {
            Some("PendingDeletion") => return refuse("KMSInvalidStateException"),
            Some("Disabled") => return refuse("DisabledException"),
            _ => {}
        }
    }
    let (status, answer) = asked(&moto, &target, &headers, body.to_vec()).await;
    if target == "Decrypt" && answer.windows(21).any(|w| w == b"AccessDeniedException") {
        return refuse("IncorrectKeyException");
    }
    (status, answer)
}

fn client_of(endpoint: &str) -> Client {
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(endpoint)
        .build();
    Client::from_conf(config)
}

fn options(prefix: &str) -> KmsOptions {
    KmsOptions { alias_prefix: prefix.to_owned(), region: None, endpoint: None, waiting_days: 9, ca_pem: None }
}

async fn keys() -> KmsKeys {
    let moto = std::env::var("EARWITNESS_TEST_MOTO").expect("run the tests through ./test, which starts it");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(
        async move { axum::serve(listener, Router::new().route("/", post(as_aws_does)).with_state(moto)).await },
    );
    let prefix = format!("t{}/ew", uuid::Uuid::new_v4().simple());
    KmsKeys::with_client(client_of(&endpoint), &options(&prefix), clock()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    conformance::all(Arc::new(keys().await)).await;
}

#[tokio::test]
async fn a_destruction_says_when_it_takes_effect_and_says_the_same_again() {
    let keys = keys().await;
    keys.ensure(&name()).await.unwrap();
    let wrapped = keys.wrap(&name(), b"a", b"x").await.unwrap();
    let first = keys.destroy(&name()).await.unwrap();
    let described = keys.describe(&name()).await.unwrap().unwrap();
    assert_eq!(described.key_state, Some(KeyState::PendingDeletion));
    let days = (described.deletion_date.unwrap().secs() - described.creation_date.unwrap().secs()) as f64 / 86_400.0;
    assert!((8.9..9.1).contains(&days), "{days} days as configured");
    assert_eq!(first.effective_at.seconds(), described.deletion_date.unwrap().secs());
    assert_eq!(keys.destroy(&name()).await.unwrap(), first);
    assert_eq!(keys.unwrap(&name(), b"a", &wrapped).await.unwrap_err().code(), "key-gone");
    assert_eq!(keys.wrap(&name(), b"a", b"x").await.unwrap_err().code(), "key-gone");
    assert_eq!(keys.ensure(&name()).await.unwrap_err().code(), "key-gone");
    assert!(keys.warnings()[0].contains("9 days"));
}

#[tokio::test]
async fn a_disabled_key_is_trouble_and_not_gone() {
    let keys = keys().await;
    keys.ensure(&name()).await.unwrap();
    let wrapped = keys.wrap(&name(), b"a", b"x").await.unwrap();
    let id = keys.describe(&name()).await.unwrap().unwrap().key_id;
    keys.client.disable_key().key_id(&id).send().await.unwrap();
    assert_eq!(keys.unwrap(&name(), b"a", &wrapped).await.unwrap_err().code(), "key-provider-unavailable");
    assert!(keys.exists(&name()).await.unwrap());
    keys.client.enable_key().key_id(&id).send().await.unwrap();
    assert_eq!(keys.unwrap(&name(), b"a", &wrapped).await.unwrap().as_slice(), b"x");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_slower_takes_the_others_key_and_deletes_his() {
    let keys = Arc::new(keys().await);
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let keys = keys.clone();
            // Past the look whether there is one: as four who all found none.
            tokio::spawn(async move { keys.create(&name()).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut pages = keys.client.list_keys().into_paginator().items().send();
    let (mut live, mut leaving) = (0, 0);
    while let Some(key) = pages.next().await {
        let id = key.unwrap().key_id.unwrap();
        let tags = keys.client.list_resource_tags().key_id(&id).send().await.unwrap();
        if !tags.tags().iter().any(|tag| tag.tag_key() == "earwitness" && tag.tag_value() == keys.prefix) {
            continue;
        }
        let key = keys.client.describe_key().key_id(&id).send().await.unwrap().key_metadata.unwrap();
        if is_leaving(&key) { leaving += 1 } else { live += 1 }
    }
    assert_eq!((live, leaving), (1, 3));
}

#[tokio::test]
async fn the_identity_is_account_region_and_prefix() {
    let mut keys = keys().await;
    let expected = format!("aws-kms aws eu-west-1 123456789012 {}", keys.prefix);
    assert_eq!(keys.identity(), Some(expected.clone()));
    // An account without any alias: known from the first key on.
    keys.identity = OnceLock::new();
    keys.ensure(&name()).await.unwrap();
    assert_eq!(keys.identity(), Some(expected));
    assert_eq!(identity("arn:aws:s3:::bucket", "p"), None);
    assert_eq!(identity("", "p"), None);
}

#[tokio::test]
async fn a_service_that_is_away_is_unavailable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = KmsKeys::with_client(client_of(&endpoint), &options("p"), clock()).await.unwrap_err();
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    let bad = KmsOptions { ca_pem: Some(b"no certificate".to_vec()), ..options("p") };
    assert!(KmsKeys::open(bad, clock()).await.unwrap_err().to_string().contains("ca_file"));
}

#[test]
fn a_key_that_may_be_elsewhere_is_not_used() {
    let key = || KeyMetadata::builder().key_id("k").key_spec(KeySpec::SymmetricDefault).origin(OriginType::AwsKms);
    assert_eq!(unfit(&key().build().unwrap()), None);
    assert!(unfit(&key().origin(OriginType::External).build().unwrap()).is_some());
    assert!(unfit(&key().multi_region(true).build().unwrap()).is_some());
    assert!(unfit(&key().key_usage(KeyUsageType::SignVerify).build().unwrap()).is_some());
    assert!(unfit(&key().key_spec(KeySpec::Rsa2048).build().unwrap()).is_some());
}
