//! `migrate-store`: from one folder to another.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};

use reqwest::StatusCode;
use serde_json::Value;

use super::{Filled, take_in};
use crate::support::engines::Engine;
use crate::support::world::{World, call, five_years_less, tone};

/// In the order in which one migration comes to them; with whether the archive is in the new store then.
pub(crate) const STORE_POINTS: &[(&str, bool)] =
    &[("migrate.object_copied", false), ("migrate.pass_done", false), ("migrate.store_moved", true)];

fn new_place(world: &World) -> (PathBuf, String) {
    let folder = world.folder.path().join("new-objects");
    let address = format!("file://{}", folder.display());
    (folder, address)
}

fn old_place(world: &World) -> PathBuf {
    world.data().join("objects")
}

/// From here on the world's store is the new one.
fn use_store(world: &mut World, address: &str) {
    world.use_engine("EARWITNESS_STORE", address);
}

/// A place of its own in the run's bucket with Object Lock.
fn bucket() -> String {
    let bucket = std::env::var("EARWITNESS_TEST_S3").expect("EARWITNESS_TEST_S3 is not set: run the tests with ./test");
    let (place, query) = bucket.split_once('?').expect("an address with an endpoint");
    format!("{}/migrate-{}?{query}", place.trim_end_matches('/'), uuid::Uuid::new_v4().simple())
}

async fn moves_to(filled: &mut Filled, address: &str) {
    let first = filled.world.run_json(&["migrate-store", "--to", address, "--json"]);
    assert_eq!(first["copied"], first["objects"], "{first}");
    let last = filled.world.run_json(&["migrate-store", "--to", address, "--finish", "--json"]);
    assert_eq!((&last["same"], &last["deleted"]), (&last["objects"], &0.into()), "{last}");
    use_store(&mut filled.world, address);
    filled.check().await;
}

/// From the folder into a bucket, into another one, and into a folder again.
async fn through_buckets(engine: Engine) {
    let mut filled = Filled::new(engine).await;
    for address in [bucket(), bucket(), new_place(&filled.world).1] {
        moves_to(&mut filled, &address).await;
    }
}

/// Dying in the middle of an object, in the bucket as in the folder.
async fn into_a_bucket_after_dying(engine: Engine) {
    let mut filled = Filled::new(engine).await;
    let address = bucket();
    for (point, _) in STORE_POINTS {
        let finish = ["migrate-store", "--to", &address, "--finish", "--json"];
        let died = filled.world.run_with(&finish, &[("EARWITNESS_FAILPOINT", point)]);
        assert_eq!(died.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&died.stderr));
        filled.world.ahead_s += 60;
    }
    use_store(&mut filled.world, &address);
    filled.check().await;
}

fn folders_of(objects: &Path) -> Vec<String> {
    let months = std::fs::read_dir(objects.join("rec")).into_iter().flatten().flatten();
    let recordings = months.flat_map(|month| std::fs::read_dir(month.path()).expect("a folder").flatten());
    recordings.map(|folder| folder.file_name().to_string_lossy().into_owned()).collect()
}

async fn everything_is_there_afterwards(engine: Engine) {
    let mut filled = Filled::new(engine).await;
    let (_, address) = new_place(&filled.world);
    let first = filled.world.run_json(&["migrate-store", "--to", &address, "--json"]);
    assert_eq!((&first["finished"], &first["same"]), (&Value::Bool(false), &0.into()), "{first}");
    let copied = first["copied"].as_u64().expect("a count");
    assert_eq!(first["objects"], copied, "{first}");
    let again = filled.world.run_json(&["migrate-store", "--to", &address, "--json"]);
    assert_eq!((&again["copied"], &again["same"]), (&0.into(), &copied.into()), "what is there is not copied again");
    let last = filled.world.run_json(&["migrate-store", "--to", &address, "--finish", "--json"]);
    assert_eq!((&last["finished"], &last["same"]), (&Value::Bool(true), &last["objects"]), "{last}");

    let refused = filled.world.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(2), "the old store is not served with this catalog");
    assert!(String::from_utf8_lossy(&refused.stderr).contains(&address), "it says where the store is");
    use_store(&mut filled.world, &address);
    filled.check().await;
    filled.check_the_end().await;
}

async fn it_goes_on_after_dying(engine: Engine) {
    for (point, is_moved) in STORE_POINTS {
        let mut filled = Filled::new(engine).await;
        let (_, address) = new_place(&filled.world);
        let finish = ["migrate-store", "--to", &address, "--finish", "--json"];
        let died = filled.world.run_with(&finish, &[("EARWITNESS_FAILPOINT", point)]);
        assert_eq!(died.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&died.stderr));
        // The leases of the dead process run out.
        filled.world.ahead_s += 60;
        if !is_moved {
            filled.world.run_json(&finish);
        }
        use_store(&mut filled.world, &address);
        filled.check().await;
    }
}

async fn what_is_purged_between_the_passes_is_not_there(engine: Engine) {
    let mut filled = Filled::new(engine).await;
    let server = filled.world.serve(None).await;
    let metadata = call("soon", five_years_less(7_200 + 3_600));
    let soon = take_in(&server, &filled.ingest, metadata, tone(7)).await;
    let (folder, address) = new_place(&filled.world);
    // The first pass runs beside a server.
    let arguments = ["migrate-store", "--to", &address, "--json"];
    filled.world.run_json(&arguments);
    assert!(folders_of(&folder).contains(&soon.id));
    server.stop().await;
    filled.world.ahead_s = 3 * 7_200;
    let server = filled.world.serve(None).await;
    let certificate = format!("/v1/retention/certificates/{}", soon.id);
    server.until(&filled.legal, &certificate, StatusCode::OK).await;
    let between = filled.world.run_json(&arguments);
    assert_ne!(between["left_over"], 0, "{between}");
    server.stop().await;
    let last = filled.world.run_json(&["migrate-store", "--to", &address, "--finish", "--json"]);
    assert_ne!(last["deleted"], 0, "{last}");
    assert!(!folders_of(&folder).contains(&soon.id), "a purge is not undone");
    use_store(&mut filled.world, &address);
    filled.check().await;
}

async fn nothing_is_finished_while_it_is_served(engine: Engine) {
    let filled = Filled::new(engine).await;
    let (_, address) = new_place(&filled.world);
    let server = filled.world.serve(None).await;
    server.until(&filled.legal, "/v1/ledger/checkpoint", StatusCode::OK).await;
    let refused = filled.world.run(&["migrate-store", "--to", &address, "--finish"]);
    assert_eq!(refused.status.code(), Some(4), "{}", String::from_utf8_lossy(&refused.stderr));
    server.stop().await;
    filled.check().await;
}

async fn a_place_with_something_in_it_is_refused(engine: Engine) {
    let (filled, other) = (Filled::new(engine).await, Filled::new(engine).await);
    let theirs = old_place(&other.world);
    let address = format!("file://{}", theirs.display());
    let before = folders_of(&theirs);
    for more in [&["--json"][..], &["--finish"]] {
        let arguments = [&["migrate-store", "--to", &address], more].concat();
        let refused = filled.world.run(&arguments);
        assert_eq!(refused.status.code(), Some(3), "{}", String::from_utf8_lossy(&refused.stderr));
    }
    assert_eq!(folders_of(&theirs), before);
    let own = format!("file://{}", old_place(&filled.world).display());
    assert_eq!(filled.world.run(&["migrate-store", "--to", &own]).status.code(), Some(2), "from and to are the same");
    other.check().await;
}

async fn what_is_damaged_at_the_target_is_copied_again(engine: Engine) {
    let mut filled = Filled::new(engine).await;
    let (folder, address) = new_place(&filled.world);
    let arguments = ["migrate-store", "--to", &address, "--json"];
    filled.world.run_json(&arguments);
    let damaged: Vec<PathBuf> =
        filled.world.objects_of(&filled.kept.id).await.iter().map(|path| folder.join(path)).collect();
    // One of each: another length, the same length, and nothing at all.
    let text = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    for path in &damaged {
        let mut bytes = std::fs::read(path).expect("a copy");
        match text(path).as_str() {
            "audio" => bytes[100] ^= 1,
            "sidecar" => bytes[10] ^= 1,
            "waveform" => bytes.truncate(9),
            _ => {
                std::fs::remove_file(path).expect("it goes");
                continue;
            }
        }
        std::fs::write(path, bytes).expect("it is written");
    }
    let found = filled.world.run_json(&["migrate-store", "--to", &address, "--finish", "--recheck", "--json"]);
    assert_eq!(found["copied"], damaged.len(), "{found}");
    use_store(&mut filled.world, &address);
    filled.check().await;
}

crate::on_both_engines!(
    through_buckets,
    into_a_bucket_after_dying,
    everything_is_there_afterwards,
    it_goes_on_after_dying,
    what_is_purged_between_the_passes_is_not_there,
    nothing_is_finished_while_it_is_served,
    a_place_with_something_in_it_is_refused,
    what_is_damaged_at_the_target_is_copied_again,
);
