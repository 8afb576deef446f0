//! The playground as its clients see it, with a scripted model and no documents.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::sync::Arc;

use axum::body::Body;
use models::{ScriptedModel, ScriptedReply, Tier};
use serde_json::{Value, json};

use super::support::{Client, World};
use crate::Method;
use crate::console::ConsoleRequest;

const RUN: &str = "/api/v1/playground/run";
const TRACES: &str = "/api/v1/playground/traces";

/// An appliance with a model that answers every question with nothing at all.
async fn world() -> World {
    let world = World::new();
    world.tenant().await;
    let model = ScriptedModel::new("scripted", |_| {
        let nothing = json!({ "unknown": [], "searches": [], "claims": [] });
        ScriptedReply::Text(nothing.to_string())
    });
    world.state.tiers().set_members(Tier::Standard, vec![Arc::new(model)]);
    world
}

async fn ran(client: &Client) -> Value {
    let body = json!({ "question": "What is the torque?", "settings": { "seed": 7 } });
    client.post(RUN, body).await.expect(200).json()
}

#[tokio::test]
async fn a_run_leaves_a_trace_that_is_listed_read_compared_replayed_and_deleted() {
    let world = world().await;
    let viewer = world.signed_in("v@alpha.example", "viewer").await;
    let trace = ran(&viewer).await;
    assert_eq!((&trace["outcome"], &trace["kind"]), (&json!("refused"), &json!("playground")));
    assert_eq!((&trace["seed"], &trace["settings"]["seed"]), (&json!(7), &json!(7)));
    let id = trace["id"].as_str().unwrap();
    let listed = viewer.get(TRACES).await.expect(200).json();
    assert_eq!(listed["items"][0]["id"], trace["id"]);
    assert!(listed["items"][0].get("question").is_none());
    let read = viewer.get(&format!("{TRACES}/{id}")).await.expect(200).json();
    assert_eq!(read, trace);
    let replay = viewer.post(&format!("{TRACES}/{id}/replay"), json!({})).await.expect(200).json();
    assert_eq!((&replay["identical"], &replay["trace"]["replay_of"]), (&json!(true), &json!(id)));
    let other = replay["trace"]["id"].as_str().unwrap();
    let target = format!("/api/v1/playground/compare?left={id}&right={other}");
    let compared = viewer.get(&target).await.expect(200).json();
    assert_eq!(compared["identical"], true);
    let gone = viewer.send("DELETE", &format!("{TRACES}/{id}"), Body::empty()).await;
    gone.expect(204);
    viewer.get(&format!("{TRACES}/{id}")).await.expect(404);
}

#[tokio::test]
async fn a_run_and_a_trace_are_told_as_event_streams() {
    let world = world().await;
    let viewer = world.signed_in("v@alpha.example", "viewer").await;
    let body = json!({ "question": "What is the torque?", "stream": true });
    let stream = viewer.post(RUN, body).await.expect(200);
    assert_eq!(stream.header("content-type"), "text/event-stream");
    let text = stream.text();
    for event in ["event: step.started\nid: ", "event: step.finished\nid: ", "event: done\nid: "] {
        assert!(text.contains(event), "{event}: {text}");
    }
    let listed = viewer.get(TRACES).await.expect(200).json();
    let id = listed["items"][0]["id"].as_str().unwrap();
    let told = viewer.get(&format!("{TRACES}/{id}/events")).await.expect(200);
    let names = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with("event: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names(&told.text()), names(&text));
    // Taken up behind its first event.
    let first =
        told.text().lines().find_map(|l| l.strip_prefix("id: ").map(str::to_owned)).unwrap();
    let rest = viewer.clone().with("last-event-id", &first);
    let rest = rest.get(&format!("{TRACES}/{id}/events")).await.expect(200);
    assert_eq!(names(&rest.text()), names(&told.text())[1..]);
}

#[tokio::test]
async fn what_is_wrong_with_a_run_is_said() {
    let world = world().await;
    let viewer = world.signed_in("v@alpha.example", "viewer").await;
    for (settings, field) in [
        (json!({ "tier": "huge" }), "settings.tier"),
        (json!({ "strategy": "guess" }), "settings.strategy"),
        (json!({ "temperature": 9.0 }), "settings.temperature"),
        (json!({ "budget_tokens": 1 }), "settings.budget_tokens"),
    ] {
        let body = json!({ "question": "?x", "settings": settings });
        let refused = viewer.post(RUN, body).await.expect(422).json();
        assert_eq!(refused["errors"][0]["field"], field);
    }
    let refused = viewer.post(RUN, json!({ "question": " " })).await.expect(422).json();
    assert_eq!(refused["errors"][0]["field"], "question");
    world.state.tiers().set_members(Tier::Standard, Vec::new());
    let refused = viewer.post(RUN, json!({ "question": "Torque?" })).await.expect(409).json();
    assert_eq!(refused["code"], "no_language_model");
}

#[tokio::test]
async fn traces_are_there_for_their_owner_alone() {
    let world = world().await;
    let owner = world.signed_in("v@alpha.example", "viewer").await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    let operators = world
        .operator(Method::Post, RUN, json!({ "question": "What is the torque?" }))
        .await
        .expect(200)
        .json();
    let id = ran(&owner).await["id"].as_str().unwrap().to_owned();
    let random = "0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10";
    for id in [id.as_str(), random, "1"] {
        for (method, target) in [
            ("GET", format!("{TRACES}/{id}")),
            ("GET", format!("{TRACES}/{id}/events")),
            ("DELETE", format!("{TRACES}/{id}")),
            ("POST", format!("{TRACES}/{id}/replay")),
        ] {
            let refused = admin.send_json(method, &target, json!({})).await.expect(404).json();
            assert_eq!(refused["code"], "trace_not_found", "{method} {target}");
            let nobody = world.client().send_json(method, &target, json!({})).await;
            nobody.expect(401);
        }
    }
    let target = format!("/api/v1/playground/compare?left={id}&right={id}");
    admin.get(&target).await.expect(404);
    // Administrators see that there was a run, and not a word of it.
    let all = admin.get("/api/v1/admin/traces").await.expect(200);
    assert!(all.text().contains(&id) && !all.text().contains("torque"), "{}", all.text());
    owner.get("/api/v1/admin/traces").await.expect(403);
    // Another tenant has no such trace.
    let beta = json!({ "slug": "beta", "name": "Beta" });
    let made = world.operator(Method::Post, "/api/v1/appliance/tenants", beta).await;
    made.expect(201);
    let target = format!("{TRACES}/{}", operators["id"].as_str().unwrap());
    for (tenant, status) in [("alpha", 200), ("beta", 404)] {
        let request = ConsoleRequest::new(Method::Get, &target).tenant(Some(tenant.to_owned()));
        let response = world.console.send(request).await.unwrap();
        assert_eq!(response.status.as_u16(), status, "{tenant}");
    }
}
