//! Refresh tokens, and tokens of other issuers, through HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::sync::Arc;

use axum::body::Body;
use base::{Clock, ManualClock, SystemClock};
use identity::{ExternalIssuer, FederationSettings};
use serde_json::{Value, json};

use super::keys::{TestKey, jwks};
use super::support::{Client, PASSWORD, Reply, World};
use crate::{HttpSettings, Method};

fn bearer(world: &World, reply: &Value) -> Client {
    let token = reply["access_token"].as_str().unwrap();
    world.client().with("authorization", &format!("Bearer {token}"))
}

async fn refresh(world: &World, reply: &Value) -> Reply {
    let body = json!({ "refresh_token": reply["refresh_token"] });
    world.client().post("/api/v1/auth/refresh", body).await
}

/// Signs in for an access token with a refresh token.
async fn begin(world: &World, email: &str) -> Value {
    let login = json!({ "tenant": "alpha", "email": email, "password": PASSWORD,
        "token": true, "refresh": true });
    world.client().post("/api/v1/auth/login", login).await.expect(200).json()
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_once_and_a_second_use_ends_everything() {
    let world = World::new();
    world.tenant().await;
    world.signed_in("v@alpha.example", "viewer").await;
    let first = begin(&world, "v@alpha.example").await;
    assert!(first["refresh_expires_at"].as_str().unwrap() > first["expires_at"].as_str().unwrap());
    let answer = refresh(&world, &first).await.expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let second = answer.json();
    assert_eq!(second["token_type"], "Bearer");
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    bearer(&world, &first).get("/api/v1/documents").await.expect(401);
    bearer(&world, &second).get("/api/v1/documents").await.expect(200);
    let third = refresh(&world, &second).await.expect(200).json();

    let refused = refresh(&world, &first).await.expect(401);
    assert_eq!(refused.json()["code"], "refresh_refused");
    bearer(&world, &third).get("/api/v1/documents").await.expect(401);
    refresh(&world, &third).await.expect(401);
    let target = "/api/v1/admin/audit?action=token.refresh_reused";
    let entries = world.operator(Method::Get, target, Value::Null).await.expect(200).json();
    assert_eq!(entries["items"][0]["outcome"], "denied", "{entries:#}");
    // Whoever lost an answer, or everything, signs in again.
    let again = begin(&world, "v@alpha.example").await;
    refresh(&world, &again).await.expect(200);

    for wrong in ["", ".", "x", "a.b"] {
        refresh(&world, &json!({ "refresh_token": wrong })).await.expect(401);
    }
    for wrong in [json!({}), json!({ "refresh_token": 1 }), json!({ "refresh_token": "x", "y": 1 })]
    {
        world.client().post("/api/v1/auth/refresh", wrong).await.expect(422);
    }
    let login = json!({ "tenant": "alpha", "email": "v@alpha.example", "password": PASSWORD,
        "refresh": true });
    let refused = world.client().post("/api/v1/auth/login", login).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "refresh");
}

#[tokio::test]
async fn families_are_seen_and_ended_by_their_person_and_by_administrators() {
    let world = World::new();
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    let here = world.signed_in("v@alpha.example", "viewer").await;
    let wanted = json!({ "lifetime_s": 600, "refresh": true });
    let issued = here.post("/api/v1/auth/tokens", wanted.clone()).await.expect(201).json();
    let families = here.get("/api/v1/auth/token-families").await.expect(200);
    assert!(!families.text().contains(issued["refresh_token"].as_str().unwrap()));
    let families = families.json();
    assert_eq!(families["items"][0]["id"], issued["family_id"]);
    let tokens = here.get("/api/v1/auth/tokens").await.expect(200).json();
    assert_eq!(tokens["items"][0]["family_id"], issued["family_id"]);
    let own = format!("/api/v1/auth/token-families/{}", issued["family_id"].as_str().unwrap());
    here.send("DELETE", &own, Body::empty()).await.expect(204);
    let gone = here.send("DELETE", &own, Body::empty()).await.expect(404);
    assert_eq!(gone.json()["code"], "token_family_not_found");
    bearer(&world, &issued).get("/api/v1/auth/me").await.expect(401);
    refresh(&world, &issued).await.expect(401);

    let login = begin(&world, "v@alpha.example").await;
    // A token does not beget a family, nor does the console, for nobody signed in there.
    let script = bearer(&world, &login);
    let refused = script.post("/api/v1/auth/tokens", wanted).await.expect(403);
    assert_eq!(refused.json()["code"], "session_required");
    // What a token begets belongs to its family.
    let child = json!({ "lifetime_s": 7_776_000 });
    let child = script.post("/api/v1/auth/tokens", child).await.expect(201).json();
    let me = here.get("/api/v1/auth/me").await.expect(200).json();
    let user = format!("/api/v1/admin/users/{}", me["id"].as_str().unwrap());
    let places = admin.get(&format!("{user}/sessions")).await.expect(200).json();
    assert_eq!(places["families"].as_array().unwrap().len(), 1, "{places:#}");
    assert_eq!(places["families"][0]["id"], child["family_id"]);
    let family = format!("{user}/token-families/{}", child["family_id"].as_str().unwrap());
    admin.send("DELETE", &family, Body::empty()).await.expect(204);
    let gone = admin.send("DELETE", &family, Body::empty()).await.expect(404);
    assert_eq!(gone.json()["code"], "token_family_not_found");
    for token in [&login, &child] {
        bearer(&world, token).get("/api/v1/auth/me").await.expect(401);
    }
    here.get("/api/v1/auth/me").await.expect(200);

    begin(&world, "v@alpha.example").await;
    let ended = admin.send("DELETE", &format!("{user}/sessions"), Body::empty()).await;
    let expected = json!({ "sessions_ended": 1, "tokens_ended": 1, "families_ended": 1 });
    assert_eq!(ended.expect(200).json(), expected);
}

#[tokio::test]
async fn families_end_with_password_and_role() {
    let world = World::new();
    world.tenant().await;
    let here = world.signed_in("v@alpha.example", "viewer").await;
    let me = here.get("/api/v1/auth/me").await.expect(200).json();
    let user = format!("/api/v1/admin/users/{}", me["id"].as_str().unwrap());
    let family = begin(&world, "v@alpha.example").await;
    let role = json!({ "role": "operator" });
    world.operator(Method::Patch, &user, role).await.expect(200);
    bearer(&world, &family).get("/api/v1/auth/me").await.expect(401);
    refresh(&world, &family).await.expect(401);
    here.get("/api/v1/auth/me").await.expect(401);

    let family = begin(&world, "v@alpha.example").await;
    let mut here = world.client();
    here.log_in("v@alpha.example", PASSWORD).await.expect(200);
    let new = "another passphrase that is long";
    let change = json!({ "current_password": PASSWORD, "new_password": new });
    here.post("/api/v1/auth/password", change).await.expect(204);
    refresh(&world, &family).await.expect(401);
    here.get("/api/v1/auth/me").await.expect(200);
}

/// An appliance that takes tokens of the plant's own sign-on, and its clock.
fn trusting(key: TestKey) -> (World, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let its = Arc::clone(&clock) as Arc<dyn Clock>;
    let world = World::trusting(HttpSettings::default(), its, |store, operator, dir| {
        let key_file = dir.join("sso.jwks.json");
        std::fs::write(&key_file, jwks(&[key.jwk("one")])).unwrap();
        let settings = FederationSettings {
            issuer: "https://sso.plant.example".into(),
            audience: "millwright-api".into(),
            algorithm: key.algorithm().parse().unwrap(),
            key_file,
            skew_s: 30,
            max_lifetime_s: 3600,
        };
        let name = "plant-sso".parse().unwrap();
        let right = store.federation_key(operator, name, "alpha");
        vec![ExternalIssuer::open(settings, right, store.now()).unwrap()]
    });
    (world, clock)
}

/// A client with a token that the issuer signs for `me` at this moment.
fn federated(world: &World, key: TestKey, me: &Value, role: &str) -> Client {
    let now_s = world.state.store.now().unix_s();
    let claims = json!({
        "iss": "https://sso.plant.example", "aud": "millwright-api", "sub": me["id"],
        "tenant_id": me["tenant_id"], "role": role, "iat": now_s, "exp": now_s + 600,
    });
    bearer(world, &json!({ "access_token": key.token("one", &claims) }))
}

#[tokio::test]
async fn a_token_of_another_issuer_acts_for_its_person_and_the_log_says_whose_it_is() {
    let (world, clock) = trusting(TestKey::RsaA);
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    let me = admin.get("/api/v1/auth/me").await.expect(200).json();
    // What was signed before the password was chosen counts no more.
    federated(&world, TestKey::RsaA, &me, "admin").get("/api/v1/auth/me").await.expect(401);
    clock.advance_ms(60_000);
    let as_admin = federated(&world, TestKey::RsaA, &me, "admin");
    as_admin.get("/api/v1/admin/users").await.expect(200);
    let as_viewer = federated(&world, TestKey::RsaA, &me, "viewer");
    as_viewer.get("/api/v1/documents").await.expect(200);
    let refused = as_viewer.get("/api/v1/admin/users").await.expect(403);
    assert_eq!(refused.json()["code"], "forbidden");
    let stranger = federated(&world, TestKey::RsaB, &me, "admin");
    let refused = stranger.get("/api/v1/documents").await.expect(401);
    assert_eq!(refused.json()["code"], "token_refused");

    let new = json!({ "email": "n@alpha.example", "display_name": "N", "role": "viewer" });
    as_admin.post("/api/v1/admin/users", new).await.expect(201);
    let entries =
        world.operator(Method::Get, "/api/v1/admin/audit?action=user.created", Value::Null).await;
    let entries = entries.expect(200).json();
    assert_eq!(entries["items"][0]["detail"]["issuer"], "plant-sso", "{entries:#}");
    let denied =
        world.operator(Method::Get, "/api/v1/admin/audit?action=access.denied", Value::Null).await;
    assert_eq!(denied.expect(200).json()["items"][0]["detail"]["issuer"], "plant-sso");

    // It can't be traded for a token that lives on, or be a session.
    let wanted = json!({ "lifetime_s": 3600 });
    let refused = as_admin.post("/api/v1/auth/tokens", wanted).await.expect(403);
    assert_eq!(refused.json()["code"], "own_sign_in_required");
    let out = as_admin.send("POST", "/api/v1/auth/logout", Body::empty()).await.expect(403);
    assert_eq!(out.json()["code"], "session_required");
    // Who is signed out everywhere is out, until the issuer signs anew.
    let user = format!("/api/v1/admin/users/{}/sessions", me["id"].as_str().unwrap());
    world.operator(Method::Delete, &user, Value::Null).await.expect(200);
    as_admin.get("/api/v1/documents").await.expect(401);
    clock.advance_ms(60_000);
    let later = federated(&world, TestKey::RsaA, &me, "admin");
    later.get("/api/v1/documents").await.expect(200);
}

#[tokio::test]
async fn a_token_of_another_issuer_shows_no_second_factor() {
    let (world, clock) = trusting(TestKey::P256);
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    let me = admin.get("/api/v1/auth/me").await.expect(200).json();
    let viewer = world.signed_in("v@alpha.example", "viewer").await;
    let them = viewer.get("/api/v1/auth/me").await.expect(200).json();
    let other = world.signed_in("o@alpha.example", "viewer").await;
    let others = other.get("/api/v1/auth/me").await.expect(200).json();
    let roles = json!({ "second_factor_roles": ["admin"] });
    admin.send_json("PATCH", "/api/v1/admin/settings", roles).await.expect(200);
    super::sign_in::enrol(&viewer).await;
    clock.advance_ms(60_000);
    // The role that needs one is the person's, not what the token narrows it to.
    for role in ["admin", "viewer"] {
        let client = federated(&world, TestKey::P256, &me, role);
        let refused = client.get("/api/v1/documents").await.expect(403);
        assert_eq!(refused.json()["code"], "second_factor_enrolment_required");
    }
    // Who has enrolled one has not shown it here, and can't.
    let client = federated(&world, TestKey::P256, &them, "viewer");
    for target in ["/api/v1/documents", "/api/v1/auth/me"] {
        let refused = client.get(target).await.expect(403);
        assert_eq!(refused.json()["code"], "second_factor_required");
    }
    let code = json!({ "code": "000000" });
    let refused = client.post("/api/v1/auth/second-factor/verify", code).await.expect(403);
    assert_eq!(refused.json()["code"], "session_required");
    // Who needs none is not bothered.
    let client = federated(&world, TestKey::P256, &others, "admin");
    client.get("/api/v1/documents").await.expect(200);
}
