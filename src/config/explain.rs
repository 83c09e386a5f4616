//! Where each value came from: what `earwitness config` shows.

use serde::Serialize;

/// One setting as it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its name, as in the file.
    pub name: &'static str,
    /// Its name in the environment.
    pub env: String,
    /// Its value, secrets masked; `None`: not set.
    pub value: Option<String>,
    /// Where the value came from: `default`, the file's path, the environment variable or the flag.
    pub source: String,
    /// What it means.
    pub about: &'static str,
}
