//! What is sent to `/v1/chat/completions`. Fields that are not named here say nothing about the answer
//! and are passed over, as that API's servers do.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A conversation that is to be gone on with.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = OpenAiCompletionRequest)]
pub(super) struct CompletionRequest {
    /// Of GET /v1/models.
    pub(super) model: String,
    pub(super) messages: Vec<MessageIn>,
    /// Answer as an event stream that ends with `[DONE]`.
    #[serde(default)]
    pub(super) stream: Option<bool>,
    #[serde(default)]
    pub(super) stream_options: Option<StreamOptions>,
    #[serde(default)]
    pub(super) max_tokens: Option<u32>,
    /// As `max_tokens`, and counts before it.
    #[serde(default)]
    pub(super) max_completion_tokens: Option<u32>,
    #[serde(default)]
    pub(super) temperature: Option<f32>,
    #[serde(default)]
    pub(super) top_p: Option<f32>,
    #[serde(default)]
    pub(super) frequency_penalty: Option<f32>,
    #[serde(default)]
    pub(super) presence_penalty: Option<f32>,
    /// 1 is all there is.
    #[serde(default)]
    pub(super) n: Option<u32>,
    /// One text or several.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(super) stop: Option<OneOrMany>,
    #[serde(default)]
    pub(super) seed: Option<i64>,
    #[serde(default)]
    pub(super) tools: Option<Vec<ToolIn>>,
    /// `none`, `auto`, `required`, or an object that names a function.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(super) tool_choice: Option<Value>,
    #[serde(default)]
    pub(super) response_format: Option<ResponseFormat>,
    /// Is not offered.
    #[serde(default)]
    pub(super) logprobs: Option<bool>,
    /// What belongs to this appliance alone.
    #[serde(default)]
    pub(super) millwright: Option<Extension>,
}

/// What belongs to this appliance alone.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OpenAiCompletionExtension)]
pub(super) struct Extension {
    /// For the model `millwright`: the conversation that it belongs to.
    #[serde(default)]
    #[schema(format = "uuid")]
    pub(super) conversation_id: Option<String>,
}

/// How a stream is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = OpenAiStreamOptions)]
pub(super) struct StreamOptions {
    /// Send a last piece with what it cost.
    #[serde(default)]
    pub(super) include_usage: bool,
}

/// A message.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = OpenAiMessage)]
pub(super) struct MessageIn {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    pub(super) role: String,
    /// A text, or parts of type `text`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(super) content: Option<ContentIn>,
    #[serde(default)]
    pub(super) tool_calls: Option<Vec<ToolCallIn>>,
    /// For `tool`: the call that it answers.
    #[serde(default)]
    pub(super) tool_call_id: Option<String>,
}

/// A text, or its parts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum ContentIn {
    Text(String),
    Parts(Vec<PartIn>),
}

/// A part of a message.
#[derive(Debug, Deserialize)]
pub(super) struct PartIn {
    pub(super) r#type: String,
    #[serde(default)]
    pub(super) text: Option<String>,
}

/// A text, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

/// A tool that the model called.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = OpenAiToolCallIn)]
pub(super) struct ToolCallIn {
    pub(super) id: String,
    pub(super) function: CalledFunction,
}

/// The function that was called.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = OpenAiCalledFunctionIn)]
pub(super) struct CalledFunction {
    pub(super) name: String,
    /// A JSON object as text.
    pub(super) arguments: String,
}

/// A tool that the model may call.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = OpenAiTool)]
pub(super) struct ToolIn {
    /// `function`.
    pub(super) r#type: String,
    pub(super) function: FunctionIn,
}

/// A function that the model may call.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = OpenAiFunction)]
pub(super) struct FunctionIn {
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    /// JSON schema of its arguments.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(super) parameters: Option<Value>,
}

/// The shape that the answer is held to.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = OpenAiResponseFormat)]
pub(super) struct ResponseFormat {
    /// `text`, `json_object` or `json_schema`.
    pub(super) r#type: String,
    #[serde(default)]
    pub(super) json_schema: Option<NamedSchema>,
}

/// A JSON schema with its name.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = OpenAiNamedSchema)]
pub(super) struct NamedSchema {
    /// Held to token by token, whether or not `strict` says so.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(super) schema: Option<Value>,
}
