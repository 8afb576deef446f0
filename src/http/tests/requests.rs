//! What every request meets: problems, headers, limits, conditions.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::num::NonZeroU32;

use axum::body::Body;
use serde_json::json;

use super::support::{Reply, World};
use crate::{CorsOrigins, HttpSettings};

#[tokio::test]
async fn every_failure_is_a_problem_document() {
    let world = World::new();
    let client = world.client();
    let nowhere = client.get("/no/such/place").await.expect(404);
    assert_eq!(nowhere.header("content-type"), "application/problem+json");
    assert_eq!(nowhere.header("x-request-id"), nowhere.json()["request_id"].as_str().unwrap());
    let problem = |reply: &Reply| {
        let mut problem = reply.json();
        problem["request_id"] = "[uuid]".into();
        // A dependency may have objects keep the order in which they were made.
        problem.sort_all_objects();
        problem
    };
    insta::assert_json_snapshot!("not_found", problem(&nowhere));

    let wrong_method = client.send("DELETE", "/health/live", Body::empty()).await.expect(405);
    assert_eq!(wrong_method.json()["code"], "method_not_allowed");

    let stranger = client.get("/api/v1/documents").await.expect(401);
    assert!(stranger.header("www-authenticate").starts_with("Bearer"));
    insta::assert_json_snapshot!("unauthenticated", problem(&stranger));

    let typed = client.post("/api/v1/auth/login", json!({ "email": 7, "password": "x" })).await;
    let typed = typed.expect(422);
    insta::assert_json_snapshot!("invalid_field", problem(&typed));

    // What a problem's type points to is there.
    let kind = typed.json()["type"].as_str().unwrap().to_owned();
    assert_eq!(client.get(&kind).await.expect(200).json()["status"], 422);
}

#[tokio::test]
async fn bodies_are_read_strictly() {
    let world = World::new();
    let client = world.client();
    let login = "/api/v1/auth/login";
    let unknown = client.post(login, json!({ "email": "a", "password": "b", "otp": 1 })).await;
    assert_eq!(unknown.expect(422).json()["errors"][0]["field"], "otp");
    let missing = client.post(login, json!({ "email": "a" })).await;
    assert_eq!(missing.expect(422).json()["errors"][0]["field"], "password");

    let json = client.clone().with("content-type", "application/json; charset=utf-8");
    let row = json.send("POST", login, Body::from(" [\"alpha\", \"a\", \"b\"]")).await.expect(422);
    assert_eq!(row.json()["errors"][0]["field"], "body");
    let broken = json.send("POST", login, Body::from("{\"email\":")).await.expect(400);
    assert_eq!(broken.json()["code"], "malformed_request");
    let trailing = json.send("POST", login, Body::from("{\"email\":\"a\",\"password\":\"b\"} x"));
    assert_eq!(trailing.await.expect(400).json()["code"], "malformed_request");
    let form = client.clone().with("content-type", "text/plain");
    assert_eq!(form.send("POST", login, Body::from("x")).await.status, 415);
    let large = format!("{{\"email\":\"{}\"}}", "a".repeat(20_000));
    assert_eq!(json.send("POST", login, Body::from(large.clone())).await.status, 413);
    let declared = json.with("content-length", "20000");
    assert_eq!(declared.send("POST", login, Body::from(large)).await.status, 413);
}

#[tokio::test]
async fn an_answer_that_is_made_piece_by_piece_ends_well_when_it_is_compressed() {
    let world = World::new();
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    let plain = admin.get("/api/v1/admin/audit/export").await.expect(200);
    for coding in ["gzip", "br"] {
        let packed = admin.clone().with("accept-encoding", coding);
        let packed = packed.get("/api/v1/admin/audit/export").await.expect(200);
        assert_eq!(packed.header("content-encoding"), coding);
        assert!(!packed.body.is_empty() && packed.body.len() < plain.body.len());
    }
}

#[tokio::test]
async fn queries_are_read_strictly() {
    let world = World::new();
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=ten", "limit"),
        ("cursor=!", "cursor"),
        ("colour=red", "colour"),
        ("classification=SECRET", "classification"),
    ] {
        let refused = admin.get(&format!("/api/v1/documents?{query}")).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["field"], field, "{}", refused.text());
    }
    let filters = json!({ "document_keys": vec!["x"; 51] });
    let search = json!({ "query": "pump", "filters": filters });
    let refused = admin.post("/api/v1/search", search).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "filters.document_keys");
    // A stream does not begin before the question is known to be one.
    for (question, field) in [
        (json!({ "message": " ", "stream": true }), "message"),
        (json!({ "message": "gap?", "agent": "oracle", "stream": true }), "agent"),
    ] {
        let refused = admin.post("/api/v1/chat", question).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["field"], field);
    }
    let elsewhere = json!({
        "message": "gap?",
        "stream": true,
        "conversation_id": "0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10",
    });
    let refused = admin.post("/api/v1/chat", elsewhere).await.expect(404);
    assert_eq!(refused.json()["code"], "conversation_not_found");
    let empty = admin.get("/api/v1/documents?limit=1").await.expect(200);
    assert_eq!(empty.json(), json!({ "items": [] }));
}

#[tokio::test]
async fn answers_carry_the_security_headers() {
    let world = World::new();
    let client = world.client();
    for target in ["/", "/docs", "/openapi.json", "/no/such/place", "/api/v1/documents"] {
        let reply = client.get(target).await;
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'self';"), "{target}: {policy}");
        assert!(!policy.contains("unsafe") || target == "/docs", "{target}: {policy}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("x-frame-options"), "DENY");
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        assert!(!reply.header("strict-transport-security").is_empty());
        assert_eq!(reply.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn only_listed_origins_may_read_answers() {
    let origins = CorsOrigins::parse(&["https://tools.example".to_owned()]).unwrap();
    let world = World::with(HttpSettings { cors_origins: origins, ..HttpSettings::default() });
    for (origin, allowed) in
        [("https://tools.example", "https://tools.example"), ("https://evil.example", "")]
    {
        let reply = world.client().with("origin", origin).get("/api/v1/documents").await;
        assert_eq!(reply.header("access-control-allow-origin"), allowed, "{origin}");
        assert_eq!(reply.header("access-control-allow-credentials"), "");
    }
}

#[tokio::test]
async fn a_page_that_is_known_is_not_sent_again() {
    let world = World::new();
    let client = world.client();
    let first = client.get("/assets/docs.js").await.expect(200);
    let tag = first.header("etag").to_owned();
    assert!(first.header("content-type").starts_with("text/javascript"));
    let again = client.with("if-none-match", &format!("\"other\", W/{tag}"));
    let again = again.get("/assets/docs.js").await.expect(304);
    assert!(again.body.is_empty());
    assert_eq!(again.header("etag"), tag);
}

#[tokio::test]
async fn addresses_inside_the_face_answer_it_and_unknown_routes_a_problem() {
    let world = World::new();
    let browser = world.client().with("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    for target in ["/", "/ask", "/documents/0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10?x=1"] {
        let page = browser.get(target).await.expect(200);
        assert!(page.header("content-type").starts_with("text/html"), "{target}");
        assert_eq!(page.header("cache-control"), "no-cache", "{target}");
    }
    for target in ["/api/v1/no/such/route", "/assets/app/gone.js", "/health/x", "/api"] {
        let problem = browser.get(target).await.expect(404);
        assert_eq!(problem.json()["code"], "route_not_found", "{target}");
    }
    let program = world.client().with("accept", "application/json");
    assert_eq!(program.get("/documents").await.expect(404).json()["code"], "route_not_found");
    assert_eq!(world.client().get("/documents").await.expect(404).json()["status"], 404);
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    let one = NonZeroU32::MIN;
    let world = World::with(HttpSettings {
        requests_per_minute: one.saturating_add(2),
        ..HttpSettings::default()
    });
    world.tenant().await;
    let viewer = world.signed_in("v@alpha.example", "viewer").await;
    viewer.get("/api/v1/auth/me").await.expect(200);
    viewer.get("/api/v1/auth/me").await.expect(200);
    let refused = viewer.get("/api/v1/auth/me").await.expect(429);
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    assert_eq!(refused.json()["code"], "rate_limited");
}

#[tokio::test]
async fn sign_ins_are_limited_by_address() {
    let one = NonZeroU32::MIN;
    let world = World::with(HttpSettings { logins_per_minute: one, ..HttpSettings::default() });
    let login = json!({ "email": "a@b", "password": "x" });
    let client = world.client();
    client.post("/api/v1/auth/login", login.clone()).await.expect(401);
    client.post("/api/v1/auth/login", login).await.expect(429);
}

#[tokio::test]
async fn health_names_each_part_and_what_to_do() {
    let world = World::new();
    let client = world.client();
    assert_eq!(client.get("/health/live").await.expect(200).json()["status"], "live");
    let ready = client.get("/health/ready").await.expect(200).json();
    let parts = ready["parts"].as_array().unwrap();
    let names: Vec<_> = parts.iter().map(|part| part["name"].as_str().unwrap()).collect();
    let expected = [
        "store",
        "key",
        "certificate",
        "parse_cage",
        "model_worker",
        "language_models",
        "model_cage",
        "disk",
        "clock",
    ];
    assert_eq!(names, expected);
    // The cage was not tested: the rest works, and it is said.
    assert_eq!(ready["state"], "degraded");
    for part in parts {
        let troubled = part["state"] != "ok";
        assert_eq!(troubled, part["action"].is_string(), "{part}");
    }
}

#[tokio::test]
async fn metrics_have_help_type_and_bounded_labels() {
    let world = World::new();
    let client = world.client();
    client.get("/health/live").await.expect(200);
    client.get("/api/v1/documents/0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10").await;
    client.send("BREW", "/pot", Body::empty()).await;
    let text = client.get("/metrics").await.expect(200).text();
    for name in ["http_requests_total", "http_request_duration_seconds"] {
        assert!(text.contains(&format!("# HELP {name} ")), "{text}");
        assert!(text.contains(&format!("# TYPE {name} ")), "{text}");
    }
    assert!(text.contains("http_request_duration_seconds_bucket{"), "{text}");
    assert!(text.contains("millwright_part_state{part=\"disk\"} "), "{text}");
    assert!(text.contains("route=\"/api/v1/documents/{document_id}\""), "{text}");
    assert!(text.contains("method=\"other\""), "{text}");
    assert!(!text.contains("0190b6a1") && !text.contains("/pot"), "{text}");
}

#[tokio::test]
async fn the_log_is_proved_entry_by_entry_and_state_by_state() {
    let world = World::new();
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    let root = "/api/v1/admin/audit";
    let early = admin.get(&format!("{root}/checkpoint")).await.expect(200).json();
    let size = early["size"].as_u64().unwrap();
    assert!(early["note"].as_str().unwrap().starts_with(early["origin"].as_str().unwrap()));
    world.person("b@alpha.example", "viewer").await;
    let hash = |value: &serde_json::Value| value.as_str().unwrap().parse::<audit::Hash>().unwrap();
    let path = |value: &serde_json::Value| {
        value["path"].as_array().unwrap().iter().map(hash).collect::<Vec<_>>()
    };
    for index in 0..size {
        let target = format!("{root}/entries/{index}/proof?tree_size={size}");
        let proof = admin.get(&target).await.expect(200).json();
        assert_eq!(hash(&proof["root"]), hash(&early["root"]));
        let inclusion =
            audit::InclusionProof { leaf_index: index, tree_size: size, path: path(&proof) };
        let leaf = audit::leaf_hash(proof["entry"].as_str().unwrap().as_bytes());
        audit::verify_inclusion(&inclusion, &leaf, &hash(&early["root"])).unwrap();
    }
    let target = format!("{root}/consistency?old_size={size}");
    let proof = admin.get(&target).await.expect(200).json();
    let later = admin.get(&format!("{root}/checkpoint")).await.expect(200).json();
    assert!(later["size"].as_u64().unwrap() > size);
    assert_eq!((&proof["new_size"], &proof["new_root"]), (&later["size"], &later["root"]));
    let consistency = audit::ConsistencyProof {
        old_size: size,
        new_size: later["size"].as_u64().unwrap(),
        path: path(&proof),
    };
    let roots = [&early, &later].map(|state| hash(&state["root"]));
    audit::verify_consistency(&consistency, &roots[0], &roots[1]).unwrap();

    let beyond = format!("{root}/entries/{}/proof", later["size"]);
    let refused = admin.get(&beyond).await.expect(404);
    assert_eq!(refused.json()["code"], "audit_entry_not_found");
    for (target, field) in [
        (format!("{root}/entries/0/proof?tree_size=99999"), "tree_size"),
        (format!("{root}/consistency?old_size=99999"), "old_size"),
        (format!("{root}/export?format=xml"), "format"),
        (format!("{root}/export?from=soon"), "from"),
    ] {
        let refused = admin.get(&target).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["field"], field);
    }
}

#[tokio::test]
async fn an_export_of_the_log_proves_itself_in_both_forms() {
    let world = World::new();
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    for _ in 0..3 {
        admin.get("/api/v1/admin/users").await.expect(200);
        world.person(&format!("p{}@alpha.example", rand_name()), "viewer").await;
    }
    let export = admin.get("/api/v1/admin/audit/export").await.expect(200);
    assert!(export.header("content-disposition").contains("audit.jsonl"));
    let text = export.text();
    let mut lines = text.lines();
    let mut verifier = audit::ExportVerifier::begin(lines.next().unwrap()).unwrap();
    lines.for_each(|line| verifier.line(line).unwrap());
    let sound = verifier.finish().unwrap();
    assert_eq!(sound.entries, sound.checkpoint.size, "all of it");
    assert!(text.contains("\"user.created\"") && !text.contains("a@alpha.example"));
    // An empty stretch is proved to be part of the log as well.
    let none = admin.get("/api/v1/admin/audit/export?until=2001-01-01").await.expect(200).text();
    let mut lines = none.lines();
    let mut verifier = audit::ExportVerifier::begin(lines.next().unwrap()).unwrap();
    lines.for_each(|line| verifier.line(line).unwrap());
    assert_eq!(verifier.finish().unwrap().entries, 0);
    let csv = admin.get("/api/v1/admin/audit/export?format=csv").await.expect(200);
    let text = csv.text();
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows[1], "index,time,actor,action,object,outcome,entry");
    assert!(rows[0].starts_with("# {") && rows[rows.len() - 1].starts_with("# {"));
    let viewer = world.signed_in("v@alpha.example", "viewer").await;
    viewer.get("/api/v1/admin/audit/export").await.expect(403);
    let told = admin.get("/api/v1/admin/audit?action=audit.exported").await.expect(200).json();
    assert_eq!(told["items"].as_array().unwrap().len(), 3);
}

/// A name that no other call gives.
fn rand_name() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
