//! An archive in a temporary folder, with a clock that stands still and nothing in the background, served on loopback.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::ListenerExt as _;
use earwitness::access::{Role, Token};
use earwitness::archive::Archive;
use earwitness::catalog::{HoldOutcome, HoldRow, TokenRow};
use earwitness::clock::{Clock, ManualClock, Timestamp};
use earwitness::http::{App, app, openapi, routes};
use earwitness::recording::RecordingId;
use earwitness::vault::objects::{ObjectKey, RecordingPart};
use reqwest::header::HeaderMap;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::objects;
use super::stack::Place;

/// When every test begins.
pub const NOW: &str = "2026-11-22T10:02:00Z";

/// See the module.
pub struct Running {
    pub archive: Arc<Archive>,
    pub clock: Arc<ManualClock>,
    pub address: SocketAddr,
    client: reqwest::Client,
    /// Where it all is.
    pub place: Place,
    _server: AbortOnDropHandle<()>,
}

/// A whole answer.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Status and, of a problem, its code.
    pub fn told(&self) -> (u16, String) {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        (self.status, body["code"].as_str().unwrap_or_default().to_owned())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The recording that a receipt is about.
    pub fn id(&self) -> RecordingId {
        self.json()["id"].as_str().unwrap_or_else(|| panic!("no receipt: {:?}", self.told())).parse().expect("an id")
    }
}

/// Somebody with a token.
#[derive(Clone)]
pub struct Someone {
    pub id: Uuid,
    pub token: Token,
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

/// The least that metadata have, for this call.
pub fn call(call_id: &str) -> Value {
    json!({"call_id": call_id, "account_id": "A-1", "recorded_at": "2026-11-22T09:00:00Z"})
}

impl Running {
    pub async fn start(place: &Place) -> Self {
        Self::start_with(place, &[]).await
    }

    /// With more in its environment.
    pub async fn start_with(place: &Place, more: &[(&str, &str)]) -> Self {
        let clock = Arc::new(ManualClock::new(at(NOW)));
        let archive = place.open(clock.clone(), more).await;
        let state = App::new(archive.clone(), None);
        let router = app(state, routes::all_routes(true), openapi::document());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener.tap_io(|tcp| tcp.set_nodelay(true).expect("no delay")), service)
                .await
                .expect("the server runs");
        });
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { archive, clock, address, client, place: place.clone(), _server: AbortOnDropHandle::new(server) }
    }

    /// Makes a token, straight in the catalog.
    pub async fn token(&self, role: Role, accounts: &[&str], agent: Option<&str>) -> Someone {
        let someone = Someone { id: Uuid::new_v4(), token: Token::generate().expect("random numbers") };
        let row = TokenRow {
            id: someone.id,
            role: role.to_string(),
            name: format!("the {role}"),
            accounts: accounts.iter().map(|a| (*a).to_owned()).collect(),
            agent: agent.map(str::to_owned),
            created_at: self.clock.now(),
            expires_at: None,
            revoked_at: None,
        };
        let mut tx = self.archive.catalog.begin().await.expect("a transaction");
        tx.insert_token(&row, &someone.token.hash()).await.expect("the token is kept");
        tx.commit().await.expect("the commit holds");
        someone
    }

    pub fn request(&self, who: &Someone, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address)).bearer_auth(who.token.expose())
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.expect("a whole body").to_vec();
        Answer { status, headers, body }
    }

    pub async fn get(&self, who: &Someone, path: &str) -> Answer {
        self.send(self.request(who, Method::GET, path).header("earwitness-purpose", "a test")).await
    }

    /// A part of a recording: `""` for itself, `"/audio"` …
    pub async fn read(&self, who: &Someone, id: RecordingId, part: &str) -> Answer {
        self.get(who, &format!("/v1/recordings/{id}{part}")).await
    }

    pub async fn post(&self, who: &Someone, metadata: &Value, audio: &[u8]) -> Answer {
        let part = |bytes: Vec<u8>, kind| Part::bytes(bytes).mime_str(kind).expect("a media type");
        let form = Form::new()
            .part("metadata", part(metadata.to_string().into_bytes(), "application/json"))
            .part("audio", part(audio.to_vec(), "application/octet-stream").file_name("call.bin"));
        self.send(self.request(who, Method::POST, "/v1/recordings").multipart(form)).await
    }

    pub async fn search(&self, who: &Someone, asked: &Value) -> Answer {
        self.send(self.request(who, Method::POST, "/v1/recordings/search").json(asked)).await
    }

    /// Puts a recording on legal hold.
    pub async fn hold(&self, id: RecordingId) {
        let (case, now) = (Uuid::new_v4(), self.clock.now());
        let mut tx = self.archive.catalog.begin().await.expect("a transaction");
        let review_at = now.plus(std::time::Duration::from_secs(90 * 86_400));
        assert!(tx.open_case(case, now, review_at, &[]).await.expect("a case"));
        assert_eq!(
            tx.place_hold(&HoldRow::direct(Uuid::new_v4(), case, id, now)).await.expect("a hold"),
            HoldOutcome::Placed
        );
        tx.commit().await.expect("the commit holds");
    }

    /// What the ledger has about a recording, oldest first: kind and payload.
    pub async fn custody(&self, id: RecordingId) -> Vec<(String, Value)> {
        let row = self.archive.catalog.recording(id).await.expect("an answer").expect("a row");
        let key = self.archive.data_key(&row).await.expect("its key");
        let entries = self.archive.catalog.custody(id, 1_000, 0).await.expect("entries");
        let opened = entries.iter().map(|entry| {
            let opening = self.archive.open_custody(&key, entry).expect("the opening opens");
            (entry.entry.entry.kind.clone(), serde_json::from_slice(&opening.payload).expect("JSON"))
        });
        opened.collect()
    }

    /// What was done with a recording according to the ledger, sorted: with a clock that stands still, entries have no
    /// order of their own.
    pub async fn accesses(&self, id: RecordingId) -> Vec<String> {
        let read = self.custody(id).await.into_iter().filter(|(kind, _)| kind == "recording.read");
        let mut all: Vec<_> =
            read.map(|(_, payload)| payload["action"].as_str().expect("an action").to_owned()).collect();
        all.sort();
        all
    }

    /// How many entries of a kind the ledger has.
    pub async fn count_entries(&self, kind: &str) -> usize {
        let all = self.archive.catalog.unsequenced(100_000).await.expect("entries");
        all.iter().filter(|entry| entry.kind == kind).count()
    }

    /// The paths of everything that a recording has in the store, or that all have when none is given.
    pub async fn objects(&self, id: Option<RecordingId>) -> Vec<String> {
        objects::of_recordings(self.archive.store.as_ref(), id.map(|id| id.to_string()).as_deref()).await
    }

    /// The name of a recording's object.
    pub async fn key(&self, id: RecordingId, part: RecordingPart) -> ObjectKey {
        let row = self.archive.catalog.recording(id).await.expect("an answer").expect("a row");
        ObjectKey::Recording { month: row.month, id, part }
    }
}
