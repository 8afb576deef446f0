//! What `/v1/chat/completions` answers, whole and in pieces.

use ::models::{FinishReason, Generation, TokenUsage, ToolCall};
use base::RequestId;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A conversation, gone on with.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiCompletion)]
pub(super) struct Completion {
    pub(super) id: String,
    /// `chat.completion`.
    pub(super) object: &'static str,
    /// Seconds since 1970.
    pub(super) created: i64,
    /// The model that wrote it.
    pub(super) model: String,
    pub(super) choices: Vec<Choice>,
    pub(super) usage: UsageView,
    /// First digits of the model's hash.
    pub(super) system_fingerprint: String,
    /// Of the model `millwright`: citations and receipt, as POST /api/v1/chat answers them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(super) millwright: Option<Value>,
}

/// The one answer.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiChoice)]
pub(super) struct Choice {
    pub(super) index: u32,
    pub(super) message: MessageOut,
    /// `stop`, `length` or `tool_calls`.
    pub(super) finish_reason: &'static str,
    /// Never there.
    pub(super) logprobs: Option<bool>,
}

/// What the model said.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiMessageOut)]
pub(super) struct MessageOut {
    /// `assistant`.
    role: &'static str,
    /// Absent where tools are called.
    content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCallOut>,
    /// Never there.
    refusal: Option<String>,
}

/// A tool that is to be called.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiToolCall)]
struct ToolCallOut {
    id: String,
    /// `function`.
    r#type: &'static str,
    function: FunctionOut,
}

/// The function, with its arguments.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiCalledFunction)]
struct FunctionOut {
    name: String,
    /// A JSON object as text.
    arguments: String,
}

/// What it cost.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[schema(as = OpenAiUsage)]
pub(super) struct UsageView {
    prompt_tokens: u32,
    completion_tokens: u32,
    total_tokens: u32,
    prompt_tokens_details: PromptDetails,
}

/// More about the prompt.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[schema(as = OpenAiPromptDetails)]
struct PromptDetails {
    /// Computed before, for an earlier prompt of the same tenant.
    cached_tokens: u32,
}

impl From<TokenUsage> for UsageView {
    fn from(usage: TokenUsage) -> Self {
        Self {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.prompt_tokens.saturating_add(usage.completion_tokens),
            prompt_tokens_details: PromptDetails { cached_tokens: usage.cached_tokens },
        }
    }
}

impl MessageOut {
    /// A message of text alone.
    pub(super) fn text(text: String) -> Self {
        Self { role: "assistant", content: Some(text), tool_calls: Vec::new(), refusal: None }
    }

    fn new(id: RequestId, generation: &Generation) -> Self {
        let calls = tool_calls(id, &generation.tool_calls);
        let silent = generation.text.is_empty() && !calls.is_empty();
        let content = (!silent).then(|| generation.text.clone());
        Self { role: "assistant", content, tool_calls: calls, refusal: None }
    }
}

/// What stands at the head of an answer and of each of its pieces.
#[derive(Clone)]
pub(super) struct Heading {
    pub(super) id: RequestId,
    pub(super) created: i64,
    pub(super) model: String,
}

impl Heading {
    pub(super) fn name(&self) -> String {
        format!("chatcmpl-{}", self.id)
    }

    /// The whole answer.
    pub(super) fn completion(&self, model: String, generation: &Generation) -> Completion {
        Completion {
            id: self.name(),
            object: "chat.completion",
            created: self.created,
            model,
            choices: vec![Choice {
                index: 0,
                message: MessageOut::new(self.id, generation),
                finish_reason: finish_word(generation.finish),
                logprobs: None,
            }],
            usage: generation.usage.into(),
            system_fingerprint: fingerprint(generation),
            millwright: None,
        }
    }

    /// A piece with what is new.
    pub(super) fn piece(&self, delta: &Value, finish: Option<&'static str>) -> Value {
        let choice = json!({
            "index": 0, "delta": delta, "finish_reason": finish, "logprobs": null
        });
        json!({
            "id": self.name(), "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "choices": [choice],
        })
    }

    /// The last piece, with what it cost.
    pub(super) fn usage_piece(&self, usage: TokenUsage) -> Value {
        json!({
            "id": self.name(), "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "choices": [], "usage": UsageView::from(usage),
        })
    }

    /// A piece with all tool calls.
    pub(super) fn tools_piece(&self, calls: &[ToolCall]) -> Value {
        let calls = tool_calls(self.id, calls).into_iter().enumerate().map(|(index, call)| {
            let mut value = json!(call);
            value["index"] = json!(index);
            value
        });
        let calls: Vec<Value> = calls.collect();
        self.piece(&json!({ "tool_calls": calls }), None)
    }
}

fn tool_calls(id: RequestId, calls: &[ToolCall]) -> Vec<ToolCallOut> {
    let out = |(i, call): (usize, &ToolCall)| ToolCallOut {
        // Unique by the request; what comes back need only agree within one conversation.
        id: format!("call_{}_{i}", id.to_string().replace('-', "")),
        r#type: "function",
        function: FunctionOut { name: call.name.clone(), arguments: call.arguments.clone() },
    };
    calls.iter().enumerate().map(out).collect()
}

pub(super) const fn finish_word(finish: FinishReason) -> &'static str {
    match finish {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
    }
}

fn fingerprint(generation: &Generation) -> String {
    let mut digits = generation.model.to_string();
    digits.truncate(12);
    format!("mw-{digits}")
}
