//! Output in a given shape: a random model can't leave it.

use models::protocol::{OutputShape, ToolChoice, ToolSpec};
use models::{ChatMessage, FinishReason, ModelError, Prompt, Sampling, Speaker};
use serde_json::Value;

use crate::plant::{Plant, chat};

const VERDICT: &str = r#"{
    "type": "object",
    "properties": {
        "verdict": { "enum": ["accept", "reject"] },
        "votes": { "type": "array", "items": { "type": "integer", "minimum": 0, "maximum": 9 },
                   "minItems": 2, "maxItems": 3 }
    },
    "required": ["verdict", "votes"],
    "additionalProperties": false
}"#;

fn tools() -> Vec<ToolSpec> {
    let tool = |name: &str, field: &str| ToolSpec {
        name: name.to_owned(),
        description: "Looks something up.".to_owned(),
        parameters: format!(
            r#"{{"type":"object","properties":{{"{field}":{{"enum":["P-101","P-102"]}}}},
                "required":["{field}"],"additionalProperties":false}}"#
        ),
    };
    vec![tool("find_pump", "pump"), tool("read_alarm", "alarm")]
}

#[tokio::test]
async fn json_fits_its_schema_whatever_the_model_would_say() {
    let plant = Plant::new().await;
    for seed in 0..20 {
        let mut input = chat("Vote.", 200);
        input.output = OutputShape::Json { schema: VERDICT.to_owned() };
        input.sampling = Sampling::warm(1.5, seed);
        let (generated, pieces) = plant.stream(&input).await;
        let generated = generated.unwrap();
        assert_eq!(generated.finish, FinishReason::Stop);
        assert_eq!(pieces.concat(), generated.text);
        let value: Value = serde_json::from_str(&generated.text).unwrap();
        assert!(["accept", "reject"].contains(&value["verdict"].as_str().unwrap()));
        let votes = value["votes"].as_array().unwrap();
        assert!((2..=3).contains(&votes.len()));
        assert!(votes.iter().all(|vote| (0..=9).contains(&vote.as_i64().unwrap())), "{votes:?}");
    }
}

#[tokio::test]
async fn a_tool_call_is_never_malformed() {
    let plant = Plant::new().await;
    for seed in 0..20 {
        let mut input = chat("Which pump?", 100);
        input.output = OutputShape::Tools { tools: tools(), choice: ToolChoice::Required };
        input.sampling = Sampling::warm(1.5, seed);
        let generated = plant.generate(&input).await.unwrap();
        assert_eq!(generated.finish, FinishReason::ToolCalls);
        let [call] = generated.tool_calls.as_slice() else { panic!("{generated:?}") };
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
        let field = if call.name == "find_pump" { "pump" } else { "alarm" };
        assert!(["P-101", "P-102"].contains(&arguments[field].as_str().unwrap()), "{call:?}");
        // And the way back.
        if let Prompt::Chat(messages) = &mut input.prompt {
            let mut said = ChatMessage::new(Speaker::Assistant, "");
            said.tool_calls = generated.tool_calls.clone();
            let mut result = ChatMessage::new(Speaker::Tool, "It runs.");
            result.tool_name = Some(call.name.clone());
            messages.extend([said, result]);
        }
        input.output = OutputShape::Tools { tools: tools(), choice: ToolChoice::Auto };
        plant.generate(&input).await.unwrap();
    }
}

#[tokio::test]
async fn a_reply_streams_without_its_json_and_what_is_cut_says_so() {
    let plant = Plant::new().await;
    let mut seen = 0;
    for seed in 0..30 {
        let mut input = chat("Which pump?", 40);
        input.output = OutputShape::Tools { tools: tools(), choice: ToolChoice::Auto };
        input.sampling = Sampling::warm(1.5, seed);
        let (generated, pieces) = plant.stream(&input).await;
        let generated = generated.unwrap();
        assert_eq!(pieces.concat(), generated.text);
        if !generated.text.is_empty() {
            seen += 1;
            assert!(!generated.text.contains("{\"reply\""), "{}", generated.text);
            assert!(generated.tool_calls.is_empty());
        }
    }
    assert!(seen > 0, "no reply among 30");
}

#[tokio::test]
async fn a_schema_that_cannot_be_followed_is_named() {
    let plant = Plant::new().await;
    for schema in ["{", r#"{"type":"nothing"}"#, r#"{"$ref":"http://example.com/schema"}"#] {
        let mut input = chat("Anything.", 8);
        input.output = OutputShape::Json { schema: schema.to_owned() };
        let error = plant.generate(&input).await.unwrap_err();
        let ModelError::Invalid(violation) = error else { panic!("{schema}: {error}") };
        assert_eq!(violation.field, "schema", "{schema}");
    }
    plant.generate(&chat("Still there?", 4)).await.unwrap();
}
