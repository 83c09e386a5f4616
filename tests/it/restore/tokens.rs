//! A token that was withdrawn after the backup, and of which the store does not know.

use earwitness::access::Role;
use earwitness::archive::tokens;
use earwitness::housekeeping;
use earwitness::vault::objects::ObjectKey;
use reqwest::StatusCode;
use serde_json::json;

use crate::on_both_stacks;
use crate::on_each_stack;
use crate::rebuild::checkpoint;
use crate::support::archive::Running;
use crate::support::meddling::Meddling;
use crate::support::stack::{Place, Stack};
use crate::support::world::World;

mod worlds {
    use super::*;
    on_each_stack!(
        where_it_is_not_known_which_all_of_that_time_are_withdrawn,
        a_backup_is_not_served_when_nothing_but_a_token_changed,
    );

    async fn a_backup_is_not_served_when_nothing_but_a_token_changed(stack: Stack) {
        let mut world = World::moving_its_clock(stack).await;
        let (id, leaked) = world.token_with_id("legal");
        let backup = world.dump();
        // No server runs, so that nothing is published, and the entry is lost with the catalog.
        world.run_json(&["token", "revoke", &id, "--json"]);
        world.catalog = backup.put_back(world.folder.path());
        let refused = world.run(&["serve", "--listen", "127.0.0.1:0"]);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(4) && told.contains("earwitness restore"), "{told}");
        for revoked in [1, 0] {
            let done = world.run_json(&["restore", "--json"]);
            assert_eq!((&done["tokens_revoked"], &done["tokens_withdrawn"]), (&json!(revoked), &json!(0)), "{done}");
        }
        let server = world.serve(None).await;
        assert_eq!(server.get(&leaked, "/v1/recordings").await.status(), StatusCode::UNAUTHORIZED);
        let entries = world.archive().await.catalog.times_of_kind("token.revoked").await.expect("entries");
        assert_eq!(entries.len(), 1, "the ledger has its entry again");
        server.stop().await;
    }

    async fn where_it_is_not_known_which_all_of_that_time_are_withdrawn(stack: Stack) {
        let mut world = World::moving_its_clock(stack).await;
        let (id, leaked) = world.token_with_id("legal");
        let kept = world.token("legal");
        let backup = world.dump();
        world.run_json(&["token", "revoke", &id, "--json"]);
        let server = world.serve(None).await;
        checkpoint(&server, &kept).await;
        server.stop().await;
        let record = ObjectKey::TokenRevoked(id.parse().expect("an id"));
        world.store().await.delete(&record).await.expect("deleted");

        world.catalog = backup.put_back(world.folder.path());
        let done = world.run_json(&["restore", "--json"]);
        assert_eq!((&done["tokens_revoked"], &done["tokens_withdrawn"]), (&json!(0), &json!(2)), "{done}");
        let new = world.token("legal");
        let again = world.run_json(&["restore", "--json"]);
        assert_eq!(again["tokens_withdrawn"], 0, "not those that were made since: {again}");
        let server = world.serve(None).await;
        for (token, status) in
            [(&leaked, StatusCode::UNAUTHORIZED), (&kept, StatusCode::UNAUTHORIZED), (&new, StatusCode::OK)]
        {
            assert_eq!(server.get(token, "/v1/recordings").await.status(), status);
        }
        server.stop().await;
    }
}

on_both_stacks!(in Versioned: the_store_is_told_later_when_it_was_away);

async fn the_store_is_told_later_when_it_was_away(place: &Place) {
    let running = Running::start(place).await;
    let leaked = running.token(Role::Legal, &[], None).await;
    let mut archive = place.open(running.clock.clone(), &[]).await;
    let meddling = Meddling::with(&mut archive, None);
    let record = ObjectKey::TokenRevoked(leaked.id);
    meddling.refuse(record);
    assert!(tokens::revoke(&archive, leaked.id).await.expect("an answer"), "a leaked token waits for no store");
    assert_eq!(running.get(&leaked, "/v1/recordings").await.status, 401);
    assert!(archive.kept_revocations().await.expect("a listing").is_empty());
    meddling.allow(&record);
    let report = housekeeping::pass(&archive, true).await;
    assert_eq!((report.revocations_kept, &report.failed[..]), (1, &[][..]), "{report:?}");
    let row = archive.catalog.tokens().await.expect("tokens").remove(0);
    assert_eq!(Some(archive.kept_revocation(leaked.id).await.expect("it opens")), row.revoked_at);
    assert_eq!(housekeeping::pass(&archive, true).await.revocations_kept, 0);
}
