use std::fmt::Write;
use std::net::IpAddr;

use curfew_domain::Seconds;

/// How the console's cookie is written and read, and which pages may use it: follows from where the console is
/// served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleCookie {
    secure: bool,
    origins: Vec<String>,
}

/// A `PUBLIC_URL` whose origin can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a public URL is http:// or https:// and a host, such as https://curfew.example.com")]
pub struct BadPublicUrl;

impl ConsoleCookie {
    /// For a console served under `public_url`.
    pub fn for_url(public_url: &str) -> Result<Self, BadPublicUrl> {
        let origin = origin_of(public_url).ok_or(BadPublicUrl)?;
        Ok(Self { secure: origin.starts_with("https://"), origins: vec![origin] })
    }

    /// For a console on this machine's loopback, with no public URL.
    pub fn for_loopback(port: u16) -> Self {
        let origins = vec![format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}")];
        Self { secure: false, origins }
    }

    /// Its name. The prefix `__Host-` has browsers refuse it from anything but this very host, over TLS.
    pub const fn name(&self) -> &'static str {
        if self.secure { "__Host-curfew" } else { "curfew" }
    }

    /// The `Set-Cookie` that gives the session.
    pub fn give(&self, token: &str, lives: Seconds) -> String {
        self.write(token, lives)
    }

    /// The `Set-Cookie` that takes it back.
    pub fn take_back(&self) -> String {
        self.write("", Seconds::of(0))
    }

    /// The token in a `Cookie` header. None when it is sent twice: a neighbour's cookie may shadow the true one.
    pub fn read<'h>(&self, header: &'h str) -> Option<&'h str> {
        let mut values = header
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.name())
            .map(|(_, value)| value);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Whether it goes over TLS alone.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether the console is for this very machine.
    pub fn is_on_loopback(&self) -> bool {
        self.hosts().all(is_loopback)
    }

    /// Whether a request with this `Host` was meant for here: it names the console's, or this very machine.
    pub fn is_served_at(&self, host: &str) -> bool {
        is_loopback(host) || self.hosts().any(|own| own.eq_ignore_ascii_case(host))
    }

    fn hosts(&self) -> impl Iterator<Item = &str> {
        self.origins.iter().filter_map(|origin| origin.split_once("://")).map(|(_, host)| host)
    }

    /// Whether a page of this `Origin` may use the session.
    pub fn allows(&self, origin: &str) -> bool {
        self.origins.iter().any(|allowed| allowed == origin)
    }

    fn write(&self, value: &str, lives: Seconds) -> String {
        let mut header =
            format!("{}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax", self.name(), lives.get());
        if self.secure {
            // Writing to a String can't fail.
            let _ = header.write_str("; Secure");
        }
        header
    }
}

/// Scheme, host and port as browsers send them in `Origin`: lower case, the scheme's own port left out.
fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
    let sound = !authority.is_empty() && !authority.contains(['@', ' ', '\\', ';']);
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    sound.then(|| format!("{scheme}://{authority}"))
}

/// Whether `host`, `host:port` or `[address]:port` is this very machine's.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next(),
        None => authority.split(':').next(),
    };
    let host = host.unwrap_or_default();
    host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_tls_the_cookie_is_bound_to_the_host() {
        let cookie = ConsoleCookie::for_url("https://Curfew.Example.com:443/console").unwrap();
        assert_eq!(
            cookie.give("cfw_x", Seconds::of(60)),
            "__Host-curfew=cfw_x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
        );
        assert!(cookie.allows("https://curfew.example.com"));
        for origin in ["http://curfew.example.com", "https://curfew.example.com.evil.test", "null", ""] {
            assert!(!cookie.allows(origin), "{origin}");
        }
    }

    #[test]
    fn on_loopback_it_is_plain_and_both_names_are_allowed() {
        let cookie = ConsoleCookie::for_loopback(8080);
        assert_eq!(cookie.take_back(), "curfew=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
        assert!(cookie.allows("http://127.0.0.1:8080") && cookie.allows("http://localhost:8080"));
        assert!(!cookie.allows("http://localhost:8081"));
    }

    #[test]
    fn it_is_found_among_others_but_not_twice() {
        let cookie = ConsoleCookie::for_loopback(8080);
        assert_eq!(cookie.read("a=b; curfew=cfw_x; c=d"), Some("cfw_x"));
        assert_eq!(cookie.read("xcurfew=1; curfew2=2"), None);
        assert_eq!(cookie.read("curfew=1; curfew=2"), None);
    }

    #[test]
    fn it_is_told_whether_only_this_machine_is_meant() {
        let on_loopback = |url: &str| ConsoleCookie::for_url(url).unwrap().is_on_loopback();
        for own in ["http://localhost:8080", "http://127.0.0.1", "https://[::1]:8443/x", "http://127.8.9.1:1"]
        {
            assert!(on_loopback(own), "{own}");
        }
        for other in
            ["https://curfew.example.com", "http://localhost.evil.test", "http://10.0.0.1", "http://[::2]"]
        {
            assert!(!on_loopback(other), "{other}");
        }
        let console = ConsoleCookie::for_url("https://curfew.example.com").unwrap();
        for own in ["curfew.example.com", "Curfew.Example.com", "localhost:8080", "[::1]:1", "127.0.0.1"] {
            assert!(console.is_served_at(own), "{own}");
        }
        for other in
            ["evil.test", "curfew.example.com.evil.test", "127.0.0.1.evil.test:8080", "", "[evil.test]"]
        {
            assert!(!console.is_served_at(other), "{other}");
        }
    }

    #[test]
    fn a_public_url_has_a_scheme_and_a_host() {
        for bad in ["", "curfew.example.com", "ftp://x", "https://", "https://a@b", "//x"] {
            assert_eq!(ConsoleCookie::for_url(bad), Err(BadPublicUrl), "{bad}");
        }
    }
}
