//! Who calls: the console, a bearer token or API key, or a browser session, in this order.

use axum::http::{HeaderMap, HeaderName, header};
use base::TokenFamilyId;
use identity::KEY_MARK;
use store::{LiveKey, LiveSession, LiveToken, SecondFactor, StoreError, TenantScope};

use super::limits::{limit_address, limit_caller};
use super::{ConsolePeer, Head};
use crate::console::{ACT_AS_HEADER, ConsoleKey, TENANT_HEADER};
use crate::problem::Problem;

/// Name of the session cookie. The prefix makes browsers insist on `Secure`, `Path=/` and no
/// `Domain` (RFC 6265bis section 4.1.3.2).
pub(crate) const COOKIE_NAME: &str = "__Host-millwright";

/// Somebody who has proved who they are.
pub(super) struct Caller {
    pub(super) scope: TenantScope,
    /// Set for browser sessions.
    pub(super) session: Option<LiveSession>,
    /// Set for tokens that came of a refreshed sign-in.
    pub(super) family: Option<TokenFamilyId>,
    /// Set for API keys.
    pub(super) key: Option<LiveKey>,
    /// How it stands with the second factor. The console needs none: it holds the master key.
    pub(super) second_factor: SecondFactor,
}

pub(super) async fn authenticate(head: &Head) -> Result<Caller, Problem> {
    if let Some(ConsolePeer(key)) = head.parts.extensions.get() {
        let scope = console_scope(head, key).await?;
        let second_factor = SecondFactor::None;
        return Ok(Caller { scope, session: None, family: None, key: None, second_factor });
    }
    limit_address(head)?;
    let headers = &head.parts.headers;
    let state = &head.state;
    let caller = if headers.contains_key(header::AUTHORIZATION) {
        // A caller that shows a token means it: its cookie is not looked at.
        let token = bearer(headers).ok_or_else(|| Problem::new("unauthenticated"))?;
        if token.starts_with(KEY_MARK) {
            let (scope, key) = identity::authenticate_key(&state.store, token).await?;
            let second_factor = key.second_factor;
            Caller { scope, session: None, family: None, key: Some(key), second_factor }
        } else {
            let (scope, token) =
                identity::authenticate_bearer(&state.store, &state.verifier, token).await?;
            let LiveToken { second_factor, family } = token;
            Caller { scope, session: None, family, key: None, second_factor }
        }
    } else {
        let cookie = session_cookie(headers).ok_or_else(|| Problem::new("unauthenticated"))?;
        let sessions = &state.settings.sessions;
        let (scope, session) =
            identity::authenticate_cookie(&state.store, cookie, sessions).await?;
        let second_factor = session.second_factor;
        Caller { scope, second_factor, family: None, key: None, session: Some(session) }
    };
    let person = caller.scope.principal().user_id;
    limit_caller(head, caller.scope.tenant_id(), person, caller.key.as_ref())?;
    Ok(caller)
}

/// The operator's scope in the tenant that the header names, as the person that it names.
async fn console_scope(head: &Head, key: &ConsoleKey) -> Result<TenantScope, Problem> {
    let store = &head.state.store;
    let text = |name: HeaderName| head.parts.headers.get(name).and_then(|v| v.to_str().ok());
    let tenant = match text(TENANT_HEADER) {
        Some(slug) => store.tenant_id_by_slug(slug).ok_or(StoreError::TenantNotFound)?,
        None => store.only_tenant().ok_or_else(|| Problem::new("tenant_required"))?,
    };
    let person = match text(ACT_AS_HEADER) {
        None => None,
        Some(email) => {
            let credentials = store.credentials(tenant, head.request_id).await?;
            let found = credentials.find_by_email(&email.trim().to_lowercase()).await?;
            let found = found.filter(|credential| credential.active);
            Some(found.ok_or_else(|| Problem::new("user_not_found"))?.user_id)
        }
    };
    Ok(store.scope_from_operator(key.operator(), tenant, person).await?)
}

/// The token of an `Authorization: Bearer` field (RFC 6750 section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_start())
}

fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    // HTTP/2 may send one field per cookie (RFC 9113 section 8.2.3).
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn tokens_and_cookies_are_found_as_clients_write_them() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, "bearer  abc".parse().unwrap());
        assert_eq!(bearer(&headers), Some("abc"));
        headers.insert(header::AUTHORIZATION, "Basic abc".parse().unwrap());
        assert_eq!(bearer(&headers), None);

        headers.append(header::COOKIE, "theme=dark; x=1".parse().unwrap());
        headers.append(header::COOKIE, "__Host-millwright=a.b; y=2".parse().unwrap());
        assert_eq!(session_cookie(&headers), Some("a.b"));
        headers.remove(header::COOKIE);
        headers.append(header::COOKIE, "millwright=a.b".parse().unwrap());
        assert_eq!(session_cookie(&headers), None);
    }
}
