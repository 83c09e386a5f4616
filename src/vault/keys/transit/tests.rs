//! Against the run's OpenBao (EARWITNESS_TEST_BAO), each test in an engine of its own, and against servers that fail
//! on demand.

use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::any;
use serde_json::Value;

use super::*;
use crate::clock::{ManualClock, Timestamp};
use crate::vault::keys::conformance;

/// What the shipped policy allows; `MOUNT` stands for the engine's.
const POLICY: &str = r#"
path "MOUNT/keys"             { capabilities = ["list"] }
path "MOUNT/keys/*"           { capabilities = ["create", "read", "update", "delete"] }
path "MOUNT/encrypt/*"        { capabilities = ["update"] }
path "MOUNT/decrypt/*"        { capabilities = ["update"] }
path "MOUNT/config/keys"      { capabilities = ["read", "update"] }
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self"  { capabilities = ["update"] }
path "MOUNT/keys/+/rotate"    { capabilities = ["deny"] }
path "MOUNT/keys/+/import"    { capabilities = ["deny"] }
"#;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::parse("2026-11-22T10:00:00Z").unwrap()))
}

fn name() -> KeyName {
    "month-2031-11".parse().unwrap()
}

fn fixed(token: &str) -> TokenSource {
    TokenSource::Fixed(Zeroizing::new(token.to_owned()))
}

/// The run's OpenBao as its root sees it.
struct Bao {
    server: String,
    root: String,
    mount: String,
}

impl Bao {
    async fn new() -> Self {
        let told = |name| std::env::var(name).expect("run the tests through ./test, which starts an OpenBao");
        let mount = format!("t{}/keys", uuid::Uuid::new_v4().simple());
        let bao = Self { server: told("EARWITNESS_TEST_BAO"), root: told("EARWITNESS_TEST_BAO_TOKEN"), mount };
        bao.asks("POST", &format!("sys/mounts/{}", bao.mount), json!({"type": "transit"})).await;
        bao
    }

    async fn asks(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("{}/v1/{path}", self.server);
        let question = reqwest::Client::new().request(method.parse().unwrap(), url).header("X-Vault-Token", &self.root);
        let response = question.json(&body).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default()
    }

    /// A token with this policy and no other.
    async fn token(&self, policy: &str) -> String {
        let name = format!("p{}", uuid::Uuid::new_v4().simple());
        let text = policy.replace("MOUNT", &self.mount);
        self.asks("PUT", &format!("sys/policies/acl/{name}"), json!({"policy": text})).await;
        let made = self.asks("POST", "auth/token/create", json!({"policies": [name], "no_default_policy": true})).await;
        made["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    async fn open(&self, token: TokenSource) -> Result<TransitKeys, KeyError> {
        open(&self.server, &self.mount, token).await
    }
}

async fn open(server: &str, mount: &str, token: TokenSource) -> Result<TransitKeys, KeyError> {
    let (server, mount) = (server.to_owned(), mount.to_owned());
    TransitKeys::open(TransitOptions { server, mount, namespace: None, token, ca_pem: None }, clock()).await
}

/// A provider without keys, for the tests of what stands above it.
pub(crate) async fn without_keys(clock: Arc<dyn Clock>) -> Arc<dyn KeyProvider> {
    let Bao { server, root, mount } = Bao::new().await;
    let options = TransitOptions { server, mount, namespace: None, token: fixed(&root), ca_pem: None };
    Arc::new(TransitKeys::open(options, clock).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract_as_root_and_with_the_shipped_policy() {
    let bao = Bao::new().await;
    conformance::all(Arc::new(bao.open(fixed(&bao.root)).await.unwrap())).await;
    let bao = Bao::new().await;
    let keys = bao.open(fixed(&bao.token(POLICY).await)).await.unwrap();
    assert_eq!(keys.warnings(), Vec::<String>::new(), "nothing is missing in the policy");
    assert!(keys.identity().unwrap().starts_with("transit "));
    conformance::all(Arc::new(keys)).await;
}

#[tokio::test]
async fn another_engine_has_another_identity() {
    let (one, other) = (Bao::new().await, Bao::new().await);
    let first = one.open(fixed(&one.root)).await.unwrap().identity();
    assert_eq!(one.open(fixed(&one.root)).await.unwrap().identity(), first);
    assert_ne!(other.open(fixed(&other.root)).await.unwrap().identity(), first);
}

#[tokio::test]
async fn keys_are_made_so_that_they_cannot_leave_and_by_nothing_but_ensure() {
    let bao = Bao::new().await;
    let keys = bao.open(fixed(&bao.root)).await.unwrap();
    assert_eq!(keys.wrap(&name(), b"a", b"x").await.unwrap_err().code(), "key-gone");
    // Not even by somebody who asks the engine himself: it was told so when it was opened.
    let encrypt = format!("{}/v1/{}/encrypt/{}", bao.server, bao.mount, name());
    let question = reqwest::Client::new().post(encrypt).header("X-Vault-Token", &bao.root);
    let answer = question.json(&json!({"plaintext": "eA=="})).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(!keys.exists(&name()).await.unwrap());
    keys.ensure(&name()).await.unwrap();
    let made = bao.asks("GET", &format!("{}/keys/{}", bao.mount, name()), json!({})).await;
    assert_eq!(made["data"]["type"], "aes256-gcm96");
    for not in ["exportable", "allow_plaintext_backup", "deletion_allowed", "derived"] {
        assert_eq!(made["data"][not], false, "{not}");
    }
    let wrapped = keys.wrap(&name(), b"a", b"x").await.unwrap();
    assert!(wrapped.starts_with(b"vault:v1:"));
}

#[tokio::test]
async fn a_key_that_can_be_copied_out_is_not_used() {
    let bao = Bao::new().await;
    let keys = bao.open(fixed(&bao.root)).await.unwrap();
    let key = format!("{}/keys/{}", bao.mount, name());
    bao.asks("POST", &key, json!({"type": "aes256-gcm96", "exportable": true})).await;
    assert_eq!(keys.ensure(&name()).await.unwrap_err().code(), "key-unfit");
    assert_eq!(keys.wrap(&name(), b"a", b"x").await.unwrap_err().code(), "key-unfit");
    keys.destroy(&name()).await.unwrap();
    assert!(!keys.exists(&name()).await.unwrap());
}

#[tokio::test]
async fn what_is_not_ours_is_not_listed() {
    let bao = Bao::new().await;
    let keys = bao.open(fixed(&bao.root)).await.unwrap();
    bao.asks("POST", &format!("{}/keys/another-program", bao.mount), json!({})).await;
    keys.ensure(&name()).await.unwrap();
    assert_eq!(keys.list().await.unwrap(), [name()]);
}

#[tokio::test]
async fn a_key_that_was_rotated_still_opens_what_was_wrapped_before() {
    let bao = Bao::new().await;
    let keys = bao.open(fixed(&bao.root)).await.unwrap();
    keys.ensure(&name()).await.unwrap();
    let wrapped = keys.wrap(&name(), b"a", b"x").await.unwrap();
    bao.asks("POST", &format!("{}/keys/{}/rotate", bao.mount, name()), json!({})).await;
    assert_eq!(keys.unwrap(&name(), b"a", &wrapped).await.unwrap().as_slice(), b"x");
    assert!(keys.wrap(&name(), b"a", b"x").await.unwrap().starts_with(b"vault:v2:"));
}

#[tokio::test]
async fn the_token_file_is_read_again() {
    let bao = Bao::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "s.wrong\n").unwrap();
    let refused = bao.open(TokenSource::File(file.clone())).await.unwrap_err();
    assert!(refused.to_string().contains("refuses the token"), "{refused}");
    std::fs::write(&file, format!("{}\n", bao.token(POLICY).await)).unwrap();
    let keys = bao.open(TokenSource::File(file.clone())).await.unwrap();
    keys.ensure(&name()).await.unwrap();
    std::fs::write(&file, "s.wrong\n").unwrap();
    assert_eq!(keys.exists(&name()).await.unwrap_err().code(), "key-provider-unavailable");
    std::fs::write(&file, bao.token(POLICY).await).unwrap();
    assert!(keys.exists(&name()).await.unwrap(), "the renewed token");
    std::fs::remove_file(&file).unwrap();
    let away = keys.exists(&name()).await.unwrap_err();
    assert!(away.to_string().contains("token file"), "{away}");
    assert!(!format!("{keys:?}").contains("s.wrong"));
}

#[tokio::test]
async fn a_token_that_ends_is_renewed() {
    let bao = Bao::new().await;
    let token = bao.token(POLICY).await;
    let last_renewal = async || {
        let facts = bao.asks("POST", "auth/token/lookup", json!({"token": token})).await;
        facts["data"]["last_renewal_time"].as_i64()
    };
    let keys = bao.open(fixed(&token)).await.unwrap();
    assert_eq!(last_renewal().await, None);
    keys.keep_alive().await.unwrap();
    assert!(last_renewal().await.is_some());
    bao.open(fixed(&bao.root)).await.unwrap().keep_alive().await.unwrap();
}

#[tokio::test]
async fn a_token_whose_end_is_the_end_of_everything_is_told() {
    let bao = Bao::new().await;
    let wanted = json!({"policies": ["root"], "ttl": "3h", "renewable": false});
    let made = bao.asks("POST", "auth/token/create", wanted).await;
    let token = made["auth"]["client_token"].as_str().unwrap().to_owned();
    let keys = bao.open(fixed(&token)).await.unwrap();
    keys.keep_alive().await.unwrap();
    assert!(keys.warnings().iter().any(|text| text.contains("cannot be renewed")), "{:?}", keys.warnings());
}

#[tokio::test]
async fn a_server_that_stumbles_over_its_identity_is_not_one_without() {
    let fake = Fake::answers(&[NO_KEYS, NO_KEYS, (500, ""), (500, ""), (500, ""), NO_KEYS]).await;
    let error = open(&fake.server, "t", fixed("s.x")).await.unwrap_err();
    assert_eq!(error.code(), "key-provider-unavailable");
}

#[tokio::test]
async fn a_key_that_was_taken_out_of_use_is_trouble_and_not_gone() {
    let bao = Bao::new().await;
    let keys = bao.open(fixed(&bao.root)).await.unwrap();
    keys.ensure(&name()).await.unwrap();
    let wrapped = keys.wrap(&name(), b"a", b"x").await.unwrap();
    let key = format!("{}/keys/{}", bao.mount, name());
    bao.asks("DELETE", &format!("{key}/soft-delete"), json!({})).await;
    assert_eq!(keys.unwrap(&name(), b"a", &wrapped).await.unwrap_err().code(), "key-provider-unavailable");
    assert_eq!(keys.wrap(&name(), b"a", b"x").await.unwrap_err().code(), "key-unfit");
    assert!(keys.exists(&name()).await.unwrap());
    bao.asks("POST", &format!("{key}/soft-delete-restore"), json!({})).await;
    assert_eq!(keys.unwrap(&name(), b"a", &wrapped).await.unwrap().as_slice(), b"x");
    bao.asks("DELETE", &format!("{key}/soft-delete"), json!({})).await;
    keys.destroy(&name()).await.unwrap();
    assert!(!keys.exists(&name()).await.unwrap());
}

#[tokio::test]
async fn a_narrow_token_and_a_wrong_mount_are_told_at_the_start() {
    let bao = Bao::new().await;
    let narrow = r#"path "MOUNT/keys" { capabilities = ["list"] }"#;
    let keys = bao.open(fixed(&bao.token(narrow).await)).await.unwrap();
    assert!(keys.warnings().iter().any(|text| text.contains("disable_upsert")), "{:?}", keys.warnings());
    assert!(matches!(keys.wrap(&name(), b"a", b"x").await, Err(KeyError::Unavailable(_))), "refused, not gone");
    let wrong = open(&bao.server, "no/such/mount", fixed(&bao.root)).await.unwrap_err();
    assert!(wrong.to_string().contains("no transit engine is mounted"), "{wrong}");
}

/// A server that answers what it is told to, and the questions that it got.
struct Fake {
    server: String,
    questions: Arc<Mutex<Vec<(String, HeaderMap)>>>,
    answers: Arc<Mutex<Vec<(u16, String)>>>,
}

impl Fake {
    /// Gives these answers in turn, the last one for ever.
    async fn answers(answers: &[(u16, &str)]) -> Self {
        let answers: Vec<_> = answers.iter().rev().map(|(code, body)| (*code, (*body).to_owned())).collect();
        let (answers, questions) = (Arc::new(Mutex::new(answers)), Arc::new(Mutex::new(Vec::new())));
        let (given, got) = (answers.clone(), questions.clone());
        let handler = any(move |uri: axum::http::Uri, headers: HeaderMap| async move {
            got.lock().unwrap().push((uri.to_string(), headers));
            let mut left = given.lock().unwrap();
            let (code, body) = if left.len() > 1 { left.pop().unwrap() } else { left[0].clone() };
            (StatusCode::from_u16(code).unwrap(), [("location", "http://127.0.0.1:9/")], body)
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
        Self { server, questions, answers }
    }

    fn says(&self, code: u16, body: &str) {
        *self.answers.lock().unwrap() = vec![(code, body.to_owned())];
        self.questions.lock().unwrap().clear();
    }

    fn count(&self) -> usize {
        self.questions.lock().unwrap().len()
    }
}

const NO_KEYS: (u16, &str) = (404, r#"{"errors":[]}"#);

#[tokio::test]
async fn a_server_that_stumbles_is_asked_again_but_not_for_ever() {
    let fake = Fake::answers(&[(500, ""), (429, ""), NO_KEYS]).await;
    let keys = open(&fake.server, "t", fixed("s.x")).await.unwrap();
    fake.says(503, r#"{"errors":["Vault is sealed"]}"#);
    let sealed = keys.unwrap(&name(), b"a", b"vault:v1:AAAA").await.unwrap_err();
    assert!(matches!(&sealed, KeyError::Unavailable(why) if why.to_string().contains("sealed")), "{sealed}");
    assert_eq!(fake.count(), 3);
}

#[tokio::test]
async fn nothing_but_the_engine_makes_a_key_gone() {
    let fake = Fake::answers(&[NO_KEYS]).await;
    let keys = open(&fake.server, "t", fixed("s.x")).await.unwrap();
    assert!(!keys.exists(&name()).await.unwrap());
    for (code, body) in [(404, "<html>"), (403, r#"{"errors":["permission denied"]}"#), (307, ""), (200, "{}")] {
        fake.says(code, body);
        let error = keys.exists(&name()).await.unwrap_err();
        assert_eq!(error.code(), "key-provider-unavailable", "{code}");
        assert_eq!(fake.count(), 1, "{code}: no other attempt, no other host");
        assert_eq!(keys.destroy(&name()).await.unwrap_err().code(), "key-provider-unavailable", "{code}");
    }
}

#[tokio::test]
async fn a_deletion_that_did_not_happen_is_noticed() {
    let fake = Fake::answers(&[NO_KEYS]).await;
    let keys = open(&fake.server, "t", fixed("s.x")).await.unwrap();
    fake.says(200, r#"{"data":{"type":"aes256-gcm96"}}"#);
    let error = keys.destroy(&name()).await.unwrap_err();
    assert!(error.to_string().contains("still has it"), "{error}");
}

#[tokio::test]
async fn token_and_namespace_go_along_and_the_mount_may_have_odd_letters() {
    let fake = Fake::answers(&[NO_KEYS]).await;
    let options = TransitOptions {
        server: fake.server.clone(),
        mount: "a b/c?d".to_owned(),
        namespace: Some("tenant".to_owned()),
        token: fixed("s.x"),
        ca_pem: None,
    };
    TransitKeys::open(options, clock()).await.unwrap();
    let questions = fake.questions.lock().unwrap();
    let (uri, headers) = &questions[0];
    assert_eq!(uri, "/v1/a%20b/c%3Fd/keys?list=true");
    assert_eq!(
        (&headers["x-vault-token"], &headers["x-vault-namespace"]),
        (&"s.x".parse().unwrap(), &"tenant".parse().unwrap())
    );
}

#[tokio::test]
async fn who_waits_behind_a_server_that_is_away_is_answered_at_once() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = TransitClient::new(&server, "t", None, fixed("s.x"), None).unwrap();
    let keys = TransitKeys { client, clock: clock(), identity: None, warnings: Vec::new(), renewed: Mutex::default() };
    let first = keys.exists(&name()).await.unwrap_err();
    assert!(first.to_string().contains("cannot be reached"), "{first}");
    let began = tokio::time::Instant::now();
    assert_eq!(keys.exists(&name()).await.unwrap_err().to_string(), first.to_string());
    assert!(began.elapsed() < Duration::from_millis(90), "not even the first pause");
}
