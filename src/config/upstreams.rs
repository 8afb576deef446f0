//! Models on other machines of the local network.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use egress::{CallLimits, EgressError, Entry, Loopback, Scheme};
use models::{Tier, UpstreamSettings};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Config;

/// Longest name of an upstream, in bytes.
const NAME_MAX_BYTES: usize = 48;

/// Longest name of a model, in bytes.
const MODEL_MAX_BYTES: usize = 200;

/// Longest key, in bytes.
const KEY_MAX_BYTES: u64 = 4096;

/// Most upstreams.
const UPSTREAMS_MAX: usize = 16;

/// Prompts carry passages of documents; answers are text.
const REQUEST_MAX_BYTES: usize = 8 * 1024 * 1024;

/// One server, as a member of tiers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpstreamServer {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) model: String,
    pub(crate) tiers: Vec<String>,
    pub(crate) context_tokens: u32,
    #[serde(default)]
    pub(crate) ca_file: PathBuf,
    #[serde(default)]
    pub(crate) api_key_file: PathBuf,
    #[serde(default = "calls_max")]
    pub(crate) calls_max: u32,
    #[serde(default = "timeout_s")]
    pub(crate) timeout_s: u32,
}

const fn calls_max() -> u32 {
    16
}

const fn timeout_s() -> u32 {
    300
}

impl UpstreamServer {
    /// The entry of the allow-list that leads there.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn entry(&self) -> Result<Entry, String> {
        let name = &self.name;
        let fault = |detail: &str| Err(format!("{name}: {detail}"));
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if name.is_empty() || name.len() > NAME_MAX_BYTES || !plain {
            return fault("name must be 1 to 48 of a-z, 0-9 and -");
        }
        let model = &self.model;
        if model.trim().is_empty()
            || model.len() > MODEL_MAX_BYTES
            || model.chars().any(char::is_control)
        {
            return fault("model must have 1 to 200 bytes and no control characters");
        }
        if self.tiers.is_empty() {
            return fault("tiers must name at least one of light, standard and heavy");
        }
        self.tiers()?;
        if !(1_024..=1_048_576).contains(&self.context_tokens) {
            return fault("context_tokens must be from 1024 to 1048576");
        }
        if !(1..=256).contains(&self.calls_max) {
            return fault("calls_max must be from 1 to 256");
        }
        if !(5..=3_600).contains(&self.timeout_s) {
            return fault("timeout_s must be from 5 to 3600");
        }
        for (field, path) in [("ca_file", &self.ca_file), ("api_key_file", &self.api_key_file)] {
            if !path.as_os_str().is_empty() && !path.is_absolute() {
                return fault(&format!("{field} must be an absolute path"));
            }
        }
        let connector = format!("upstream.{name}");
        let mut entry = Entry::from_url(&connector, &self.url).map_err(|error| match error {
            EgressError::Entry { reason, .. } => format!("{name}: url: {reason}"),
            other => format!("{name}: url: {other}"),
        })?;
        if entry.names_this_machine() {
            entry.loopback = Loopback::Allow;
        } else if entry.scheme == Scheme::PlainHttp {
            return fault(
                "url: prompts carry what documents say, so anywhere but on this machine it must be \
                 https; docs/scale.md says how",
            );
        }
        entry.ca_file = (!self.ca_file.as_os_str().is_empty()).then(|| self.ca_file.clone());
        entry.limits = CallLimits {
            request_max_bytes: REQUEST_MAX_BYTES,
            response_max_bytes: REQUEST_MAX_BYTES,
            timeout_ms: u64::from(self.timeout_s) * 1000,
            calls_max: usize::try_from(self.calls_max).unwrap_or(usize::MAX),
        };
        Ok(entry)
    }

    fn tiers(&self) -> Result<Vec<Tier>, String> {
        let parse = |word: &String| {
            word.parse::<Tier>().map_err(|error| format!("{}: tiers: {error}", self.name))
        };
        let tiers: BTreeSet<Tier> = self.tiers.iter().map(parse).collect::<Result<_, _>>()?;
        Ok(tiers.into_iter().collect())
    }

    /// What the room of models needs. Blocks on the file with the key.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn settings(&self) -> Result<UpstreamSettings, String> {
        Ok(UpstreamSettings {
            name: self.name.clone(),
            url: self.url.clone(),
            model: self.model.clone(),
            context_tokens: self.context_tokens,
            tiers: self.tiers()?,
            api_key: self.key()?,
        })
    }

    fn key(&self) -> Result<Option<Zeroizing<String>>, String> {
        let path = &self.api_key_file;
        if path.as_os_str().is_empty() {
            return Ok(None);
        }
        let fault =
            |detail: String| format!("{}: api_key_file {}: {detail}", self.name, path.display());
        let about = std::fs::metadata(path).map_err(|error| fault(error.to_string()))?;
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        if about.mode() & open_to_others(path, credentials.as_deref()) != 0 {
            return Err(fault("others can read it: chmod 600".into()));
        }
        if about.len() > KEY_MAX_BYTES {
            return Err(fault(format!("it has more than {KEY_MAX_BYTES} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
        let text = Zeroizing::new(text);
        let key = text.trim();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(fault("it must hold one key without blanks".into()));
        }
        Ok(Some(Zeroizing::new(key.to_owned())))
    }
}

/// The bits of a file's mode that nobody else may have. systemd lets the service read a credential by an
/// access list, whose mask stands where the group's bits are.
fn open_to_others(path: &Path, credentials: Option<&Path>) -> u32 {
    if credentials.is_some_and(|credentials| path.starts_with(credentials)) { 0o007 } else { 0o077 }
}

/// What is wrong with the upstreams, if anything.
pub(super) fn check(config: &Config) -> Result<(), String> {
    if config.upstream.len() > UPSTREAMS_MAX {
        return Err(format!("at most {UPSTREAMS_MAX}"));
    }
    let mut names = BTreeSet::new();
    for upstream in &config.upstream {
        upstream.entry()?;
        if !names.insert(upstream.name.as_str()) {
            return Err(format!(
                "{}: an upstream with this name stands there twice",
                upstream.name
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn server(url: &str) -> UpstreamServer {
        UpstreamServer {
            name: "gpu-1".into(),
            url: url.into(),
            model: "qwen".into(),
            tiers: vec!["standard".into(), "heavy".into()],
            context_tokens: 8192,
            ca_file: PathBuf::new(),
            api_key_file: PathBuf::new(),
            calls_max: calls_max(),
            timeout_s: timeout_s(),
        }
    }

    #[test]
    fn an_upstream_is_one_place_behind_tls_or_on_this_machine() {
        let entry = server("https://gpu.plant.example:8000/v1").entry().unwrap();
        assert_eq!((entry.connector.as_str(), entry.port), ("upstream.gpu-1", 8000));
        assert_eq!((entry.path_prefix.as_str(), entry.loopback), ("/v1", Loopback::Refuse));
        let here = server("http://127.0.0.1:11434/v1").entry().unwrap();
        assert_eq!(here.loopback, Loopback::Allow);
        for url in ["http://10.0.0.7:8000/v1", "http://gpu.plant.example/v1"] {
            assert!(server(url).entry().unwrap_err().contains("https"), "{url}");
        }
        assert!(server("gpu").entry().unwrap_err().starts_with("gpu-1: url"));
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        type Spoil = fn(&mut UpstreamServer);
        let good = server("https://gpu.plant.example/v1");
        let cases: [(&str, Spoil); 8] = [
            ("name", |s| s.name = "GPU 1".into()),
            ("model", |s| s.model = " ".into()),
            ("tiers", |s| s.tiers.clear()),
            ("tiers", |s| s.tiers = vec!["huge".into()]),
            ("context_tokens", |s| s.context_tokens = 12),
            ("calls_max", |s| s.calls_max = 0),
            ("timeout_s", |s| s.timeout_s = 1),
            ("ca_file", |s| s.ca_file = "ca.pem".into()),
        ];
        for (field, spoil) in cases {
            let mut spoilt = good.clone();
            spoil(&mut spoilt);
            let said = spoilt.entry().unwrap_err();
            assert!(said.contains(field), "{field}: {said}");
        }
    }

    #[test]
    fn a_credential_may_show_its_access_list_where_the_group_stands() {
        let (file, credentials) =
            (Path::new("/run/c/m.service/key"), Path::new("/run/c/m.service"));
        assert_eq!(open_to_others(file, Some(credentials)) & 0o440, 0);
        assert_ne!(open_to_others(file, Some(credentials)) & 0o444, 0);
        for elsewhere in [None, Some(Path::new("/run/c/m.serv"))] {
            assert_ne!(open_to_others(file, elsewhere) & 0o440, 0);
        }
    }

    #[test]
    fn a_key_is_read_from_a_file_that_nobody_else_can_read() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        std::fs::write(&file, "sk-1234\n").unwrap();
        let upstream =
            UpstreamServer { api_key_file: file.clone(), ..server("https://gpu.plant.example/v1") };
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(upstream.settings().err().unwrap().contains("chmod 600"));
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        assert_eq!(upstream.settings().unwrap().api_key.unwrap().as_str(), "sk-1234");
        std::fs::write(&file, "two words").unwrap();
        assert!(upstream.settings().is_err());
    }
}
