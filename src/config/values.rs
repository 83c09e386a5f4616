//! Reading one setting after the other: where its value came from, and whether it can be what it says.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use figment::Figment;
use ipnet::IpNet;

use super::error::ConfigError;
use super::explain::Setting;
use super::{ForwardedHeader, LogFormat, RECORDING_RULE, SealFiles, WitnessSettings, engines, layers, settings, units};
use crate::retention::{BadPeriod, BadRule, Policy};

pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// The merged texts, read one by one; what was read is remembered for [`super::Config::explain`].
pub(super) struct Values {
    pub(super) figment: Figment,
    pub(super) file: Option<PathBuf>,
    pub(super) data: String,
    pub(super) explained: Vec<Setting>,
}

impl Values {
    pub(super) fn read<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let found = self.optional(name, parse)?;
        found.ok_or_else(|| ConfigError::Invalid {
            name,
            value: String::new(),
            place: layers::DEFAULTS.to_owned(),
            reason: "has to be set".to_owned(),
        })
    }

    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(spec) = settings::find(name) else { return Ok(None) };
        let layer = self.figment.find_metadata(name).map(|metadata| metadata.name.to_string());
        let source = match layer.as_deref() {
            None | Some(layers::DEFAULTS) => layers::DEFAULTS.to_owned(),
            Some(layers::FILE) => self.file.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
            Some(layers::ENVIRONMENT) => spec.env(),
            Some(_) => format!("--{}", spec.flag()),
        };
        let mut value = self.figment.find_value(name).ok().and_then(|value| value.into_string());
        if source == layers::DEFAULTS {
            value = value.map(|template| template.replace("{data}", &self.data));
        }
        let shown = value.as_deref().map(|v| if engines::is_address(spec) { engines::masked(v) } else { v.to_owned() });
        self.explained.push(Setting {
            name,
            env: spec.env(),
            value: shown.clone(),
            source: source.clone(),
            about: spec.about,
        });
        let wrong = |reason| ConfigError::Invalid { name, value: shown.unwrap_or_default(), place: source, reason };
        value.map(|text| parse(&text)).transpose().map_err(wrong)
    }

    /// Both halves of the organisation's own seal, or neither.
    pub(super) fn seal(&mut self) -> Result<SealFiles, ConfigError> {
        let key = self.optional("seal_key", text)?.map(PathBuf::from);
        let certificate = self.optional("seal_certificate", text)?.map(PathBuf::from);
        let half = |name, other: &str| ConfigError::Invalid {
            name,
            value: String::new(),
            place: layers::DEFAULTS.to_owned(),
            reason: format!("has to be set where {other} is"),
        };
        match (key, certificate) {
            (Some(key), Some(certificate)) => Ok(SealFiles::Own { key, certificate }),
            (None, None) => Ok(SealFiles::SelfMade(PathBuf::from(&self.data).join("signing"))),
            (Some(_), None) => Err(half("seal_certificate", "seal_key")),
            (None, Some(_)) => Err(half("seal_key", "seal_certificate")),
        }
    }

    pub(super) fn retention(&mut self) -> Result<Policy, ConfigError> {
        let period = self.read("retention_period", |t| t.parse().map_err(|e: BadPeriod| e.to_string()))?;
        let zone = self.read("retention_zone", |t| t.parse().map_err(|_| BadRule::Zone.to_string()))?;
        let end = self.read("retention_end", |t| t.parse().map_err(|e: BadRule| e.to_string()))?;
        // The version under which these terms are stamped is the catalog's to give.
        Policy::new(RECORDING_RULE, 1, period, zone, end).map_err(|error| ConfigError::Invalid {
            name: "retention_period",
            value: period.to_string(),
            place: String::new(),
            reason: error.to_string(),
        })
    }
}

pub(super) fn text(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("may not be empty".to_owned()) } else { Ok(text.to_owned()) }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write an address and a port, for instance 127.0.0.1:8080 or [::1]:8080".to_owned())
}

pub(super) fn time(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    let time = units::duration(text)?;
    let inside = (least..=most).contains(&time);
    if inside { Ok(time) } else { Err(format!("has to be from {least:?} to {} h", most.as_secs() / 3600)) }
}

pub(super) fn whole_seconds(text: &str) -> Result<Duration, String> {
    let found = time(text, Duration::from_secs(1), DAY)?;
    if found.subsec_millis() == 0 { Ok(found) } else { Err("has to be whole seconds".to_owned()) }
}

pub(super) fn size(text: &str, least: u64) -> Result<u64, String> {
    const MOST: u64 = 1 << 40;
    let size = units::bytes(text)?;
    if (least..=MOST).contains(&size) { Ok(size) } else { Err(format!("has to be from {least} to {MOST} bytes")) }
}

pub(super) fn number(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let found = text.parse().ok().filter(|number| (least..=most).contains(number));
    found.ok_or_else(|| format!("write a whole number from {least} to {most}"))
}

/// Signed notes end the origin at a line break, and key names (C2SP signed-note) have no spaces and no plus.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let good = !text.is_empty() && text.len() <= 200 && text.bytes().all(|b| b.is_ascii_graphic() && b != b'+');
    if good && !text.contains("://") {
        Ok(text.to_owned())
    } else {
        Err("write it like a URL without scheme, no spaces or plus: archive.example.com/ledger".to_owned())
    }
}

/// An address that is asked over HTTP.
pub(super) fn web_address(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if host.is_empty() || host.contains('@') || text.bytes().any(|b| !b.is_ascii_graphic()) {
        return Err("write an address like https://HOST/PATH, without a password".to_owned());
    }
    Ok(text.to_owned())
}

/// Verifier keys with the URLs of their witnesses.
pub(super) fn witnesses(text: &str) -> Result<Vec<WitnessSettings>, String> {
    let witness = |part: &str| {
        let (vkey, url) = part.trim().split_once(char::is_whitespace).ok_or_else(|| {
            "write for each witness its verifier key, a space and its URL, with commas between".to_owned()
        })?;
        Ok(WitnessSettings { vkey: vkey.to_owned(), url: web_address(url.trim())? })
    };
    text.split(',').map(witness).collect()
}

pub(super) fn yes_or_no(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "write true or false".to_owned())
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("write text or json".to_owned()),
    }
}

/// Networks separated by commas; a single address is a network of one.
pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    let network = |t: &str| t.parse::<IpNet>().or_else(|_| t.parse::<IpAddr>().map(IpNet::from));
    let wrong = |_| "write networks or addresses with commas between, for instance 10.0.0.0/8, 127.0.0.1".to_owned();
    text.split(',').map(|part| network(part.trim())).collect::<Result<_, _>>().map_err(wrong)
}

pub(super) fn forwarded_header(text: &str) -> Result<ForwardedHeader, String> {
    match text.to_ascii_lowercase().as_str() {
        "x-forwarded-for" => Ok(ForwardedHeader::XForwardedFor),
        "forwarded" => Ok(ForwardedHeader::Forwarded),
        _ => Err("has to be x-forwarded-for or forwarded".to_owned()),
    }
}
