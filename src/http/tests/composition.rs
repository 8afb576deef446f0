//! Agents, workflows, plans, memories and thinking tools through the router.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use axum::body::Body;
use serde_json::{Value, json};

use super::support::{Client, World};

async fn put(client: &Client, target: &str, body: Value) -> super::support::Reply {
    client.send_json("PUT", target, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_listed_changed_and_reset() {
    let world = World::new();
    world.tenant().await;
    let admin = world.signed_in("admin@alpha.example", "admin").await;
    let viewer = world.signed_in("viewer@alpha.example", "viewer").await;
    let agents = viewer.get("/api/v1/agents").await.expect(200).json();
    assert_eq!(agents["items"].as_array().unwrap().len(), 6);
    let place = "/api/v1/agents/data_analyst/override";
    let change = json!({ "title": "Zahlenmensch", "ceiling": "INTERNAL" });
    put(&viewer, place, change.clone()).await.expect(403);
    let changed = put(&admin, place, change).await.expect(200).json();
    assert_eq!(
        (&changed["title"], &changed["ceiling"]),
        (&json!("Zahlenmensch"), &json!("INTERNAL"))
    );
    let mut fields: Vec<&str> =
        changed["changed"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["ceiling", "title"]);
    let wrong = put(&admin, place, json!({ "tools": ["run_shell"] })).await.expect(422).json();
    assert_eq!(wrong["errors"][0]["field"], "tools[0]");
    let wrong = put(&admin, place, json!({ "tier": "gigantic" })).await.expect(422).json();
    assert_eq!(wrong["errors"][0]["field"], "tier");
    let reset = admin.send("DELETE", place, Body::empty()).await.expect(200).json();
    assert_eq!((&reset["title"], &reset["changed"]), (&json!("Data analyst"), &json!([])));
    viewer.get("/api/v1/agents/nobody").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_queued_shown_cancelled_and_told_as_events() {
    let world = World::new();
    world.tenant().await;
    let operator = world.signed_in("operator@alpha.example", "operator").await;
    let known = operator.get("/api/v1/workflows").await.expect(200).json();
    assert_eq!(known["items"].as_array().unwrap().len(), 3);
    operator.get("/api/v1/workflows/document_check").await.expect(200);
    let runs = "/api/v1/workflows/runs";
    let toml = "name = \"t\"\ntitle = \"T\"\n[step]\nkind = \"value\"\nid = \"v\"\nvalue = \"${input.a}\"\n";
    let started = json!({ "definition_toml": toml, "input": { "a": 1 } });
    let run = operator.post(runs, started).await.expect(202).json();
    assert_eq!(run["state"], "queued");
    let place = format!("{runs}/{}", run["id"].as_str().unwrap());
    let details = operator.get(&place).await.expect(200).json();
    assert_eq!(details["definition"]["step"]["kind"], "value");
    let decision = json!({ "step": "v", "digest": "0".repeat(64), "decision": "approved" });
    let refused = operator.post(&format!("{place}/decide"), decision).await.expect(409).json();
    assert_eq!(refused["code"], "workflow_gate_not_waiting");
    let cancelled = operator.post(&format!("{place}/cancel"), json!({})).await.expect(200).json();
    assert_eq!(cancelled["state"], "cancelled");
    operator.post(&format!("{place}/cancel"), json!({})).await.expect(409);
    // It is over, so the stream ends.
    let events = operator.get(&format!("{place}/events")).await.expect(200);
    assert!(events.text().contains("event: run.ended\nid: 1\n"), "{}", events.text());
    let bad = toml.replace("kind = \"value\"", "kind = \"shell\"");
    let bad = json!({ "definition_toml": bad, "input": {} });
    let refused = operator.post(runs, bad).await.expect(422).json();
    assert_eq!(refused["errors"][0]["field"], "definition.step.kind");
    assert!(refused["errors"][0]["reason"].as_str().unwrap().contains("(line 4)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_approved_by_the_digest_that_was_shown() {
    let world = World::new();
    world.tenant().await;
    let operator = world.signed_in("operator@alpha.example", "operator").await;
    let task = json!({ "id": "ask", "title": "Ask", "kind": "ask", "task": "Which pump?" });
    let wanted = json!({ "goal": "Find it out", "tasks": [task] });
    let plan = operator.post("/api/v1/plans", wanted).await.expect(201).json();
    assert_eq!((&plan["state"], &plan["questions"]), (&json!("proposed"), &json!(1)));
    let place = format!("/api/v1/plans/{}", plan["id"].as_str().unwrap());
    let approve = format!("{place}/approve");
    let other = json!({ "digest": "f".repeat(64) });
    let refused = operator.post(&approve, other).await.expect(409).json();
    assert_eq!(refused["code"], "plan_changed");
    let shown = json!({ "digest": plan["digest"] });
    let running = operator.post(&approve, shown).await.expect(200).json();
    assert_eq!(running["state"], "running");
    let status = operator.get(&format!("{place}/status")).await.expect(200).json();
    assert_eq!(status["run_id"], running["run_id"]);
    operator.post(&format!("{place}/reject"), json!({})).await.expect(409);
    // Without tasks of one's own a model has to be there.
    let refused = operator.post("/api/v1/plans", json!({ "goal": "x" })).await.expect(409).json();
    assert_eq!(refused["code"], "no_language_model");
}

#[tokio::test(flavor = "multi_thread")]
async fn memories_need_consent_and_stay_with_their_person() {
    let world = World::new();
    world.tenant().await;
    let anna = world.signed_in("anna@alpha.example", "viewer").await;
    let admin = world.signed_in("admin@alpha.example", "admin").await;
    let of_agent = "/api/v1/agents/generalist/memories";
    let fact = json!({ "kind": "fact", "text": "Works on line 4." });
    let refused = anna.post(of_agent, fact.clone()).await.expect(409).json();
    assert_eq!(refused["code"], "memory_not_allowed");
    put(&anna, "/api/v1/me/memories/consent", json!({ "allowed": true })).await.expect(200);
    let memory = anna.post(of_agent, fact).await.expect(201).json();
    let place = format!("{of_agent}/{}", memory["id"].as_str().unwrap());
    admin.get(&place).await.expect(404);
    let changed = json!({ "importance": 5, "keep": true });
    let changed = anna.send_json("PATCH", &place, changed).await.expect(200).json();
    assert_eq!(changed["importance"], 5);
    let own = anna.get("/api/v1/me/memories").await.expect(200).json();
    assert_eq!(own["items"].as_array().unwrap().len(), 1);
    let export = anna.get("/api/v1/me/memories/export").await.expect(200).json();
    assert_eq!(export["items"][0]["text"], "Works on line 4.");
    let gone = anna.send("DELETE", "/api/v1/me/memories", Body::empty()).await.expect(200).json();
    assert_eq!(gone["memories"], 1);
    anna.get(&place).await.expect(404);
    anna.get("/api/v1/agents/nobody/memories").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn thinking_is_estimated_before_and_needs_a_model() {
    let world = World::new();
    world.tenant().await;
    let viewer = world.signed_in("viewer@alpha.example", "viewer").await;
    let request = json!({ "tool": "council", "question": "Stop the line?", "members": 5 });
    let estimate = viewer.post("/api/v1/thinking/estimate", request.clone()).await.expect(200);
    let estimate = estimate.json();
    // Opinions, rebuttals, options, votes, conclusion.
    assert_eq!(estimate["calls"], 5 + 5 + 1 + 5 + 1);
    let refused = viewer.post("/api/v1/thinking", request).await.expect(409).json();
    assert_eq!(refused["code"], "no_language_model");
    for (body, field) in [
        (json!({ "tool": "oracle", "question": "x" }), "tool"),
        (json!({ "tool": "council", "question": "x", "members": 2 }), "members"),
        (json!({ "tool": "red_team", "question": " " }), "question"),
    ] {
        let refused = viewer.post("/api/v1/thinking/estimate", body).await.expect(422).json();
        assert_eq!(refused["errors"][0]["field"], field);
    }
}
