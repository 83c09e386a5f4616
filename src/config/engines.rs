//! The addresses of catalog, store and keys: which engine, and where.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

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

/// The keys of AWS KMS that are this installation's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsUrl {
    /// What the aliases of its keys begin with: `alias/<prefix>-month-2031-11`.
    pub alias_prefix: String,
    /// The region; `None`: from the standard AWS chain.
    pub region: Option<String>,
    /// The service's URL; `None`: AWS itself.
    pub endpoint: Option<String>,
    /// How many days AWS waits before it destroys a key, 7 to 30.
    pub waiting_days: u8,
}

impl FromStr for KmsUrl {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (prefix, query) = text.split_once('?').unwrap_or((text, ""));
        let prefix = prefix.strip_prefix("alias/").unwrap_or(prefix);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/');
        if prefix.is_empty() || prefix.len() > 200 || !prefix.chars().all(is_plain) {
            return Err(
                "aws-kms: is followed by what the aliases of its keys begin with, as aws-kms:earwitness".to_owned()
            );
        }
        let mut url = Self { alias_prefix: prefix.to_owned(), region: None, endpoint: None, waiting_days: 7 };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("endpoint", value)) if is_http(value) => url.endpoint = Some(value.to_owned()),
                Some(("endpoint", _)) => return Err("endpoint is an http:// or https:// URL".to_owned()),
                Some(("region", value)) if !value.is_empty() => url.region = Some(value.to_owned()),
                Some(("waiting_days", value)) => {
                    let days = value.parse().ok().filter(|days| (7..=30).contains(days));
                    url.waiting_days = days.ok_or("waiting_days is a number from 7 to 30")?;
                }
                _ => return Err("an aws-kms: address takes region, endpoint and waiting_days".to_owned()),
            }
        }
        Ok(url)
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
    /// `aws-kms:PREFIX?region=…&endpoint=…&waiting_days=…`; credentials come from the standard AWS chain.
    AwsKms(KmsUrl),
}

impl FromStr for KeysUrl {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("file://") {
            return folder(path, "file://").map(Self::Folder);
        }
        if let Some(rest) = text.strip_prefix("aws-kms:") {
            return rest.parse().map(Self::AwsKms);
        }
        let server = text.strip_prefix("transit+").filter(|server| is_http(server));
        let server = server.ok_or("write file://PATH, transit+https://HOST/MOUNT or aws-kms:PREFIX")?;
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

/// How recordings are locked in a store that can (S3 Object Lock).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LockMode {
    /// Whoever has the right to bypass it can: for a decided erasure before the deadline.
    #[default]
    Governance,
    /// Nobody can, the account's owner included.
    Compliance,
}

impl LockMode {
    /// As it is written in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Governance => "governance",
            Self::Compliance => "compliance",
        }
    }
}

impl FromStr for LockMode {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "governance" => Ok(Self::Governance),
            "compliance" => Ok(Self::Compliance),
            _ => Err("write governance or compliance".to_owned()),
        }
    }
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
    matches!(spec.name, "catalog" | "store" | "keys" | "timestamp_authority")
}
