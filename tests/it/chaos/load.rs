//! Clients that upload without a pause and do not give up: what one node does not acknowledge goes to the next.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::nodes::Addresses;
use crate::support::sounds::wav;
use crate::support::world::{call, five_years_less, unix_now, upload};

/// One call in so many is due within the test, one is uploaded through two nodes at once, one is stored in parts.
const DUE: u32 = 4;
const TWICE: u32 = 3;
const LONG: u32 = 29;
/// Seconds until the first of what is due is due, and how they spread.
const DUE_IN_S: i64 = 20;
const DUE_SPREAD_S: i64 = 40;
/// More than the 8 MiB above which S3 takes an object in parts.
const LONG_FRAMES: usize = 4_400_000;

/// How long a client waits for an upload before it takes its next call; the upload goes on beside it.
const NEXT_CALL: Duration = Duration::from_secs(2);
/// Uploads that go on beside one client.
const MOST_BESIDE: usize = 25;
/// How long one upload may take to be acknowledged, with a dead one's claim to be waited for now and then.
const PATIENCE: Duration = Duration::from_secs(420);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(200);
/// For one answer. Another node may wait for a minute until a dead node's claim is over.
const ANSWER: Duration = Duration::from_secs(150);

/// A call, and what became of it.
pub struct Call {
    pub name: String,
    metadata: Value,
    frames: usize,
    seed: u32,
    /// Seconds since 1970; none where the deadline is five years off.
    pub due_at: Option<i64>,
    pub is_twice: bool,
    /// Each acknowledgement, word for word.
    pub receipts: Mutex<Vec<Vec<u8>>>,
}

impl Call {
    fn new(client: u32, n: u32) -> Self {
        let seed = client * 1_000_000 + n;
        let name = format!("call-{seed}");
        let due_in_s = n.is_multiple_of(DUE).then(|| DUE_IN_S + i64::from(seed * 7) % DUE_SPREAD_S);
        Self {
            metadata: call(&name, due_in_s.map_or(60, five_years_less)),
            name,
            frames: if n % LONG == LONG - 1 { LONG_FRAMES } else { 8_000 + n as usize % 10 * 1_600 },
            seed,
            due_at: due_in_s.map(|left_s| unix_now() + left_s),
            is_twice: n.is_multiple_of(TWICE),
            receipts: Mutex::default(),
        }
    }

    pub fn audio(&self) -> Vec<u8> {
        wav(self.frames, self.seed)
    }

    /// The recording's id, where it was acknowledged.
    pub fn id(&self) -> Option<String> {
        let receipts = self.receipts.lock().expect("no panic");
        let receipt: Value = serde_json::from_slice(receipts.first()?).expect("json");
        Some(receipt["id"].as_str().expect("an id").to_owned())
    }

    fn is_over(&self) -> bool {
        self.due_at.is_some_and(|at| unix_now() >= at)
    }
}

/// What all clients together did.
#[derive(Default)]
pub struct Done {
    pub calls: Vec<Arc<Call>>,
    /// How often each answer came that was no acknowledgement; `died` where none came.
    pub others: BTreeMap<String, u32>,
}

/// The clients.
pub struct Load {
    addresses: Addresses,
    token: String,
    http: Client,
    done: Mutex<Done>,
}

impl Load {
    pub fn new(addresses: Addresses, token: String) -> Arc<Self> {
        // A connection to a node that was killed is of no use to anybody.
        let http = Client::builder().timeout(ANSWER).pool_max_idle_per_host(0).no_proxy().build().expect("a client");
        Arc::new(Self { addresses, token, http, done: Mutex::default() })
    }

    /// One client, until it is told to stop; ends when each of its uploads has.
    pub async fn client(self: Arc<Self>, number: u32, stop: CancellationToken) {
        let mut beside: Vec<JoinHandle<()>> = Vec::new();
        for n in 0.. {
            if stop.is_cancelled() {
                break;
            }
            let call = Arc::new(Call::new(number, n));
            self.done.lock().expect("no panic").calls.push(call.clone());
            let mut upload = tokio::spawn(self.clone().bring_in(call, (number + n) as usize));
            match tokio::time::timeout(NEXT_CALL, &mut upload).await {
                Ok(ended) => ended.expect("an upload"),
                Err(_) => beside.push(upload),
            }
            while beside.len() > MOST_BESIDE {
                beside.remove(0).await.expect("an upload");
            }
        }
        for upload in beside {
            upload.await.expect("an upload");
        }
    }

    pub fn done(&self) -> Done {
        std::mem::take(&mut self.done.lock().expect("no panic"))
    }

    async fn bring_in(self: Arc<Self>, call: Arc<Call>, first: usize) {
        let audio = call.audio();
        if call.is_twice {
            tokio::join!(self.upload(&call, &audio, first), self.upload(&call, &audio, first + 1));
        } else {
            self.upload(&call, &audio, first).await;
        }
    }

    /// Tries one node after the other until one acknowledges, or the deadline is over.
    async fn upload(&self, call: &Call, audio: &[u8], first: usize) {
        let end = Instant::now() + PATIENCE;
        for node in first.. {
            assert!(Instant::now() < end, "{} was not acknowledged; answers: {:?}", call.name, self.others());
            if let Some(base) = self.addresses.of(node) {
                // Before it is sent: what comes back may be older.
                let over = call.is_over();
                match self.send(&base, call, audio).await {
                    Some((StatusCode::CREATED | StatusCode::OK, receipt)) => {
                        call.receipts.lock().expect("no panic").push(receipt);
                        return;
                    }
                    Some((status, body)) => {
                        self.count(status, &body);
                        if status == StatusCode::UNPROCESSABLE_ENTITY && (over || call.is_over()) {
                            return;
                        }
                    }
                    None => *self.done.lock().expect("no panic").others.entry("died".to_owned()).or_default() += 1,
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// None when no whole answer came.
    async fn send(&self, base: &str, call: &Call, audio: &[u8]) -> Option<(StatusCode, Vec<u8>)> {
        let request = self.http.post(format!("{base}/v1/recordings")).bearer_auth(&self.token);
        let answer = request.multipart(upload(&call.metadata, audio)).send().await.ok()?;
        let status = answer.status();
        Some((status, answer.bytes().await.ok()?.to_vec()))
    }

    fn count(&self, status: StatusCode, body: &[u8]) {
        let problem: Value = serde_json::from_slice(body).unwrap_or_default();
        let answer = format!("{} {}", status.as_u16(), problem["code"].as_str().unwrap_or("?"));
        *self.done.lock().expect("no panic").others.entry(answer).or_default() += 1;
    }

    fn others(&self) -> BTreeMap<String, u32> {
        self.done.lock().expect("no panic").others.clone()
    }
}
