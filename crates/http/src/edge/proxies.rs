use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName};
use curfew_domain::Invalid;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The reverse proxies whose `X-Forwarded-For` is believed: addresses and networks, separated by commas. By default
/// there are none, for anyone can write that header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Whether this is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who sent a request that arrived from `peer`. Each proxy writes, to the right of what it was sent, whom it got
    /// it from: so the list is read from its right end, as far as those who wrote it are trusted.
    pub(crate) fn source(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lines = headers.get_all(X_FORWARDED_FOR).iter();
        let hops: Vec<&str> = lines.flat_map(|line| line.to_str().unwrap_or_default().split(',')).collect();
        let mut hops = hops.into_iter().rev();
        let mut source = peer.to_canonical();
        while self.contains(source) {
            let Some(before) = hops.next().and_then(address) else { break };
            source = before;
        }
        source
    }
}

impl FromStr for TrustedProxies {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.split(',').map(|part| part.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

/// Some proxies write the port as well.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let with_port = || hop.parse().ok().map(|address: SocketAddr| address.ip());
    hop.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// Addresses with the same beginning; IPv4 ones as they are mapped into IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    bits: u128,
    mask: u128,
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        bits(address) & self.mask == self.bits
    }
}

impl FromStr for Network {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong =
            || Invalid::new("a proxy is an address, such as 10.0.0.5, or a network, such as 10.0.0.0/8");
        let (address, length) =
            text.split_once('/').map_or((text, None), |(text, length)| (text, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width: u32 = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(width), str::parse).map_err(|_| wrong())?;
        let free = width.checked_sub(length).ok_or_else(wrong)?;
        let mask = u128::MAX.checked_shl(free).unwrap_or(0);
        Ok(Self { bits: bits(address) & mask, mask })
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(trusted: &str, peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, line.parse().unwrap());
        }
        let trusted: TrustedProxies = trusted.parse().unwrap();
        trusted.source(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn what_a_trusted_proxy_says_is_believed_and_nothing_before_it() {
        let trusted = "127.0.0.1, 10.0.0.0/8,fd00::/8";
        for (peer, lines, expected) in [
            ("127.0.0.1", &["203.0.113.9"] as &[&str], "203.0.113.9"),
            // Whoever sent it can have written anything to the left of what the proxy saw.
            ("127.0.0.1", &["192.0.2.1, 203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", &["10.1.1.1, 203.0.113.9, 10.2.3.4"], "203.0.113.9"),
            ("127.0.0.1", &["192.0.2.1", "203.0.113.9", "10.2.3.4"], "203.0.113.9"),
            ("::ffff:127.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("fd00::7", &["2001:db8::1"], "2001:db8::1"),
            ("127.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("127.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            // From within: the one farthest away.
            ("127.0.0.1", &["10.9.9.9, 10.2.3.4"], "10.9.9.9"),
        ] {
            assert_eq!(source(trusted, peer, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn without_a_sound_word_of_a_trusted_proxy_it_is_the_peer() {
        for (trusted, peer, lines) in [
            ("10.0.0.1", "203.0.113.9", &["192.0.2.1"] as &[&str]),
            ("10.0.0.1", "10.0.0.1", &[]),
            ("10.0.0.1", "10.0.0.1", &["unknown"]),
            ("10.0.0.1", "10.0.0.1", &["192.0.2.1, "]),
            ("10.0.0.1", "10.0.0.1", &["192.0.2.1", "évil"]),
        ] {
            assert_eq!(source(trusted, peer, lines), peer, "{lines:?}");
        }
        let nobody = TrustedProxies::default();
        let headers = HeaderMap::from_iter([(X_FORWARDED_FOR, "192.0.2.1".parse().unwrap())]);
        assert_eq!(nobody.source([10, 0, 0, 1].into(), &headers).to_string(), "10.0.0.1");
    }

    #[test]
    fn a_network_is_its_beginning_alone() {
        let proxies: TrustedProxies = "10.20.0.0/14,192.0.2.7,2001:db8::/32,0.0.0.0/32".parse().unwrap();
        let contains = |address: &str| proxies.contains(address.parse().unwrap());
        for inside in ["10.20.0.1", "10.23.255.255", "192.0.2.7", "2001:db8:ffff::1"] {
            assert!(contains(inside), "{inside}");
        }
        for outside in ["10.24.0.0", "10.19.255.255", "192.0.2.8", "2001:db9::", "::1"] {
            assert!(!contains(outside), "{outside}");
        }
        assert!("0.0.0.0/0".parse::<TrustedProxies>().unwrap().contains([203, 0, 113, 9].into()));
    }

    #[test]
    fn what_is_no_proxy_is_refused() {
        for bad in
            ["", "proxy.example.com", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "10.0.0.1,,"]
        {
            assert!(bad.parse::<TrustedProxies>().is_err(), "{bad}");
        }
    }
}
