//! What goes over the wire, both ways.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use proptest::prelude::*;
use tokio::sync::mpsc;

use super::*;
use crate::protocol::{FairShare, PrefixScope, Sampling, ToolSpec};

const MODEL: ModelHash = ModelHash::from_bytes([7; 32]);

fn input(output: OutputShape) -> GenerateInput {
    GenerateInput {
        prompt: Prompt::Chat(vec![ChatMessage::new(Speaker::User, "Which pump?")]),
        output,
        sampling: Sampling::GREEDY,
        max_tokens: 64,
        stop: Vec::new(),
        scope: PrefixScope([0; 16]),
        share: FairShare([0; 16]),
    }
}

fn tools(choice: ToolChoice) -> OutputShape {
    let tool = ToolSpec {
        name: "calculate".into(),
        description: "Calculates".into(),
        parameters: r#"{"type":"object"}"#.into(),
    };
    OutputShape::Tools { tools: vec![tool], choice }
}

fn whole(output: OutputShape, body: &Value) -> Result<Generation, ModelError> {
    let input = input(output);
    let mut reading = Reading::new(&input);
    reading.whole(body.to_string().as_bytes())?;
    reading.finish(MODEL, Instant::now())
}

fn said(text: &str, finish: &str) -> Value {
    json!({ "choices": [{ "message": { "role": "assistant", "content": text },
        "finish_reason": finish }], "usage": { "prompt_tokens": 9, "completion_tokens": 3,
        "prompt_tokens_details": { "cached_tokens": 4 } } })
}

#[test]
fn what_is_asked_has_the_names_of_the_api() {
    let mut asked = input(tools(ToolChoice::Named("calculate".into())));
    let mut called = ChatMessage::new(Speaker::Assistant, "");
    called.tool_calls.push(ToolCall { name: "calculate".into(), arguments: "{}".into() });
    let mut result = ChatMessage::new(Speaker::Tool, "4");
    result.tool_name = Some("calculate".into());
    let Prompt::Chat(messages) = &mut asked.prompt else { unreachable!() };
    messages.extend([called, result]);
    let body: Value = serde_json::from_slice(&request("m", &asked, true).unwrap()).unwrap();
    assert_eq!(body["messages"][1]["tool_calls"][0]["id"], "call_0");
    assert_eq!(body["messages"][2]["tool_call_id"], "call_0");
    assert_eq!(body["tool_choice"]["function"]["name"], "calculate");
    assert_eq!(body["stream_options"]["include_usage"], true);
    let schema = r#"{"type":"object"}"#.to_owned();
    let shaped = request("m", &input(OutputShape::Json { schema }), false).unwrap();
    let body: Value = serde_json::from_slice(&shaped).unwrap();
    assert_eq!(body["response_format"]["json_schema"]["schema"]["type"], "object");
    assert!(body.get("top_k").is_none() && body.get("stop").is_none());
}

#[test]
fn an_answer_is_taken_only_in_the_shape_that_was_asked_for() {
    let text = whole(OutputShape::Text, &said("P-7", "stop")).unwrap();
    assert_eq!((text.text.as_str(), text.finish), ("P-7", FinishReason::Stop));
    assert_eq!(text.usage, TokenUsage { prompt_tokens: 9, cached_tokens: 4, completion_tokens: 3 });
    let json = || OutputShape::Json { schema: "{}".into() };
    assert!(whole(json(), &said(r#"{"n":1}"#, "stop")).is_ok());
    assert!(whole(json(), &said("Sure! {}", "stop")).is_err());
    let cut = whole(json(), &said(r#"{"n":"#, "length")).unwrap();
    assert_eq!(cut.finish, FinishReason::Length);
    let call = |name: &str, arguments: &str| {
        json!({ "choices": [{ "message": { "content": null, "tool_calls": [{ "id": "x",
            "function": { "name": name, "arguments": arguments } }] },
            "finish_reason": "tool_calls" }] })
    };
    let called = whole(tools(ToolChoice::Auto), &call("calculate", "{}")).unwrap();
    assert_eq!((called.finish, called.tool_calls.len()), (FinishReason::ToolCalls, 1));
    assert!(whole(tools(ToolChoice::Auto), &call("delete_all", "{}")).is_err());
    assert!(whole(tools(ToolChoice::Auto), &call("calculate", "[1]")).is_err());
    assert!(whole(tools(ToolChoice::Required), &said("no", "stop")).is_err());
    let endless = json!({ "choices": [{ "message": { "content": "and then" } }] });
    assert!(whole(OutputShape::Text, &endless).is_err());
}

proptest! {
    #[test]
    fn a_stream_is_the_same_however_it_is_cut(cuts in prop::collection::vec(1_usize..40, 1..60)) {
        let events = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n\
            : comment\r\n\
            data: {\"choices\":[{\"delta\":{\"content\":\"Čer\"}}]}\r\n\r\n\
            data: {\"choices\":[{\"delta\":{\"content\":\"padlo P-7\"}}]}\n\n\
            data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
            data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":4}}\n\n\
            data: [DONE]\n\n".as_bytes();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let input = input(OutputShape::Text);
            let mut reading = Reading::new(&input);
            let (sink, mut pieces) = mpsc::channel(16);
            let mut left = events;
            for cut in cuts.iter().cycle() {
                let (piece, rest) = left.split_at((*cut).min(left.len()));
                reading.piece(piece, &sink).await.unwrap();
                left = rest;
                if left.is_empty() {
                    break;
                }
            }
            drop(sink);
            let generation = reading.finish(MODEL, Instant::now()).unwrap();
            assert_eq!(generation.text, "Čerpadlo P-7");
            assert_eq!(generation.usage.completion_tokens, 4);
            assert_eq!(pieces.recv().await.unwrap(), "Čer");
            assert_eq!(pieces.recv().await.unwrap(), "padlo P-7");
            assert!(pieces.recv().await.is_none());
        });
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let input = input(OutputShape::Text);
        let mut reading = Reading::new(&input);
        let (sink, _pieces) = mpsc::channel(512);
        let _ = runtime.block_on(reading.piece(&bytes, &sink));
        let _ = reading.whole(&bytes);
        let _ = reading.finish(MODEL, Instant::now());
    }
}
