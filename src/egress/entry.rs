//! An entry of the allow-list, and whether a request fits it.

use std::net::IpAddr;
use std::path::PathBuf;

use hyper::body::Bytes;
use hyper::{Method, Request, Uri};

use crate::EgressError;
use crate::tls::Trust;

/// Longest name of a host, in characters (RFC 1035 section 2.3.4).
pub(crate) const HOST_MAX_CHARS: usize = 253;

/// Longest name of a connector, in bytes.
const CONNECTOR_MAX_BYTES: usize = 64;

/// How a host is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP over TLS.
    Https,
    /// HTTP in the clear: for what does not leave the machine.
    PlainHttp,
}

impl Scheme {
    const fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::PlainHttp => 80,
        }
    }

    fn of(uri: &Uri) -> Option<Self> {
        match uri.scheme_str()? {
            "https" => Some(Self::Https),
            "http" => Some(Self::PlainHttp),
            _ => None,
        }
    }
}

/// Whether a host may be this very machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loopback {
    /// A name that leads here is refused: it would reach services that trust the machine.
    Refuse,
    /// Something beside the appliance is meant.
    Allow,
}

/// How much a connector may send, receive and wait for.
#[derive(Clone, Copy, Debug)]
pub struct CallLimits {
    /// Largest body of a request, in bytes.
    pub request_max_bytes: usize,
    /// Largest body of an answer, in bytes.
    pub response_max_bytes: usize,
    /// For the whole call, from the name to the last byte of the answer, in milliseconds.
    pub timeout_ms: u64,
    /// Calls on their way at the same time; a further one is refused, none waits.
    pub calls_max: usize,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            request_max_bytes: 4 * 1024 * 1024,
            response_max_bytes: 4 * 1024 * 1024,
            timeout_ms: 10_000,
            calls_max: 4,
        }
    }
}

/// Where one connector may go.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name: 1 to 64 of `a-z`, `0-9`, `-`, `_` and `.`.
    pub connector: String,
    /// How the host is spoken to.
    pub scheme: Scheme,
    /// The host: a name, or an address without brackets. Lower case.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What every path begins with, segment by segment; `/` allows all.
    pub path_prefix: String,
    /// Certificates (PEM) that the host's must lead to; `None`: those of the operating system.
    pub ca_file: Option<PathBuf>,
    /// Whether the host may be this machine.
    pub loopback: Loopback,
    /// How much.
    pub limits: CallLimits,
}

impl Entry {
    /// The entry that allows exactly what is at `url` and below, with the default limits, the
    /// operating system's certificates, and not on this machine.
    ///
    /// # Errors
    /// [`EgressError::Entry`] when it is no `http` or `https` URL of a host, or has user
    /// information, a query or a fragment.
    pub fn from_url(connector: &str, url: &str) -> Result<Self, EgressError> {
        let refuse = |reason| EgressError::Entry { connector: connector.to_owned(), reason };
        // The URI type drops a fragment silently.
        if url.contains('#') {
            return Err(refuse("the URL must not have a fragment"));
        }
        let uri: Uri = url.parse().map_err(|_| refuse("it is not a URL"))?;
        let scheme = Scheme::of(&uri)
            .ok_or_else(|| refuse("the URL must begin with https:// or http://"))?;
        if uri.query().is_some() {
            return Err(refuse("the URL must not have a query"));
        }
        let (host, port) = place_of(&uri, scheme).map_err(refuse)?;
        let entry = Self {
            connector: connector.to_owned(),
            scheme,
            host,
            port,
            path_prefix: uri.path().to_owned(),
            ca_file: None,
            loopback: Loopback::Refuse,
            limits: CallLimits::default(),
        };
        entry.validate()?;
        Ok(entry)
    }

    /// Whether the host is this machine by its very name: `localhost` or a loopback address.
    #[must_use]
    pub fn names_this_machine(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|a| a.to_canonical().is_loopback())
    }

    /// Whether the certificates that the entry trusts can be read. Blocks on their file.
    ///
    /// # Errors
    /// [`EgressError::Roots`], or [`EgressError::Entry`] when the host can have no certificate.
    pub fn check_certificates(&self) -> Result<(), EgressError> {
        self.trust().map(drop)
    }

    /// What a handshake needs; `None` for plain HTTP.
    pub(crate) fn trust(&self) -> Result<Option<Trust>, EgressError> {
        match self.scheme {
            Scheme::Https => Trust::of(self).map(Some),
            Scheme::PlainHttp => Ok(None),
        }
    }

    pub(crate) fn validate(&self) -> Result<(), EgressError> {
        let letters =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        let limits = &self.limits;
        let wrong = if self.connector.is_empty()
            || self.connector.len() > CONNECTOR_MAX_BYTES
            || !self.connector.chars().all(letters)
        {
            "its name must be 1 to 64 of a-z, 0-9, '-', '_' and '.'"
        } else if self.host.is_empty() || self.host.len() > HOST_MAX_CHARS {
            "the host must have 1 to 253 characters"
        } else if self.host.bytes().any(|b| b.is_ascii_uppercase() || b"[]@/ ".contains(&b)) {
            "the host must be a lower-case name, or an address without brackets"
        } else if self.port == 0 {
            "the port must not be 0"
        } else if !self.path_prefix.starts_with('/') || has_dot_segments(&self.path_prefix) {
            "the path must begin with '/' and have no '.' or '..' in it"
        } else if limits.timeout_ms == 0 || limits.calls_max == 0 || limits.response_max_bytes == 0
        {
            "a limit of 0 would allow nothing"
        } else {
            return Ok(());
        };
        Err(EgressError::Entry { connector: self.connector.clone(), reason: wrong })
    }

    /// Whether this request may go out.
    pub(crate) fn check(&self, request: &Request<Bytes>) -> Result<(), EgressError> {
        let uri = request.uri();
        let scheme = Scheme::of(uri).ok_or(EgressError::Scheme)?;
        if scheme != self.scheme {
            return Err(EgressError::Scheme);
        }
        let (host, port) = place_of(uri, scheme).map_err(EgressError::Url)?;
        if host != self.host {
            return Err(EgressError::Host);
        }
        if port != self.port {
            return Err(EgressError::Port);
        }
        if !self.allows_path(uri.path()) {
            return Err(EgressError::Path);
        }
        if method_name(request.method()).is_none() {
            return Err(EgressError::Method);
        }
        let max_bytes = self.limits.request_max_bytes;
        if request.body().len() > max_bytes {
            return Err(EgressError::RequestTooLarge { max_bytes });
        }
        Ok(())
    }

    fn allows_path(&self, path: &str) -> bool {
        // A server that resolves dot segments would see another path than the one compared here.
        if has_dot_segments(path) {
            return false;
        }
        let prefix = self.path_prefix.trim_end_matches('/');
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Host (lower case, no brackets) and port of a URL.
pub(crate) fn place_of(uri: &Uri, scheme: Scheme) -> Result<(String, u16), &'static str> {
    let authority = uri.authority().ok_or("it has no host")?;
    // The host of `https://allowed@elsewhere/` is elsewhere; nobody who means well writes that.
    if authority.as_str().contains('@') {
        return Err("it must not have user information");
    }
    let host = authority.host();
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() {
        return Err("it has no host");
    }
    let written = authority.as_str().rsplit_once(']').map_or(authority.as_str(), |(_, rest)| rest);
    let port = match authority.port_u16() {
        Some(port) => port,
        None if written.contains(':') => return Err("its port is not a number up to 65535"),
        None => scheme.default_port(),
    };
    Ok((host.to_ascii_lowercase(), port))
}

/// The scheme and place of any URL, as far as it has them: for the record of what was refused.
pub(crate) fn place_for_record(uri: &Uri) -> (Option<String>, Option<u16>) {
    let scheme = Scheme::of(uri).unwrap_or(Scheme::Https);
    match place_of(uri, scheme) {
        Ok((host, port)) => (Some(host.chars().take(HOST_MAX_CHARS).collect()), Some(port)),
        Err(_) => (None, None),
    }
}

/// The methods that go out.
pub(crate) fn method_name(method: &Method) -> Option<&'static str> {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str())
}

/// Whether a server could read `.` or `..` as a segment (RFC 3986 section 5.2.4), be they written
/// with escapes or with backslashes.
fn has_dot_segments(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let plain = lower.replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
    plain.split(['/', '\\']).any(|segment| segment == "." || segment == "..")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use proptest::prelude::*;

    use super::*;

    fn entry(url: &str) -> Entry {
        Entry::from_url("telemetry", url).unwrap()
    }

    fn code(entry: &Entry, method: &str, url: &str) -> &'static str {
        let request = Request::builder().method(method).uri(url).body(Bytes::from("12345678"));
        entry.check(&request.unwrap()).err().map_or("allowed", |error| error.code())
    }

    #[test]
    fn a_url_becomes_the_entry_that_allows_it() {
        let entry = entry("https://Collector.Plant.example/v1/traces");
        assert_eq!(entry.host, "collector.plant.example");
        assert_eq!((entry.port, entry.scheme), (443, Scheme::Https));
        assert_eq!(entry.loopback, Loopback::Refuse);
        for url in [
            "https://collector.plant.example/v1/traces",
            "https://collector.plant.example:443/v1/traces/x?y=1",
        ] {
            assert_eq!(code(&entry, "POST", url), "allowed", "{url}");
        }
    }

    #[test]
    fn urls_that_say_more_than_a_place_are_refused() {
        for url in [
            "",
            "collector",
            "/v1/traces",
            "ftp://h/x",
            "https:///x",
            "https://user@h/x",
            "https://user:secret@h/x",
            "https://h/x?token=1",
            "https://h/x#y",
            "https://h:0/x",
            "https://h:70000/x",
            "https://h/a/../b",
        ] {
            let refused = Entry::from_url("telemetry", url);
            assert!(matches!(refused, Err(EgressError::Entry { .. })), "{url}: {refused:?}");
        }
        for name in ["", "Telemetry", "a b", &"x".repeat(65)] {
            assert!(Entry::from_url(name, "https://h/").is_err(), "{name}");
        }
    }

    #[test]
    fn what_differs_is_refused_by_its_own_code() {
        let mut entry = entry("https://h.example:4318/v1/traces");
        entry.limits.request_max_bytes = 8;
        let cases = [
            ("POST", "http://h.example:4318/v1/traces", "scheme_refused"),
            ("POST", "/v1/traces", "scheme_refused"),
            ("POST", "https://h.example.evil:4318/v1/traces", "host_refused"),
            ("POST", "https://evil.example:4318/v1/traces", "host_refused"),
            ("POST", "https://h.example.:4318/v1/traces", "host_refused"),
            ("POST", "https://h.example@evil:4318/v1/traces", "url_refused"),
            ("POST", "https://h.example:4319/v1/traces", "port_refused"),
            ("POST", "https://h.example/v1/traces", "port_refused"),
            ("POST", "https://h.example:4318/v1/tracesx", "path_refused"),
            ("POST", "https://h.example:4318/v1", "path_refused"),
            ("POST", "https://h.example:4318/v1/traces/../x", "path_refused"),
            ("POST", "https://h.example:4318/v1/traces/%2E%2e/x", "path_refused"),
            ("POST", "https://h.example:4318/v1/traces/..%2Fx", "path_refused"),
            ("TRACE", "https://h.example:4318/v1/traces", "method_refused"),
            ("BREW", "https://h.example:4318/v1/traces", "method_refused"),
            ("GET", "https://h.example:4318/v1/traces/a.b/..c", "allowed"),
            ("POST", "https://H.EXAMPLE:4318/v1/traces", "allowed"),
        ];
        for (method, url, expected) in cases {
            assert_eq!(code(&entry, method, url), expected, "{method} {url}");
        }
        entry.limits.request_max_bytes = 7;
        let url = "https://h.example:4318/v1/traces";
        assert_eq!(code(&entry, "POST", url), "request_too_large");
    }

    #[test]
    fn addresses_are_hosts_too() {
        let v6 = entry("http://[::1]:4318/");
        assert_eq!((v6.host.as_str(), v6.port), ("::1", 4318));
        assert!(v6.names_this_machine());
        assert_eq!(code(&v6, "GET", "http://[::1]:4318/x"), "allowed");
        assert!(entry("http://127.8.0.1/").names_this_machine());
        assert!(entry("http://LOCALHOST/").names_this_machine());
        assert!(!entry("http://localhost.example/").names_this_machine());
        assert!(!entry("http://10.0.0.1/").names_this_machine());
    }

    proptest! {
        #[test]
        fn an_allowed_path_stays_below_the_prefix(rest in "[a-z./%2eF\\\\]{0,20}") {
            let entry = entry("https://h/a/b");
            let path = format!("/a/b{rest}");
            if entry.allows_path(&path) {
                prop_assert!(!path.split('/').any(|segment| segment == ".."));
                prop_assert!(path == "/a/b" || path.starts_with("/a/b/"));
            }
        }
    }
}
