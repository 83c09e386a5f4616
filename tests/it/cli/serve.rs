//! `serve`, and commands beside it.

use std::time::Duration;

use earwitness::vault::objects::ObjectKey;
use serde_json::Value;

use super::{Running, document, import, row, stderr};
use crate::on_each_stack;
use crate::support::objects::bytes_of;
use crate::support::stack::Stack;
use crate::support::world::World;

on_each_stack!(
    tokens_count_from_the_next_request_on,
    a_catalog_older_than_its_store_serves_nothing,
    metrics_tell_what_is_there_and_what_fails,
);

/// Starts `serve` on a fresh port and gives its base URL.
fn serve(world: &World, more: &[&str]) -> (Running, Value) {
    let arguments = [&["serve", "--listen", "127.0.0.1:0", "--json"], more].concat();
    let mut server = Running::start(world, &arguments, &[]);
    let listening = serde_json::from_str(&server.line()).expect("one document on one line");
    (server, listening)
}

async fn status(url: String, token: Option<&str>) -> u16 {
    let request = reqwest::Client::new().get(url);
    let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
    request.send().await.expect("an answer").status().as_u16()
}

async fn text(url: String) -> String {
    reqwest::get(url).await.expect("an answer").text().await.expect("a text")
}

async fn metrics_tell_what_is_there_and_what_fails(stack: Stack) {
    let world = World::new(stack).await;
    let imported = import(&world, &[row(&world, "call-1", 60, 1)]);
    assert!(imported.status.success(), "{}", stderr(&imported));
    let (_server, listening) = serve(&world, &[]);
    let url = listening["url"].as_str().unwrap();
    // The first count and the first pass of the purge come right after the start, by themselves.
    let mut metrics = String::new();
    for _ in 0..200 {
        assert_eq!(status(format!("{url}/readyz"), None).await, 200);
        metrics = text(format!("{url}/metrics")).await;
        if ["recordings ", "purge_heartbeat_age_seconds "]
            .iter()
            .all(|m| metrics.contains(&format!("\nearwitness_{m}")))
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let has = |metrics: &str, line: &str| assert!(metrics.lines().any(|l| l == line), "{line} in:\n{metrics}");
    for part in ["catalog", "clock", "store", "keys", "ledger", "purge"] {
        has(&metrics, &format!("earwitness_ready{{part=\"{part}\"}} 1"));
    }
    for line in ["recordings 1", "quarantined 0", "held 0", "purge_brakes 0", "oldest_overdue_seconds 0"] {
        has(&metrics, &format!("earwitness_{line}"));
    }
    has(&metrics, "earwitness_ledger_failures_total 0");
    assert_eq!(metrics.contains("\nearwitness_clock_offset_seconds "), stack == Stack::Production, "{metrics}");
    if stack == Stack::Production {
        return; // its keys are in no folder that could go away
    }
    has(&metrics, "earwitness_warning{part=\"keys\"} 1"); // no replica
    let keys = world.data().join("keys");
    std::fs::rename(&keys, world.data().join("not-mounted")).unwrap();
    assert_eq!(status(format!("{url}/readyz"), None).await, 503);
    let metrics = text(format!("{url}/metrics")).await;
    has(&metrics, "earwitness_ready{part=\"keys\"} 0");
    has(&metrics, "earwitness_ready{part=\"catalog\"} 1");
}

async fn tokens_count_from_the_next_request_on(stack: Stack) {
    let world = World::new(stack).await;
    let (server, listening) = serve(&world, &[]);
    let url = listening["url"].as_str().unwrap();
    assert_eq!(status(format!("{url}/readyz"), None).await, 200);
    let report = format!("{url}/v1/retention/report");
    let made = world.run_json(&["token", "create", "--role", "operator", "--name", "ops", "--json"]);
    let token = made["token"].as_str().unwrap();
    assert_eq!(status(report.clone(), None).await, 401);
    assert_eq!(status(report.clone(), Some(token)).await, 200);
    world.run_json(&["token", "revoke", made["id"].as_str().unwrap(), "--json"]);
    assert_eq!(status(report, Some(token)).await, 401);
    let imported = import(&world, &[row(&world, "call-1", 60, 1)]);
    assert!(imported.status.success(), "{}", stderr(&imported));
    assert_eq!(status(format!("{url}/metrics"), None).await, 200);

    let (rest, ended, took) = server.stop();
    assert_eq!((rest.as_str(), ended.code()), ("", Some(0)), "one document and nothing else");
    assert!(took < Duration::from_secs(10), "{took:?}");
    let checkpoint = String::from_utf8(bytes_of(world.store().await, &ObjectKey::Checkpoint).await).unwrap();
    let size: u64 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    assert_eq!(size, 4, "a token made, withdrawn and refused, a recording received: all published");
}

async fn a_catalog_older_than_its_store_serves_nothing(stack: Stack) {
    let mut world = World::new(stack).await;
    let imported = import(&world, &[row(&world, "call-1", 60, 1)]);
    assert!(imported.status.success(), "{}", stderr(&imported));
    world.catalog = world.empty_catalog().await;
    for command in [vec!["serve", "--listen", "127.0.0.1:0"], vec!["purge"]] {
        let refused = world.run(&command);
        assert_eq!(refused.status.code(), Some(4), "{command:?}: {}", stderr(&refused));
        assert!(stderr(&refused).contains("earwitness restore"), "{}", stderr(&refused));
    }
    assert_eq!(import(&world, &[row(&world, "call-2", 60, 2)]).status.code(), Some(4));
    assert_eq!(world.run_json(&["fsck", "--rebuild", "--json"])["brought_back"], 1);
    let again = import(&world, &[row(&world, "call-2", 60, 2)]);
    assert_eq!(document(&again)["accepted"], 1, "{}", stderr(&again));
}

#[tokio::test]
async fn metrics_have_an_address_of_their_own_when_asked() {
    let world = World::new(Stack::Embedded).await;
    let (_server, listening) = serve(&world, &["--metrics-listen", "127.0.0.1:0"]);
    assert_eq!(status(listening["metrics_url"].as_str().unwrap().to_owned(), None).await, 200);
    assert_eq!(status(format!("{}/metrics", listening["url"].as_str().unwrap()), None).await, 404);
}

#[tokio::test]
async fn a_taken_address_is_a_clear_failure() {
    let world = World::new(Stack::Embedded).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = world.run(&["serve", "--listen", &taken.local_addr().unwrap().to_string()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("cannot listen on 127.0.0.1:"), "{}", stderr(&refused));
}
