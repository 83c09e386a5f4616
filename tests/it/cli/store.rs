//! `store init` and `store check`, and what `serve` and `ingest` make of a store that does not do what it has to.

use super::{import, row, stderr};
use crate::support::outsider::Outsider;
use crate::support::stack::{Bucket, Engines, Stack};
use crate::support::world::World;

const LOCK: (&str, &str) = ("EARWITNESS_REQUIRE_LOCK", "true");

fn serve(world: &World, env: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = world.run_with(&["serve", "--listen", "127.0.0.1:0"], env);
    (output.status.code(), stderr(&output))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_a_lock_is_refused_where_one_is_required() {
    for world in [World::moving_its_clock(Stack::Production).await, World::new(Stack::Embedded).await] {
        let _ = world.token("ingest");
        assert_eq!(world.run(&["store", "check"]).status.code(), Some(0), "without a lock it is one as well");
        assert_eq!(world.run_with(&["store", "check"], &[LOCK]).status.code(), Some(3));
        let (code, told) = serve(&world, &[LOCK]);
        assert_eq!(code, Some(4), "{told}");
        assert!(told.contains("require_lock"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_made_and_found_good_until_it_locks_by_itself() {
    let mut world = World::new(Stack::Production).await;
    let engines = Engines::new(Stack::Production, Bucket::Locked).await;
    let known = engines.store().expect("a bucket");
    let name = format!("earwitness-{}", uuid::Uuid::new_v4().simple());
    let address = format!("s3://{name}?{}", known.split_once('?').expect("an endpoint").1);
    world.use_engine("EARWITNESS_STORE", &address);
    assert_ne!(world.run_with(&["store", "check"], &[LOCK]).status.code(), Some(0), "there is no such bucket");
    let made = world.run_json(&["store", "init", "--json"]);
    assert_ne!(made["changed"].as_array().map(Vec::len), Some(0), "{made}");
    let checked = world.run_with(&["store", "check", "--json"], &[LOCK]);
    assert_eq!(checked.status.code(), Some(0), "{}", stderr(&checked));
    assert!(import(&world, &[row(&world, "call-1", 60, 1)]).status.success());

    Outsider::at(&address).await.lock_by_default().await;
    assert_eq!(world.run(&["store", "check"]).status.code(), Some(3));
    let (code, told) = serve(&world, &[]);
    assert_eq!(code, Some(4), "{told}");
    assert!(told.contains("default retention"), "{told}");
    let refused = import(&world, &[row(&world, "call-2", 60, 2)]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
}
