//! Issuers of tokens that an administrator trusts for one tenant: the plant's own sign-on, say.
//!
//! Their tokens are recorded nowhere. What they may do ends with the person, with the tokens' short
//! life, and when the person is signed out everywhere.

use std::path::PathBuf;

use base::{Role, TenantId, Timestamp, UserId};
use serde_json::{Map, Value};
use store::{FederatedClaim, FederationKey};

use crate::claims::{check_token_id, is_for, parsed, seconds, seconds_if_any, text};
use crate::jwt::{Compact, TokenFault};
use crate::key_file::{KeyFile, KeyFileError, read};
use crate::key_set::JoseAlgorithm;
use crate::strict_json;

/// How tokens of one issuer are checked.
#[derive(Clone, Debug)]
pub struct FederationSettings {
    /// `iss` of its tokens.
    pub issuer: String,
    /// `aud` that its tokens must be for.
    pub audience: String,
    /// How it signs.
    pub algorithm: JoseAlgorithm,
    /// Its public keys as a JWK set; for HS256 the secret, with mode 0600.
    pub key_file: PathBuf,
    /// By how much its clock may differ from ours, in seconds.
    pub skew_s: i64,
    /// How long its tokens may live, in seconds.
    pub max_lifetime_s: i64,
}

impl FederationSettings {
    /// Reads the keys once and forgets them, to see whether they can be used. Blocks for as long.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn check_keys(&self) -> Result<(), KeyFileError> {
        read(&self.key_file, self.algorithm).map(|_| ())
    }
}

/// An issuer that may speak for people of one tenant.
pub struct ExternalIssuer {
    settings: FederationSettings,
    keys: KeyFile,
    /// The tenant, and the right to open it.
    key: FederationKey,
}

impl ExternalIssuer {
    /// Reads the issuer's keys; they are read anew when the file changes. Blocks for as long.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn open(
        settings: FederationSettings,
        key: FederationKey,
        now: Timestamp,
    ) -> Result<Self, KeyFileError> {
        let path = settings.key_file.clone();
        let keys = KeyFile::open(key.issuer(), path, settings.algorithm, now)?;
        Ok(Self { settings, keys, key })
    }

    pub(crate) fn is(&self, issuer: &str) -> bool {
        self.settings.issuer == issuer
    }

    pub(crate) const fn key(&self) -> &FederationKey {
        &self.key
    }

    /// What a token says, once everything has been checked but whether the tenant is the issuer's and
    /// the person is there.
    pub(crate) fn verify(
        &self,
        token: &Compact<'_>,
        claims: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<FederatedClaim, TokenFault> {
        self.keys.current(now)?.check(token)?;
        let rules = ClaimRules {
            issuer: Some(&self.settings.issuer),
            audience: Some(&self.settings.audience),
            now,
            skew_s: self.settings.skew_s,
            max_lifetime_s: self.settings.max_lifetime_s,
        };
        rules.checked(claims)
    }
}

/// What the claims of another issuer's token are held against.
#[derive(Clone, Copy, Debug)]
pub struct ClaimRules<'r> {
    /// `iss` that it must have.
    pub issuer: Option<&'r str>,
    /// `aud` that it must be for.
    pub audience: Option<&'r str>,
    /// The present moment.
    pub now: Timestamp,
    /// By how much the issuer's clock may differ, in seconds.
    pub skew_s: i64,
    /// How long it may live, in seconds.
    pub max_lifetime_s: i64,
}

impl ClaimRules<'_> {
    /// Checks the claims of a token whose signature has been checked.
    ///
    /// # Errors
    /// [`TokenFault`].
    pub fn check(&self, payload: &[u8]) -> Result<(), TokenFault> {
        let claims = strict_json::object(payload).ok_or(TokenFault::Malformed)?;
        self.checked(&claims).map(|_| ())
    }

    fn checked(&self, claims: &Map<String, Value>) -> Result<FederatedClaim, TokenFault> {
        let issuer = text(claims, "iss")?;
        if self.issuer.is_some_and(|wanted| wanted != issuer) {
            return Err(TokenFault::Issuer);
        }
        match (self.audience, claims.get("aud")) {
            (Some(wanted), claim) if !is_for(claim, wanted) => return Err(TokenFault::Audience),
            (None, Some(Value::String(_) | Value::Array(_))) | (Some(_), _) => {}
            (None, _) => return Err(TokenFault::Audience),
        }
        let user_id: UserId = parsed(claims, "sub")?;
        let tenant_id: TenantId = parsed(claims, "tenant_id")?;
        let role: Role = parsed(claims, "role")?;
        check_token_id(claims)?;
        let issued_at_s = self.check_times(claims)?;
        // The claim is in whole seconds: it was at the end of that one at the latest.
        let issued_at = Timestamp::from_unix_ms(issued_at_s.saturating_mul(1000) + 999);
        Ok(FederatedClaim { tenant_id, user_id, role, issued_at })
    }

    /// Returns when it was issued, at the earliest.
    fn check_times(&self, claims: &Map<String, Value>) -> Result<i64, TokenFault> {
        let now_s = self.now.unix_s();
        let latest_s = now_s.saturating_add(self.skew_s);
        let expires_at_s = seconds(claims, "exp")?;
        let issued_at_s = seconds_if_any(claims, "iat")?;
        let not_before_s = seconds_if_any(claims, "nbf")?;
        if now_s >= expires_at_s.saturating_add(self.skew_s) {
            return Err(TokenFault::Expired);
        }
        if issued_at_s.is_some_and(|s| s > latest_s) || not_before_s.is_some_and(|s| s > latest_s) {
            return Err(TokenFault::NotYetValid);
        }
        if issued_at_s.is_some_and(|s| s >= expires_at_s) {
            return Err(TokenFault::Claim("exp"));
        }
        if not_before_s.is_some_and(|s| s >= expires_at_s) {
            return Err(TokenFault::Claim("nbf"));
        }
        // Without a time of issue it may be as old as it may be at all.
        let earliest_s = expires_at_s.saturating_sub(self.max_lifetime_s);
        let issued_at_s = issued_at_s.unwrap_or(earliest_s);
        if issued_at_s < earliest_s || earliest_s > latest_s {
            return Err(TokenFault::Lifetime);
        }
        Ok(issued_at_s.saturating_sub(self.skew_s))
    }
}
