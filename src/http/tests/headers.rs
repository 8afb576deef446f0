//! The headers that keep a browser safe stand on every answer: of every route of the table, with every
//! method, good or bad, for anybody and for somebody.
#![allow(clippy::print_stdout, reason = "the counts are the result")]

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use axum::body::Body;

use super::support::{Client, Reply, World};
use crate::{HttpSettings, routes};

const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];

/// An id that is none's.
const NOBODY: &str = "0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10";

/// What is missing of the headers that every answer has.
fn missing(reply: &Reply, path: &str) -> Vec<&'static str> {
    let policy = reply.header("content-security-policy");
    let inline = if path.starts_with("/docs") { "style-src 'self' 'unsafe-inline'" } else { "" };
    let checks = [
        ("x-request-id", reply.header("x-request-id").len() == 36),
        ("x-content-type-options", reply.header("x-content-type-options") == "nosniff"),
        ("x-frame-options", reply.header("x-frame-options") == "DENY"),
        ("referrer-policy", reply.header("referrer-policy") == "no-referrer"),
        (
            "strict-transport-security",
            reply.header("strict-transport-security") == "max-age=31536000",
        ),
        ("cross-origin-opener-policy", reply.header("cross-origin-opener-policy") == "same-origin"),
        ("permissions-policy", reply.header("permissions-policy").contains("camera=()")),
        ("cache-control", !reply.header("cache-control").is_empty()),
        (
            "content-security-policy",
            policy.starts_with(
                "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
            ) && !policy.replace(inline, "").contains("unsafe")
                && !policy.contains('*'),
        ),
        ("server", reply.header("server").is_empty()),
        ("x-powered-by", reply.header("x-powered-by").is_empty()),
        (
            "content-type",
            // What failed says so in the one form of this API, or of the one that is followed.
            reply.status < 400
                || path.starts_with("/v1/")
                    && reply.header("content-type") == "application/json"
                    && (reply.body.is_empty() || reply.json()["error"]["code"].is_string())
                || reply.header("content-type").starts_with("application/problem+json")
                || path == "/health/ready",
        ),
        ("access-control-allow-origin", reply.header("access-control-allow-origin").is_empty()),
    ];
    checks.into_iter().filter(|(_, holds)| !holds).map(|(name, _)| name).collect()
}

/// Paths of all routes with ids that nobody has, and some that are none's.
fn paths() -> BTreeSet<String> {
    let mut paths: BTreeSet<String> = routes().iter().map(|route| concrete(route.path)).collect();
    for none in
        ["/no/such/page", "/api/v1/nothing", "/docs/none.js", "/assets/none.js", "/%2e%2e/", "//"]
    {
        paths.insert(none.to_owned());
    }
    paths
}

fn concrete(path: &str) -> String {
    let mut out = String::new();
    for piece in path.split_inclusive('/') {
        let slash = if piece.ends_with('/') { "/" } else { "" };
        let name = piece.trim_end_matches('/');
        let value = match name {
            "{page}" | "{number}" | "{index}" => "1",
            _ if name.starts_with('{') => NOBODY,
            _ => name,
        };
        out.push_str(value);
        out.push_str(slash);
    }
    out
}

async fn check(
    client: &Client,
    paths: &BTreeSet<String>,
    statuses: &mut BTreeMap<u16, usize>,
    faults: &mut Vec<String>,
) {
    for path in paths {
        for method in METHODS {
            for body in ["", "{}", "{\"a\": \"\u{0}"] {
                let client = client.clone().with("content-type", "application/json");
                let reply = client.send(method, path, Body::from(body)).await;
                *statuses.entry(reply.status).or_default() += 1;
                let missing = missing(&reply, path);
                if !missing.is_empty() {
                    faults.push(format!("{method} {path} {}: {missing:?}", reply.status));
                }
            }
        }
    }
}

#[tokio::test]
async fn every_answer_of_every_route_has_the_headers_that_keep_a_browser_safe() {
    let world = World::with(HttpSettings {
        requests_per_minute: NonZeroU32::MAX,
        ..HttpSettings::default()
    });
    world.tenant().await;
    let admin = world.signed_in("anna@alpha.example", "admin").await;
    let (mut statuses, mut faults) = (BTreeMap::new(), Vec::new());
    check(&world.client(), &paths(), &mut statuses, &mut faults).await;
    // All but what would end the session.
    let mut inside = paths();
    inside.retain(|path| !path.starts_with("/api/v1/auth/logout"));
    check(&admin, &inside, &mut statuses, &mut faults).await;
    admin.get("/api/v1/auth/me").await.expect(200);
    let answers: usize = statuses.values().sum();
    println!("headers: {} paths, {answers} answers by status: {statuses:?}", paths().len());
    assert!(faults.is_empty(), "{} of {answers}: {faults:#?}", faults.len());
    for status in [200, 401, 404, 405] {
        assert!(statuses.contains_key(&status), "none was {status}: {statuses:?}");
    }
}
