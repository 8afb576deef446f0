//! The strict reading of a signed token: JWS in compact form (RFC 7515) with JSON claims (RFC 7519).
//!
//! Stricter than the standards where they leave a choice that attackers have used: duplicate
//! members are refused at any depth (RFC 7519 section 4 lets a parser take the last), and a header
//! may say nothing but what the algorithm is, that this is a JWT, and which key is meant. So
//! `crit`, `jku`, `jwk`, `x5u`, `x5c` and whatever comes next are refused and never followed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Longest token that is looked at, in bytes.
pub const TOKEN_MAX_BYTES: usize = 8 * 1024;

/// Why a token does not count. For logs and tests; a caller is only told that it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It is longer than [`TOKEN_MAX_BYTES`].
    #[error("longer than {TOKEN_MAX_BYTES} bytes")]
    TooLong,
    /// It is not three parts of base64url, the first two of them JSON objects without duplicates.
    #[error("not a signed token in compact form")]
    Malformed,
    /// The header says something that no header may say here.
    #[error("a header that says more than algorithm, type and key")]
    Header,
    /// The issuer is none that is known.
    #[error("an unknown issuer")]
    Issuer,
    /// The header names another algorithm than the issuer's.
    #[error("another algorithm than the issuer's")]
    Algorithm,
    /// The signature was not made by the issuer's key.
    #[error("a signature that the issuer did not make")]
    Signature,
    /// A required claim is missing or not of its type.
    #[error("the claim {0} is missing or malformed")]
    Claim(&'static str),
    /// It is for somebody else.
    #[error("another audience")]
    Audience,
    /// The issuer may not speak for this tenant.
    #[error("a tenant that the issuer may not speak for")]
    Tenant,
    /// It has expired.
    #[error("expired")]
    Expired,
    /// It is not valid yet, or comes from the future.
    #[error("not valid yet")]
    NotYetValid,
    /// No such token was issued, or it was revoked, or its person is not active.
    #[error("revoked or never issued")]
    NotRecorded,
}

/// A token taken apart. Nothing in it is to be believed before the signature has been checked.
pub(crate) struct Unverified<'t> {
    /// What was signed: header and claims with the dot between them.
    pub(crate) signed: &'t str,
    /// The signature, in base64url.
    pub(crate) signature: &'t str,
    /// The algorithm that the header names.
    pub(crate) algorithm: String,
    /// The claims.
    pub(crate) claims: Map<String, Value>,
}

impl<'t> Unverified<'t> {
    pub(crate) fn parse(token: &'t str) -> Result<Self, TokenFault> {
        if token.len() > TOKEN_MAX_BYTES {
            return Err(TokenFault::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenFault::Malformed)?;
        if claims.contains('.') || signature.is_empty() || decode(signature).is_none() {
            return Err(TokenFault::Malformed);
        }
        let header = object(header).ok_or(TokenFault::Malformed)?;
        let claims = object(claims).ok_or(TokenFault::Malformed)?;
        Ok(Self { signed, signature, algorithm: check_header(header)?, claims })
    }
}

fn check_header(header: Map<String, Value>) -> Result<String, TokenFault> {
    let mut algorithm = None;
    for (name, value) in header {
        match (name.as_str(), value) {
            ("alg", Value::String(value)) => algorithm = Some(value),
            // RFC 7519 section 5.1 recommends upper case and allows any.
            ("typ", Value::String(value)) if value.eq_ignore_ascii_case("JWT") => {}
            ("kid", Value::String(_)) => {}
            _ => return Err(TokenFault::Header),
        }
    }
    algorithm.ok_or(TokenFault::Header)
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

fn object(part: &str) -> Option<Map<String, Value>> {
    match serde_json::from_slice::<Unique>(&decode(part)?).ok()?.0 {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

/// JSON in which no object has a member twice. Depth is bounded by the JSON reader (128).
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Unique)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate members")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(value)) = seq.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Unique(value))) = map.next_entry::<String, Unique>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use proptest::prelude::*;

    use super::*;

    fn token(header: &str, claims: &str) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", encode(header), encode(claims), encode("signature"))
    }

    fn fault(token: &str) -> TokenFault {
        Unverified::parse(token).map(|u| u.algorithm).unwrap_err()
    }

    #[test]
    fn takes_a_plain_token_apart() {
        let text = token(r#"{"alg":"EdDSA","typ":"jwt","kid":"1"}"#, r#"{"a":[1,-2,3.5,null,{}]}"#);
        let parsed = Unverified::parse(&text).unwrap();
        assert_eq!(parsed.algorithm, "EdDSA");
        assert_eq!(
            Value::Object(parsed.claims),
            serde_json::json!({ "a": [1, -2, 3.5, null, {}] })
        );
        assert_eq!(format!("{}.{}", parsed.signed, parsed.signature), text);
    }

    #[test]
    fn headers_say_algorithm_type_and_key_alone() {
        for header in [
            r"{}",
            r#"{"typ":"JWT"}"#,
            r#"{"alg":1}"#,
            r#"{"alg":null}"#,
            r#"{"alg":"EdDSA","typ":"JWE"}"#,
            r#"{"alg":"EdDSA","typ":1}"#,
            r#"{"alg":"EdDSA","kid":[]}"#,
            r#"{"alg":"EdDSA","crit":[]}"#,
            r#"{"alg":"EdDSA","crit":["b64"],"b64":false}"#,
            r#"{"alg":"EdDSA","jku":"https://evil.example/keys"}"#,
            r#"{"alg":"EdDSA","x5u":"https://evil.example/cert"}"#,
            r#"{"alg":"EdDSA","x5c":["MII"]}"#,
            r#"{"alg":"EdDSA","jwk":{"kty":"OKP"}}"#,
            r#"{"alg":"EdDSA","zip":"DEF"}"#,
        ] {
            assert_eq!(fault(&token(header, "{}")), TokenFault::Header, "{header}");
        }
    }

    #[test]
    fn duplicates_are_refused_at_any_depth() {
        let good = r#"{"alg":"EdDSA"}"#;
        for (header, claims) in [
            (r#"{"alg":"EdDSA","alg":"none"}"#, "{}"),
            (r#"{"alg":"EdDSA","\u0061lg":"none"}"#, "{}"),
            (good, r#"{"sub":"a","sub":"b"}"#),
            (good, r#"{"x":[{"y":{"z":1,"z":1}}]}"#),
        ] {
            assert_eq!(fault(&token(header, claims)), TokenFault::Malformed, "{header} {claims}");
        }
    }

    #[test]
    fn other_shapes_are_malformed() {
        let good = token(r#"{"alg":"EdDSA"}"#, "{}");
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        for text in [
            String::new(),
            ".".into(),
            "..".into(),
            "a.b".into(),
            format!("{good}."),
            format!(".{good}"),
            format!("{good}.x"),
            format!("{good}="),
            format!("{good}\n"),
            good[..good.rfind('.').unwrap() + 1].to_owned(),
            token("[]", "{}"),
            token("{}", "[]"),
            token(r#"{"alg":"EdDSA"} x"#, "{}"),
            token(r#"{"alg":"EdDSA"}"#, &format!(r#"{{"a":{deep}}}"#)),
        ] {
            assert_eq!(fault(&text), TokenFault::Malformed, "{text}");
        }
        assert_eq!(fault(&"x".repeat(TOKEN_MAX_BYTES + 1)), TokenFault::TooLong);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), header in any::<String>(), claims in any::<String>()) {
            let _ = Unverified::parse(&text).err();
            let _ = Unverified::parse(&token(&header, &claims)).err();
        }
    }
}
