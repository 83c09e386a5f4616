//! A host from which media may be fetched, as the settings name it.

use std::str::FromStr;

use reqwest::Url;

/// One host and port, reached by https; by http where that is written and it is this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaHost {
    /// `https` or `http`.
    pub scheme: String,
    /// A name or an address, as URLs have it.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl FromStr for MediaHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "write hosts with commas between, each with its port if it is not 443: media.example.com".to_owned();
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = Url::parse(&with_scheme).map_err(|_| wrong())?;
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return Err(wrong()) };
        let bare = url.path() == "/" && !host.contains('*') && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() || with_scheme.ends_with('/') {
            return Err(wrong());
        }
        match url.scheme() {
            "https" => {}
            "http" if matches!(host, "127.0.0.1" | "[::1]") => {}
            _ => return Err("only https, or http to 127.0.0.1 or [::1]".to_owned()),
        }
        Ok(Self { scheme: url.scheme().to_owned(), host: host.to_owned(), port })
    }
}

/// Hosts separated by commas.
pub(super) fn media_hosts(text: &str) -> Result<Vec<MediaHost>, String> {
    text.split(',').map(|part| part.trim().parse()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_and_a_port() {
        let read = |text: &str| text.parse::<MediaHost>().map(|host| (host.scheme, host.host, host.port));
        assert_eq!(read("Media.example.com"), Ok(("https".into(), "media.example.com".into(), 443)));
        assert_eq!(read("https://recorder.example:8443"), Ok(("https".into(), "recorder.example".into(), 8443)));
        assert_eq!(read("http://127.0.0.1:9000"), Ok(("http".into(), "127.0.0.1".into(), 9000)));
        assert_eq!(media_hosts("a.example, b.example:1").map(|hosts| hosts.len()), Ok(2));
        for bad in [
            "",
            "*",
            "*.example.com/",
            "media.example.com/",
            "media.example.com/path",
            "user@media.example.com",
            "http://media.example.com",
            "http://10.0.0.1",
            "ftp://media.example.com",
            "a.example,,b.example",
            "a.example?x",
        ] {
            assert!(media_hosts(bad).is_err(), "{bad}");
        }
    }
}
