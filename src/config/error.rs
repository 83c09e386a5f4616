//! What can be wrong with a configuration, said so that one can mend it.

use std::path::PathBuf;

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read, or is no TOML.
    #[error("cannot read the configuration file {}: {reason}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that is no setting.
    #[error("{place}: there is no setting `{name}`{}", hint.as_ref().map(|h| format!("; did you mean `{h}`?")).unwrap_or_default())]
    Unknown {
        /// The name as it was written.
        name: String,
        /// Where: the file's path, or "environment".
        place: String,
        /// The nearest setting, spelt as in that place.
        hint: Option<String>,
    },
    /// A value that its setting cannot take.
    #[error("{name} = `{value}` ({place}): {reason}")]
    Invalid {
        /// The setting.
        name: &'static str,
        /// The value, secrets masked.
        value: String,
        /// Where it was set.
        place: String,
        /// What a good value looks like.
        reason: String,
    },
}
