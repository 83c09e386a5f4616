//! Three nodes under load on PostgreSQL, S3 with Object Lock and OpenBao. For two minutes one of them is killed with
//! `kill -9` every few seconds; meanwhile PostgreSQL and the object store each crash once. Then every acknowledged
//! recording is there, byte for byte and once, and exactly what was due is purged.
//!
//! | file | what it answers for |
//! |---|---|
//! | `servers` | a PostgreSQL and a SeaweedFS that may be crashed |
//! | `nodes` | three nodes, started again whenever they end |
//! | `load` | clients that upload, and try again elsewhere |
//! | `witness` | the ledger's checkpoints, as they were published |
//! | `reckoning` | what has to be so afterwards |

mod load;
mod nodes;
mod reckoning;
mod servers;
mod witness;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::load::{Done, Load};
use self::nodes::{Ends, NODES, Nodes};
use self::reckoning::{Promised, whole_tree};
use self::servers::Servers;
use self::witness::Witness;
use crate::support::stack::Stack;
use crate::support::world::World;

/// How long it goes on. `EARWITNESS_TEST_CHAOS_S` sets another time, for work on this test.
const DURATION: Duration = Duration::from_secs(120);
const BETWEEN_KILLS: Duration = Duration::from_secs(4);
/// A node that was killed gets so long to come back before it is killed again: otherwise nothing would ever happen.
const COMING_BACK: Duration = Duration::from_secs(8);
const CLIENTS: u32 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_under_load_lose_nothing_and_purge_exactly() {
    let servers = Servers::start().await;
    let mut world = World::new(Stack::Production).await;
    world.catalog.clone_from(&servers.postgres);
    world.use_engine("EARWITNESS_STORE", &servers.bucket.replacen('?', "/chaos?", 1));
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let world = Arc::new(world);
    let _told = ToldWhenItFails(world.clone());
    let nodes = Nodes::start(&world);
    for node in 0..NODES {
        nodes.addresses.wait_for(node).await;
    }

    let (witness, watched) = (Arc::new(Witness::default()), CancellationToken::new());
    let watching = tokio::spawn(witness.clone().watch(nodes.addresses.clone(), watched.clone()));
    let (load, enough) = (Load::new(nodes.addresses.clone(), ingest), CancellationToken::new());
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(load.clone().client(number, enough.clone()));
    }
    let duration = duration();
    rage(&nodes, &servers, duration, &mut clients).await;
    enough.cancel();
    while let Some(ended) = clients.join_next().await {
        ended.expect("a client");
    }

    let done = load.done();
    let promised = Promised::of(&done);
    let (live, due) = promised.counts();
    eprintln!("{} calls: {live} to be kept, {due} due; other answers: {:?}", done.calls.len(), done.others);
    promised.until_settled(&world).await;
    for node in 0..NODES {
        promised.assert_served_by(&nodes.addresses.wait_for(node).await, &legal).await;
    }
    let base = nodes.addresses.wait_for(0).await;
    promised.assert_purged_exactly(&world, &base, &legal).await;
    promised.assert_bucket(&world).await;
    watched.cancel();
    watching.await.expect("a witness");
    let seen = witness.assert_all_in(&whole_tree(&world, &base).await);
    let ends = nodes.stop().await;
    promised.assert_sound(&world);
    eprintln!("{ends:?}; {seen} checkpoints");
    assert_enough_happened(&done, ends, duration);
}

/// The nodes' log goes with its folder: the end of it is told where the test fails.
struct ToldWhenItFails(Arc<World>);

impl Drop for ToldWhenItFails {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.0.folder.path().join("serve.log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("{}", lines[lines.len().saturating_sub(100)..].join("\n"));
        }
    }
}

/// Otherwise it would show nothing.
fn assert_enough_happened(done: &Done, ends: Ends, duration: Duration) {
    let answers: Vec<&str> = done.others.keys().map(String::as_str).collect();
    let expected = ["422 past-deadline", "503 unavailable", "died"];
    assert!(answers.iter().all(|answer| expected.contains(answer)), "other answers: {:?}", done.others);
    assert!(answers.contains(&"died"), "uploads met a node that was killed");
    assert!(ends.killed as u64 >= duration.as_secs() / 12, "killed every few seconds: {ends:?}");
    let acknowledged = |is_due: bool, is_twice: bool| {
        let such = done.calls.iter().filter(|call| call.due_at.is_some() == is_due && call.is_twice == is_twice);
        such.filter(|call| call.id().is_some()).count()
    };
    for (is_due, is_twice) in [(false, false), (false, true), (true, false), (true, true)] {
        assert!(acknowledged(is_due, is_twice) > 0, "due: {is_due}, through two nodes: {is_twice}");
    }
}

fn duration() -> Duration {
    let set = std::env::var("EARWITNESS_TEST_CHAOS_S").ok();
    set.map_or(DURATION, |seconds| Duration::from_secs(seconds.parse().expect("seconds")))
}

/// Kills one node after the other; after a third of the time PostgreSQL crashes, after two thirds the store.
async fn rage(nodes: &Nodes, servers: &Servers, duration: Duration, clients: &mut JoinSet<()>) {
    let begun = Instant::now();
    let mut crashes = vec![(duration * 2 / 3, "seaweedfs"), (duration / 3, "postgresql")];
    let mut crashed = Vec::new();
    for kill in 0.. {
        tokio::time::sleep(BETWEEN_KILLS).await;
        if let Some(ended) = clients.try_join_next() {
            panic!("a client ended early: {ended:?}");
        }
        if begun.elapsed() >= duration {
            break;
        }
        if crashes.last().is_some_and(|(at, _)| begun.elapsed() >= *at) {
            let (_, name) = crashes.pop().expect("one more");
            crashed.push(servers.crash(name));
        }
        // Half of the kills hit a node as soon as it is its turn, in the middle of its start as well.
        if kill % 2 == 0 {
            let _ = tokio::time::timeout(COMING_BACK, nodes.addresses.wait_for(kill)).await;
        }
        nodes.kill(kill % NODES).await;
    }
    assert_eq!(crashes, [], "each of the servers crashed");
    for crash in crashed {
        crash.await.expect("it answers again");
    }
}
