//! Purges whose process dies.

use std::os::unix::process::ExitStatusExt as _;

use earwitness::purge::erasure::{ErasureOutcome, erase};
use earwitness::recording::ExpiryMonth;
use earwitness::vault::keys::KeyName;
use earwitness::vault::objects::ObjectKey;
use reqwest::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use super::{PAST_THE_CLAIM_S, assert_sound, stored_before};
use crate::support::objects::recordings;
use crate::support::stack::Stack;
use crate::support::world::{World, call, five_years_less, tone};

pub(super) async fn dies_at(stack: Stack, point: &str) {
    let mut world = World::moving_its_clock(stack).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let server = world.serve(None).await;
    // The sealed key of the young one is of another month than the old one's.
    let old = server.post(&ingest, &call("old", five_years_less(3_600)), &tone(1)).await.expect("an answer");
    let young = server.post(&ingest, &call("young", 60), &tone(2)).await.expect("an answer");
    let (old, young): (Value, Value) = (old.json().await.expect("json"), young.json().await.expect("json"));
    let (old, young) = (old["id"].as_str().expect("an id"), young["id"].as_str().expect("an id"));
    server.stop().await;

    world.ahead_s = 7_200;
    let mut server = world.serve(Some(point)).await;
    assert_eq!(server.until_dead().await.signal(), Some(9), "{point}");

    world.ahead_s += PAST_THE_CLAIM_S;
    let server = world.serve(None).await;
    let certificate = format!("/v1/retention/certificates/{old}");
    let certificate = server.until(&legal, &certificate, StatusCode::OK).await;
    let file = world.folder.path().join("certificate.json");
    std::fs::write(&file, certificate.bytes().await.expect("a certificate")).expect("a file");
    assert_eq!(server.get(&legal, &format!("/v1/recordings/{old}")).await.status(), StatusCode::GONE, "{point}");
    let heard = server.get(&legal, &format!("/v1/recordings/{young}/audio")).await;
    assert_eq!(heard.bytes().await.expect("audio"), tone(2), "{point}: the other one is untouched");
    server.stop().await;
    let verified = world.run(&["verify", &file.display().to_string()]);
    assert!(verified.status.success(), "{point}: {}", String::from_utf8_lossy(&verified.stdout));
    assert_eq!(recordings(world.store().await).await, [young], "{point}");
    assert_eq!(assert_sound(&world, point)["recordings"], 1, "{point}");
}

/// What is erased before its deadline is purged by whoever comes next.
pub(super) async fn erasure_dies_at(stack: Stack, point: &str) {
    let mut world = World::moving_its_clock(stack).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let id = stored_before(&world, &legal, &ingest, &tone(1)).await;
    let archive = world.archive().await;
    let outcome = erase(&archive, id.parse().expect("an id"), Uuid::new_v4()).await;
    assert_eq!(outcome.expect("an answer"), ErasureOutcome::Fenced);
    archive.catalog.close().await;
    let died = world.run_with(&["purge", "--json"], &[("EARWITNESS_FAILPOINT", point)]);
    assert_eq!(died.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&died.stderr));
    world.ahead_s += PAST_THE_CLAIM_S;
    let server = world.serve(None).await;
    server.until(&legal, &format!("/v1/retention/certificates/{id}"), StatusCode::OK).await;
    server.stop().await;
    assert_eq!(recordings(world.store().await).await, Vec::<String>::new(), "{point}");
    assert_sound(&world, point);
}

pub(super) async fn month_end_dies_at(stack: Stack, point: &str) {
    let mut world = World::moving_its_clock(stack).await;
    let ingest = world.token("ingest");
    let server = world.serve(None).await;
    let old = server.post(&ingest, &call("old", five_years_less(3_600)), &tone(1)).await.expect("an answer");
    assert_eq!(old.status(), StatusCode::CREATED);
    let receipt: Value = old.json().await.expect("json");
    server.stop().await;
    let keys = world.keys().await;
    let expires_at = receipt["expires_at"].as_str().expect("a deadline").parse::<chrono::DateTime<chrono::Utc>>();
    let month = expires_at.expect("a time").with_timezone(&chrono_tz::Europe::Brussels).format("%Y-%m").to_string();
    let month: ExpiryMonth = month.parse().expect("a month");
    let name = KeyName::Month(month);
    assert!(keys.exists(&name).await.expect("an answer"), "{point}: there is a key to destroy");

    // Forty days since the last heartbeat: an operator has to say that this is right.
    world.ahead_s = 40 * 24 * 3_600;
    let refused = world.run(&["purge", "--json"]);
    assert_eq!(refused.status.code(), Some(4), "{point}: {}", String::from_utf8_lossy(&refused.stderr));
    let output =
        world.run_with(&["purge", "--confirm", "moved on purpose", "--json"], &[("EARWITNESS_FAILPOINT", point)]);
    assert_eq!(output.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&output.stderr));
    world.ahead_s += PAST_THE_CLAIM_S;
    let report = world.run_json(&["purge", "--json"]);
    assert_eq!(report["stopped_by"], serde_json::json!([]), "{point}: {report}");
    assert!(!keys.exists(&name).await.expect("an answer"), "{point}: the key is destroyed");
    let store = world.store().await;
    assert!(store.head(&ObjectKey::MonthDestroyed(month)).await.expect("an answer").is_some(), "{point}");
    assert!(store.head(&ObjectKey::Secret(name)).await.expect("an answer").is_none(), "{point}");
    assert_sound(&world, point);
}
