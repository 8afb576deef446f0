//! What a token may claim, read strictly: a claim that is there is of its type and in its range.

use serde_json::{Map, Value};

use crate::jwt::TokenFault;

/// Most values of an `aud` claim that are looked at.
const AUDIENCES_MAX: usize = 8;

/// The last second of the year 9999: whatever lies beyond is no time.
const LAST_SECOND: i64 = 253_402_300_799;

/// Longest `jti` of another issuer, in bytes.
const TOKEN_ID_MAX_BYTES: usize = 256;

pub(crate) fn text<'m>(
    claims: &'m Map<String, Value>,
    name: &'static str,
) -> Result<&'m str, TokenFault> {
    claims.get(name).and_then(Value::as_str).ok_or(TokenFault::Claim(name))
}

pub(crate) fn parsed<T: std::str::FromStr>(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<T, TokenFault> {
    text(claims, name)?.parse().map_err(|_| TokenFault::Claim(name))
}

/// RFC 7519's NumericDate, in whole seconds after 1970 and before the year 10000 alone.
pub(crate) fn seconds(claims: &Map<String, Value>, name: &'static str) -> Result<i64, TokenFault> {
    let value = claims.get(name).and_then(Value::as_i64);
    value.filter(|s| (0..=LAST_SECOND).contains(s)).ok_or(TokenFault::Claim(name))
}

/// As [`seconds`], of a claim that may be left out.
pub(crate) fn seconds_if_any(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<i64>, TokenFault> {
    if claims.contains_key(name) { seconds(claims, name).map(Some) } else { Ok(None) }
}

/// Whether `jti`, if it is there, could name a token.
pub(crate) fn check_token_id(claims: &Map<String, Value>) -> Result<(), TokenFault> {
    match claims.get("jti") {
        None => Ok(()),
        Some(Value::String(id)) if (1..=TOKEN_ID_MAX_BYTES).contains(&id.len()) => Ok(()),
        Some(_) => Err(TokenFault::Claim("jti")),
    }
}

/// Whether an `aud` claim names `audience`, alone or among a few others.
pub(crate) fn is_for(claim: Option<&Value>, audience: &str) -> bool {
    match claim {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(list)) => {
            list.len() <= AUDIENCES_MAX
                && list.iter().all(Value::is_string)
                && list.iter().any(|one| one.as_str() == Some(audience))
        }
        _ => false,
    }
}
