//! `purge`.

use super::{document, stderr, with_one_due_in_an_hour};
use crate::on_each_stack;
use crate::support::objects::certificates;
use crate::support::stack::Stack;
use crate::support::world::World;

on_each_stack!(a_dry_run_changes_nothing_and_a_purge_leaves_a_certificate, a_purge_with_its_brakes_on_says_why);

async fn a_dry_run_changes_nothing_and_a_purge_leaves_a_certificate(stack: Stack) {
    let mut world = World::moving_its_clock(stack).await;
    with_one_due_in_an_hour(&world);
    assert_eq!(world.run_json(&["purge", "--dry-run", "--json"])["due"], 0);
    assert_eq!(world.run_json(&["purge", "--json"])["fenced"], 0, "never early");
    world.ahead_s = 7_200;
    for _ in 0..2 {
        let would = world.run_json(&["purge", "--dry-run", "--json"]);
        assert_eq!((would["due"].as_u64(), would["recordings"].as_array().map(Vec::len)), (Some(1), Some(1)));
    }
    assert!(certificates(world.store().await).await.is_empty());
    assert_eq!(world.run_json(&["report", "--json"])["overdue"]["count"], 1);
    let done = world.run_json(&["purge", "--json"]);
    assert_eq!((&done["certified"], &done["still_due"]), (&1.into(), &0.into()), "{done}");
    assert_eq!(certificates(world.store().await).await.len(), 1);
    let report = world.run_json(&["report", "--json"]);
    assert_eq!([&report["totals"]["live"], &report["totals"]["purged"], &report["overdue"]["count"]], [1, 1, 0]);
}

async fn a_purge_with_its_brakes_on_says_why(stack: Stack) {
    let mut world = World::moving_its_clock(stack).await;
    with_one_due_in_an_hour(&world);
    assert!(world.run(&["purge", "--once"]).status.success(), "the first heartbeat");
    world.ahead_s = 3 * 24 * 3_600;
    let stopped = world.run(&["purge", "--json"]);
    assert_eq!(stopped.status.code(), Some(4), "{}", stderr(&stopped));
    assert_eq!(document(&stopped)["stopped_by"], serde_json::json!(["clock-jump"]));
    assert!(stderr(&stopped).contains("--confirm"), "{}", stderr(&stopped));
    assert_eq!(world.run_json(&["report", "--json"])["brakes"][0]["kind"], "clock-jump");
    assert_eq!(world.run(&["purge", "--confirm", " "]).status.code(), Some(2));
    let done = world.run_json(&["purge", "--confirm", "switched off for three days", "--by", "An", "--json"]);
    assert_eq!(done["certified"], 1);
}
