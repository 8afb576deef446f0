//! The reader of bearer tokens, for those who look for bytes that make it panic or believe what
//! nobody signed (`fuzz/`).

use base::{SeededEntropy, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use seal::{DataKey, SigningKey};

use crate::issuer::{Issuer, TenantBinding, TokenVerifier};

const NOW_S: i64 = 1_795_000_000;

fn key() -> Option<SigningKey> {
    Some(SigningKey::from_seed(&DataKey::generate(&SeededEntropy::new(1)).ok()?))
}

/// The one token that counts.
#[must_use]
pub fn signed_token() -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","typ":"JWT"}"#);
    let claims = serde_json::json!({
        "iss": "millwright",
        "aud": "millwright",
        "sub": "0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10",
        "tenant_id": "0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e11",
        "role": "operator",
        "jti": "0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e12",
        "iat": NOW_S - 60,
        "exp": NOW_S + 3600,
    });
    let text = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = key().map(|key| key.sign(text.as_bytes()).to_vec()).unwrap_or_default();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Reads `data` as a bearer token; believes nothing but what was signed.
pub fn token(data: &[u8]) {
    let (Ok(text), Some(key)) = (std::str::from_utf8(data), key()) else { return };
    let (name, key) = ("millwright", key.verifying_key());
    let issuer = Issuer::ed25519(name, name, TenantBinding::Any, &key);
    let verifier = TokenVerifier::new(vec![issuer], 0);
    if verifier.verify(text, Timestamp::from_unix_ms(NOW_S * 1000)).is_ok() {
        assert_eq!(text, signed_token(), "nobody signed this");
    }
}

#[cfg(test)]
#[path = "../../fuzz/mutate.rs"]
mod mutate;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn fuzz_token() {
        let genuine = signed_token();
        let issuer = Issuer::ed25519(
            "millwright",
            "millwright",
            TenantBinding::Any,
            &key().unwrap().verifying_key(),
        );
        let now = Timestamp::from_unix_ms(NOW_S * 1000);
        TokenVerifier::new(vec![issuer], 0).verify(&genuine, now).unwrap();
        let unsigned = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJtaWxsd3JpZ2h0In0.AA";
        let doubled = format!("{genuine}.{genuine}");
        let seeds = [genuine.as_bytes(), unsigned.as_bytes(), doubled.as_bytes()];
        mutate::run("token", &seeds, mutate::rounds(10_000), token);
    }
}
