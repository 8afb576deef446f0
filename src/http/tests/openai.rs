//! OpenAI's API: what its clients send and read, budgets, and the record of what was generated.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::sync::Arc;

use ::models::{
    GenerateInput, OutputShape, Prompt, ScriptedModel, ScriptedReply, Speaker, Tier, ToolCall,
    ToolChoice,
};
use serde_json::{Value, json};

use super::support::{Client, Reply, World};
use crate::Method;

const COMPLETIONS: &str = "/v1/chat/completions";

/// A model that answers by what it is asked.
fn model(name: &str) -> ScriptedModel {
    ScriptedModel::new(name, |input: &GenerateInput| match &input.output {
        OutputShape::Json { .. } => ScriptedReply::Text(r#"{"weight_t": 4}"#.to_owned()),
        OutputShape::Tools { tools, .. } if last(input) != "Thanks." => {
            ScriptedReply::Tool(ToolCall {
                name: tools[0].name.clone(),
                arguments: r#"{"tag":"K-1"}"#.to_owned(),
            })
        }
        _ if last(input) == "Break." => ScriptedReply::Dies { after: "The crane ".to_owned() },
        _ => ScriptedReply::Text("The crane K-1 weighs 4 t.".to_owned()),
    })
}

fn last(input: &GenerateInput) -> &str {
    let Prompt::Chat(messages) = &input.prompt else { return "" };
    messages.last().map_or("", |message| &message.text)
}

async fn world() -> (World, Client, ScriptedModel) {
    let world = World::new();
    world.tenant().await;
    let client = world.signed_in("v@alpha.example", "viewer").await;
    let model = model("tiny");
    world.state.tiers().set_members(Tier::Standard, vec![Arc::new(model.clone())]);
    (world, client, model)
}

fn ask(model: &str, text: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": text }] })
}

fn with(mut base: Value, more: Value) -> Value {
    let Value::Object(more) = more else { return base };
    base.as_object_mut().unwrap().extend(more);
    base
}

/// The data of each event.
fn events(reply: &Reply) -> Vec<String> {
    let text = reply.text();
    assert!(text.ends_with("\n\n"), "{text}");
    text.split_terminator("\n\n").map(|e| e.strip_prefix("data: ").unwrap().to_owned()).collect()
}

async fn log_of(world: &World, action: &str) -> Vec<Value> {
    let target = format!("/api/v1/admin/audit?action={action}");
    let log = world.operator(Method::Get, &target, Value::Null).await.expect(200);
    log.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn models_are_listed_by_what_they_are() {
    let (world, client, _) = world().await;
    let list = client.get("/v1/models").await.expect(200).json();
    let names: Vec<&str> =
        list["data"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    let expected = [
        "millwright",
        "millwright-light",
        "millwright-standard",
        "millwright-heavy",
        "tiny",
        "all-minilm-l6-v2",
    ];
    assert_eq!(names, expected);
    world.state.tiers().set_members(Tier::Standard, Vec::new());
    let list = client.get("/v1/models").await.expect(200).json();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_completion_is_given_counted_and_recorded() {
    let (world, client, model) = world().await;
    let body = with(
        ask("tiny", "What does K-1 weigh?"),
        json!({ "seed": 7, "temperature": 0, "max_tokens": 20, "stop": ["END"], "user": "x" }),
    );
    let given = client.post(COMPLETIONS, body).await.expect(200).json();
    assert_eq!(given["object"], "chat.completion");
    assert_eq!(given["model"], "tiny");
    let choice = &given["choices"][0];
    assert_eq!(choice["message"]["content"], "The crane K-1 weighs 4 t.");
    assert_eq!(
        (choice["finish_reason"].as_str(), choice["index"].as_i64()),
        (Some("stop"), Some(0))
    );
    assert_eq!(given["usage"]["total_tokens"], 4 + 6);
    let asked = model.asked().remove(0);
    assert_eq!((asked.sampling.seed, asked.max_tokens), (7, 20));
    assert!(asked.sampling.temperature == 0.0 && asked.stop == ["END"]);
    // Any tier's name is answered by the nearest model, in any case the same one.
    let given = client.post(COMPLETIONS, ask("millwright-heavy", "And K-2?")).await.expect(200);
    assert_eq!(given.json()["model"], "tiny");
    let entries = log_of(&world, "completion.given").await;
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1]["detail"]["prompt_tokens"], 4, "{entries:#?}");
    let usage = world.operator(Method::Get, "/api/v1/admin/usage/tokens?group=model", Value::Null);
    let usage = usage.await.expect(200).json();
    assert_eq!(usage["rows"][0]["requests"], 2, "{usage:#}");
    assert_eq!(usage["rows"][0]["completion_tokens"], 12);
    let own = client.get("/api/v1/auth/budget").await.expect(200).json();
    assert_eq!(own["used"]["day"], 10 + 8, "{own:#}");
}

#[tokio::test]
async fn a_stream_ends_with_done_and_with_usage_when_asked() {
    let (world, client, _) = world().await;
    let body = with(
        ask("tiny", "What does K-1 weigh?"),
        json!({ "stream": true, "stream_options": { "include_usage": true } }),
    );
    let reply = client.post(COMPLETIONS, body).await.expect(200);
    assert_eq!(reply.header("content-type"), "text/event-stream");
    let mut events = events(&reply);
    assert_eq!(events.pop().unwrap(), "[DONE]");
    let events: Vec<Value> = events.iter().map(|e| serde_json::from_str(e).unwrap()).collect();
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    let text: String =
        events.iter().filter_map(|e| e["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, "The crane K-1 weighs 4 t.");
    let usage = events.last().unwrap();
    assert_eq!(
        (usage["choices"].clone(), usage["usage"]["completion_tokens"].clone()),
        (json!([]), json!(6))
    );
    assert_eq!(events[events.len() - 2]["choices"][0]["finish_reason"], "stop");
    assert!(events.iter().all(|e| e["id"] == events[0]["id"]));
    assert_eq!(log_of(&world, "completion.given").await.len(), 1);
    // One that breaks says so, in the stream, and what it used is charged.
    let broken = client.post(COMPLETIONS, with(ask("tiny", "Break."), json!({ "stream": true })));
    let broken = broken.await.expect(200);
    let last = self::events(&broken).pop().unwrap();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(last["error"]["code"], "model_failed", "{last:#}");
    let entries = log_of(&world, "completion.given").await;
    assert_eq!((entries.len(), entries[0]["outcome"].as_str()), (2, Some("failed")));
    let standing = world.operator(Method::Get, "/api/v1/admin/budgets", Value::Null).await;
    assert_eq!(standing.json()["tenant"]["reserved"], 0);
}

#[tokio::test]
async fn tools_go_there_and_back() {
    let (_world, client, model) = world().await;
    let tool = json!({ "type": "function", "function": {
        "name": "weigh", "description": "Weighs a machine",
        "parameters": { "type": "object", "properties": { "tag": { "type": "string" } } },
    } });
    let body =
        with(ask("tiny", "Weigh K-1."), json!({ "tools": [tool], "tool_choice": "required" }));
    let given = client.post(COMPLETIONS, body.clone()).await.expect(200).json();
    let choice = &given["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], Value::Null);
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("weigh")));
    assert_eq!(call["function"]["arguments"], r#"{"tag":"K-1"}"#);
    let OutputShape::Tools { choice: asked, .. } = model.asked().remove(0).output else { panic!() };
    assert_eq!(asked, ToolChoice::Required);
    let back = json!({ "model": "tiny", "messages": [
        { "role": "user", "content": [{ "type": "text", "text": "Weigh K-1." }] },
        choice["message"],
        { "role": "tool", "tool_call_id": call["id"], "content": "4 t" },
    ] });
    client.post(COMPLETIONS, back).await.expect(200);
    let Prompt::Chat(messages) = model.asked().pop().unwrap().prompt else { panic!() };
    assert_eq!(messages[2].speaker, Speaker::Tool);
    assert_eq!(messages[2].tool_name.as_deref(), Some("weigh"));
    assert_eq!(messages[1].tool_calls[0].name, "weigh");
    // In a stream the call comes in one piece.
    let reply = client.post(COMPLETIONS, with(body, json!({ "stream": true }))).await.expect(200);
    let calls = events(&reply).into_iter().filter(|e| e.contains("tool_calls\":[")).count();
    assert_eq!(calls, 1, "{}", reply.text());
}

#[tokio::test]
async fn a_shape_is_handed_to_the_model() {
    let (_world, client, model) = world().await;
    let schema = json!({ "type": "object", "properties": { "weight_t": { "type": "number" } } });
    let format = json!({ "type": "json_schema",
        "json_schema": { "name": "weight", "strict": true, "schema": schema } });
    let body = with(ask("tiny", "Weigh K-1."), json!({ "response_format": format }));
    let given = client.post(COMPLETIONS, body).await.expect(200).json();
    assert_eq!(given["choices"][0]["message"]["content"], r#"{"weight_t": 4}"#);
    let OutputShape::Json { schema: asked } = model.asked().remove(0).output else { panic!() };
    assert_eq!(serde_json::from_str::<Value>(&asked).unwrap(), schema);
    let object = json!({ "response_format": { "type": "json_object" } });
    client.post(COMPLETIONS, with(ask("tiny", "x"), object)).await.expect(200);
}

#[tokio::test]
async fn failures_have_the_shape_that_clients_read() {
    let (world, client, _) = world().await;
    let cases = [
        (json!({ "n": 2 }), "n"),
        (json!({ "logprobs": true }), "logprobs"),
        (json!({ "max_tokens": 0 }), "max_tokens"),
        (json!({ "temperature": 9 }), "temperature"),
        (json!({ "stop": [""] }), "stop"),
        (json!({ "tool_choice": "required" }), "tool_choice"),
        (json!({ "response_format": { "type": "xml" } }), "response_format.type"),
        (json!({ "messages": [] }), "messages"),
        (json!({ "messages": [{ "role": "king", "content": "x" }] }), "messages[0].role"),
        (json!({ "messages": [{ "role": "user" }] }), "messages[0].content"),
        (
            json!({ "messages": [{ "role": "tool", "tool_call_id": "no", "content": "x" }] }),
            "messages[0].tool_call_id",
        ),
    ];
    for (more, field) in cases {
        let refused = client.post(COMPLETIONS, with(ask("tiny", "x"), more)).await.expect(422);
        assert_eq!(refused.header("content-type"), "application/json");
        let error = &refused.json()["error"];
        assert_eq!(error["param"], field, "{error:#}");
        assert_eq!(error["type"], "invalid_request_error");
    }
    let unknown = client.post(COMPLETIONS, ask("gpt-5", "x")).await.expect(404).json();
    assert_eq!(unknown["error"]["code"], "model_not_found");
    assert_eq!(unknown["error"]["param"], "model");
    let nobody = world.client().post(COMPLETIONS, ask("tiny", "x")).await.expect(401);
    assert_eq!(nobody.json()["error"]["type"], "authentication_error");
    assert!(nobody.header("www-authenticate").starts_with("Bearer"));
}

#[tokio::test]
async fn a_budget_that_is_used_up_refuses_and_says_until_when() {
    let (world, client, model) = world().await;
    let limits = json!({ "tenant_day": 0, "tenant_month": 0, "person_day": 100, "person_month": 0,
        "overflow": "refuse" });
    let set = world.operator(Method::Put, "/api/v1/admin/budgets", limits.clone()).await;
    assert_eq!(set.expect(200).json()["limits"], limits);
    let body = with(ask("tiny", "What does K-1 weigh?"), json!({ "max_tokens": 60 }));
    client.post(COMPLETIONS, body.clone()).await.expect(200);
    // The next one would fit by what was used, and not by what may be used.
    let too_much = with(body, json!({ "max_tokens": 90 }));
    let refused = client.post(COMPLETIONS, too_much).await.expect(429);
    assert_eq!(refused.json()["error"]["code"], "token_budget_exhausted");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    assert_eq!(model.asked().len(), 1);
    let own = client.get("/api/v1/auth/budget").await.expect(200).json();
    assert_eq!((own["day_limit"].as_u64(), own["used"]["day"].as_u64()), (Some(100), Some(10)));
    client.get("/api/v1/admin/budgets").await.expect(403);
    let wrong = with(limits, json!({ "overflow": "borrow" }));
    let refused = world.operator(Method::Put, "/api/v1/admin/budgets", wrong).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "overflow");
}

#[tokio::test]
async fn the_model_of_the_documents_says_where_it_has_it_from() {
    let (world, client, _) = world().await;
    world.state.tiers().set_members(Tier::Standard, Vec::new());
    let given = client.post(COMPLETIONS, ask("millwright", "What is the gap of P-7?")).await;
    let given = given.expect(200).json();
    assert_eq!(given["model"], "millwright");
    assert!(given["choices"][0]["message"]["content"].is_string());
    let own = &given["millwright"];
    assert!(own["receipt"]["audit_index"].is_u64(), "{given:#}");
    assert!(own["citations"].is_array() && own["conversation_id"].is_string());
    let more = json!({ "stream": true, "stream_options": { "include_usage": true },
        "millwright": { "conversation_id": own["conversation_id"] } });
    let reply = client.post(COMPLETIONS, with(ask("millwright", "And of P-8?"), more)).await;
    let reply = reply.expect(200);
    let events = events(&reply);
    assert_eq!(events.last().unwrap(), "[DONE]");
    let last: Value = serde_json::from_str(&events[1]).unwrap();
    assert_eq!(last["millwright"]["conversation_id"], own["conversation_id"]);
    let tools = json!({ "tools": [{ "type": "function", "function": { "name": "x" } }] });
    let refused = client.post(COMPLETIONS, with(ask("millwright", "x"), tools)).await.expect(422);
    assert_eq!(refused.json()["error"]["param"], "tools");
}

#[tokio::test]
async fn embeddings_name_what_is_wrong_before_anything_is_computed() {
    let (_world, client, _) = world().await;
    let base = json!({ "model": "all-minilm-l6-v2", "input": "x" });
    for (more, field) in [
        (json!({ "dimensions": 7 }), "dimensions"),
        (json!({ "encoding_format": "int8" }), "encoding_format"),
        (json!({ "input": [] }), "input"),
        (json!({ "input": ["a", ""] }), "input"),
        (json!({ "model": "other" }), "model"),
    ] {
        let refused = client.post("/v1/embeddings", with(base.clone(), more)).await;
        assert!([404, 422].contains(&refused.status));
        assert_eq!(refused.json()["error"]["param"], field, "{}", refused.text());
    }
    // The worker of these tests is never there.
    let failed = client.post("/v1/embeddings", base).await.expect(503);
    assert_eq!(failed.json()["error"]["type"], "server_error");
}
