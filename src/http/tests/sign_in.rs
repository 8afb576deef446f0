//! Signing in, one-time passwords, and requests from other sites.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use axum::body::Body;
use serde_json::{Value, json};

use super::support::{PASSWORD, World};
use crate::Method;

#[tokio::test]
async fn a_one_time_password_is_good_for_choosing_a_password_and_for_nothing_else() {
    let world = World::new();
    world.tenant().await;
    let once = world.person("v@alpha.example", "viewer").await;
    let mut client = world.client();
    let login = client.log_in("v@alpha.example", &once).await.expect(200);
    assert_eq!(login.json()["must_change_password"], true);
    let cookie = login.header("set-cookie");
    for attribute in
        ["__Host-millwright=", "; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"]
    {
        assert!(cookie.contains(attribute), "{attribute}");
    }
    assert_eq!(client.get("/api/v1/auth/me").await.expect(200).json()["role"], "viewer");
    let refused = client.get("/api/v1/documents").await.expect(403);
    assert_eq!(refused.json()["code"], "password_change_required");
    let token =
        json!({ "tenant": "alpha", "email": "v@alpha.example", "password": once, "token": true });
    let refused = world.client().post("/api/v1/auth/login", token).await.expect(403);
    assert_eq!(refused.json()["code"], "password_change_required");

    let wrong = json!({ "current_password": "wrong", "new_password": PASSWORD });
    let refused = client.post("/api/v1/auth/password", wrong).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "current_password");
    let change = json!({ "current_password": once, "new_password": PASSWORD });
    client.post("/api/v1/auth/password", change).await.expect(204);
    client.get("/api/v1/documents").await.expect(200);

    client.send("POST", "/api/v1/auth/logout", Body::empty()).await.expect(204);
    client.get("/api/v1/auth/me").await.expect(401);
}

#[tokio::test]
async fn a_token_does_what_its_role_may_and_no_more() {
    let world = World::new();
    world.tenant().await;
    world.signed_in("v@alpha.example", "viewer").await;
    let login = json!({ "tenant": "alpha", "email": "v@alpha.example", "password": PASSWORD, "token": true });
    let answer = world.client().post("/api/v1/auth/login", login).await.expect(200);
    assert_eq!(answer.header("set-cookie"), "");
    assert_eq!(answer.json()["token_type"], "Bearer");
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let client = world.client().with("authorization", &format!("Bearer {token}"));
    client.get("/api/v1/documents").await.expect(200);
    let refused = client.get("/api/v1/admin/users").await.expect(403);
    assert_eq!(refused.json()["code"], "forbidden");
    client.get("/api/v1/appliance/tenants").await.expect(403);
    // The session that the token was traded for is no more; there is nothing to sign out of.
    let out = client.send("POST", "/api/v1/auth/logout", Body::empty()).await.expect(403);
    assert_eq!(out.json()["code"], "session_required");
    // A token that is shown counts, and a cookie beside a bad one does not help.
    let both = world.signed_in("w@alpha.example", "viewer").await.with("authorization", "Bearer x");
    both.get("/api/v1/documents").await.expect(401);
    // The refusal is in the log.
    let entries =
        world.operator(Method::Get, "/api/v1/admin/audit?action=access.denied", Value::Null);
    let entries = entries.await.expect(200).json();
    assert_eq!(entries["items"][1]["detail"]["permission"], "users.read", "{entries:#}");
    assert_eq!(entries["items"][0]["outcome"], "denied");
}

#[tokio::test]
async fn wrong_credentials_get_one_answer() {
    let world = World::new();
    world.tenant().await;
    world.person("v@alpha.example", "viewer").await;
    let mut answers = Vec::new();
    for (tenant, email) in [
        ("alpha", "v@alpha.example"),
        ("alpha", "nobody@alpha.example"),
        ("beta", "v@alpha.example"),
    ] {
        let login = json!({ "tenant": tenant, "email": email, "password": "wrong" });
        let mut answer = world.client().post("/api/v1/auth/login", login).await.expect(401).json();
        answer["request_id"].take();
        answers.push(answer);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
}

#[tokio::test]
async fn another_site_cannot_act_with_a_session() {
    let world = World::new();
    world.tenant().await;
    let viewer = world.signed_in("v@alpha.example", "viewer").await;
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let foreign = viewer.clone().with(name, value);
        let refused = foreign.send("POST", "/api/v1/auth/logout", Body::empty()).await.expect(403);
        assert_eq!(refused.json()["code"], "cross_site_request");
        let login = json!({ "email": "v@alpha.example", "password": PASSWORD });
        foreign.post("/api/v1/auth/login", login).await.expect(403);
    }
    viewer.get("/api/v1/auth/me").await.expect(200);
    let own = viewer.with("sec-fetch-site", "same-origin");
    own.send("POST", "/api/v1/auth/logout", Body::empty()).await.expect(204);
}

#[tokio::test]
async fn the_console_acts_for_the_person_it_names() {
    use crate::console::ConsoleRequest;
    let world = World::new();
    world.tenant().await;
    world.person("v@alpha.example", "viewer").await;
    let as_viewer = |target: &str| {
        ConsoleRequest::new(Method::Get, target).act_as(Some("V@alpha.example".to_owned()))
    };
    let me = world.console.send(as_viewer("/api/v1/auth/me")).await.unwrap();
    let me: Value = me.json().await.unwrap();
    assert_eq!(me["email"], "v@alpha.example");
    let users = world.console.send(as_viewer("/api/v1/admin/users")).await.unwrap();
    assert_eq!(users.status, 403);
    let nobody = ConsoleRequest::new(Method::Get, "/api/v1/auth/me").act_as(Some("x@y".to_owned()));
    assert_eq!(world.console.send(nobody).await.unwrap().status, 404);
    let nowhere =
        ConsoleRequest::new(Method::Get, "/api/v1/documents").tenant(Some("beta".to_owned()));
    assert_eq!(world.console.send(nowhere).await.unwrap().status, 404);
    // The headers are nothing to anybody else.
    let stranger = world.client().with("millwright-tenant", "alpha");
    stranger.get("/api/v1/documents").await.expect(401);
}

#[tokio::test]
async fn settings_are_used_and_recorded() {
    let world = World::new();
    world.tenant().await;
    let patch = json!({
        "upload_default_classification": "CONFIDENTIAL",
        "user_default_language": "de",
        "second_factor_roles": [],
        "audit_retention_days": 365,
        "withheld_permissions": {},
        "answer_mode": "quote",
        "answer_tier": "light",
    });
    let changed = world.operator(Method::Patch, "/api/v1/admin/settings", patch.clone()).await;
    let mut changed = changed.expect(200).json();
    let of_appliance = changed.as_object_mut().unwrap().remove("appliance_withheld_permissions");
    assert_eq!((changed, of_appliance), (patch, Some(json!([]))));
    let wrong = json!({ "upload_default_classification": "SECRET" });
    let refused = world.operator(Method::Patch, "/api/v1/admin/settings", wrong).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "upload_default_classification");
    world.person("d@alpha.example", "viewer").await;
    let users = world.operator(Method::Get, "/api/v1/admin/users", Value::Null).await.expect(200);
    assert_eq!(users.json()["items"][0]["language"], "de");
    let usage = world.operator(Method::Get, "/api/v1/admin/usage", Value::Null).await.expect(200);
    assert_eq!(usage.json()["users"], 1);
    let metrics =
        world.operator(Method::Get, "/api/v1/admin/metrics", Value::Null).await.expect(200);
    let activity = metrics.json()["activity"].as_array().unwrap().clone();
    let changes = activity.iter().find(|row| row["action"] == "settings.changed").unwrap();
    assert_eq!(changes["count"], 1);
    let verified = world.operator(Method::Get, "/api/v1/appliance/audit/verify", Value::Null).await;
    let verified = verified.expect(200).json();
    assert_eq!(verified["logs"].as_array().unwrap().len(), 2);
    assert!(verified["logs"].as_array().unwrap().iter().all(|log| log["sound"] == true));
}

#[tokio::test]
async fn sessions_and_tokens_are_listed_and_ended_by_their_person() {
    let world = World::new();
    world.tenant().await;
    let here = world.signed_in("v@alpha.example", "viewer").await;
    let mut there = world.client();
    there.log_in("v@alpha.example", PASSWORD).await.expect(200);
    let listed = here.get("/api/v1/auth/sessions").await.expect(200).json();
    let sessions = listed["items"].as_array().unwrap();
    let current: Vec<_> = sessions.iter().map(|session| session["current"].clone()).collect();
    assert_eq!(current, [json!(false), json!(true)], "newest first: {listed:#}");
    let other = format!("/api/v1/auth/sessions/{}", sessions[0]["id"].as_str().unwrap());
    here.send("DELETE", &other, Body::empty()).await.expect(204);
    there.get("/api/v1/auth/me").await.expect(401);
    let again = here.send("DELETE", &other, Body::empty()).await.expect(404);
    assert_eq!(again.json()["code"], "session_not_found");

    let wanted = json!({ "lifetime_s": 3600, "role": "viewer" });
    let issued = here.post("/api/v1/auth/tokens", wanted).await.expect(201);
    let token = issued.json()["access_token"].as_str().unwrap().to_owned();
    let script = world.client().with("authorization", &format!("Bearer {token}"));
    script.get("/api/v1/documents").await.expect(200);
    let listed = here.get("/api/v1/auth/tokens").await.expect(200);
    assert!(!listed.text().contains(&token), "a token is shown once");
    assert_eq!(listed.json()["items"][0]["id"], issued.json()["id"]);
    here.send("DELETE", issued.header("location"), Body::empty()).await.expect(204);
    script.get("/api/v1/documents").await.expect(401);
    for (wrong, field) in [
        (json!({ "lifetime_s": 1 }), "lifetime_s"),
        (json!({ "lifetime_s": i64::MAX }), "lifetime_s"),
        (json!({ "lifetime_s": 3600, "role": "king" }), "role"),
    ] {
        let refused = here.post("/api/v1/auth/tokens", wrong).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["field"], field);
    }
    let above = json!({ "lifetime_s": 3600, "role": "admin" });
    let refused = here.post("/api/v1/auth/tokens", above).await.expect(403);
    assert_eq!(refused.json()["code"], "above_own_rights");
}

#[tokio::test]
async fn an_administrator_signs_somebody_out_everywhere_or_in_one_place() {
    let world = World::new();
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    let one = world.signed_in("v@alpha.example", "viewer").await;
    let mut two = world.client();
    two.log_in("v@alpha.example", PASSWORD).await.expect(200);
    let token = one.post("/api/v1/auth/tokens", json!({ "lifetime_s": 3600 })).await.expect(201);
    let me = one.get("/api/v1/auth/me").await.expect(200).json();
    let places = format!("/api/v1/admin/users/{}/sessions", me["id"].as_str().unwrap());
    let seen = admin.get(&places).await.expect(200).json();
    assert_eq!(seen["sessions"].as_array().unwrap().len(), 2, "{seen:#}");
    assert_eq!(seen["tokens"][0]["id"], token.json()["id"]);
    let newest = seen["sessions"][0]["id"].as_str().unwrap();
    admin.send("DELETE", &format!("{places}/{newest}"), Body::empty()).await.expect(204);
    two.get("/api/v1/auth/me").await.expect(401);
    one.get("/api/v1/auth/me").await.expect(200);
    let ended = admin.send("DELETE", &places, Body::empty()).await.expect(200).json();
    assert_eq!(ended, json!({ "sessions_ended": 1, "tokens_ended": 1, "families_ended": 0 }));
    one.get("/api/v1/auth/me").await.expect(401);
    let bearer = format!("Bearer {}", token.json()["access_token"].as_str().unwrap());
    world.client().with("authorization", &bearer).get("/api/v1/auth/me").await.expect(401);
    let entries = world.operator(Method::Get, "/api/v1/admin/audit?action=user.", Value::Null);
    let entries = entries.await.expect(200).json();
    assert_eq!(entries["items"][0]["action"], "user.signed_out", "{entries:#}");
    assert_eq!(entries["items"][0]["detail"]["which"], "all");
}

/// Has the person of `client` enrol a second factor; returns a recovery code.
pub(super) async fn enrol(client: &super::support::Client) -> Vec<String> {
    let begin = json!({ "current_password": PASSWORD });
    let begun = client.post("/api/v1/auth/second-factor", begin).await.expect(200).json();
    let image = begun["qr_svg"].as_str().unwrap();
    assert!(image.starts_with("<?xml") && image.contains("<svg"), "{image}");
    assert!(begun["uri"].as_str().unwrap().contains(begun["secret"].as_str().unwrap()));
    let wrong = json!({ "code": "000000" });
    let refused = client.post("/api/v1/auth/second-factor/confirm", wrong).await.expect(401);
    assert_eq!(refused.json()["code"], "second_factor_refused");
    let code = code_now(begun["secret"].as_str().unwrap());
    let confirmed = client
        .post("/api/v1/auth/second-factor/confirm", json!({ "code": code }))
        .await
        .expect(200)
        .json();
    let codes = confirmed["recovery_codes"].as_array().unwrap();
    codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

/// What an authenticator app shows at this moment.
fn code_now(secret: &str) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let builder = totp_rs::Builder::new()
        .with_algorithm(totp_rs::Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(30)
        .with_secret(secret);
    let now = base::Clock::now(&base::SystemClock).unix_s().unsigned_abs();
    builder.build().unwrap().generate(now).to_string()
}

#[tokio::test]
async fn without_the_second_factor_a_password_opens_nothing() {
    let world = World::new();
    world.tenant().await;
    let first = world.signed_in("v@alpha.example", "viewer").await;
    let recovery = enrol(&first).await;
    first.get("/api/v1/documents").await.expect(200);
    let state = first.get("/api/v1/auth/second-factor").await.expect(200).json();
    assert_eq!(state, json!({ "enrolled": true, "recovery_codes_left": 10 }));

    let mut client = world.client();
    let login = client.log_in("v@alpha.example", PASSWORD).await.expect(200);
    assert_eq!(login.json()["second_factor"], "required");
    for (method, target) in [
        ("GET", "/api/v1/auth/me"),
        ("GET", "/api/v1/documents"),
        ("GET", "/api/v1/auth/sessions"),
        ("GET", "/api/v1/appliance/tenants"),
        ("DELETE", "/api/v1/auth/second-factor"),
    ] {
        let refused = client.send(method, target, Body::empty()).await.expect(403);
        assert_eq!(refused.json()["code"], "second_factor_required", "{target}");
    }
    let change = json!({ "current_password": PASSWORD, "new_password": "another passphrase 99" });
    let refused = client.post("/api/v1/auth/password", change).await.expect(403);
    assert_eq!(refused.json()["code"], "second_factor_required");
    let wrong = json!({ "code": "123" });
    let refused = client.post("/api/v1/auth/second-factor/verify", wrong).await.expect(401);
    assert_eq!(refused.json()["code"], "second_factor_refused");
    let right = json!({ "code": recovery[0] });
    let shown = client.post("/api/v1/auth/second-factor/verify", right).await.expect(204);
    client.get("/api/v1/auth/me").await.expect(401);
    let cookie = shown.header("set-cookie").split(';').next().unwrap().to_owned();
    let client = world.client().with("cookie", &cookie);
    client.get("/api/v1/documents").await.expect(200);

    // For a token the code comes with the password; without a right one nothing is left open.
    let login = |code: Value| {
        let mut body = json!({ "tenant": "alpha", "email": "v@alpha.example",
            "password": PASSWORD, "token": true });
        if !code.is_null() {
            body["code"] = code;
        }
        body
    };
    let anonymous = world.client();
    let sessions = async || {
        let listed = client.get("/api/v1/auth/sessions").await.expect(200).json();
        listed["items"].as_array().unwrap().len()
    };
    let before = sessions().await;
    let refused = anonymous.post("/api/v1/auth/login", login(Value::Null)).await.expect(403);
    assert_eq!(refused.json()["code"], "second_factor_required");
    anonymous.post("/api/v1/auth/login", login(json!("999999"))).await.expect(401);
    let given = anonymous.post("/api/v1/auth/login", login(json!(recovery[1]))).await.expect(200);
    assert_eq!(given.json()["second_factor"], "shown");
    let bearer = format!("Bearer {}", given.json()["access_token"].as_str().unwrap());
    world.client().with("authorization", &bearer).get("/api/v1/documents").await.expect(200);
    assert_eq!(sessions().await, before);
}

#[tokio::test]
async fn a_role_that_needs_a_second_factor_enrols_one_before_anything_else() {
    let world = World::new();
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    let wrong = json!({ "second_factor_roles": ["king"] });
    let refused = admin.send_json("PATCH", "/api/v1/admin/settings", wrong).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "second_factor_roles");
    let roles = json!({ "second_factor_roles": ["admin", "admin"] });
    let changed = admin.send_json("PATCH", "/api/v1/admin/settings", roles).await.expect(200);
    assert_eq!(changed.json()["second_factor_roles"], json!(["admin"]));
    let refused = admin.get("/api/v1/admin/users").await.expect(403);
    assert_eq!(refused.json()["code"], "second_factor_enrolment_required");
    let mut other = world.client();
    let login = other.log_in("a@alpha.example", PASSWORD).await.expect(200);
    assert_eq!(login.json()["second_factor"], "missing");
    let token = json!({ "tenant": "alpha", "email": "a@alpha.example",
        "password": PASSWORD, "token": true });
    let refused = world.client().post("/api/v1/auth/login", token).await.expect(403);
    assert_eq!(refused.json()["code"], "second_factor_enrolment_required");
    enrol(&admin).await;
    admin.get("/api/v1/admin/users").await.expect(200);
    // Whoever needs none is not bothered.
    world.signed_in("v@alpha.example", "viewer").await.get("/api/v1/documents").await.expect(200);
}

#[tokio::test]
async fn what_matters_most_needs_a_second_factor_that_was_shown_lately() {
    // No moment is recent enough.
    let settings = crate::HttpSettings { step_up_window_ms: -1, ..Default::default() };
    let world = World::with(settings);
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    let patch = json!({ "user_default_language": "de" });
    admin.send_json("PATCH", "/api/v1/admin/settings", patch.clone()).await.expect(200);
    let recovery = enrol(&admin).await;
    let me = admin.get("/api/v1/auth/me").await.expect(200).json();
    let own = format!("/api/v1/admin/users/{}", me["id"].as_str().unwrap());
    let new = json!({ "email": "n@alpha.example", "display_name": "N", "role": "viewer" });
    for (method, target, body) in [
        ("PATCH", "/api/v1/admin/settings", patch),
        ("PATCH", &own, json!({ "display_name": "A" })),
        ("POST", "/api/v1/admin/users", new),
        ("POST", &format!("{own}/reset-password"), json!({})),
        ("POST", &format!("{own}/reset-second-factor"), json!({})),
        ("POST", "/api/v1/auth/second-factor/recovery-codes", json!({})),
        ("DELETE", "/api/v1/auth/second-factor", json!({})),
    ] {
        let refused = admin.send_json(method, target, body).await.expect(403);
        assert_eq!(refused.json()["code"], "step_up_required", "{method} {target}");
    }
    // Everything else goes on.
    admin.get("/api/v1/admin/users").await.expect(200);
    let again = json!({ "code": recovery[0] });
    admin.post("/api/v1/auth/second-factor/verify", again).await.expect(204);

    let world = World::new();
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    enrol(&admin).await;
    let renewed = "/api/v1/auth/second-factor/recovery-codes";
    let renewed = admin.post(renewed, json!({})).await.expect(200).json();
    assert_eq!(renewed["recovery_codes"].as_array().unwrap().len(), 10);
    admin.send("DELETE", "/api/v1/auth/second-factor", Body::empty()).await.expect(204);
    let gone = admin.send("DELETE", "/api/v1/auth/second-factor", Body::empty()).await.expect(409);
    assert_eq!(gone.json()["code"], "second_factor_not_enrolled");
    let code = json!({ "code": "000000" });
    let gone = admin.post("/api/v1/auth/second-factor/confirm", code).await.expect(409);
    assert_eq!(gone.json()["code"], "second_factor_not_begun");
}
