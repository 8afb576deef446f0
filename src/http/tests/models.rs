//! The routes of language models, as far as they go without a worker.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use axum::body::Body;
use serde_json::{Value, json};

use super::support::World;
use crate::Method;
use crate::console::ConsoleRequest;

const MODELS: &str = "/api/v1/models";

async fn import(world: &World, target: &str, content: &'static str) -> (u16, Value) {
    let body = Body::from(content);
    let request = ConsoleRequest::new(Method::Post, target).body("application/octet-stream", body);
    let response = world.console.send(request).await.unwrap();
    let status = response.status.as_u16();
    (status, response.json().await.unwrap())
}

#[tokio::test]
async fn what_is_no_model_is_refused_and_leaves_nothing() {
    let world = World::new();
    world.tenant().await;
    let (status, problem) = import(&world, MODELS, "PK\u{3}\u{4} a zip").await;
    assert_eq!((status, problem["errors"][0]["field"].as_str()), (422, Some("file")));
    // It looks like one, and there is no worker that could look into it.
    let (status, problem) = import(&world, MODELS, "GGUF but not really").await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("model_unavailable")));
    let huge = format!("{MODELS}?size_bytes={}", u64::MAX);
    assert_eq!(import(&world, &huge, "GGUF").await.0, 422);
    let plain = world.operator(Method::Post, MODELS, json!({})).await;
    assert_eq!(plain.expect(415).json()["code"], "unsupported_media_type");
    let left = world.dir.path().join("data/models/.incoming");
    assert_eq!(std::fs::read_dir(left).unwrap().count(), 0);
    let list = world.operator(Method::Get, MODELS, Value::Null).await.expect(200).json();
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn models_and_tiers_that_are_not_there_are_not_found() {
    let world = World::new();
    world.tenant().await;
    for (method, target, body) in [
        (Method::Get, format!("{MODELS}/nothing"), Value::Null),
        (Method::Delete, format!("{MODELS}/nothing"), Value::Null),
        (Method::Post, format!("{MODELS}/nothing/trial"), Value::Null),
        (Method::Post, format!("{MODELS}/nothing/verify"), Value::Null),
        (Method::Put, format!("{MODELS}/tiers/light"), json!({ "models": ["nothing"] })),
    ] {
        let refused = world.operator(method, &target, body).await.expect(404);
        assert_eq!(refused.json()["code"], "model_not_found", "{target}");
    }
    let tier = format!("{MODELS}/tiers/huge");
    let refused = world.operator(Method::Put, &tier, json!({ "models": [] })).await.expect(404);
    assert_eq!(refused.json()["code"], "tier_not_found");
    let none = format!("{MODELS}/tiers/light");
    world.operator(Method::Put, &none, json!({ "models": [] })).await.expect(200);
    // Nobody but who administers the appliance.
    let admin = world.signed_in("a@alpha.example", "admin").await;
    admin.get(MODELS).await.expect(403);
}
