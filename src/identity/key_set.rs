//! The keys of one issuer: one algorithm for all of them, and which of them a token means.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use seal::VerifyingKey;
use serde_json::{Map, Value};

use crate::jwt::{Compact, TokenFault};
use crate::{strict_json, weak_rsa};

/// Most keys of a set, those for other uses included.
pub const KEYS_MAX: usize = 32;

/// Largest file of keys, in bytes.
pub const KEY_FILE_MAX_BYTES: usize = 64 * 1024;

/// Least secret of HMAC, in bytes: as many as its tag has (RFC 7518, section 3.2).
pub const SECRET_MIN_BYTES: usize = 32;

/// Longest `kid`, in bytes.
const KEY_ID_MAX_BYTES: usize = 256;

/// Members of a JWK that only its owner may know (RFC 7518, section 6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// How an issuer signs. Configured, and never read from a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoseAlgorithm {
    /// Ed25519 (RFC 8037).
    EdDsa,
    /// RSA with PKCS #1 v1.5 and SHA-256 (RFC 7518, section 3.3).
    Rs256,
    /// ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4).
    Es256,
    /// HMAC with SHA-256 (RFC 7518, section 3.2): whoever can check can also sign.
    Hs256,
}

/// A word that names no algorithm that is supported.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not one of RS256, ES256, EdDSA, HS256")]
pub struct AlgorithmError(String);

impl JoseAlgorithm {
    /// All that are supported.
    pub const ALL: [Self; 4] = [Self::Rs256, Self::Es256, Self::EdDsa, Self::Hs256];

    /// As a header names it (RFC 7518 section 3.1, RFC 8037 section 3.1); compared by every letter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
        }
    }

    /// Type and curve of its keys.
    const fn key_type(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::EdDsa => ("OKP", Some("Ed25519")),
            Self::Rs256 => ("RSA", None),
            Self::Es256 => ("EC", Some("P-256")),
            Self::Hs256 => ("oct", None),
        }
    }
}

impl FromStr for JoseAlgorithm {
    type Err = AlgorithmError;

    fn from_str(text: &str) -> Result<Self, AlgorithmError> {
        let found = Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text);
        found.ok_or_else(|| AlgorithmError(text.to_owned()))
    }
}

/// Why keys can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// There is too much of it.
    #[error("it has more than {KEY_FILE_MAX_BYTES} bytes")]
    TooLarge,
    /// It is not a set of keys.
    #[error(
        "it is not a JWK set (RFC 7517): a JSON object with a list `keys`, nothing in it twice"
    )]
    NotKeys,
    /// There are too many.
    #[error("it has more than {KEYS_MAX} keys")]
    TooMany,
    /// There is none for the algorithm.
    #[error("it has no key that may check signatures with {0}")]
    NoneUsable(&'static str),
    /// Somebody put a secret where only public keys belong.
    #[error("key {0} is a secret or private one: only public keys belong there")]
    Secret(usize),
    /// Secrets and public keys in one set: one would be taken for the other.
    #[error("key {0} is of another kind than secrets, which stand alone")]
    Mixed(usize),
    /// Two keys of one name.
    #[error("two keys have the same `kid`")]
    SameId,
    /// Several keys, and one without a name.
    #[error("where there are several keys each must have its own `kid`")]
    NoId,
    /// One key is none.
    #[error("key {place}: {reason}")]
    Key {
        /// Its place, counted from 1.
        place: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The secret is too short.
    #[error("the secret must have at least {SECRET_MIN_BYTES} bytes")]
    ShortSecret,
}

/// Keys that check signatures of one algorithm.
pub struct KeySet {
    algorithm: JoseAlgorithm,
    keys: Vec<Key>,
}

struct Key {
    id: Option<String>,
    material: Material,
}

enum Material {
    /// Ours, because it refuses keys and signatures of small order.
    Ed25519(VerifyingKey),
    Library {
        key: DecodingKey,
        algorithm: Algorithm,
        signature_bytes: usize,
    },
}

impl KeySet {
    /// One Ed25519 key without a name.
    #[must_use]
    pub fn ed25519(key: VerifyingKey) -> Self {
        let key = Key { id: None, material: Material::Ed25519(key) };
        Self { algorithm: JoseAlgorithm::EdDsa, keys: vec![key] }
    }

    /// One secret of HMAC with SHA-256, without a name.
    ///
    /// # Errors
    /// [`KeyFault::ShortSecret`].
    pub fn secret(secret: &[u8]) -> Result<Self, KeyFault> {
        let key = Key { id: None, material: hmac(secret)? };
        Ok(Self { algorithm: JoseAlgorithm::Hs256, keys: vec![key] })
    }

    /// The keys of a JWK set, or of a single JWK (RFC 7517), that are for `algorithm` and for checking
    /// signatures; others are passed over. Certificates and addresses of them are not looked at.
    ///
    /// # Errors
    /// [`KeyFault`], also for one key that claims to be usable and is weak or broken: what an
    /// administrator did not mean should not count in part.
    pub fn from_jwks(bytes: &[u8], algorithm: JoseAlgorithm) -> Result<Self, KeyFault> {
        if bytes.len() > KEY_FILE_MAX_BYTES {
            return Err(KeyFault::TooLarge);
        }
        let document = strict_json::object(bytes).ok_or(KeyFault::NotKeys)?;
        let list = match document.get("keys") {
            Some(Value::Array(list)) => list.clone(),
            None if document.contains_key("kty") => vec![Value::Object(document)],
            _ => return Err(KeyFault::NotKeys),
        };
        if list.len() > KEYS_MAX {
            return Err(KeyFault::TooMany);
        }
        let mut keys: Vec<Key> = Vec::new();
        for (place, jwk) in (1..).zip(&list) {
            let Value::Object(jwk) = jwk else { return Err(KeyFault::NotKeys) };
            check_kind(jwk, algorithm, place)?;
            let fault = |reason| KeyFault::Key { place, reason };
            if !is_usable(jwk, algorithm).map_err(fault)? {
                continue;
            }
            let id = key_id(jwk).map_err(fault)?;
            if id.is_some() && keys.iter().any(|other| other.id == id) {
                return Err(KeyFault::SameId);
            }
            let material = material(jwk, algorithm).map_err(|e| e.into_fault(fault))?;
            keys.push(Key { id, material });
        }
        match keys.as_slice() {
            [] => Err(KeyFault::NoneUsable(algorithm.as_str())),
            [_, _, ..] if keys.iter().any(|key| key.id.is_none()) => Err(KeyFault::NoId),
            _ => Ok(Self { algorithm, keys }),
        }
    }

    /// What stands in a token, once its header and its signature are as they must be.
    ///
    /// # Errors
    /// [`TokenFault`]; nothing of the token is to be believed then.
    pub fn open(&self, token: &str) -> Result<Vec<u8>, TokenFault> {
        let compact = Compact::parse(token)?;
        self.check(&compact)?;
        Ok(compact.payload)
    }

    /// Whether one of the keys signed it, with the set's own algorithm.
    pub(crate) fn check(&self, token: &Compact<'_>) -> Result<(), TokenFault> {
        if token.algorithm != self.algorithm.as_str() {
            return Err(TokenFault::Algorithm);
        }
        let key = self.named(token.key_id.as_deref()).ok_or(TokenFault::Key)?;
        if key.material.signed(token) { Ok(()) } else { Err(TokenFault::Signature) }
    }

    /// The key of a name. A key that stands alone needs none, and one without a name answers to any.
    fn named(&self, id: Option<&str>) -> Option<&Key> {
        match (id, self.keys.as_slice()) {
            (Some(_), [only]) if only.id.is_none() => Some(only),
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

impl Material {
    fn signed(&self, token: &Compact<'_>) -> bool {
        match self {
            Self::Ed25519(key) => {
                let signature = token.signature_bytes.as_slice().try_into();
                signature.is_ok_and(|s: &[u8; 64]| key.verify(token.signed.as_bytes(), s).is_ok())
            }
            Self::Library { key, algorithm, signature_bytes } => {
                token.signature_bytes.len() == *signature_bytes
                    && library_verifies(token.signature, token.signed, key, *algorithm)
            }
        }
    }
}

fn library_verifies(signature: &str, signed: &str, key: &DecodingKey, of: Algorithm) -> bool {
    matches!(jsonwebtoken::crypto::verify(signature, signed.as_bytes(), key, of), Ok(true))
}

/// Secrets and public keys do not stand in one set, whatever they are for.
fn check_kind(
    jwk: &Map<String, Value>,
    algorithm: JoseAlgorithm,
    place: usize,
) -> Result<(), KeyFault> {
    let is_secret = jwk.get("kty").and_then(Value::as_str) == Some("oct");
    if algorithm == JoseAlgorithm::Hs256 {
        return if is_secret { Ok(()) } else { Err(KeyFault::Mixed(place)) };
    }
    if is_secret || PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name)) {
        return Err(KeyFault::Secret(place));
    }
    Ok(())
}

/// Whether a key says that it is for checking signatures with `algorithm` (RFC 7517, section 4).
fn is_usable(jwk: &Map<String, Value>, algorithm: JoseAlgorithm) -> Result<bool, &'static str> {
    let text = |name: &str, wrong| match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(wrong),
    };
    let kind = text("kty", "`kty` must be text")?.ok_or("`kty` is missing")?;
    let curve = text("crv", "`crv` must be text")?;
    let usage = text("use", "`use` must be text")?;
    let named = text("alg", "`alg` must be text")?;
    let operations = match jwk.get("key_ops") {
        None => None,
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => Some(list),
        Some(_) => return Err("`key_ops` must be a list of words"),
    };
    let (wanted_kind, wanted_curve) = algorithm.key_type();
    Ok(kind == wanted_kind
        && (wanted_curve.is_none() || curve == wanted_curve)
        && usage.is_none_or(|usage| usage == "sig")
        && named.is_none_or(|named| named == algorithm.as_str())
        && operations.is_none_or(|list| list.iter().any(|word| word.as_str() == Some("verify"))))
}

fn key_id(jwk: &Map<String, Value>) -> Result<Option<String>, &'static str> {
    match jwk.get("kid") {
        None => Ok(None),
        Some(Value::String(id)) if (1..=KEY_ID_MAX_BYTES).contains(&id.len()) => {
            Ok(Some(id.clone()))
        }
        Some(_) => Err("`kid` must be text of 1 to 256 bytes"),
    }
}

/// The key itself; the error is a fault of its own, or what is wrong with this key.
fn material(jwk: &Map<String, Value>, algorithm: JoseAlgorithm) -> Result<Material, Fault> {
    match algorithm {
        JoseAlgorithm::EdDsa => {
            let point: [u8; 32] =
                number(jwk, "x")?.try_into().map_err(|_| Fault::of("`x` must have 32 bytes"))?;
            let key = VerifyingKey::from_bytes(&point);
            key.map(Material::Ed25519).map_err(|_| Fault::of("`x` is no point, or a weak one"))
        }
        JoseAlgorithm::Rs256 => {
            let (modulus, exponent) = (number(jwk, "n")?, number(jwk, "e")?);
            if let Some(reason) = weak_rsa::fault(&modulus, &exponent) {
                return Err(Fault::of(reason));
            }
            Ok(Material::Library {
                key: DecodingKey::from_rsa_raw_components(&modulus, &exponent),
                algorithm: Algorithm::RS256,
                signature_bytes: modulus.len(),
            })
        }
        JoseAlgorithm::Es256 => {
            let (x, y) = (number(jwk, "x")?, number(jwk, "y")?);
            if x.len() != 32 || y.len() != 32 {
                return Err(Fault::of("`x` and `y` must have 32 bytes"));
            }
            let point = [&[4], x.as_slice(), y.as_slice()].concat();
            let key = DecodingKey::from_ec_der(&point);
            // The library looks at the point when it is used, and says so if it is none.
            jsonwebtoken::crypto::verify("", b"", &key, Algorithm::ES256)
                .map_err(|_| Fault::of("`x` and `y` are no point of the curve"))?;
            Ok(Material::Library { key, algorithm: Algorithm::ES256, signature_bytes: 64 })
        }
        JoseAlgorithm::Hs256 => hmac(&number(jwk, "k")?).map_err(Fault::Whole),
    }
}

fn hmac(secret: &[u8]) -> Result<Material, KeyFault> {
    if secret.len() < SECRET_MIN_BYTES {
        return Err(KeyFault::ShortSecret);
    }
    let key = DecodingKey::from_secret(secret);
    Ok(Material::Library { key, algorithm: Algorithm::HS256, signature_bytes: 32 })
}

/// What is wrong with one key.
enum Fault {
    /// It has a name of its own.
    Whole(KeyFault),
    /// Words for the administrator.
    Reason(&'static str),
}

impl Fault {
    const fn of(reason: &'static str) -> Self {
        Self::Reason(reason)
    }

    fn into_fault(self, named: impl FnOnce(&'static str) -> KeyFault) -> KeyFault {
        match self {
            Self::Whole(fault) => fault,
            Self::Reason(reason) => named(reason),
        }
    }
}

/// A member that holds bytes, in base64url without padding.
fn number(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, Fault> {
    let text = jwk.get(name).and_then(Value::as_str);
    text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .ok_or(Fault::of("a number is missing or not base64url"))
}

#[cfg(test)]
mod tests;
