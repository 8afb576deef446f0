//! What is written to an upstream and read from it: the chat completions of OpenAI's API, as far as
//! vLLM, llama-server and Ollama have them too.

#[cfg(test)]
mod tests;

use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{estimate, unusable};
use crate::error::ModelError;
use crate::language::TextSink;
use crate::protocol::{
    ChatMessage, FinishReason, GenerateInput, Generation, ModelHash, OutputShape, Prompt, Speaker,
    TokenUsage, ToolCall, ToolChoice,
};

/// Longest line of a stream, in bytes.
const LINE_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Most tool calls of one answer.
const CALLS_MAX: usize = 64;

/// The body of a call.
pub(super) fn request(
    model: &str,
    input: &GenerateInput,
    stream: bool,
) -> Result<Vec<u8>, ModelError> {
    let sampling = &input.sampling;
    let mut body = json!({
        "model": model,
        "max_tokens": input.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        // More than 31 bits are not taken everywhere.
        "seed": sampling.seed & 0x7fff_ffff,
        "stream": stream,
    });
    let mut set = |name: &str, value: Value| body[name] = value;
    match &input.prompt {
        Prompt::Chat(messages) => set("messages", as_messages(messages)),
        Prompt::Raw(text) => set("prompt", json!(text)),
    }
    // Beyond OpenAI's own, and known to all three; left out where they say nothing.
    if sampling.top_k > 0 {
        set("top_k", json!(sampling.top_k));
    }
    if sampling.min_p > 0.0 {
        set("min_p", json!(sampling.min_p));
    }
    if !input.stop.is_empty() {
        set("stop", json!(input.stop));
    }
    if stream {
        set("stream_options", json!({ "include_usage": true }));
    }
    match &input.output {
        OutputShape::Text => {}
        OutputShape::Json { schema } => {
            let format = json!({ "name": "output", "strict": true, "schema": parsed(schema)? });
            set("response_format", json!({ "type": "json_schema", "json_schema": format }));
        }
        OutputShape::Tools { tools, choice } => {
            let mut list = Vec::with_capacity(tools.len());
            for tool in tools {
                let function = json!({
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": parsed(&tool.parameters)?,
                });
                list.push(json!({ "type": "function", "function": function }));
            }
            set("tools", json!(list));
            let choice = match choice {
                ToolChoice::Auto => json!("auto"),
                ToolChoice::Required => json!("required"),
                ToolChoice::Named(name) => {
                    json!({ "type": "function", "function": { "name": name } })
                }
            };
            set("tool_choice", choice);
        }
    }
    serde_json::to_vec(&body).map_err(|_| unusable("the prompt can't be written as JSON"))
}

fn parsed(schema: &str) -> Result<Value, ModelError> {
    serde_json::from_str(schema).map_err(|_| unusable("a schema is not JSON"))
}

/// Results of tools name the calls that they answer, in the order in which those were made.
fn as_messages(messages: &[ChatMessage]) -> Value {
    let (mut made, mut answered) = (0_usize, 0_usize);
    let mut list = Vec::with_capacity(messages.len());
    for message in messages {
        let mut one = json!({ "role": message.speaker.as_str(), "content": message.text });
        if message.speaker == Speaker::Tool {
            one["tool_call_id"] = json!(format!("call_{answered}"));
            answered += 1;
        }
        if !message.tool_calls.is_empty() {
            let calls = message.tool_calls.iter().map(|call| {
                let id = format!("call_{made}");
                made += 1;
                let function = json!({ "name": call.name, "arguments": call.arguments });
                json!({ "id": id, "type": "function", "function": function })
            });
            one["tool_calls"] = calls.collect();
        }
        list.push(one);
    }
    Value::Array(list)
}

/// Whether a list of models has this one; `None` when it is no such list.
pub(super) fn lists_model(body: &[u8], model: &str) -> Option<bool> {
    #[derive(Deserialize)]
    struct List {
        data: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        id: String,
    }
    let list: List = serde_json::from_slice(body).ok()?;
    Some(list.data.iter().any(|entry| entry.id == model))
}

#[derive(Default, Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    /// Of a stream.
    #[serde(default)]
    delta: Option<Message>,
    /// Of a whole answer.
    #[serde(default)]
    message: Option<Message>,
    /// Of plain completions, either way.
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    index: Option<usize>,
    #[serde(default)]
    function: Function,
}

#[derive(Default, Deserialize)]
struct Function {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
struct Usage {
    prompt_tokens: u32,
    #[serde(default)]
    completion_tokens: u32,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Clone, Copy, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u32>,
}

/// An answer as it comes together.
pub(super) struct Reading<'i> {
    input: &'i GenerateInput,
    /// Of a stream: what was read of a line that is not whole.
    line: Vec<u8>,
    text: String,
    calls: Vec<ToolCall>,
    finish: Option<String>,
    usage: Option<Usage>,
    first_at: Option<Instant>,
    /// Whether somebody listens still.
    heard: bool,
}

impl<'i> Reading<'i> {
    pub(super) const fn new(input: &'i GenerateInput) -> Self {
        Self {
            input,
            line: Vec::new(),
            text: String::new(),
            calls: Vec::new(),
            finish: None,
            usage: None,
            first_at: None,
            heard: true,
        }
    }

    /// An answer that came at once.
    pub(super) fn whole(&mut self, body: &[u8]) -> Result<(), ModelError> {
        let chunk: Chunk = serde_json::from_slice(body)
            .map_err(|_| unusable("the upstream's answer can't be read"))?;
        self.take(chunk).map(drop)
    }

    /// A piece of a stream of events (`text/event-stream`), of which only the data counts.
    pub(super) async fn piece(&mut self, bytes: &[u8], sink: &TextSink) -> Result<(), ModelError> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + part.len() > LINE_MAX_BYTES {
                return Err(unusable("a line of the upstream's answer is too long"));
            }
            self.line.extend_from_slice(part);
            if !part.ends_with(b"\n") {
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let said = self.event(&line)?;
            if said.is_empty() {
                continue;
            }
            self.first_at.get_or_insert_with(Instant::now);
            self.heard = self.heard && sink.send(said).await.is_ok();
        }
        Ok(())
    }

    /// Takes a line; what was said in it.
    fn event(&mut self, line: &[u8]) -> Result<String, ModelError> {
        let Some(data) = line.strip_prefix(b"data:") else { return Ok(String::new()) };
        let data = data.trim_ascii();
        if data.is_empty() || data == b"[DONE]" {
            return Ok(String::new());
        }
        let chunk: Chunk = serde_json::from_slice(data)
            .map_err(|_| unusable("an event of the upstream's answer can't be read"))?;
        self.take(chunk)
    }

    fn take(&mut self, chunk: Chunk) -> Result<String, ModelError> {
        self.usage = chunk.usage.or(self.usage);
        let Some(choice) = chunk.choices.into_iter().next() else { return Ok(String::new()) };
        if choice.finish_reason.is_some() {
            self.finish = choice.finish_reason;
        }
        let message = choice.delta.or(choice.message).unwrap_or_default();
        for (i, call) in message.tool_calls.into_iter().flatten().enumerate() {
            let at = call.index.unwrap_or(i);
            if at >= CALLS_MAX {
                return Err(unusable("the upstream calls too many tools at once"));
            }
            while self.calls.len() <= at {
                self.calls.push(ToolCall { name: String::new(), arguments: String::new() });
            }
            let whole = &mut self.calls[at];
            whole.name.push_str(&call.function.name.unwrap_or_default());
            whole.arguments.push_str(&call.function.arguments.unwrap_or_default());
        }
        let said = message.content.or(choice.text).unwrap_or_default();
        self.text.push_str(&said);
        Ok(said)
    }

    /// The generation, if it has the shape that was asked for.
    pub(super) fn finish(self, model: ModelHash, begun: Instant) -> Result<Generation, ModelError> {
        let reason = self.finish.as_deref();
        if reason.is_none() {
            return Err(unusable("the upstream's answer ended before its end"));
        }
        let cut = reason == Some("length");
        match &self.input.output {
            OutputShape::Text => {}
            OutputShape::Json { .. } if !cut => {
                if serde_json::from_str::<Value>(&self.text).is_err() {
                    return Err(unusable(
                        "the upstream's answer is not the JSON that was asked for",
                    ));
                }
            }
            OutputShape::Json { .. } => {}
            OutputShape::Tools { tools, choice } => {
                for call in &self.calls {
                    let known = tools.iter().any(|tool| tool.name == call.name);
                    let object = serde_json::from_str::<serde_json::Map<_, _>>(&call.arguments);
                    if !known || object.is_err() {
                        return Err(unusable("the upstream's tool call is none that can be made"));
                    }
                }
                if self.calls.is_empty() && !matches!(choice, ToolChoice::Auto) {
                    return Err(unusable("the upstream called no tool, though it had to"));
                }
            }
        }
        let finish = match () {
            () if !self.calls.is_empty() => FinishReason::ToolCalls,
            () if cut => FinishReason::Length,
            () => FinishReason::Stop,
        };
        let usage = self.usage.map_or_else(|| self.guessed(), TokenUsage::from);
        let first_at = self.first_at.unwrap_or_else(Instant::now);
        let whole_ms = |from: Instant, to: Instant| {
            u32::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u32::MAX)
        };
        Ok(Generation {
            text: self.text,
            tool_calls: self.calls,
            finish,
            usage,
            model,
            first_token_ms: whole_ms(begun, first_at),
            generation_ms: whole_ms(first_at, Instant::now()),
        })
    }

    /// For a server that does not say what it cost.
    fn guessed(&self) -> TokenUsage {
        let prompt_bytes = match &self.input.prompt {
            Prompt::Raw(text) => text.len(),
            Prompt::Chat(messages) => messages.iter().map(|message| message.text.len()).sum(),
        };
        let calls = self.calls.iter().map(|call| call.name.len() + call.arguments.len());
        TokenUsage {
            prompt_tokens: estimate(prompt_bytes),
            cached_tokens: 0,
            completion_tokens: estimate(self.text.len() + calls.sum::<usize>()),
        }
    }
}

impl From<Usage> for TokenUsage {
    fn from(usage: Usage) -> Self {
        let cached = usage.prompt_tokens_details.and_then(|details| details.cached_tokens);
        Self {
            prompt_tokens: usage.prompt_tokens,
            cached_tokens: cached.unwrap_or(0).min(usage.prompt_tokens),
            completion_tokens: usage.completion_tokens,
        }
    }
}
