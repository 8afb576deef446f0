//! What people, groups and API keys may do, as their clients see it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use axum::body::Body;
use serde_json::{Value, json};

use super::sign_in::enrol;
use super::support::{Client, World};
use crate::Method;

const KEYS: &str = "/api/v1/keys";
const GROUPS: &str = "/api/v1/admin/groups";
const SETTINGS: &str = "/api/v1/admin/settings";

async fn make_key(client: &Client, scopes: &[&str]) -> Value {
    let asked = json!({ "name": "test", "scopes": scopes });
    client.post(KEYS, asked).await.expect(201).json()
}

fn with_key(world: &World, made: &Value) -> Client {
    let secret = made["secret"].as_str().unwrap();
    world.client().with("authorization", &format!("Bearer {secret}"))
}

async fn permissions(client: &Client) -> Vec<String> {
    let me = client.get("/api/v1/auth/me").await.expect(200).json();
    serde_json::from_value(me["permissions"].clone()).unwrap()
}

#[tokio::test]
async fn a_key_may_do_what_its_scopes_name_and_is_shown_once() {
    let world = World::new();
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    let made = make_key(&admin, &["documents.read", "profile.read"]).await;
    assert!(made["secret"].as_str().unwrap().starts_with("mwk_"));
    let key = with_key(&world, &made);
    key.get("/api/v1/documents").await.expect(200);
    assert_eq!(permissions(&key).await, ["documents.read", "profile.read"]);
    for (method, target) in [
        ("GET", "/api/v1/admin/users"),
        ("GET", "/api/v1/appliance/tenants"),
        ("GET", KEYS),
        ("POST", KEYS),
        ("POST", "/api/v1/auth/tokens"),
        ("POST", "/api/v1/auth/password"),
        ("POST", "/api/v1/auth/second-factor"),
        ("PATCH", "/api/v1/auth/me"),
        ("POST", "/api/v1/auth/logout"),
    ] {
        let refused = key.send_json(method, target, json!({})).await.expect(403);
        assert_eq!(refused.json()["code"], "forbidden", "{method} {target}");
    }
    // The list and the log know it, and not its secret.
    let listed = admin.get(KEYS).await.expect(200);
    let secret = made["secret"].as_str().unwrap();
    let prefix = listed.json()["items"][0]["secrets"][0]["prefix"].as_str().unwrap().to_owned();
    assert!(secret.contains(&prefix) && !listed.text().contains(secret));
    assert!(listed.json()["items"][0]["secrets"][0]["last_used_at"].is_string());
    let log = world.operator(Method::Get, "/api/v1/admin/audit?action=api_key.", Value::Null);
    let log = log.await.expect(200);
    assert_eq!(log.json()["items"].as_array().unwrap().len(), 2, "made and used: {}", log.text());
    assert!(!log.text().contains(&secret[47..]));

    let mistyped = world.client().with("authorization", &format!("Bearer {}x", &secret[..104]));
    let refused = mistyped.get("/api/v1/documents").await.expect(401);
    assert_eq!(refused.json()["code"], "key_refused");
    assert!(refused.header("www-authenticate").starts_with("Bearer"));
    // Another administrator sees it and ends it.
    let me = admin.get("/api/v1/auth/me").await.expect(200).json();
    let theirs = format!("/api/v1/admin/users/{}/keys", me["id"].as_str().unwrap());
    let other = world.signed_in("b@alpha.example", "admin").await;
    let seen = other.get(&theirs).await.expect(200);
    assert!(!seen.text().contains(secret));
    let one = format!("{theirs}/{}", seen.json()["items"][0]["id"].as_str().unwrap());
    other.send("DELETE", &one, Body::empty()).await.expect(204);
    key.get("/api/v1/documents").await.expect(401);
    other.send("DELETE", &one, Body::empty()).await.expect(404);
    world.signed_in("v@alpha.example", "viewer").await.get(&theirs).await.expect(403);
}

#[tokio::test]
async fn a_key_is_rotated_and_revoked_by_its_person() {
    let world = World::new();
    world.tenant().await;
    let viewer = world.signed_in("v@alpha.example", "viewer").await;
    let first = make_key(&viewer, &["documents.read", "keys.rotate"]).await;
    let rotate = format!("{KEYS}/{}/rotate", first["id"].as_str().unwrap());
    let second = with_key(&world, &first).post(&rotate, json!({})).await.expect(200).json();
    assert_eq!(second["secrets"].as_array().unwrap().len(), 2, "{second:#}");
    with_key(&world, &first).get("/api/v1/documents").await.expect(200);
    let third = viewer.post(&rotate, json!({ "overlap_s": 0 })).await.expect(200).json();
    for ended in [&first, &second] {
        with_key(&world, ended).get("/api/v1/documents").await.expect(401);
    }
    with_key(&world, &third).get("/api/v1/documents").await.expect(200);
    let refused = viewer.post(&rotate, json!({ "overlap_s": -1 })).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "overlap_s");
    // Nobody else's.
    let other = world.signed_in("w@alpha.example", "viewer").await;
    let refused = other.post(&rotate, json!({})).await.expect(404);
    assert_eq!(refused.json()["code"], "key_not_found");
    let own = format!("{KEYS}/{}", first["id"].as_str().unwrap());
    viewer.send("DELETE", &own, Body::empty()).await.expect(204);
    with_key(&world, &third).get("/api/v1/documents").await.expect(401);
    let refused = viewer.post(KEYS, json!({ "name": "x", "scopes": [] })).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "scopes");
    let beyond = json!({ "name": "x", "scopes": ["users.read"] });
    let refused = viewer.post(KEYS, beyond).await.expect(403);
    assert_eq!(refused.json()["code"], "above_own_rights");
}

#[tokio::test]
async fn a_key_of_somebody_with_a_second_factor_never_does_what_needs_one() {
    let world = World::new();
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    let scopes =
        ["settings.read", "settings.change", "keys.create", "groups.change", "users.change"];
    let before = make_key(&admin, &scopes).await;
    let patch = json!({ "user_default_language": "de" });
    let key = with_key(&world, &before);
    key.send_json("PATCH", SETTINGS, patch.clone()).await.expect(200);
    enrol(&admin).await;
    // What the password alone had made is gone; what was made with a code goes on.
    key.get(SETTINGS).await.expect(401);
    let key = with_key(&world, &make_key(&admin, &scopes).await);
    key.get(SETTINGS).await.expect(200);
    let nobody = "/api/v1/admin/users/0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10";
    for (method, target, body) in [
        ("PATCH", SETTINGS, patch.clone()),
        ("POST", KEYS, json!({ "name": "x", "scopes": ["keys.create"] })),
        ("POST", GROUPS, json!({ "name": "x", "permissions": [] })),
        ("PATCH", nobody, json!({ "role": "viewer" })),
    ] {
        let refused = key.send_json(method, target, body).await.expect(403);
        assert_eq!(refused.json()["code"], "second_factor_not_for_keys", "{method} {target}");
    }
    admin.send_json("PATCH", SETTINGS, patch).await.expect(200);
}

#[tokio::test]
async fn groups_add_and_settings_take_away_from_the_next_request_on() {
    let world = World::new();
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    let viewer = world.signed_in("v@alpha.example", "viewer").await;
    let me = viewer.get("/api/v1/auth/me").await.expect(200).json();
    let group = json!({ "name": "Auditors", "permissions": ["audit.verify", "audit.read"] });
    let group = admin.post(GROUPS, group).await.expect(201).json();
    assert_eq!(group["permissions"], json!(["audit.read", "audit.verify"]));
    let group = format!("{GROUPS}/{}", group["id"].as_str().unwrap());
    let member = format!("{group}/members/{}", me["id"].as_str().unwrap());
    viewer.get("/api/v1/admin/audit").await.expect(403);
    admin.send("PUT", &member, Body::empty()).await.expect(204);
    viewer.get("/api/v1/admin/audit").await.expect(200);
    assert!(permissions(&viewer).await.contains(&"audit.read".to_owned()));
    let listed = admin.get(&format!("{group}/members")).await.expect(200).json();
    assert_eq!(listed["items"][0]["email"], "v@alpha.example");

    let withhold = |map: Value| json!({ "withheld_permissions": map });
    let take = withhold(json!({ "viewer": ["audit.read", "chat.send", "chat.send"] }));
    let changed = admin.send_json("PATCH", SETTINGS, take).await.expect(200).json();
    assert_eq!(changed["withheld_permissions"], json!({ "viewer": ["audit.read", "chat.send"] }));
    viewer.get("/api/v1/admin/audit").await.expect(403);
    let asked = viewer.post("/api/v1/chat", json!({ "message": "x", "stream": false })).await;
    assert_eq!(asked.expect(403).json()["code"], "forbidden");
    let login = world.client().log_in("v@alpha.example", super::support::PASSWORD).await;
    let told = login.expect(200).json()["user"]["permissions"].clone();
    assert!(!told.as_array().unwrap().contains(&json!("chat.send")), "{told}");
    let take = withhold(json!({ "viewer": ["tokens.issue"] }));
    admin.send_json("PATCH", SETTINGS, take).await.expect(200);
    let sessions = async || {
        let listed = viewer.get("/api/v1/auth/sessions").await.expect(200).json();
        listed["items"].as_array().unwrap().len()
    };
    let before = sessions().await;
    let login = json!({ "tenant": "alpha", "email": "v@alpha.example",
        "password": super::support::PASSWORD, "token": true });
    world.client().post("/api/v1/auth/login", login).await.expect(403);
    assert_eq!(sessions().await, before, "nothing is left open");
    // Narrowing is all there is: nobody is shut out, and no administrator is kept from undoing it.
    for (role, permission) in [
        ("viewer", "profile.change"),
        ("operator", "profile.read"),
        ("admin", "settings.change"),
        ("admin", "settings.read"),
        ("viewer", "tenants.read"),
        ("viewer", "nothing.real"),
    ] {
        let take = withhold(json!({ role: [permission] }));
        let refused = admin.send_json("PATCH", SETTINGS, take).await.expect(422);
        let field = format!("withheld_permissions.{role}");
        assert_eq!(refused.json()["errors"][0]["field"], *field, "{permission}");
    }
    let take = withhold(json!({ "king": [] }));
    admin.send_json("PATCH", SETTINGS, take).await.expect(422);
    let take = withhold(json!({ "admin": ["users.read", "audit.read"] }));
    admin.send_json("PATCH", SETTINGS, take).await.expect(200);
    admin.get("/api/v1/admin/users").await.expect(403);
    viewer.get("/api/v1/admin/audit").await.expect(200);
    let give = withhold(json!({}));
    let changed = admin.send_json("PATCH", SETTINGS, give).await.expect(200).json();
    assert_eq!(changed["withheld_permissions"], json!({}));
    admin.get("/api/v1/admin/users").await.expect(200);

    admin.send_json("PATCH", &group, json!({ "permissions": [] })).await.expect(200);
    viewer.get("/api/v1/admin/audit").await.expect(403);
    admin.send("DELETE", &member, Body::empty()).await.expect(204);
    admin.send("DELETE", &member, Body::empty()).await.expect(404);
    let again = json!({ "name": "auditors", "permissions": [] });
    assert_eq!(admin.post(GROUPS, again).await.expect(409).json()["code"], "group_name_taken");
    admin.send("DELETE", &group, Body::empty()).await.expect(204);
    admin.get(&group).await.expect(404);
    // Before and after stand in the log.
    let target = "/api/v1/admin/audit?action=settings.changed";
    let log = world.operator(Method::Get, target, Value::Null).await.expect(200).json();
    let entry = &log["items"][3];
    assert_eq!(entry["before"]["withheld_permissions"], json!({}), "{log:#}");
    assert_eq!(entry["after"]["withheld_permissions"]["viewer"][1], "chat.send");
}

#[tokio::test]
async fn what_the_appliance_withholds_nobody_has_but_the_console() {
    let world = World::withholding(&["audit.export", "documents.delete"]);
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    let own = permissions(&admin).await;
    assert!(!own.contains(&"audit.export".to_owned()) && own.contains(&"audit.read".to_owned()));
    admin.get("/api/v1/admin/audit/export").await.expect(403);
    let settings = admin.get(SETTINGS).await.expect(200).json();
    let expected = json!(["audit.export", "documents.delete"]);
    assert_eq!(settings["appliance_withheld_permissions"], expected);
    // Not by a group either, which the console could make.
    let group = json!({ "name": "E", "permissions": ["audit.export"] });
    let refused = world.operator(Method::Post, GROUPS, group).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "permissions");
    let key = json!({ "name": "E", "scopes": ["audit.export"] });
    admin.post(KEYS, key).await.expect(403);
    world.operator(Method::Get, "/api/v1/admin/audit/export", Value::Null).await.expect(200);
}
