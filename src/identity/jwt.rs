//! The strict reading of a signed token: JWS in compact form (RFC 7515) with JSON claims (RFC 7519).
//!
//! Stricter than the standards where they leave a choice that attackers have used: duplicate
//! members are refused at any depth (RFC 7519 section 4 lets a parser take the last), and a header
//! may say nothing but what the algorithm is, that this is a JWT, and which key is meant. So
//! `crit`, `jku`, `jwk`, `x5u`, `x5c` and whatever comes next are refused and never followed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::strict_json;

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
    /// The issuer's keys can't be used at this moment: their file is missing or wrong.
    #[error("keys of the issuer that can't be read")]
    Keys,
    /// It does not say which of the issuer's keys signed it, or names none of them.
    #[error("no key of the issuer's that it names")]
    Key,
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
    /// It lives longer than its issuer may let it.
    #[error("a longer life than the issuer may give")]
    Lifetime,
    /// It is not valid yet, or comes from the future.
    #[error("not valid yet")]
    NotYetValid,
    /// No such token was issued, or it was revoked, or its person is not active.
    #[error("revoked or never issued")]
    NotRecorded,
}

/// A token taken apart. Nothing in it is to be believed before the signature has been checked.
pub(crate) struct Compact<'t> {
    /// What was signed: header and payload with the dot between them.
    pub(crate) signed: &'t str,
    /// The signature, in base64url.
    pub(crate) signature: &'t str,
    /// The signature's bytes.
    pub(crate) signature_bytes: Vec<u8>,
    /// The algorithm that the header names.
    pub(crate) algorithm: String,
    /// The key that the header names.
    pub(crate) key_id: Option<String>,
    /// What was signed for: the claims, once read.
    pub(crate) payload: Vec<u8>,
}

impl<'t> Compact<'t> {
    pub(crate) fn parse(token: &'t str) -> Result<Self, TokenFault> {
        if token.len() > TOKEN_MAX_BYTES {
            return Err(TokenFault::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenFault::Malformed)?;
        if payload.contains('.') || signature.is_empty() {
            return Err(TokenFault::Malformed);
        }
        let [header, payload, signature_bytes] =
            [decode(header)?, decode(payload)?, decode(signature)?];
        let header = strict_json::object(&header).ok_or(TokenFault::Malformed)?;
        let (algorithm, key_id) = check_header(header)?;
        Ok(Self { signed, signature, signature_bytes, algorithm, key_id, payload })
    }

    /// The payload as claims.
    pub(crate) fn claims(&self) -> Result<Map<String, Value>, TokenFault> {
        strict_json::object(&self.payload).ok_or(TokenFault::Malformed)
    }
}

fn check_header(header: Map<String, Value>) -> Result<(String, Option<String>), TokenFault> {
    let (mut algorithm, mut key_id) = (None, None);
    for (name, value) in header {
        match (name.as_str(), value) {
            ("alg", Value::String(value)) => algorithm = Some(value),
            // RFC 7519 section 5.1 recommends upper case and allows any.
            ("typ", Value::String(value)) if value.eq_ignore_ascii_case("JWT") => {}
            ("kid", Value::String(value)) => key_id = Some(value),
            _ => return Err(TokenFault::Header),
        }
    }
    Ok((algorithm.ok_or(TokenFault::Header)?, key_id))
}

/// One text has one spelling: no padding, no blanks, and no bits that stand for nothing.
fn decode(part: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Malformed)
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
        Compact::parse(token).and_then(|c| c.claims()).unwrap_err()
    }

    #[test]
    fn takes_a_plain_token_apart() {
        let text = token(r#"{"alg":"EdDSA","typ":"jwt","kid":"1"}"#, r#"{"a":[1,-2,3.5,null,{}]}"#);
        let parsed = Compact::parse(&text).unwrap();
        assert_eq!(parsed.algorithm, "EdDSA");
        assert_eq!(parsed.key_id.as_deref(), Some("1"));
        let claims = Value::Object(parsed.claims().unwrap());
        assert_eq!(claims, serde_json::json!({ "a": [1, -2, 3.5, null, {}] }));
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
            token(r#"{"alg":"EdDSA"}"#, "[]"),
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
            let _ = Compact::parse(&text).err();
            let _ = Compact::parse(&token(&header, &claims)).err();
        }
    }
}
