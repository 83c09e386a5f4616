//! `kill -9` at every step of ingest and purge, then a restart: nothing acknowledged is lost, nothing is deleted early,
//! nothing is left over.

mod after;
mod cases;
mod evidence;
mod ingest;
pub(crate) mod points;
mod purge;

use earwitness::catalog::Catalog;
use serde_json::Value;

use crate::support::stack::Stack;
use crate::support::world::{World, call, tone, tone_of};
use points::{CASE, CASE_END, ERASURE, EVIDENCE, INGEST, LONG_INGEST, MONTH, PURGE, RELATED, RELEASE, RULE};
use reqwest::StatusCode;

/// Longer than a claim or a lease lasts, so that those of the dead process are over after the restart.
const PAST_THE_CLAIM_S: i64 = 120;

/// Makes one test per stack out of what is done on a stack.
macro_rules! on_both {
    ($($name:ident: |$stack:ident| $done:expr;)+) => {
        mod embedded {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { let $stack = Stack::Embedded; $done })+
        }
        mod production {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { let $stack = Stack::Production; $done })+
        }
    };
}

on_both! {
    an_upload: |stack| for point in INGEST.on(stack) { ingest::dies_at(stack, point, &tone(1)).await };
    a_purge: |stack| for point in PURGE.on(stack) { purge::dies_at(stack, point).await };
    an_erasure: |stack| for point in ERASURE { purge::erasure_dies_at(stack, point).await };
    the_end_of_a_month: |stack| for point in MONTH.on(stack) { purge::month_end_dies_at(stack, point).await };
    a_case: |stack| for point in CASE { cases::opening_dies_at(stack, point).await };
    the_end_of_a_case: |stack| for point in CASE_END { cases::end_dies_at(stack, point).await };
    a_rule: |stack| cases::rule_dies_at(stack, RULE).await;
    a_release: |stack| for point in RELEASE { cases::release_dies_at(stack, point).await };
    a_package: |stack| for (point, state) in EVIDENCE { evidence::package_dies_at(stack, point, state).await };
    a_decision: |stack| after::decision_dies(stack).await;
    related_data: |stack| for (point, is_kept) in RELATED { after::related_dies_at(stack, point, *is_kept).await };
    what_was_acknowledged_survives_a_kill: |stack| ingest::killed_under_load(stack).await;
}

/// So long that it is stored in parts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_upload_on_production() {
    let audio = tone_of(600, 1);
    for point in LONG_INGEST {
        ingest::dies_at(Stack::Production, point, &audio).await;
    }
}

fn assert_sound(world: &World, point: &str) -> Value {
    let report = world.run_json(&["fsck", "--rehash", "--json"]);
    assert_eq!(report["findings"], Value::Array(vec![]), "{point}: {report}");
    report
}

/// Uploads it, to a server that is stopped again: what comes next is the first write under a fail point.
pub(super) async fn stored_before(world: &World, legal: &str, ingest: &str, audio: &[u8]) -> String {
    let server = world.serve(None).await;
    let receipt = server.post(ingest, &call("call-1", 60), audio).await.expect("an answer");
    assert!(receipt.status().is_success(), "{}", receipt.status());
    let receipt: Value = receipt.json().await.expect("a receipt");
    server.until(legal, "/v1/ledger/checkpoint", StatusCode::OK).await;
    server.stop().await;
    receipt["id"].as_str().expect("an id").to_owned()
}

/// Whether the catalog knows that the sidecar in the store is older than the row.
pub(super) async fn sidecar_is_stale(world: &World, id: &str) -> bool {
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    let stale = catalog.stale_sidecars(10).await.expect("an answer");
    catalog.close().await;
    stale.contains(&id.parse().expect("an id"))
}
