//! The addresses of catalog, store and keys: which engine, and where.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::error::ConfigError;
use super::settings;

/// Where the catalog is.
#[derive(Clone, PartialEq, Eq)]
pub enum CatalogUrl {
    /// `sqlite://PATH`: the path stands as it is, nothing in it is percent-decoded.
    Sqlite(PathBuf),
    /// `postgres://…`, with its password. Shown masked.
    Postgres(String),
}

impl CatalogUrl {
    /// The address to connect to, with its password. Never for people: [`fmt::Display`] masks it.
    pub fn to_connect(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(url) => url.clone(),
        }
    }
}

impl FromStr for CatalogUrl {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            return folder(path, "sqlite://").map(Self::Sqlite);
        }
        let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        let rest = rest.ok_or("write sqlite://PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE")?;
        let database = rest.split('?').next().unwrap_or(rest).rsplit_once('/').map(|(_, name)| name);
        if database.is_none_or(str::is_empty) {
            return Err("a postgres:// address ends with /DATABASE".to_owned());
        }
        Ok(Self::Postgres(text.to_owned()))
    }
}

impl fmt::Display for CatalogUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => f.write_str(&masked(url)),
        }
    }
}

impl fmt::Debug for CatalogUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where the objects are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `file://PATH`.
    Disk(PathBuf),
    /// `s3://bucket/prefix?…`; credentials come from the standard AWS chain, never from here.
    S3(S3Url),
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct S3Url {
    /// The bucket's name.
    pub bucket: String,
    /// What all keys begin with, without slashes at its ends; may be empty.
    pub prefix: String,
    /// The service's URL; `None`: AWS itself.
    pub endpoint: Option<String>,
    /// The region; `None`: from the standard AWS chain.
    pub region: Option<String>,
    /// The bucket is part of the path and not of the host name.
    pub path_style: bool,
}

impl StoreUrl {
    /// The folder of a disk store.
    ///
    /// # Errors
    /// The address names an engine that this version is built without.
    pub fn disk(&self) -> Result<&Path, ConfigError> {
        match self {
            Self::Disk(path) => Ok(path),
            Self::S3(_) => Err(ConfigError::EngineNotBuilt { name: "store", engine: "S3", instead: "file://PATH" }),
        }
    }
}

impl FromStr for StoreUrl {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("file://") {
            return folder(path, "file://").map(Self::Disk);
        }
        let rest = text.strip_prefix("s3://").ok_or("write file://PATH or s3://BUCKET/PREFIX?region=…")?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() || bucket.contains(['@', ':']) {
            return Err("s3:// is followed by a bucket's name; credentials come from the standard AWS chain".to_owned());
        }
        let mut url =
            S3Url { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned(), ..S3Url::default() };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("endpoint", value)) if is_http(value) => url.endpoint = Some(value.to_owned()),
                Some(("endpoint", _)) => return Err("endpoint is an http:// or https:// URL".to_owned()),
                Some(("region", value)) if !value.is_empty() => url.region = Some(value.to_owned()),
                Some(("path_style", "true")) => url.path_style = true,
                Some(("path_style", "false")) => url.path_style = false,
                Some(("path_style", _)) => return Err("path_style is true or false".to_owned()),
                _ => return Err("an s3:// address takes endpoint, region and path_style".to_owned()),
            }
        }
        Ok(Self::S3(url))
    }
}

/// Where the key provider is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeysUrl {
    /// `file://PATH`.
    Folder(PathBuf),
    /// `transit+https://HOST/MOUNT` (OpenBao, Vault); plain `transit+http://` on this machine only.
    Transit {
        /// The server's URL, without a slash at its end.
        server: String,
        /// Where its transit engine is mounted.
        mount: String,
    },
    /// `aws-kms:` and a key's id, ARN or `alias/…`.
    AwsKms(String),
}

impl KeysUrl {
    /// The folder of the file key provider.
    ///
    /// # Errors
    /// The address names an engine that this version is built without.
    pub fn folder(&self) -> Result<&Path, ConfigError> {
        let engine = match self {
            Self::Folder(path) => return Ok(path),
            Self::Transit { .. } => "transit",
            Self::AwsKms(_) => "AWS KMS",
        };
        Err(ConfigError::EngineNotBuilt { name: "keys", engine, instead: "file://PATH" })
    }
}

impl FromStr for KeysUrl {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("file://") {
            return folder(path, "file://").map(Self::Folder);
        }
        if let Some(key) = text.strip_prefix("aws-kms:") {
            let key = Some(key).filter(|key| !key.is_empty()).ok_or("aws-kms: is followed by a key's id or ARN")?;
            return Ok(Self::AwsKms(key.to_owned()));
        }
        let server = text.strip_prefix("transit+").filter(|server| is_http(server));
        let server = server.ok_or("write file://PATH, transit+https://HOST/MOUNT or aws-kms:KEY")?;
        let (scheme, place) = server.split_once("://").unwrap_or_default();
        let (host, mount) = place.split_once('/').ok_or("transit+https://HOST is followed by /MOUNT")?;
        let mount = mount.trim_matches('/');
        if host.is_empty() || mount.is_empty() || host.contains('@') {
            return Err("write transit+https://HOST/MOUNT; its token does not belong in the address".to_owned());
        }
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        if scheme == "http" && !matches!(name, "127.0.0.1" | "localhost" | "[::1]") {
            return Err("keys travel over https; plain http is for this machine only".to_owned());
        }
        Ok(Self::Transit { server: format!("{scheme}://{host}"), mount: mount.to_owned() })
    }
}

fn is_http(text: &str) -> bool {
    text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).is_some_and(|rest| !rest.is_empty())
}

fn folder(path: &str, scheme: &str) -> Result<PathBuf, String> {
    if path.is_empty() { Err(format!("{scheme} is followed by a path")) } else { Ok(PathBuf::from(path)) }
}

/// The text with `***` for what may be a password: before an `@`, and in a query. Rather too much than too little.
pub fn masked(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (user, place) = rest.rsplit_once('@').map_or((None, rest), |(user, place)| (Some(user), place));
    // Not cut at `?` first: a password may have one.
    let user = user.map(|user| match user.find([':', '?']) {
        Some(end) => format!("{}:***@", &user[..end]),
        None if scheme.starts_with("postgres") => format!("{user}@"),
        None => "***@".to_owned(),
    });
    let (place, query) = place.split_once('?').map_or((place, None), |(place, query)| (place, Some(query)));
    let query = query.map(|query| {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}=***"),
            _ => pair.to_owned(),
        });
        format!("?{}", pairs.collect::<Vec<_>>().join("&"))
    });
    format!("{scheme}://{}{place}{}", user.unwrap_or_default(), query.unwrap_or_default())
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "token", "passfile", "sslkey"].iter().any(|word| name.contains(word))
}

/// Whether a setting holds an address whose secrets have to be masked.
pub(super) fn is_address(spec: &settings::Spec) -> bool {
    matches!(spec.name, "catalog" | "store" | "keys")
}
