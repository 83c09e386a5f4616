//! Three nodes of one archive, each looked after as by a service manager: what ends is started again, at another address.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::support::world::World;

pub const NODES: usize = 3;

/// What a service manager waits before it starts something again.
const RESTART_PAUSE: Duration = Duration::from_millis(200);
/// How long a node may take to come up, or to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the nodes are at the moment, as a client's list of them.
#[derive(Clone)]
pub struct Addresses(Arc<[watch::Sender<Option<String>>; NODES]>);

impl Addresses {
    fn new() -> Self {
        Self(Arc::new(std::array::from_fn(|_| watch::Sender::new(None))))
    }

    /// The base URL of a node while it serves.
    pub fn of(&self, node: usize) -> Option<String> {
        self.0[node % NODES].borrow().clone()
    }

    /// The same, waited for.
    pub async fn wait_for(&self, node: usize) -> String {
        let mut address = self.0[node % NODES].subscribe();
        let serves = tokio::time::timeout(PATIENCE, address.wait_for(Option::is_some)).await;
        let address = serves.expect("a node comes up").expect("it is looked after");
        address.clone().expect("an address")
    }
}

/// What became of the nodes' processes.
#[derive(Debug, Default, Clone, Copy)]
pub struct Ends {
    pub killed: usize,
    /// Ended by themselves before they served: a part of the archive did not answer.
    pub did_not_start: usize,
}

enum Order {
    Kill,
    Stop,
}

/// See the module.
pub struct Nodes {
    pub addresses: Addresses,
    orders: Vec<mpsc::Sender<Order>>,
    looked_after: Vec<JoinHandle<()>>,
    ends: Arc<Mutex<Ends>>,
}

impl Nodes {
    pub fn start(world: &Arc<World>) -> Self {
        let (addresses, ends) = (Addresses::new(), Arc::<Mutex<Ends>>::default());
        let (mut orders, mut looked_after) = (Vec::new(), Vec::new());
        for number in 0..NODES {
            let (sender, receiver) = mpsc::channel(1);
            orders.push(sender);
            let node = Node { number, world: world.clone(), addresses: addresses.clone(), ends: ends.clone() };
            looked_after.push(tokio::spawn(node.look_after(receiver)));
        }
        Self { addresses, orders, looked_after, ends }
    }

    /// `kill -9`, whatever the node is doing.
    pub async fn kill(&self, node: usize) {
        self.orders[node].send(Order::Kill).await.expect("it is looked after");
    }

    /// Asks each to end, one after the other, and waits until it has.
    pub async fn stop(self) -> Ends {
        for (order, looked_after) in self.orders.into_iter().zip(self.looked_after) {
            order.send(Order::Stop).await.expect("it is looked after");
            looked_after.await.expect("it ends well");
        }
        *self.ends.lock().expect("no panic")
    }
}

struct Node {
    number: usize,
    world: Arc<World>,
    addresses: Addresses,
    ends: Arc<Mutex<Ends>>,
}

impl Node {
    async fn look_after(self, mut orders: mpsc::Receiver<Order>) {
        loop {
            let (mut child, output) = self.spawn();
            let mut serving = Some(tokio::spawn(listens(output, self.addresses.clone(), self.number)));
            let order = tokio::select! {
                order = orders.recv() => order,
                status = child.wait() => {
                    let status = status.expect("an end");
                    let served = serving.take().expect("once").await.expect("no panic");
                    assert!(!served, "node {} ended by itself: {status}", self.number);
                    self.ends.lock().expect("no panic").did_not_start += 1;
                    tokio::time::sleep(RESTART_PAUSE).await;
                    continue;
                }
            };
            if let Some(serving) = serving {
                serving.abort();
            }
            self.addresses.0[self.number].send_replace(None);
            let Some(Order::Kill) = order else { return end(child).await };
            child.kill().await.expect("a kill");
            self.ends.lock().expect("no panic").killed += 1;
            tokio::time::sleep(RESTART_PAUSE).await;
        }
    }

    fn spawn(&self) -> (Child, ChildStdout) {
        let mut command = self.world.command(&["serve", "--listen", "127.0.0.1:0", "--json"]);
        let folder = self.world.folder.path();
        let log = std::fs::File::options().create(true).append(true).open(folder.join("serve.log"));
        command
            // Nothing is shared but the engines and the key that signs.
            .env("EARWITNESS_DATA", folder.join(format!("node-{}", self.number)))
            .env("EARWITNESS_SIGNING_KEY", self.world.data().join("signing/ledger.pem"))
            .env("EARWITNESS_REQUIRE_LOCK", "true")
            .env("EARWITNESS_SWEEP_INTERVAL", "1s")
            .stdout(Stdio::piped())
            .stderr(log.expect("a log file"));
        let mut child = Command::from(command).kill_on_drop(true).spawn().expect("the binary starts");
        let output = child.stdout.take().expect("its output");
        (child, output)
    }
}

/// Tells where the node listens once it says so; false when it ends without. Reads to the end of the output.
async fn listens(output: ChildStdout, addresses: Addresses, number: usize) -> bool {
    let mut lines = BufReader::new(output).lines();
    let Some(line) = lines.next_line().await.expect("a line") else { return false };
    let said: Value = serde_json::from_str(&line).expect("one document on one line");
    addresses.0[number].send_replace(said["url"].as_str().map(str::to_owned));
    while lines.next_line().await.expect("a line").is_some() {}
    true
}

/// SIGTERM, and a graceful end.
async fn end(mut child: Child) {
    let pid = child.id().and_then(|id| rustix::process::Pid::from_raw(id.try_into().ok()?)).expect("it runs");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends").expect("an end");
    assert!(status.success(), "serve ended with {status}");
}
