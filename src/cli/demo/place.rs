//! Where the demo lives: a temporary folder, unless one is named. It takes no settings from `earwitness.toml`, and
//! from the environment only those that cannot lead it to a real archive.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::cli::output::Failure;
use crate::config::{Config, Flags, Inputs};

/// The settings that the demo takes from the environment.
const FROM_ENVIRONMENT: [&str; 6] = [
    "EARWITNESS_DATA",
    "EARWITNESS_LISTEN",
    "EARWITNESS_LOG",
    "EARWITNESS_LOG_FORMAT",
    "EARWITNESS_SPOOL",
    "EARWITNESS_SWEEP_INTERVAL",
];
/// Marks a folder that a demo made.
const MARK: &str = "demo";

/// The demo's settings, and its temporary folder if it has one.
pub(super) struct Place {
    pub(super) config: Config,
    folder: Option<TempDir>,
    temporary: bool,
}

impl Place {
    /// Whether the data are gone at the end.
    pub(super) fn is_temporary(&self) -> bool {
        self.temporary
    }

    /// Leaves the temporary folder where it is.
    pub(super) fn keep(&mut self) {
        if let Some(folder) = &mut self.folder {
            folder.disable_cleanup(true);
        }
        self.temporary = false;
    }

    /// Removes the temporary folder, if it is not to be kept.
    pub(super) fn remove(self) {
        if let Some(Err(error)) = self.folder.map(TempDir::close) {
            tracing::warn!(%error, "the temporary folder could not be removed");
        }
    }
}

/// Chooses the place and marks it.
pub(super) fn choose(flags: &Flags) -> Result<Place, Failure> {
    let folder = tempfile::Builder::new().prefix("earwitness-demo-").tempdir().map_err(Failure::failed)?;
    let config = Config::load(&inputs(flags, folder.path())?).map_err(Failure::usage)?;
    let temporary = config.data.starts_with(folder.path());
    mark(&config.data)?;
    Ok(Place { config, folder: Some(folder), temporary })
}

fn inputs(flags: &Flags, folder: &Path) -> Result<Inputs, Failure> {
    let mut inputs = flags.inputs();
    inputs.env.retain(|(name, _)| FROM_ENVIRONMENT.iter().any(|known| name == known));
    if inputs.config_file.is_none() {
        let path = folder.join("earwitness.toml");
        let data = folder.join("data");
        // JSON's strings are TOML's as well.
        let data = serde_json::to_string(&data.to_string_lossy()).map_err(Failure::failed)?;
        let text = format!(
            "data = {data}\nsweep_interval = \"1s\"\ncontroller_name = \"Example NV\"\n\
             controller_address = \"Voorbeeldstraat 1, 1000 Brussel\"\nprivacy_contact = \"privacy@example.com\"\n"
        );
        std::fs::write(&path, text).map_err(Failure::failed)?;
        inputs.config_file = Some(path);
    }
    Ok(inputs)
}

/// Made-up calls must never land in a real archive.
fn mark(data: &Path) -> Result<(), Failure> {
    let mark: PathBuf = data.join(MARK);
    let empty = std::fs::read_dir(data).map_or(true, |mut entries| entries.next().is_none());
    if !empty && !mark.exists() {
        return Err(Failure::not_now(format!(
            "{} is not empty and no demo's folder: nothing was touched",
            data.display()
        )));
    }
    std::fs::create_dir_all(data).and_then(|()| std::fs::write(mark, "")).map_err(Failure::failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_no_demo_made_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        mark(&data).unwrap();
        std::fs::write(data.join("catalog.db"), "x").unwrap();
        mark(&data).unwrap();
        std::fs::remove_file(data.join(MARK)).unwrap();
        let refused = mark(&data).unwrap_err();
        assert_eq!(refused.exit, crate::cli::output::Exit::NotNow);
        assert_eq!(std::fs::read(data.join("catalog.db")).unwrap(), b"x");
    }
}
