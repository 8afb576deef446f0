//! Signing in and out, and what one may know and change about oneself.

mod login;
mod logout;
mod me;
mod password;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(crate) fn routes() -> Vec<Route> {
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
