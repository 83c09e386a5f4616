//! The audio that a vCon refers to, from hosts that the operator has named and from nowhere else.
//!
//! An address in a document is a request that a stranger has the archive make (SSRF). So: the host is compared letter
//! by letter, and https is asked for unless http was written into the settings; every address that the name stands for
//! has to be public or in a network that the settings name, and the connection goes to the addresses that were looked
//! at; no redirect is followed and no proxy asked; bytes and time are bounded, and what comes has to hash to what the
//! document says.

use std::io::Write as _;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use reqwest::{Certificate, Client, Url, redirect};
use tokio::time::{Instant, timeout_at};

use super::draft::{Draft, spool_error};
use crate::config::MediaHost;
use crate::receive::spool::SpoolError;

/// Time to reach a host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why audio was not fetched. Says nothing of what the host answered: whoever sends an address learns no more than
/// whether it holds the audio.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address is not one of a host in the settings.
    #[error("the address is not one from which media are fetched here")]
    NotAllowed,
    /// The host did not give the audio.
    #[error("the audio could not be fetched")]
    Unavailable,
    /// It could not be spooled.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

impl FetchError {
    /// The stable code that clients see.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed => "media-host-not-allowed",
            Self::Unavailable => "media-unavailable",
            Self::Spool(error) => error.code(),
        }
    }
}

/// Where media may come from.
#[derive(Debug, Clone, Default)]
pub struct MediaRules {
    /// The hosts.
    pub hosts: Vec<MediaHost>,
    /// Networks in which they may lie, beside all public ones.
    pub networks: Vec<IpNet>,
    /// PEM of certificate authorities beside the system's.
    pub authorities: Option<Vec<u8>>,
}

/// Fetches what lies at `url` into `draft`, until `end`.
pub(super) async fn fetch(url: &str, rules: &MediaRules, mut draft: Draft, end: Instant) -> Result<Draft, FetchError> {
    let url = allowed(url, rules)?;
    let done = timeout_at(end, async {
        let client = client(&url, rules).await?;
        let mut response = client.get(url).send().await.map_err(|error| unavailable(&error))?;
        if response.status() != reqwest::StatusCode::OK {
            tracing::warn!(status = response.status().as_u16(), "a media host did not give the audio");
            return Err(FetchError::Unavailable);
        }
        while let Some(chunk) = response.chunk().await.map_err(|error| unavailable(&error))? {
            draft = tokio::task::spawn_blocking(move || draft.write_all(&chunk).map(|()| draft))
                .await
                .map_err(|_| FetchError::Unavailable)?
                .map_err(spool_error)?;
        }
        Ok(draft)
    });
    done.await.map_err(|_| FetchError::Unavailable)?
}

fn unavailable(error: &reqwest::Error) -> FetchError {
    // Its text has the address, which may say whose call it was.
    tracing::warn!(
        timeout = error.is_timeout(),
        connect = error.is_connect(),
        redirect = error.is_redirect(),
        "a media host could not be asked"
    );
    FetchError::Unavailable
}

/// The address, when it is one of an allowed host.
fn allowed(text: &str, rules: &MediaRules) -> Result<Url, FetchError> {
    let url = Url::parse(text).map_err(|_| FetchError::NotAllowed)?;
    let plain = url.username().is_empty() && url.password().is_none();
    let host = url.host_str().unwrap_or_default();
    let is_named = rules.hosts.iter().any(|allowed| {
        allowed.scheme == url.scheme() && allowed.host == host && Some(allowed.port) == url.port_or_known_default()
    });
    if plain && is_named { Ok(url) } else { Err(FetchError::NotAllowed) }
}

/// A client that knows one name, and for it the addresses that were looked at.
async fn client(url: &Url, rules: &MediaRules) -> Result<Client, FetchError> {
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    let addresses = addresses(host, port).await?;
    if !addresses.iter().all(|address| may_connect(address.ip(), url.scheme(), rules)) {
        tracing::warn!("a media host lies in a network that is neither public nor in vcon_media_networks");
        return Err(FetchError::NotAllowed);
    }
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .resolve_to_addrs(host, &addresses)
        .user_agent("earwitness");
    if let Some(pem) = &rules.authorities {
        let authorities = Certificate::from_pem_bundle(pem).map_err(|_| FetchError::Unavailable)?;
        builder = builder.tls_certs_merge(authorities);
    }
    builder.build().map_err(|error| unavailable(&error))
}

async fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, FetchError> {
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    if let Ok(address) = literal {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found: Vec<SocketAddr> =
        tokio::net::lookup_host((host, port)).await.map_err(|_| FetchError::Unavailable)?.collect();
    if found.is_empty() { Err(FetchError::Unavailable) } else { Ok(found) }
}

/// Whether a connection may go there. Without TLS to this machine alone.
fn may_connect(address: IpAddr, scheme: &str, rules: &MediaRules) -> bool {
    let address = plain(address);
    let named = rules.networks.iter().any(|network| network.contains(&address));
    (named || is_public(address)) && (scheme == "https" || address.is_loopback())
}

/// An IPv4 address that is written as one of IPv6 counts as what it is.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Whether an address is one of the public network (IANA's special-purpose registries): of IPv6 only global unicast,
/// without what tunnels or stands for IPv4.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let special = matches!(
                (a, b, c),
                (0 | 10 | 127, ..)
                    | (100, 64..=127, _)
                    | (169, 254, _)
                    | (172, 16..=31, _)
                    | (192, 0, 0 | 2)
                    | (192, 88, 99)
                    | (192, 168, _)
                    | (198, 18..=19, _)
                    | (198, 51, 100)
                    | (203, 0, 113)
                    | (224..=255, ..)
            );
            !special
        }
        IpAddr::V6(v6) => is_global_unicast(v6),
    }
}

fn is_global_unicast(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let special = match first {
        0x2001 => second < 0x200 || second == 0xdb8,
        0x2002 | 0x3fff => true,
        _ => false,
    };
    (0x2000..=0x3fff).contains(&first) && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(hosts: &[&str], networks: &[&str]) -> MediaRules {
        MediaRules {
            hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
            networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
            authorities: None,
        }
    }

    #[test]
    fn only_named_hosts_are_asked() {
        let rules = rules(&["media.example.com", "recorder.example:8443", "http://127.0.0.1:9000"], &[]);
        for good in [
            "https://media.example.com/a?b=c",
            "https://MEDIA.example.com:443/a",
            "https://recorder.example:8443/",
            "http://127.0.0.1:9000/x",
        ] {
            assert!(allowed(good, &rules).is_ok(), "{good}");
        }
        for bad in [
            "",
            "media.example.com",
            "http://media.example.com/a",
            "https://media.example.com:8443/a",
            "https://media.example.com.evil.example/a",
            "https://evil.example/media.example.com",
            "https://evil.example#media.example.com",
            "https://media.example.com@evil.example/",
            "https://user@media.example.com/",
            "https://:secret@media.example.com/",
            "https://xmedia.example.com/",
            "https://media.example.com./",
            "https://recorder.example/",
            "http://127.0.0.1/x",
            "http://127.0.0.1:9001/x",
            "http://localhost:9000/x",
            "http://2130706433:9001/",
            "file:///etc/passwd",
            "ftp://media.example.com/",
            "gopher://media.example.com:443/",
            "data:audio/wav;base64,AAAA",
        ] {
            assert!(matches!(allowed(bad, &rules), Err(FetchError::NotAllowed)), "{bad}");
        }
        assert!(matches!(allowed("https://media.example.com/", &MediaRules::default()), Err(FetchError::NotAllowed)));
    }

    #[test]
    fn only_public_addresses_are_connected_to_and_others_when_they_are_named() {
        let none = rules(&[], &[]);
        for public in ["9.9.9.9", "100.63.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1", "2a00:1450::1", "2606:4700::1"]
        {
            assert!(may_connect(public.parse().unwrap(), "https", &none), "{public}");
            assert!(!may_connect(public.parse().unwrap(), "http", &none), "{public} without TLS");
        }
        for inner in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.170",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::",
        ] {
            assert!(!may_connect(inner.parse().unwrap(), "https", &none), "{inner}");
        }
        let named = rules(&[], &["10.0.0.0/8", "127.0.0.0/8"]);
        assert!(may_connect("::ffff:10.0.0.1".parse().unwrap(), "https", &named));
        assert!(may_connect("127.0.0.1".parse().unwrap(), "http", &named));
        assert!(!may_connect("10.0.0.1".parse().unwrap(), "http", &named), "without TLS to this machine alone");
        assert!(!may_connect("192.168.0.1".parse().unwrap(), "https", &named));
    }
}
