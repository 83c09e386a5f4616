//! Defaults < file < environment < flags, in figment's terms.
//!
//! Every value is kept as the text that was written. figment's own environment provider would read `1e3` as a number
//! and `[x]` as a list, and a company is free to have such a name.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Error, Figment, Metadata, Profile, Provider};

use super::error::ConfigError;
use super::settings::{ENV_CONFIG, ENV_PREFIX, SETTINGS, find, is_for_tests, nearest};

/// The file that is read when none is named and it is there.
pub const DEFAULT_FILE: &str = "earwitness.toml";

/// Where the values come from. [`Inputs::of_process`] takes those of this process.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The file named by `--config`; it has to be there.
    pub config_file: Option<PathBuf>,
    /// Environment variables; others' names are passed over.
    pub env: Vec<(OsString, OsString)>,
    /// Settings given as flags: name as in the file, and value.
    pub flags: Vec<(String, String)>,
}

impl Inputs {
    /// This process's environment, and what its command line said.
    pub fn of_process(config_file: Option<PathBuf>, flags: Vec<(String, String)>) -> Self {
        Self { config_file, env: std::env::vars_os().collect(), flags }
    }
}

/// Texts from one place.
struct Layer {
    name: &'static str,
    values: Vec<(String, String)>,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let dict: Dict = self.values.iter().map(|(name, text)| (name.clone(), Value::from(text.clone()))).collect();
        Ok(Map::from([(Profile::Default, dict)]))
    }
}

pub(super) const DEFAULTS: &str = "default";
pub(super) const FILE: &str = "file";
pub(super) const ENVIRONMENT: &str = "environment";

/// All layers in one, names checked; and the file that was read.
pub(super) fn merge(inputs: &Inputs) -> Result<(Figment, Option<PathBuf>), ConfigError> {
    let defaults = SETTINGS.iter().filter(|spec| !spec.default.is_empty());
    let defaults = defaults.map(|spec| (spec.name.to_owned(), spec.default.to_owned())).collect();
    let mut figment = Figment::from(Layer { name: DEFAULTS, values: defaults });
    let (env, env_file) = environment(&inputs.env)?;
    let file =
        inputs.config_file.clone().or(env_file).or_else(|| Some(DEFAULT_FILE.into()).filter(|f: &PathBuf| f.exists()));
    if let Some(path) = &file {
        figment = figment.merge(Layer { name: FILE, values: from_file(path)? });
    }
    for (name, _) in &inputs.flags {
        known(name, "command line", |spec| format!("--{}", spec.flag()))?;
    }
    let flags = Layer { name: "flag", values: inputs.flags.clone() };
    Ok((figment.merge(Layer { name: ENVIRONMENT, values: env }).merge(flags), file))
}

fn known(name: &str, place: &str, spell: fn(&super::settings::Spec) -> String) -> Result<(), ConfigError> {
    if find(name).is_some() {
        return Ok(());
    }
    Err(ConfigError::Unknown { name: name.to_owned(), place: place.to_owned(), hint: nearest(name).map(spell) })
}

fn from_file(path: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let wrong = |reason: String| ConfigError::File { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let dict: Dict = Figment::from(Toml::string(&text)).extract().map_err(|error| wrong(error.to_string()))?;
    let mut values = Vec::new();
    for (name, value) in dict {
        known(&name, &path.display().to_string(), |spec| spec.name.to_owned())?;
        values.push((
            name.clone(),
            as_text(&value).ok_or_else(|| wrong(format!("`{name}` is to be a text or a number")))?,
        ));
    }
    Ok(values)
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Num(_, number) => {
            number.to_i128().map(|n| n.to_string()).or_else(|| number.to_u128().map(|n| n.to_string()))
        }
        Value::Bool(_, yes) => Some(yes.to_string()),
        _ => None,
    }
}

type Texts = Vec<(String, String)>;

/// Our variables, and the file they name. An empty variable counts as not set.
fn environment(vars: &[(OsString, OsString)]) -> Result<(Texts, Option<PathBuf>), ConfigError> {
    let (mut values, mut file) = (Vec::new(), None);
    for (name, value) in vars {
        let Some(name) = name.to_str().filter(|name| name.starts_with(ENV_PREFIX) && !is_for_tests(name)) else {
            continue;
        };
        if name == ENV_CONFIG {
            file = Some(PathBuf::from(value)).filter(|path| !path.as_os_str().is_empty());
            continue;
        }
        let setting = name.strip_prefix(ENV_PREFIX).unwrap_or(name).to_ascii_lowercase();
        let unknown = |hint| ConfigError::Unknown { name: name.to_owned(), place: ENVIRONMENT.to_owned(), hint };
        let spec = find(&setting).ok_or_else(|| unknown(nearest(&setting).map(|spec| spec.env())))?;
        if name != spec.env() {
            return Err(unknown(Some(spec.env())));
        }
        let text = value.to_str().ok_or_else(|| ConfigError::Invalid {
            name: spec.name,
            value: "…".to_owned(),
            place: name.to_owned(),
            reason: "the value is not UTF-8".to_owned(),
        })?;
        if !text.is_empty() {
            values.push((setting, text.to_owned()));
        }
    }
    Ok((values, file))
}
