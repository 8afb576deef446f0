//! Signing in and out, and what one may know and change about oneself.

mod login;
mod logout;
mod me;
mod password;
mod refresh;
mod second_factor;
mod sessions;
mod tokens;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(crate) use refresh::TokenFamilyView;
pub(crate) use sessions::SessionView;
pub(crate) use tokens::TokenView;

const SECRET: Idempotency = Idempotency::Refused("the answer is a secret that is not kept");

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = own_routes();
    routes.extend(session_routes());
    routes.extend(factor_routes());
    routes.extend(refresh_routes());
    routes
}

fn refresh_routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Post,
            path: "/api/v1/auth/refresh",
            operation: "token_refresh",
            summary: "Exchange a refresh token for an access token and the next refresh token",
            audit: Audit::Entry("token.refreshed"),
            rate: RateClass::Login,
            idempotency: Idempotency::Refused("a refresh token counts once"),
            endpoint: endpoint(refresh::token_refresh),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/auth/token-families",
            operation: "token_family_list",
            summary: "List one's own live families of tokens: sign-ins that are refreshed",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(refresh::token_family_list),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/auth/token-families/{family_id}",
            operation: "token_family_revoke",
            summary: "End one of one's own families of tokens, with all its tokens",
            audit: Audit::Entry("token_family.revoked"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(refresh::token_family_revoke),
        },
    ]
}

fn factor_routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/auth/second-factor",
            operation: "factor_get",
            summary: "Whether one has a second factor, and how many recovery codes are left",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(second_factor::factor_get),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/auth/second-factor",
            operation: "factor_begin",
            summary: "Begin to enrol a second factor: a secret for an authenticator app",
            audit: Audit::Entry("second_factor.begun"),
            rate: RateClass::Login,
            idempotency: SECRET,
            endpoint: endpoint(second_factor::factor_begin),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/auth/second-factor/confirm",
            operation: "factor_confirm",
            summary: "End the enrolment with a first code; other sessions and all tokens end",
            audit: Audit::Entry("second_factor.enrolled"),
            rate: RateClass::Login,
            idempotency: SECRET,
            endpoint: endpoint(second_factor::factor_confirm),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/auth/second-factor/verify",
            operation: "factor_show",
            summary: "Show the second factor: after the password, or again before what matters",
            audit: Audit::Entry("second_factor.shown"),
            rate: RateClass::Login,
            idempotency: Idempotency::Refused("a code counts once"),
            endpoint: endpoint(second_factor::factor_show),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/auth/second-factor/recovery-codes",
            operation: "recovery_codes_renew",
            summary: "Make new recovery codes; earlier ones count no more",
            audit: Audit::Entry("recovery_codes.renewed"),
            rate: RateClass::Login,
            idempotency: SECRET,
            endpoint: endpoint(second_factor::recovery_codes_renew),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/auth/second-factor",
            operation: "factor_remove",
            summary: "Give up one's second factor, to enrol another one",
            audit: Audit::Entry("second_factor.removed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(second_factor::factor_remove),
        },
    ]
}

fn session_routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/auth/me/disclosures",
            operation: "own_disclosures",
            summary: "What one was shown oneself: documents, revisions, chunks, pages; newest first",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(me::own_disclosures),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/auth/sessions",
            operation: "session_list",
            summary: "List one's own live browser sessions",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(sessions::session_list),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/auth/sessions/{session_id}",
            operation: "session_revoke",
            summary: "End one of one's own browser sessions",
            audit: Audit::Entry("session.ended"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(sessions::session_revoke),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/auth/tokens",
            operation: "token_list",
            summary: "List one's own live bearer tokens",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(tokens::token_list),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/auth/tokens",
            operation: "token_issue",
            summary: "Issue a bearer token for oneself; the answer holds it this once",
            audit: Audit::Entry("token.issued"),
            rate: RateClass::Write,
            idempotency: SECRET,
            endpoint: endpoint(tokens::token_issue),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/auth/tokens/{token_id}",
            operation: "token_revoke",
            summary: "Revoke one of one's own bearer tokens",
            audit: Audit::Entry("token.revoked"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(tokens::token_revoke),
        },
    ]
}

fn own_routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Post,
            path: "/api/v1/auth/login",
            operation: "session_open",
            summary: "Sign in: a session cookie for browsers, a bearer token for scripts",
            audit: Audit::Entry("session.opened"),
            rate: RateClass::Login,
            idempotency: Idempotency::Refused(
                "every sign-in is a new session; the answer is a secret",
            ),
            endpoint: endpoint(login::session_open),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/auth/logout",
            operation: "session_end",
            summary: "Sign out: end the browser session of this request",
            audit: Audit::Entry("session.ended"),
            rate: RateClass::Write,
            idempotency: Idempotency::Refused("a session ends once; a repeat is not signed in"),
            endpoint: endpoint(logout::session_end),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/auth/me",
            operation: "profile_get",
            summary: "Who is signed in, and what they may do",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(me::profile_get),
        },
        Route {
            method: Method::Patch,
            path: "/api/v1/auth/me",
            operation: "profile_change",
            summary: "Change one's own name and language",
            audit: Audit::Entry("profile.changed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(me::profile_change),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/auth/password",
            operation: "password_change",
            summary: "Change one's own password; all other sessions end",
            audit: Audit::Entry("password.changed"),
            rate: RateClass::Login,
            idempotency: Idempotency::Refused(
                "passwords are not kept; a repeat fails on the old one",
            ),
            endpoint: endpoint(password::password_change),
        },
    ]
}
