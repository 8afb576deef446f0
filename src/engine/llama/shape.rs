//! The shape that an output is held to, and what comes out in it.

use std::cell::OnceCell;

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llguidance::api::TopLevelGrammar;
use llguidance::{Matcher, ParserFactory};
use models::protocol::{FinishReason, OutputShape, ToolCall, ToolChoice, ToolSpec, WorkerError};
use serde_json::{Value, json};

use super::text::TextPieces;

/// What comes before the text of a reply where tools could have been called.
const REPLY_START: &str = "{\"reply\":\"";

/// Makes samplers that let only the wanted shape through. The vocabulary is walked when the first
/// one is wanted, which takes some tenths of a second with a large one.
#[derive(Default)]
pub(super) struct Shapes {
    factory: OnceCell<Result<ParserFactory, String>>,
}

impl Shapes {
    /// A sampler that masks every token that would leave the shape; none for any text.
    ///
    /// # Errors
    /// [`WorkerError::Invalid`] when the schema can't be followed.
    pub(super) fn sampler(
        &self,
        model: &LlamaModel,
        shape: &OutputShape,
    ) -> Result<Option<LlamaSampler>, WorkerError> {
        let (field, schema) = match shape {
            OutputShape::Text => return Ok(None),
            OutputShape::Json { schema } => ("schema", parsed("schema", schema)?),
            OutputShape::Tools { tools, choice } => ("tools", tools_schema(tools, choice)?),
        };
        let invalid = |reason: String| WorkerError::Invalid { field: field.to_owned(), reason };
        let factory = self.factory.get_or_init(|| {
            let environment = LlamaSampler::llguidance_tok_env(model);
            let mut factory =
                ParserFactory::new_simple(&environment).map_err(|error| error.to_string())?;
            factory.quiet();
            Ok(factory)
        });
        let factory =
            factory.as_ref().map_err(|reason| WorkerError::Failed { reason: reason.clone() })?;
        let grammar = TopLevelGrammar::from_json_schema(compact(schema));
        let parser = factory.create_parser(grammar).map_err(|error| invalid(error.to_string()))?;
        let matcher = Matcher::new(Ok(parser));
        match matcher.get_error() {
            Some(reason) => Err(invalid(reason)),
            None => Ok(Some(matcher.into())),
        }
    }
}

/// No spaces between the parts of the JSON, or a model could write them for ever.
fn compact(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(fields) => {
            fields.insert("x-guidance".to_owned(), json!({ "whitespace_flexible": false }));
            schema
        }
        // `true` is a schema too: anything.
        _ => json!({ "allOf": [schema], "x-guidance": { "whitespace_flexible": false } }),
    }
}

fn parsed(field: &str, schema: &str) -> Result<Value, WorkerError> {
    serde_json::from_str(schema).map_err(|error| WorkerError::Invalid {
        field: field.to_owned(),
        reason: format!("no JSON: {error}"),
    })
}

/// A reply, or one of the calls.
fn tools_schema(tools: &[ToolSpec], choice: &ToolChoice) -> Result<Value, WorkerError> {
    let mut options = Vec::with_capacity(tools.len() + 1);
    if *choice == ToolChoice::Auto {
        options.push(json!({
            "type": "object",
            "properties": { "reply": { "type": "string" } },
            "required": ["reply"],
            "additionalProperties": false,
        }));
    }
    for (i, tool) in tools.iter().enumerate() {
        if matches!(choice, ToolChoice::Named(name) if *name != tool.name) {
            continue;
        }
        let arguments = parsed(&format!("tools[{i}].parameters"), &tool.parameters)?;
        options.push(json!({
            "type": "object",
            "properties": { "tool": { "const": tool.name }, "arguments": arguments },
            "required": ["tool", "arguments"],
            "additionalProperties": false,
        }));
    }
    Ok(json!({ "anyOf": options }))
}

/// How a model is told of its tools, in words that fit the shape.
pub(super) fn tools_told(tools: &[ToolSpec], choice: &ToolChoice) -> String {
    let mut told = String::from("You can use these tools:\n");
    for tool in tools {
        let ToolSpec { name, description, parameters } = tool;
        told.push_str(&format!("- {name}: {description} Arguments: {parameters}\n"));
    }
    told.push_str("To use one, answer with {\"tool\":NAME,\"arguments\":{…}}.");
    if *choice == ToolChoice::Auto {
        told.push_str(" To answer without one, answer with {\"reply\":TEXT}.");
    }
    told
}

/// A call as the model is reminded of it.
pub(super) fn call_told(call: &ToolCall) -> String {
    let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or(Value::Null);
    json!({ "tool": call.name, "arguments": arguments }).to_string()
}

/// An output on its way.
pub(super) struct Output {
    kind: Kind,
    text: TextPieces,
}

enum Kind {
    Text,
    Json,
    /// The text of a reply, as far as it came.
    Tools(Reply),
}

/// What came out.
pub(super) struct Outcome {
    pub(super) text: String,
    pub(super) tool_calls: Vec<ToolCall>,
    pub(super) finish: FinishReason,
    /// What was not shown yet.
    pub(super) last_piece: String,
}

impl Output {
    pub(super) fn new(shape: &OutputShape, stops: Vec<String>) -> Self {
        match shape {
            OutputShape::Text => Self { kind: Kind::Text, text: TextPieces::new(stops) },
            OutputShape::Json { .. } => {
                Self { kind: Kind::Json, text: TextPieces::new(Vec::new()) }
            }
            OutputShape::Tools { .. } => {
                let kind = Kind::Tools(Reply::default());
                Self { kind, text: TextPieces::new(Vec::new()) }
            }
        }
    }

    /// Takes the bytes of a token; gives what can be shown.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        let piece = self.text.push(bytes);
        match &mut self.kind {
            Kind::Text | Kind::Json => piece,
            Kind::Tools(reply) => reply.push(&piece),
        }
    }

    /// Whether a stop text ended it.
    pub(super) const fn is_stopped(&self) -> bool {
        self.text.is_stopped()
    }

    /// It ends, for this reason.
    ///
    /// # Errors
    /// [`WorkerError::Failed`] when it says that it is complete and is not in shape.
    pub(super) fn finish(mut self, finish: FinishReason) -> Result<Outcome, WorkerError> {
        let rest = self.text.finish();
        let whole = self.text.into_whole();
        let out_of_shape = || WorkerError::Failed {
            reason: "the output left the shape that it was held to".to_owned(),
        };
        let plain = |text, last_piece| Outcome { text, tool_calls: Vec::new(), finish, last_piece };
        match self.kind {
            Kind::Text => Ok(plain(whole, rest)),
            Kind::Json => {
                let complete = serde_json::from_str::<serde::de::IgnoredAny>(&whole).is_ok();
                if finish == FinishReason::Stop && !complete {
                    return Err(out_of_shape());
                }
                Ok(plain(whole, rest))
            }
            Kind::Tools(mut reply) => {
                let last_piece = reply.push(&rest);
                if finish == FinishReason::Length {
                    return Ok(plain(reply.whole, last_piece));
                }
                let value: Value = serde_json::from_str(&whole).map_err(|_| out_of_shape())?;
                if let Some(text) = value["reply"].as_str() {
                    return Ok(plain(text.to_owned(), last_piece));
                }
                let name = value["tool"].as_str().ok_or_else(out_of_shape)?.to_owned();
                let arguments = value["arguments"].to_string();
                Ok(Outcome {
                    text: String::new(),
                    tool_calls: vec![ToolCall { name, arguments }],
                    finish: FinishReason::ToolCalls,
                    last_piece: String::new(),
                })
            }
        }
    }
}

/// Reads the text of a reply out of its JSON while it comes.
#[derive(Default)]
struct Reply {
    /// What came and is not read yet.
    unread: String,
    whole: String,
    state: ReplyState,
}

#[derive(Default, PartialEq)]
enum ReplyState {
    #[default]
    Before,
    Inside,
    /// It ended, or is none.
    After,
}

impl Reply {
    fn push(&mut self, piece: &str) -> String {
        self.unread.push_str(piece);
        if self.state == ReplyState::Before {
            if let Some(rest) = self.unread.strip_prefix(REPLY_START) {
                self.unread = rest.to_owned();
                self.state = ReplyState::Inside;
            } else if !REPLY_START.starts_with(&self.unread) {
                self.state = ReplyState::After;
            }
        }
        if self.state != ReplyState::Inside {
            return String::new();
        }
        let (end, closed) = readable(&self.unread);
        if closed {
            self.state = ReplyState::After;
        }
        // What is readable is a JSON string without its quotes.
        let text = serde_json::from_str::<String>(&format!("\"{}\"", &self.unread[..end]));
        self.unread.drain(..end);
        let text = text.unwrap_or_default();
        self.whole.push_str(&text);
        text
    }
}

/// How many bytes of the inside of a JSON string can be read now, whole escapes and pairs of them
/// only, and whether its closing quote comes then.
fn readable(inside: &str) -> (usize, bool) {
    let bytes = inside.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let length = match (byte, bytes.get(at + 1)) {
            (b'"', _) => return (at, true),
            (b'\\', Some(b'u')) => {
                let unit =
                    inside.get(at + 2..at + 6).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                match unit {
                    // The first half of a pair waits for the second.
                    Some(0xd800..=0xdbff) => 12,
                    _ => 6,
                }
            }
            (b'\\', _) => 2,
            _ => 1,
        };
        if at + length > bytes.len() {
            break;
        }
        at += length;
    }
    (at, false)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn tool(name: &str) -> ToolSpec {
        ToolSpec {
            name: name.to_owned(),
            description: "Looks.".to_owned(),
            parameters: "{\"type\":\"object\"}".to_owned(),
        }
    }

    fn reply(chunks: &[&str]) -> (Vec<String>, Outcome) {
        let tools = vec![tool("search")];
        let shape = OutputShape::Tools { tools, choice: ToolChoice::Auto };
        let mut output = Output::new(&shape, Vec::new());
        let mut shown: Vec<String> =
            chunks.iter().map(|chunk| output.push(chunk.as_bytes())).collect();
        let outcome = output.finish(FinishReason::Stop).unwrap();
        shown.push(outcome.last_piece.clone());
        (shown, outcome)
    }

    #[test]
    fn a_reply_is_shown_as_it_comes_without_its_json() {
        let (shown, outcome) = reply(&[
            "{\"rep",
            "ly\":\"25",
            " N\\",
            "u00b7m \\ud83d",
            "\\ude00 \\",
            "\"x\\\"",
            "\"}",
        ]);
        assert_eq!(shown, ["", "25", " N", "·m ", "😀 ", "\"x\"", "", ""]);
        assert_eq!(outcome.text, "25 N·m 😀 \"x\"");
        assert_eq!(outcome.finish, FinishReason::Stop);
    }

    #[test]
    fn a_call_is_not_shown_as_text() {
        let (shown, outcome) = reply(&["{\"tool\":\"search\",", "\"arguments\":{\"q\":\"a\"}}"]);
        assert_eq!(shown.concat(), "");
        assert_eq!(outcome.finish, FinishReason::ToolCalls);
        assert_eq!(outcome.tool_calls[0].name, "search");
        assert_eq!(outcome.tool_calls[0].arguments, "{\"q\":\"a\"}");
    }

    #[test]
    fn json_that_says_it_is_complete_and_is_not_is_an_error() {
        let shape = OutputShape::Json { schema: "{}".to_owned() };
        let mut output = Output::new(&shape, Vec::new());
        output.push(b"{\"a\":");
        assert!(output.finish(FinishReason::Stop).is_err());
        let mut output = Output::new(&shape, Vec::new());
        output.push(b"{\"a\":");
        assert_eq!(output.finish(FinishReason::Length).unwrap().text, "{\"a\":");
    }

    #[test]
    fn the_tool_that_must_be_called_is_the_only_option() {
        let tools = [tool("search"), tool("read")];
        let options = |choice| {
            let schema = tools_schema(&tools, &choice).unwrap();
            schema["anyOf"].as_array().unwrap().len()
        };
        assert_eq!(options(ToolChoice::Auto), 3);
        assert_eq!(options(ToolChoice::Required), 2);
        assert_eq!(options(ToolChoice::Named("read".to_owned())), 1);
    }
}
