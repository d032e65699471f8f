use std::str::FromStr;

use curfew_domain::Invalid;
use reqwest::Url;

/// The hosts that tenants' URLs may name although they are private, and that may be reached over plain http: those of
/// whoever runs Curfew, who answers for them. None unless they are named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboundAllow(Vec<Allowed>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Allowed {
    /// As URLs write it: lower case, addresses in their one form.
    host: String,
    /// Any port where none is named.
    port: Option<u16>,
}

impl OutboundAllow {
    /// Whether a URL may lead there whatever its address is.
    pub fn covers(&self, host: &str, port: u16) -> bool {
        self.0.iter().any(|allowed| allowed.host == host && allowed.port.is_none_or(|named| named == port))
    }
}

/// `host` or `host:port`, separated by commas; an IPv6 address in brackets.
impl FromStr for OutboundAllow {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.split(',').map(|entry| allowed(entry.trim())).collect::<Result<_, _>>().map(Self)
    }
}

fn allowed(entry: &str) -> Result<Allowed, Invalid> {
    let wrong = || {
        Invalid::new(format!(
            "{entry:?} is no host; hosts look like hooks.internal, 10.0.0.7 or [fd00::7]:8443"
        ))
    };
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (entry, None),
    };
    let port = port.map(|port| port.parse::<u16>().map_err(|_| wrong())).transpose()?;
    let bare_colon = host.contains(':') && !host.starts_with('[');
    if host.is_empty() || bare_colon || host.contains(['/', '\\', '@', '?', '#', ' ', '*']) || port == Some(0)
    {
        return Err(wrong());
    }
    let url = Url::parse(&format!("http://{host}/")).map_err(|_| wrong())?;
    let host = url.host_str().filter(|_| url.port().is_none()).ok_or_else(wrong)?;
    Ok(Allowed { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_open_on_the_port_that_is_named_or_on_all() {
        let allow: OutboundAllow = "Hooks.Internal, 10.0.0.7:8443,[fd00::7], [::1]:9".parse().unwrap();
        for (host, port, covered) in [
            ("hooks.internal", 443, true),
            ("hooks.internal", 1, true),
            ("other.hooks.internal", 443, false),
            ("10.0.0.7", 8443, true),
            ("10.0.0.7", 443, false),
            ("[fd00::7]", 443, true),
            ("[::1]", 9, true),
            ("[::1]", 10, false),
        ] {
            assert_eq!(allow.covers(host, port), covered, "{host}:{port}");
        }
        assert!(!OutboundAllow::default().covers("hooks.internal", 443));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for bad in
            ["", ",", "a,,b", "http://a", "a/b", "a:0", "a:70000", "a:b:1", "u@a", "*.a", "a b", "fd00::7"]
        {
            assert!(bad.parse::<OutboundAllow>().is_err(), "{bad:?}");
        }
    }
}
