//! Where a call came from. A header is believed only when the peer is a configured proxy.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

use crate::http::state::{ForwardedHeader, HttpSettings};

/// The client's address: the peer's, or the one that a chain of trusted proxies vouches for.
///
/// The list is read from its end, where the nearest proxy wrote, up to the first address that is no trusted proxy:
/// whatever stands before that one was written by the client itself.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, settings: &HttpSettings) -> IpAddr {
    let mut client = peer.to_canonical();
    if !trusted(client, &settings.trusted_proxies) {
        return client;
    }
    let hops = match settings.forwarded_header {
        ForwardedHeader::XForwardedFor => x_forwarded_for(headers),
        ForwardedHeader::Forwarded => forwarded(headers),
    };
    for hop in hops.into_iter().rev() {
        // An unreadable hop (`unknown`, `_hidden`) ends what can be known.
        let Some(hop) = hop else { break };
        client = hop;
        if !trusted(client, &settings.trusted_proxies) {
            break;
        }
    }
    client
}

fn trusted(address: IpAddr, proxies: &[IpNet]) -> bool {
    proxies.iter().any(|net| net.contains(&address))
}

fn lines<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> {
    // A line that is no text counts as one unreadable hop.
    headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("?"))
}

fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    lines(headers, "x-forwarded-for").flat_map(|line| line.split(',')).map(address).collect()
}

/// RFC 7239 section 4: `for=192.0.2.60;proto=http, for="[2001:db8::17]:4711"`. Commas within quotes do not occur in a
/// valid `for`, and an element that is split by one is unreadable, which is safe.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let element = |element: &str| {
        let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
        address(value.trim().trim_matches('"'))
    };
    lines(headers, "forwarded").flat_map(|line| line.split(',')).map(element).collect()
}

/// An address, with or without a port, with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|a| a.ip()));
    parsed.map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn seen(peer: &str, header: (ForwardedHeader, &'static str), lines: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header.1, HeaderValue::from_static(line));
        }
        let settings = HttpSettings {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8:1::/48".parse().unwrap()],
            forwarded_header: header.0,
            ..HttpSettings::default()
        };
        client_address(peer.parse().unwrap(), &headers, &settings).to_string()
    }

    const XFF: (ForwardedHeader, &str) = (ForwardedHeader::XForwardedFor, "x-forwarded-for");
    const FORWARDED: (ForwardedHeader, &str) = (ForwardedHeader::Forwarded, "forwarded");

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(seen("192.0.2.9", XFF, &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(seen("::ffff:192.0.2.9", XFF, &[]), "192.0.2.9");
    }

    #[test]
    fn a_trusted_proxy_is_believed_up_to_the_first_stranger() {
        assert_eq!(seen("10.0.0.1", XFF, &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", XFF, &["6.6.6.6, 198.51.100.1, 10.2.3.4"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", XFF, &["6.6.6.6", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("::ffff:10.0.0.1", XFF, &["[2001:db8::7]:443"]), "2001:db8::7");
        assert_eq!(seen("10.0.0.1", XFF, &["198.51.100.1:9999"]), "198.51.100.1");
    }

    #[test]
    fn what_cannot_be_read_ends_what_is_known() {
        assert_eq!(seen("10.0.0.1", XFF, &[]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", XFF, &["6.6.6.6, unknown"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", XFF, &["6.6.6.6, , 10.0.0.2"]), "10.0.0.2");
        assert_eq!(seen("10.0.0.1", FORWARDED, &["for=6.6.6.6, for=_hidden"]), "10.0.0.1");
    }

    #[test]
    fn only_the_configured_header_is_read() {
        assert_eq!(seen("10.0.0.1", (ForwardedHeader::XForwardedFor, "forwarded"), &["for=6.6.6.6"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", FORWARDED, &["for=\"[2001:db8::17]:4711\";proto=https"]), "2001:db8::17");
        assert_eq!(seen("10.0.0.1", FORWARDED, &["by=10.0.0.1; For=192.0.2.60"]), "192.0.2.60");
    }
}
