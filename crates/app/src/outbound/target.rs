use std::net::IpAddr;

use curfew_domain::Invalid;
use reqwest::Url;

use super::OutboundAllow;
use super::address::is_public;

/// The longest URL that is taken.
const LONGEST: usize = 2_048;

/// Names that never lead out of one's own machine or network, whatever they are answered.
const OWN_NAMES: [&str; 4] = ["localhost", "local", "internal", "localdomain"];

/// A URL that Curfew may be sent to, as far as can be told without asking where its name leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    /// Whether whoever runs Curfew has opened this host.
    open: bool,
}

impl Target {
    /// Reads a URL, and refuses one that is not for Curfew to follow.
    pub(super) fn parse(text: &str, allow: &OutboundAllow) -> Result<Self, Invalid> {
        if text.len() > LONGEST {
            return Err(Invalid::new(format!("a URL has at most {LONGEST} characters")));
        }
        // The parser would leave some of these out without a word.
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Invalid::new("a URL has no spaces, line ends or control characters in it"));
        }
        // Which host is meant then is a matter of who reads it.
        if text.contains('\\') {
            return Err(Invalid::new("a URL has no backslash in it"));
        }
        let url = Url::parse(text).map_err(|problem| {
            Invalid::new(format!("this is no URL such as https://hooks.example.com/curfew: {problem}"))
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Invalid::new("a URL must not hold a user name or password; send a header instead"));
        }
        if url.fragment().is_some() {
            return Err(Invalid::new("a URL that is called has no fragment (#…)"));
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Invalid::new("the URL must begin with https://"));
        }
        let port = url.port_or_known_default().unwrap_or_default();
        if port == 0 {
            return Err(Invalid::new("port 0 is nobody's"));
        }
        let open = url.host_str().is_some_and(|host| allow.covers(host, port));
        let target = Self { url, open };
        if !open {
            target.check_closed()?;
        }
        Ok(target)
    }

    /// What holds of every URL to a host that was not opened.
    fn check_closed(&self) -> Result<(), Invalid> {
        if self.url.scheme() != "https" {
            return Err(Invalid::new("the URL must begin with https://"));
        }
        match self.literal() {
            Some(address) if is_public(address) => Ok(()),
            Some(_) => Err(not_public()),
            None => check_name(self.host()),
        }
    }

    /// The address, where the URL names one instead of a host.
    fn literal(&self) -> Option<IpAddr> {
        let host = self.host();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
    }

    /// The host's name, where its addresses have to be looked at.
    pub(super) fn name_to_look_at(&self) -> Option<&str> {
        (!self.open && self.literal().is_none()).then(|| self.host())
    }

    fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The URL.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether whoever runs Curfew has opened this host.
    pub(super) const fn is_open(&self) -> bool {
        self.open
    }

    /// Whether both lead to the same server.
    pub fn same_server(&self, other: &Target) -> bool {
        self.url.origin() == other.url.origin()
    }

    /// The URL as it is kept and shown.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }
}

/// What is said of a URL whose address is not public.
pub(super) fn not_public() -> Invalid {
    Invalid::new(
        "the URL leads to an address that is not public; whoever runs Curfew can open hosts (CURFEW_OUTBOUND_ALLOW)",
    )
}

fn check_name(host: &str) -> Result<(), Invalid> {
    let name = host.trim_end_matches('.');
    let last = name.rsplit('.').next().unwrap_or_default();
    if !name.contains('.') || OWN_NAMES.contains(&last) {
        return Err(not_public());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Target, Invalid> {
        Target::parse(text, &OutboundAllow::default())
    }

    #[test]
    fn public_https_is_taken_on_any_port() {
        for good in [
            "https://hooks.example.com/curfew",
            "https://hooks.example.com:8443/a?b=c",
            "https://1.1.1.1/",
            "https://[2606:4700:4700::1111]/",
            "HTTPS://Hooks.Example.com",
        ] {
            assert!(read(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn own_addresses_are_refused_however_they_are_written() {
        for bad in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://017700000001/",
            "https://127.0.0.1./",
            "https://%31%32%37.0.0.1/",
            "https://１２７.0.0.1/",
            "https://127。0。0。1/",
            "https://①②⑦.0.0.1/",
            "https://0/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[0:0:0:0:0:ffff:a9fe:a9fe]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[fd00:ec2::254]/latest/meta-data/",
            "https://[fe80::1]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://10.1.2.3/",
            "https://localhost/",
            "https://LOCALHOST/",
            "https://localhost./",
            "https://a.localhost/",
            "https://metadata.google.internal/",
            "https://printer.local/",
            "https://intranet/",
            "https://example.com\\@127.0.0.1/",
            "https://127.0.0.1\\@example.com/",
        ] {
            assert!(read(bad).is_err(), "{bad}: {:?}", read(bad));
        }
    }

    #[test]
    fn what_is_no_plain_https_url_is_refused() {
        let long = format!("https://hooks.example.com/{}", "a".repeat(LONGEST));
        for bad in [
            "",
            "hooks.example.com",
            "http://hooks.example.com/",
            "ftp://hooks.example.com/",
            "file:///etc/passwd",
            "gopher://hooks.example.com/",
            "https://",
            "https:///path",
            "https://user@hooks.example.com/",
            "https://user:pw@hooks.example.com/",
            "https://hooks.example.com:0/",
            "https://hooks.example.com:70000/",
            "https://hooks.example.com/#x",
            "https://hooks.exa\nmple.com/",
            "https://hooks.example.com/ a",
            "https://hooks.example.com/\u{0}",
            long.as_str(),
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_host_that_was_opened_may_be_private_and_plain() {
        let allow: OutboundAllow = "127.0.0.1:9000,hooks.internal".parse().unwrap();
        let read = |text| Target::parse(text, &allow);
        for good in ["http://127.0.0.1:9000/x", "https://hooks.internal/", "http://2130706433:9000/"] {
            assert!(read(good).unwrap().is_open(), "{good}");
        }
        for bad in [
            "http://127.0.0.1:9001/",
            "http://127.0.0.2:9000/",
            "https://a.hooks.internal/",
            "ftp://hooks.internal/",
            "http://u@hooks.internal/",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
