//! Signing in and out, and what one may know and change about oneself.

mod login;
mod logout;
mod me;
mod password;
mod sessions;
mod tokens;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(crate) use sessions::SessionView;
pub(crate) use tokens::TokenView;

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = own_routes();
    routes.extend(session_routes());
    routes
}

fn session_routes() -> Vec<Route> {
    vec![
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
            idempotency: Idempotency::Refused("the answer is a secret that is not kept"),
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
