//! Backups made and put back with the documented commands: what they bring back, and what they never do.

mod accounts;
mod cases;
mod copies;
pub(crate) mod keys;
mod tokens;

use chrono::{DateTime, Datelike as _, Months, NaiveDate};
use earwitness::access::{Actor, Role};
use earwitness::hold::{self, NewHold};
use earwitness::vault::keys::KeyName;
use earwitness::vault::objects::Prefix;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::on_each_stack;
use crate::rebuild::{checkpoint, head, leaves, post, tree_hash};
use crate::support::objects;
use crate::support::stack::Stack;
use crate::support::world::{Server, World, call, five_years_less, tone, unix_now};

on_each_stack!(a_backup_resurrects_nothing_and_loses_nothing);

/// The call that is due in an hour by the machine's clock.
fn due(name: &str) -> Value {
    call(name, five_years_less(3_600))
}

/// How far the clock has to be moved for the month of [`due`] to be over, with its grace.
fn until_its_month_is_over() -> i64 {
    let deadline = DateTime::from_timestamp(unix_now() + 3_600, 0).expect("a time").date_naive();
    let first = NaiveDate::from_ymd_opt(deadline.year(), deadline.month(), 1).expect("a date");
    // A day more: the month ends in the policy's zone, which may be behind a deadline at its very end.
    let over = first.checked_add_months(Months::new(1)).expect("a date").and_hms_opt(0, 0, 0).expect("a time");
    over.and_utc().timestamp() + 27 * 3_600 - unix_now()
}

async fn place_hold(world: &World, recording: &str) {
    let archive = world.archive().await;
    let case = Uuid::new_v4();
    let mut tx = archive.catalog.begin().await.expect("a transaction");
    tx.ensure_case(case, archive.clock.now(), &[]).await.expect("a case");
    tx.commit().await.expect("committed");
    let new =
        NewHold { id: Uuid::new_v4(), case_id: case, recording_id: recording.parse().expect("an id"), rule: None };
    let actor = Actor { id: Uuid::new_v4(), name: "Legal".into(), role: Role::Legal, address: [127, 0, 0, 1].into() };
    hold::place(&archive, &new, &actor).await.expect("the hold is placed");
    archive.catalog.close().await;
}

/// Moves the clock behind the month, purges what is due, and sees the month's key destroyed.
async fn end_the_month(world: &mut World) {
    world.ahead_s = until_its_month_is_over();
    assert_eq!(world.run(&["purge"]).status.code(), Some(4), "it stops itself");
    let done = world.run_json(&["purge", "--confirm", "the clock was moved", "--json"]);
    assert_eq!((&done["failed"], &done["months_destroyed"]), (&json!(0), &json!(1)), "{done}");
    let records = objects::listed(world.store().await, &Prefix::months()).await;
    let [record] = &records[..] else { panic!("one month is over: {records:?}") };
    let name: KeyName = format!("month-{}", &record.path[7..14]).parse().expect("a month");
    assert!(!world.keys().await.exists(&name).await.expect("an answer"), "its key is gone");
}

async fn heard(server: &Server, token: &str, id: &str) -> (StatusCode, Vec<u8>) {
    let answer = server.get(token, &format!("/v1/recordings/{id}/audio")).await;
    (answer.status(), answer.bytes().await.expect("a body").to_vec())
}

async fn put_transcript(server: &Server, token: &str, id: &str) {
    let put = server.client.put(format!("{}/v1/recordings/{id}/related/transcript", server.base)).bearer_auth(token);
    let answer = put.header("Content-Type", "text/plain").body("een transcript").send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
}

async fn accept(server: &Server, token: &str, id: &str) {
    let decision = json!({"decision": "accept", "reason": "the half that there is suffices"});
    let post = server.client.post(format!("{}/v1/recordings/{id}/quarantine", server.base));
    let decided = post.bearer_auth(token).json(&decision).send().await.expect("an answer");
    assert_eq!(decided.status(), StatusCode::OK);
}

async fn a_backup_resurrects_nothing_and_loses_nothing(stack: Stack) {
    let mut world = World::moving_its_clock(stack).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let (leaked_id, leaked) = world.token_with_id("legal");
    let server = world.serve(None).await;
    let half = tone(3)[..20_000].to_vec();
    let (early, _) = post(&server, &ingest, &call("early", 60), &tone(1)).await;
    let (gone, _) = post(&server, &ingest, &due("gone"), &tone(2)).await;
    let (doubtful, _) = post(&server, &ingest, &call("cut", 60), &half).await;
    let (held, _) = post(&server, &ingest, &due("held"), &tone(4)).await;
    let first = checkpoint(&server, &legal).await;
    let backup = world.dump();

    // What happened since.
    place_hold(&world, &held).await;
    let late_call = call("late", 30);
    let (late, late_receipt) = post(&server, &ingest, &late_call, &tone(5)).await;
    accept(&server, &legal, &doubtful).await;
    put_transcript(&server, &legal, &early).await;
    let newer = world.token("legal");
    assert_eq!(world.run_json(&["token", "revoke", &leaked_id, "--json"])["revoked"], true);
    world.until_sidecars_are_fresh().await;
    server.stop().await;
    end_the_month(&mut world).await;
    let server = world.serve(None).await;
    let certificate = format!("/v1/retention/certificates/{gone}");
    let certified = server.until(&legal, &certificate, StatusCode::OK).await.bytes().await.expect("a certificate");
    assert_eq!(heard(&server, &legal, &held).await, (StatusCode::OK, tone(4)), "it lives by its case's key");
    let second = checkpoint(&server, &legal).await;
    server.stop().await;

    world.catalog = backup.put_back(world.folder.path());
    let refused = world.run(&["serve", "--listen", "127.0.0.1:0"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(4), "{told}");
    assert!(refused.stdout.is_empty() && told.contains("earwitness restore"), "{told}");
    let done = world.run_json(&["restore", "--rehash", "--json"]);
    for (what, count) in [
        ("brought_back", 1),
        ("caught_up", 3),
        ("purges_applied", 1),
        ("tokens_revoked", 1),
        ("tokens_withdrawn", 0),
        ("tokens_lost", 1),
        ("recordings", 4),
        ("rehashed", 4),
    ] {
        assert_eq!(done[what], count, "{what}: {done}");
    }
    assert_eq!(done["findings"], json!([]), "{done}");
    assert!(done["checkpoints_checked"].as_u64() >= Some(1), "{done}");
    let again = world.run_json(&["restore", "--json"]);
    assert_eq!((&again["tokens_revoked"], &again["ledger_entries"]), (&json!(0), &json!(0)), "{again}");

    let server = world.serve(None).await;
    for (id, audio) in [(&early, tone(1)), (&late, tone(5)), (&doubtful, half), (&held, tone(4))] {
        assert_eq!(heard(&server, &legal, id).await, (StatusCode::OK, audio));
    }
    assert_eq!(heard(&server, &legal, &gone).await.0, StatusCode::GONE);
    assert_eq!(server.get(&legal, &certificate).await.bytes().await.expect("a certificate"), certified);
    let decided: Value = server.get(&legal, &format!("/v1/recordings/{doubtful}")).await.json().await.expect("json");
    assert_eq!(decided["status"], "accepted");
    let transcript = server.get(&legal, &format!("/v1/recordings/{early}/related/transcript")).await;
    assert_eq!(transcript.text().await.expect("text"), "een transcript");
    for over in [&leaked, &newer] {
        assert_eq!(heard(&server, over, &early).await.0, StatusCode::UNAUTHORIZED, "revoked, or never heard of");
    }
    let repeated = server.post(&ingest, &late_call, &tone(5)).await.expect("an answer");
    assert_eq!(repeated.status(), StatusCode::OK, "the call is known");
    assert_eq!(repeated.bytes().await.expect("a receipt"), late_receipt);
    // The same ledger goes on.
    post(&server, &ingest, &call("after", 5), &tone(6)).await;
    let all = leaves(&server, &legal).await;
    for old in [&first, &second] {
        let (size, root) = head(old);
        assert!(size <= all.len());
        assert_eq!(tree_hash(&all[..size]).to_vec(), root, "a published checkpoint is contradicted");
    }
    server.stop().await;
    // The last heartbeat in the backup is a week old.
    assert_eq!(world.run(&["purge"]).status.code(), Some(4), "the purge waits for somebody to say that this is right");
    let done = world.run_json(&["purge", "--confirm", "restored from a backup", "--json"]);
    assert_eq!((&done["fenced"], &done["failed"]), (&json!(0), &json!(0)), "nothing is left to purge: {done}");
    assert_eq!(world.run_json(&["fsck", "--rehash", "--json"])["findings"], json!([]));
}
