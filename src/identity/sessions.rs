//! Browser sessions: an opaque secret in a cookie, everything else on this side.
//!
//! The cookie's value is `<tenant uuid>.<32 random bytes in base64url>`. Only the SHA-256 of the
//! bytes is kept; they are random, so nothing slower is needed to protect them.

use std::fmt;

use base::{Entropy, EntropyError, SessionId, TenantId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use store::{LiveSession, SessionLimits, Store, StoreError, TenantCtx, TenantScope};
use zeroize::Zeroizing;

use crate::store_credentials::{session_revoke, session_touch as row_touch, sessions_forget_ended};
use crate::{IdentityError, events};

/// How long browser sessions live.
#[derive(Clone, Copy, Debug)]
pub struct SessionSettings {
    /// Without a request for so long, a session ends. A shift, because a tablet in a gloved hand is
    /// no place to type a password every half hour.
    pub idle_ms: i64,
    /// After so long a session ends in any case.
    pub absolute_ms: i64,
    /// The last sight of a session is recorded at most this often.
    pub touch_every_ms: i64,
}

impl Default for SessionSettings {
    fn default() -> Self {
        const HOUR_MS: i64 = 60 * 60 * 1000;
        Self { idle_ms: 8 * HOUR_MS, absolute_ms: 24 * HOUR_MS, touch_every_ms: HOUR_MS / 12 }
    }
}

const SECRET_BYTES: usize = 32;
/// Length of 32 bytes in base64 without padding.
const SECRET_CHARS: usize = 43;
const TENANT_CHARS: usize = 36;

/// The value of a session cookie. Overwritten when dropped; `Debug` does not show it.
pub struct CookieValue(Zeroizing<String>);

impl CookieValue {
    /// The value, for the `Set-Cookie` header alone.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CookieValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieValue")
    }
}

/// The random part of a cookie or of a refresh token.
pub(crate) struct Secret(Zeroizing<[u8; SECRET_BYTES]>);

impl Secret {
    pub(crate) fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0_u8; SECRET_BYTES]);
        entropy.fill(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_ref()).into()
    }

    pub(crate) fn cookie(&self, tenant: TenantId) -> CookieValue {
        CookieValue(self.text(tenant))
    }

    /// The secret behind the tenant that it is for.
    pub(crate) fn text(&self, tenant: TenantId) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(TENANT_CHARS + 1 + SECRET_CHARS));
        text.push_str(&tenant.to_string());
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(self.0.as_ref(), &mut text);
        text
    }

    pub(crate) fn parse(cookie: &str) -> Option<(TenantId, Self)> {
        let (tenant, secret) = cookie.split_once('.')?;
        if secret.len() != SECRET_CHARS {
            return None;
        }
        let tenant = tenant.parse().ok()?;
        // The decoder wants room for whole groups of three bytes.
        let mut decoded = Zeroizing::new([0_u8; SECRET_BYTES + 1]);
        let length = URL_SAFE_NO_PAD.decode_slice(secret, decoded.as_mut()).ok()?;
        let mut bytes = Zeroizing::new([0_u8; SECRET_BYTES]);
        if length != SECRET_BYTES {
            return None;
        }
        bytes.copy_from_slice(&decoded[..SECRET_BYTES]);
        Some((tenant, Self(bytes)))
    }
}

/// The live session behind a cookie's value. Call [`session_touch`] once the tenant is entered.
///
/// # Errors
/// [`IdentityError::Unauthenticated`] for anything that is not the cookie of a live session of an
/// active person in an active tenant; or the store's own.
pub async fn authenticate_cookie(
    store: &Store,
    cookie_value: &str,
    settings: &SessionSettings,
) -> Result<(TenantScope, LiveSession), IdentityError> {
    let (tenant_id, secret) = Secret::parse(cookie_value).ok_or(IdentityError::Unauthenticated)?;
    session_find(store, tenant_id, &secret, settings).await
}

/// The live session of a secret, as [`authenticate_cookie`] finds it.
pub(crate) async fn session_find(
    store: &Store,
    tenant_id: TenantId,
    secret: &Secret,
    settings: &SessionSettings,
) -> Result<(TenantScope, LiveSession), IdentityError> {
    let limits = SessionLimits { idle_ms: settings.idle_ms };
    store.scope_from_session(tenant_id, secret.hash(), limits).await.map_err(|error| match error {
        StoreError::Unauthenticated | StoreError::TenantNotFound | StoreError::TenantSuspended => {
            IdentityError::Unauthenticated
        }
        other => other.into(),
    })
}

/// Whether a session was recorded as seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    /// It was.
    Recorded,
    /// It was seen lately, or can't be recorded now: the next request tries again.
    NotNow,
}

/// Notes that a session is in use, so that it does not end as idle; at most every
/// [`SessionSettings::touch_every_ms`]. Forgets sessions that ended long ago on the way.
///
/// # Errors
/// The store's own. A tenant that is read-only or whose writer is busy is no error: a person may go
/// on reading.
pub async fn session_touch(
    ctx: &TenantCtx,
    session: &LiveSession,
    settings: &SessionSettings,
) -> Result<Touched, IdentityError> {
    if ctx.now().since_ms(session.last_seen_at) < settings.touch_every_ms {
        return Ok(Touched::NotNow);
    }
    let id = session.id;
    let touched = ctx
        .write(move |tx| {
            if !row_touch(&tx, id)? {
                return Err(IdentityError::Unauthenticated);
            }
            sessions_forget_ended(&tx)?;
            let event = audit::Event::new(events::SESSION_TOUCHED).object("session", id);
            Ok(tx.commit(event, ())?)
        })
        .await;
    match touched {
        Ok(()) => Ok(Touched::Recorded),
        Err(IdentityError::Store(StoreError::ReadOnly(_) | StoreError::Busy)) => {
            Ok(Touched::NotNow)
        }
        Err(error) => Err(error),
    }
}

/// Ends one of one's own sessions.
///
/// # Errors
/// [`IdentityError::Unauthenticated`] when the person behind `ctx` has no such live session; or the
/// store's own.
pub async fn logout(ctx: &TenantCtx, session_id: SessionId) -> Result<(), IdentityError> {
    let user_id = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    ctx.write(move |tx| {
        if !session_revoke(&tx, session_id, user_id)? {
            return Err(IdentityError::Unauthenticated);
        }
        let event = audit::Event::new(events::SESSION_ENDED).object("session", session_id);
        Ok(tx.commit(event, ())?)
    })
    .await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use base::{OsEntropy, Timestamp};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cookie_leads_back_to_its_tenant_and_hash() {
        let tenant = TenantId::new(Timestamp::from_unix_ms(1), &OsEntropy).unwrap();
        let secret = Secret::generate(&OsEntropy).unwrap();
        let cookie = secret.cookie(tenant);
        assert_eq!(cookie.reveal().len(), 80);
        let (found, parsed) = Secret::parse(cookie.reveal()).unwrap();
        assert_eq!((found, parsed.hash()), (tenant, secret.hash()));
        assert_eq!(format!("{cookie:?}"), "CookieValue");
    }

    #[test]
    fn anything_else_is_no_cookie() {
        let tenant = TenantId::new(Timestamp::from_unix_ms(1), &OsEntropy).unwrap();
        let good = Secret::generate(&OsEntropy).unwrap().cookie(tenant);
        let good = good.reveal();
        let (_, secret) = good.split_once('.').unwrap();
        for text in [
            String::new(),
            ".".into(),
            tenant.to_string(),
            format!("{tenant}."),
            format!("{tenant}.{}", &secret[1..]),
            format!("{good}A"),
            format!("{good}="),
            format!("{tenant}.{}!", &secret[..42]),
            format!("{{{tenant}}}.{secret}"),
            format!("{}.{secret}", tenant.to_string().replace('-', "")),
        ] {
            assert!(Secret::parse(&text).is_none(), "{text}");
        }
        // One secret has one spelling: the last character's unused bits must be zero.
        let last = "AEIMQUYcgkosw048";
        assert!(last.contains(&secret[42..]));
        assert!(Secret::parse(&format!("{tenant}.{}B", &secret[..42])).is_none());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = Secret::parse(&text);
        }
    }
}
