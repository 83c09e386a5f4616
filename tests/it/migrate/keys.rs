//! `migrate-keys`: from one provider to another.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;

use earwitness::clock::SystemClock;
use earwitness::vault::keys::file::FileKeys;
use earwitness::vault::keys::{KeyName, KeyProvider as _};
use serde_json::json;

use super::Filled;
use crate::support::engines::Engine;
use crate::support::world::World;

/// In the order in which one migration comes to them; the last one is of the destruction.
pub(crate) const KEYS_POINTS: &[&str] =
    &["migrate.secret_wrapped", "migrate.keys_moved", "migrate.secret_copied", "migrate.old_key_destroyed"];

fn keys_in(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    names.filter(|name| KeyName::from_str(name).is_ok()).count()
}

/// Keys of the same names that were never this archive's.
async fn of_another_archive(folder: &Path, ours: &Path) {
    let keys = FileKeys::open(folder.to_path_buf(), None, Arc::new(SystemClock::new())).expect("a keys folder");
    for file in std::fs::read_dir(ours).expect("our keys").flatten() {
        if let Ok(name) = KeyName::from_str(&file.file_name().to_string_lossy()) {
            keys.ensure(&name).await.expect("a key");
        }
    }
}

fn code(world: &World, arguments: &[&str], code: i32) {
    let output = world.run(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

async fn moves(engine: Engine, points: &[&str]) {
    let mut filled = Filled::new(engine).await;
    let (old_folder, new_folder) = (filled.world.data().join("keys"), filled.world.folder.path().join("new-keys"));
    let (old, new) = (format!("file://{}", old_folder.display()), format!("file://{}", new_folder.display()));
    let migrate = ["migrate-keys", "--to", &new, "--json"];
    let destroy = ["migrate-keys", "--from", &old, "--destroy-old", "--json"];
    let before = keys_in(&old_folder);
    assert!(before > 2, "an installation, two months: {before}");
    let dies = |world: &World, arguments: &[&str], point: &str| {
        let died = world.run_with(arguments, &[("EARWITNESS_FAILPOINT", point)]);
        assert_eq!(died.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&died.stderr));
    };
    let stranger = filled.world.folder.path().join("keys-of-another-archive");
    of_another_archive(&stranger, &old_folder).await;
    let strangers = format!("file://{}", stranger.display());
    code(&filled.world, &["migrate-keys", "--to", &strangers], 3);
    for point in points.iter().take(3) {
        dies(&filled.world, &migrate, point);
    }
    code(&filled.world, &["migrate-keys", "--to", &old], 2);
    filled.world.run_json(&migrate);
    assert_eq!((keys_in(&old_folder), keys_in(&new_folder)), (before, before));
    code(&filled.world, &["token", "list"], 2);
    filled.world.use_engine("EARWITNESS_KEYS", &new);
    filled.check().await;
    code(&filled.world, &["migrate-keys", "--from", &strangers, "--destroy-old"], 3);
    assert_eq!(keys_in(&stranger), before, "months have the same names everywhere");
    if let Some(point) = points.get(3) {
        dies(&filled.world, &destroy, point);
    }
    filled.world.run_json(&destroy);
    assert_eq!(keys_in(&old_folder), 0);
    code(&filled.world, &["migrate-keys", "--from", &old, "--destroy-old"], 3);
    code(&filled.world, &["migrate-keys", "--from", &new, "--destroy-old"], 2);
    filled.check().await;
    // The copies in the store are those of the new keys: a lost catalog comes back.
    filled.world.catalog = filled.world.empty_catalog().await;
    let report = filled.world.run_json(&["fsck", "--rebuild", "--rehash", "--json"]);
    assert_eq!(report["findings"], json!([]), "{report}");
    assert_eq!(report["purges_applied"], 1, "{report}");
}

async fn everything_opens_afterwards(engine: Engine) {
    moves(engine, &[]).await;
}

async fn it_goes_on_after_dying(engine: Engine) {
    moves(engine, KEYS_POINTS).await;
}

async fn nothing_is_moved_while_it_is_served(engine: Engine) {
    let filled = Filled::new(engine).await;
    let new = format!("file://{}", filled.world.folder.path().join("new-keys").display());
    let server = filled.world.serve(None).await;
    server.until(&filled.legal, "/v1/ledger/checkpoint", reqwest::StatusCode::OK).await;
    code(&filled.world, &["migrate-keys", "--to", &new], 4);
    server.stop().await;
    filled.check().await;
}

/// There and back again: a month that was over in between has its key nowhere any more.
async fn a_month_that_ended_elsewhere_is_over_here_as_well(engine: Engine) {
    let mut filled = Filled::new(engine).await;
    let (old_folder, new_folder) = (filled.world.data().join("keys"), filled.world.folder.path().join("new-keys"));
    let (old, new) = (format!("file://{}", old_folder.display()), format!("file://{}", new_folder.display()));
    let before = keys_in(&old_folder);
    filled.world.run_json(&["migrate-keys", "--to", &new, "--json"]);
    filled.world.use_engine("EARWITNESS_KEYS", &new);
    filled.check_the_end().await;
    let left = keys_in(&new_folder);
    assert!(left < before && keys_in(&old_folder) == before, "months are over: {left} of {before}");
    filled.world.run_json(&["migrate-keys", "--to", &old, "--json"]);
    filled.world.use_engine("EARWITNESS_KEYS", &old);
    assert_eq!(keys_in(&old_folder), left);
    filled.world.run_json(&["migrate-keys", "--from", &new, "--destroy-old", "--json"]);
    assert_eq!(keys_in(&new_folder), 0);
    let report = filled.world.run_json(&["fsck", "--rehash", "--json"]);
    assert_eq!(report["findings"], json!([]), "{report}");
}

crate::on_both_engines!(
    a_month_that_ended_elsewhere_is_over_here_as_well,
    everything_opens_afterwards,
    it_goes_on_after_dying,
    nothing_is_moved_while_it_is_served
);
