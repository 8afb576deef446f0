//! Who may sign tokens, and how: one algorithm per issuer, chosen here and never by a token.

use base::{Role, TenantId, Timestamp, TokenId, UserId};
use jsonwebtoken::{Algorithm, EncodingKey};
use seal::{SigningKey, VerifyingKey};
use serde_json::{Map, Value, json};
use store::{FederatedClaim, FederationKey, Store};
use zeroize::Zeroizing;

use crate::IdentityError;
use crate::claims::{is_for, parsed, seconds, seconds_if_any, text};
use crate::federation::ExternalIssuer;
use crate::jwt::{Compact, TokenFault};
use crate::key_set::{JoseAlgorithm, KeySet};

/// Label under which the key that signs tokens is derived from the appliance's own.
const KEY_LABEL: &str = "token signing";

/// What the appliance's own tokens say, and how clocks may differ.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// `iss` of the tokens that the appliance signs.
    pub issuer: String,
    /// `aud` of the tokens that the appliance signs and takes.
    pub audience: String,
    /// By how much an issuer's clock may differ from ours, in seconds.
    pub skew_s: i64,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self { issuer: "millwright".into(), audience: "millwright-api".into(), skew_s: 30 }
    }
}

/// For which tenants an issuer may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantBinding {
    /// For the one that the token names: the appliance itself.
    Any,
    /// For this one, whatever the token names.
    Only(TenantId),
}

/// One who may sign tokens that the appliance has recorded: the appliance itself.
pub struct Issuer {
    name: String,
    audience: String,
    binding: TenantBinding,
    keys: KeySet,
}

impl Issuer {
    /// An issuer that signs with Ed25519 (`EdDSA`, RFC 8037).
    #[must_use]
    pub fn ed25519(name: &str, audience: &str, binding: TenantBinding, key: &VerifyingKey) -> Self {
        Self {
            name: name.to_owned(),
            audience: audience.to_owned(),
            binding,
            keys: KeySet::ed25519(*key),
        }
    }
}

/// The claims that every token of ours must have, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) user_id: UserId,
    pub(crate) tenant_id: TenantId,
    pub(crate) role: Role,
    pub(crate) token_id: TokenId,
    pub(crate) issued_at_s: i64,
    pub(crate) expires_at_s: i64,
}

/// What a token says, once everything about it has been checked that can be checked without the
/// tenant's database.
pub(crate) enum Verified<'v> {
    /// One of ours; whether it counts is for its record to say.
    Own(Claims),
    /// One of another issuer, and the right by which that issuer speaks.
    Federated(&'v FederationKey, FederatedClaim),
}

/// Checks tokens against the issuers that are known.
pub struct TokenVerifier {
    issuers: Vec<Issuer>,
    skew_s: i64,
    external: Vec<ExternalIssuer>,
}

impl TokenVerifier {
    /// A verifier that knows `issuers`. Where two have one name, the first counts.
    #[must_use]
    pub const fn new(issuers: Vec<Issuer>, skew_s: i64) -> Self {
        Self { issuers, skew_s, external: Vec::new() }
    }

    /// A verifier of the tokens that the appliance itself signs.
    #[must_use]
    pub fn of_appliance(store: &Store, settings: &TokenSettings) -> Self {
        let key = signing_key(store).verifying_key();
        let (name, audience) = (&settings.issuer, &settings.audience);
        let own = Issuer::ed25519(name, audience, TenantBinding::Any, &key);
        Self::new(vec![own], settings.skew_s)
    }

    /// Takes tokens of `external` issuers too. Where two have one name, the first counts, and the
    /// appliance itself before all.
    #[must_use]
    pub fn trusting(mut self, external: Vec<ExternalIssuer>) -> Self {
        self.external = external;
        self
    }

    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Result<Verified<'_>, TokenFault> {
        let compact = Compact::parse(token)?;
        let claims = compact.claims()?;
        // The name of the issuer is not believed: it only says whose key to try.
        let name = text(&claims, "iss")?;
        if let Some(issuer) = self.issuers.iter().find(|issuer| issuer.name == name) {
            issuer.keys.check(&compact)?;
            return self.check_claims(&claims, issuer, now).map(Verified::Own);
        }
        let issuer = self.external.iter().find(|issuer| issuer.is(name));
        let issuer = issuer.ok_or(TokenFault::Issuer)?;
        let claim = issuer.verify(&compact, &claims, now)?;
        Ok(Verified::Federated(issuer.key(), claim))
    }

    fn check_claims(
        &self,
        claims: &Map<String, Value>,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<Claims, TokenFault> {
        if !is_for(claims.get("aud"), &issuer.audience) {
            return Err(TokenFault::Audience);
        }
        let checked = Claims {
            user_id: parsed(claims, "sub")?,
            tenant_id: parsed(claims, "tenant_id")?,
            role: parsed(claims, "role")?,
            token_id: parsed(claims, "jti")?,
            issued_at_s: seconds(claims, "iat")?,
            expires_at_s: seconds(claims, "exp")?,
        };
        let now_s = now.unix_s();
        if now_s >= checked.expires_at_s.saturating_add(self.skew_s) {
            return Err(TokenFault::Expired);
        }
        let not_before_s = seconds_if_any(claims, "nbf")?.unwrap_or(checked.issued_at_s);
        if checked.issued_at_s.max(not_before_s) > now_s.saturating_add(self.skew_s) {
            return Err(TokenFault::NotYetValid);
        }
        if checked.expires_at_s <= checked.issued_at_s {
            return Err(TokenFault::Claim("exp"));
        }
        match issuer.binding {
            TenantBinding::Only(tenant_id) if tenant_id != checked.tenant_id => {
                Err(TokenFault::Tenant)
            }
            TenantBinding::Any | TenantBinding::Only(_) => Ok(checked),
        }
    }
}

/// Signs the appliance's own tokens.
pub struct TokenSigner {
    settings: TokenSettings,
    key: EncodingKey,
}

impl TokenSigner {
    /// The signer of this appliance: the same key as long as the data directory lives.
    #[must_use]
    pub fn of_appliance(store: &Store, settings: &TokenSettings) -> Self {
        let key = EncodingKey::from_ed_der(&signing_key(store).to_pkcs8_der());
        Self { settings: settings.clone(), key }
    }

    pub(crate) fn sign(&self, claims: &Claims) -> Result<Zeroizing<String>, IdentityError> {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let body = json!({
            "iss": self.settings.issuer,
            "aud": self.settings.audience,
            "sub": claims.user_id,
            "tenant_id": claims.tenant_id,
            "role": claims.role.as_str(),
            "jti": claims.token_id,
            "iat": claims.issued_at_s,
            "exp": claims.expires_at_s,
        });
        let header = json!({ "alg": JoseAlgorithm::EdDsa.as_str(), "typ": "JWT" });
        let mut token = Zeroizing::new(URL_SAFE_NO_PAD.encode(header.to_string()));
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(body.to_string(), &mut token);
        let signed = jsonwebtoken::crypto::sign(token.as_bytes(), &self.key, Algorithm::EdDSA);
        let signature = signed.map_err(|_| IdentityError::Signing)?;
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }
}

fn signing_key(store: &Store) -> SigningKey {
    SigningKey::from_seed(&store.appliance_key(KEY_LABEL))
}
