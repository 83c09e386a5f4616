//! Opening what a command works on.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::output::Failure;
use crate::archive::{Archive, Parts};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::telemetry;

/// Opens the archive; makes one where there is none.
pub(super) async fn open(config: Config) -> Result<Arc<Archive>, Failure> {
    let _lock = one_at_a_time(&config.data)?;
    let clock = SystemClock::new();
    let clock_is_system = !clock.is_moved();
    let parts = Parts { config, clock: Arc::new(clock), decoder_program: this_program()?, clock_is_system };
    Ok(Archive::open(parts).await?)
}

/// Opens an archive that is there: a mistyped folder must not look like an empty archive.
pub(super) async fn open_existing(config: Config) -> Result<Arc<Archive>, Failure> {
    must_exist(&config)?;
    open(config).await
}

/// An error where there is no archive.
pub(super) fn must_exist(config: &Config) -> Result<(), Failure> {
    if config.signing_key.exists() {
        return Ok(());
    }
    let data = config.data.display();
    Err(Failure::failed(format!("there is no archive in {data}; `earwitness serve` makes one")))
}

/// Opens an archive whose catalog and store belong together: only then may anything be taken in or purged.
pub(super) async fn open_ready(config: Config) -> Result<Arc<Archive>, Failure> {
    let archive = open(config).await?;
    archive.check_freshness().await?;
    Ok(archive)
}

/// Two commands at once in a new folder must not both make its catalog. The lock ends with the file that is returned.
fn one_at_a_time(data: &Path) -> Result<File, Failure> {
    let failed = |error| Failure::failed(format!("cannot use the data folder {}: {error}", data.display()));
    DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(failed)?;
    let lock = File::create(data.join("opening.lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    Ok(lock)
}

/// This program, also when an upgrade has put another file in its place.
fn this_program() -> Result<PathBuf, Failure> {
    let own = PathBuf::from("/proc/self/exe");
    if own.exists() { Ok(own) } else { std::env::current_exe().map_err(Failure::failed) }
}

/// Logs to standard error. Only a server says what it does; other commands are quiet unless told otherwise.
pub(super) fn init_logging(config: &Config, server: bool) -> Result<(), Failure> {
    let chosen = config.explain().iter().any(|setting| setting.name == "log" && setting.source != "default");
    let filter = if server || chosen { &config.log } else { "warn" };
    telemetry::init_logging(config.log_format, filter).map_err(Failure::usage)
}
