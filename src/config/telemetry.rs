//! Where traces go, if anywhere.

use std::path::PathBuf;

use egress::{CallLimits, EgressError, Entry, Loopback, Scheme};
use serde::Deserialize;

/// Name of the entry in the door's allow-list.
pub(crate) const CONNECTOR: &str = "telemetry";

/// An export is about 150 KB, its answer a few bytes.
const LIMITS: CallLimits = CallLimits {
    request_max_bytes: 2 * 1024 * 1024,
    response_max_bytes: 64 * 1024,
    timeout_ms: 5_000,
    calls_max: 1,
};

/// Where a collector takes traces when its URL names no path (OTLP/HTTP, section "OTLP/HTTP
/// Request" of the specification).
const DEFAULT_PATH: &str = "/v1/traces";

/// Longest name of the service, in characters.
const SERVICE_NAME_MAX_CHARS: usize = 64;

/// The export of traces.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Telemetry {
    /// Empty: nothing is exported.
    pub(crate) otlp_endpoint: String,
    /// Empty: the certificates of the operating system.
    pub(crate) otlp_ca_file: PathBuf,
    pub(crate) service_name: String,
    pub(crate) export_interval_s: u32,
}

/// A collector, and the entry of the allow-list that leads there.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) url: String,
    pub(crate) entry: Entry,
}

impl Telemetry {
    /// The collector that is configured.
    ///
    /// # Errors
    /// What is wrong with `telemetry.otlp_endpoint`.
    pub(crate) fn collector(&self) -> Result<Option<Collector>, String> {
        if self.otlp_endpoint.is_empty() {
            return Ok(None);
        }
        let mut url = self.otlp_endpoint.clone();
        let mut entry = entry(&url)?;
        if entry.path_prefix == "/" {
            url = format!("{}{DEFAULT_PATH}", url.trim_end_matches('/'));
            DEFAULT_PATH.clone_into(&mut entry.path_prefix);
        }
        if entry.names_this_machine() {
            entry.loopback = Loopback::Allow;
        } else if entry.scheme == Scheme::PlainHttp {
            return Err("plain http is for a collector on this machine (localhost, 127.0.0.1 or \
                        [::1]); anywhere else it must be https"
                .into());
        }
        let ca_file = &self.otlp_ca_file;
        entry.ca_file = (!ca_file.as_os_str().is_empty()).then(|| ca_file.clone());
        entry.limits = LIMITS;
        Ok(Some(Collector { url, entry }))
    }

    /// What is wrong with `telemetry.service_name`, if anything.
    pub(super) fn check_service_name(&self) -> Result<(), &'static str> {
        let name = &self.service_name;
        if name.trim().is_empty()
            || name.chars().count() > SERVICE_NAME_MAX_CHARS
            || name.chars().any(char::is_control)
        {
            return Err("must be 1 to 64 characters without control characters");
        }
        Ok(())
    }
}

fn entry(url: &str) -> Result<Entry, String> {
    Entry::from_url(CONNECTOR, url).map_err(|error| match error {
        EgressError::Entry { reason, .. } => reason.to_owned(),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn collector(url: &str) -> Result<Option<Collector>, String> {
        let telemetry = Telemetry {
            otlp_endpoint: url.into(),
            otlp_ca_file: PathBuf::new(),
            service_name: "millwright".into(),
            export_interval_s: 30,
        };
        telemetry.collector()
    }

    #[test]
    fn no_url_is_no_collector() {
        assert!(collector("").unwrap().is_none());
    }

    #[test]
    fn a_url_without_a_path_means_the_standard_one() {
        for url in ["https://c.example:4318", "https://c.example:4318/"] {
            let found = collector(url).unwrap().unwrap();
            assert_eq!(found.url, "https://c.example:4318/v1/traces");
            assert_eq!(found.entry.path_prefix, "/v1/traces");
            assert_eq!(found.entry.loopback, Loopback::Refuse);
        }
        let found = collector("https://c.example/otlp/in").unwrap().unwrap();
        assert_eq!(found.url, "https://c.example/otlp/in");
        assert_eq!(found.entry.path_prefix, "/otlp/in");
    }

    #[test]
    fn plain_http_stays_on_the_machine() {
        for url in ["http://localhost:4318", "http://127.0.0.1:4318/x", "http://[::1]:4318"] {
            assert_eq!(collector(url).unwrap().unwrap().entry.loopback, Loopback::Allow, "{url}");
        }
        for url in ["http://c.example:4318", "http://10.0.0.7:4318"] {
            assert!(collector(url).unwrap_err().contains("https"), "{url}");
        }
        assert!(collector("c.example:4318").is_err());
    }
}
