//! Keys of issuers that exist in tests alone, and tokens signed with them.
#![allow(dead_code, reason = "each test that includes this file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::EllipticCurve;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

/// A secret of HMAC.
pub(crate) const SECRET: &[u8] = b"nothing is at stake where this secret stands";

/// One key of a test's issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TestKey {
    RsaA,
    RsaB,
    RsaShort,
    P256,
    Ed25519,
    Hmac,
}

impl TestKey {
    /// One of each algorithm.
    pub(crate) const SIGNERS: [Self; 4] = [Self::RsaA, Self::P256, Self::Ed25519, Self::Hmac];

    fn der(self) -> Vec<u8> {
        let pem = match self {
            Self::RsaA => include_str!("rsa-2048-a.pem"),
            Self::RsaB => include_str!("rsa-2048-b.pem"),
            Self::RsaShort => include_str!("rsa-1024.pem"),
            Self::P256 => include_str!("p256.pem"),
            Self::Ed25519 => include_str!("ed25519.pem"),
            Self::Hmac => return SECRET.to_vec(),
        };
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        STANDARD.decode(body).unwrap()
    }

    /// As a header names its algorithm.
    pub(crate) fn algorithm(self) -> &'static str {
        match self {
            Self::RsaA | Self::RsaB | Self::RsaShort => "RS256",
            Self::P256 => "ES256",
            Self::Ed25519 => "EdDSA",
            Self::Hmac => "HS256",
        }
    }

    /// The public half as JWK; of a secret, the secret.
    pub(crate) fn jwk(self, kid: &str) -> Value {
        let text = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
        let (utils, der) = (&DEFAULT_PROVIDER.key_utils, self.der());
        let mut jwk = match self {
            Self::RsaA | Self::RsaB | Self::RsaShort => {
                let (n, e) = (utils.rsa_pub_components_from_private_key)(&der).unwrap();
                json!({ "kty": "RSA", "n": text(n), "e": text(e) })
            }
            Self::P256 => {
                let components = utils.ec_pub_components_from_private_key;
                let (_, x, y) = components(&der, Algorithm::ES256).unwrap();
                json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) })
            }
            Self::Ed25519 => {
                let components = utils.ed_pub_components_from_private_key;
                let x = components(&der, &EllipticCurve::Ed25519).unwrap();
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(x) })
            }
            Self::Hmac => json!({ "kty": "oct", "k": text(der) }),
        };
        jwk["alg"] = self.algorithm().into();
        jwk["use"] = "sig".into();
        if !kid.is_empty() {
            jwk["kid"] = kid.into();
        }
        jwk
    }

    /// The signature over `text` in base64url.
    pub(crate) fn sign(self, text: &str) -> String {
        let der = self.der();
        let (key, algorithm) = match self {
            Self::RsaA | Self::RsaB | Self::RsaShort => {
                (EncodingKey::from_rsa_der(&der), Algorithm::RS256)
            }
            Self::P256 => (EncodingKey::from_ec_der(&der), Algorithm::ES256),
            Self::Ed25519 => (EncodingKey::from_ed_der(&der), Algorithm::EdDSA),
            Self::Hmac => (EncodingKey::from_secret(&der), Algorithm::HS256),
        };
        jsonwebtoken::crypto::sign(text.as_bytes(), &key, algorithm).unwrap()
    }

    /// A token with this header and this payload, as they stand.
    pub(crate) fn token_of(self, header: &str, payload: &str) -> String {
        let text =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.sign(&text);
        format!("{text}.{signature}")
    }

    /// A token as an issuer would sign it.
    pub(crate) fn token(self, kid: &str, claims: &Value) -> String {
        let mut header = json!({ "alg": self.algorithm(), "typ": "JWT" });
        if !kid.is_empty() {
            header["kid"] = kid.into();
        }
        self.token_of(&header.to_string(), &claims.to_string())
    }
}

/// A file of public keys.
pub(crate) fn jwks(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}
