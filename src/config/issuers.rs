//! Other issuers of tokens.

use std::collections::BTreeSet;
use std::path::PathBuf;

use base::IssuerName;
use identity::{FederationSettings, JoseAlgorithm, TokenSettings};
use serde::Deserialize;

use super::{Config, Environment};

/// Longest issuer and audience, in bytes.
const NAME_MAX_BYTES: usize = 256;

/// One issuer that is trusted for people of one tenant.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issuer {
    pub(crate) name: String,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) algorithm: String,
    pub(crate) key_file: PathBuf,
    pub(crate) tenant: String,
    #[serde(default = "clock_skew_s")]
    pub(crate) clock_skew_s: u32,
    #[serde(default = "max_lifetime_minutes")]
    pub(crate) max_lifetime_minutes: u32,
}

const fn clock_skew_s() -> u32 {
    30
}

const fn max_lifetime_minutes() -> u32 {
    60
}

impl Issuer {
    /// Name and settings for the room that checks its tokens.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn settings(&self) -> Result<(IssuerName, FederationSettings), String> {
        let name: IssuerName = self.name.parse().map_err(|e| format!("name {e}"))?;
        let fault = |detail: &str| Err(format!("{name}: {detail}"));
        let algorithm = match self.algorithm.parse::<JoseAlgorithm>() {
            Ok(algorithm) => algorithm,
            Err(error) => return fault(&format!("algorithm {error}")),
        };
        for (field, text) in [("issuer", &self.issuer), ("audience", &self.audience)] {
            let plain = text.chars().all(|c| !c.is_control() && !c.is_whitespace());
            if text.is_empty() || text.len() > NAME_MAX_BYTES || !plain {
                return fault(&format!("{field} must have 1 to 256 bytes and no blanks"));
            }
        }
        if self.issuer == TokenSettings::default().issuer {
            return fault("issuer is the appliance's own name");
        }
        if self.tenant.trim().is_empty() {
            return fault("tenant must be the short name of a tenant");
        }
        if !self.key_file.is_absolute() {
            return fault("key_file must be an absolute path");
        }
        if self.clock_skew_s > 300 {
            return fault("clock_skew_s must be from 0 to 300");
        }
        if !(1..=1_440).contains(&self.max_lifetime_minutes) {
            return fault("max_lifetime_minutes must be from 1 to 1440");
        }
        let settings = FederationSettings {
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            algorithm,
            key_file: self.key_file.clone(),
            skew_s: i64::from(self.clock_skew_s),
            max_lifetime_s: i64::from(self.max_lifetime_minutes) * 60,
        };
        Ok((name, settings))
    }
}

/// What is wrong with the issuers, if anything.
pub(super) fn check(config: &Config) -> Result<(), String> {
    let (mut names, mut urls) = (BTreeSet::new(), BTreeSet::new());
    for issuer in &config.issuer {
        let (name, settings) = issuer.settings()?;
        if settings.algorithm == JoseAlgorithm::Hs256 && config.environment == Environment::Prod {
            return Err(format!(
                "{name}: HS256 is for development: whoever can check such a token can also sign one. \
                 Use RS256, or set environment = \"dev\" on a machine on which nothing is at stake"
            ));
        }
        if !names.insert(issuer.name.as_str()) || !urls.insert(issuer.issuer.as_str()) {
            return Err(format!("{name}: an issuer with this name or `issuer` stands there twice"));
        }
    }
    Ok(())
}
