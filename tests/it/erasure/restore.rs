//! A catalog from before an erasure, or none at all, brings nothing of it back, wherever its purge stood.

use std::os::unix::process::ExitStatusExt as _;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::erased;
use crate::on_each_stack;
use crate::rebuild::post;
use crate::support::stack::Stack;
use crate::support::world::{World, call, tone};

on_each_stack!(
    from_before_it_was_begun,
    from_before_while_its_keys_are_destroyed,
    from_before_with_its_objects_gone,
    from_before_with_its_certificate,
);

async fn from_before_it_was_begun(stack: Stack) {
    stays_erased(stack, None).await;
}

async fn from_before_while_its_keys_are_destroyed(stack: Stack) {
    stays_erased(stack, Some("purge.sidecar_deleted")).await;
}

async fn from_before_with_its_objects_gone(stack: Stack) {
    stays_erased(stack, Some("purge.objects_deleted")).await;
}

async fn from_before_with_its_certificate(stack: Stack) {
    stays_erased(stack, Some("purge.certified")).await;
}

/// The purge of an erasure dies there, or was not begun; then an old catalog is put back, and then none.
async fn stays_erased(stack: Stack, point: Option<&str>) {
    let mut world = World::moving_its_clock(stack).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let server = world.serve(None).await;
    let metadata = call("one", 60);
    let (id, _) = post(&server, &ingest, &metadata, &tone(1)).await;
    let (kept, _) = post(&server, &ingest, &call("kept", 30), &tone(2)).await;
    server.until(&legal, "/v1/ledger/checkpoint", StatusCode::OK).await;
    server.stop().await;
    let backup = world.back_up().await;
    let archive = world.archive().await;
    let request = erased(&archive, id.parse().expect("an id")).await;
    archive.catalog.close().await;
    if let Some(point) = point {
        let died = world.run_with(&["purge", "--json"], &[("EARWITNESS_FAILPOINT", point)]);
        assert_eq!(died.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&died.stderr));
        world.ahead_s += 120;
    }
    let nothing = world.empty_catalog().await;
    for (lost, catalog) in [(false, backup), (true, nothing)] {
        world.catalog = catalog;
        let refused = world.run(&["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!(refused.status.code(), Some(4), "{point:?}, {lost}: an old catalog is not served");
        let restored = world.run_json(&["restore", "--json"]);
        assert_eq!(restored["findings"], json!([]), "{point:?}, {lost}: {restored}");
        let applied = [&restored["erasures_applied"], &restored["purges_applied"]].map(|count| count.as_u64().unwrap());
        assert!(applied.iter().sum::<u64>() >= 1, "{point:?}, {lost}: {restored}");
        let (ingest, legal) =
            if lost { (world.token("ingest"), world.token("legal")) } else { (ingest.clone(), legal.clone()) };
        let server = world.serve(None).await;
        let read = server.get(&legal, &format!("/v1/recordings/{id}/audio")).await;
        assert_eq!(read.status(), StatusCode::GONE, "{point:?}, {lost}");
        let again = server.post(&ingest, &metadata, &tone(1)).await.expect("an answer");
        assert_eq!(again.status(), StatusCode::GONE, "{point:?}, {lost}: the call is refused");
        let told: Value = again.json().await.expect("a problem");
        assert_eq!(told["code"], "erased");
        let certificate = server.until(&legal, &format!("/v1/retention/certificates/{id}"), StatusCode::OK).await;
        let certificate: Value = certificate.json().await.expect("a certificate");
        assert_eq!(certificate["ground"], "erasure", "{point:?}, {lost}");
        let heard = server.get(&legal, &format!("/v1/recordings/{kept}/audio")).await;
        assert_eq!(heard.bytes().await.expect("audio"), tone(2), "the other one is there");
        server.stop().await;
        assert_eq!(world.objects_of(&id).await, Vec::<String>::new(), "{point:?}, {lost}");
        let looked = world.run_json(&["fsck", "--rehash", "--json"]);
        assert_eq!(
            (&looked["findings"], &looked["recordings"]),
            (&json!([]), &json!(1)),
            "{point:?}, {lost}: {looked}"
        );
        let archive = world.archive().await;
        let purge = archive.catalog.purge_of(id.parse().expect("an id")).await.expect("an answer").expect("a purge");
        assert_eq!(purge.request_id, Some(request), "{point:?}, {lost}: the request is known again");
        archive.catalog.close().await;
    }
}
