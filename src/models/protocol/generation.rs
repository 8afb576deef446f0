//! What is said to models that generate text, and what comes back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::LimitError;

/// Most messages of one prompt.
pub const PROMPT_MAX_MESSAGES: usize = 256;

/// Most bytes of text in one prompt, over all messages and tools.
pub const PROMPT_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Most tools that one prompt offers.
pub const PROMPT_MAX_TOOLS: usize = 64;

/// Longest JSON schema of an output or of a tool's arguments, in bytes.
pub const SCHEMA_MAX_BYTES: usize = 64 * 1024;

/// Most tokens that one call may generate.
pub const GENERATE_MAX_TOKENS: u32 = 32 * 1024;

/// Most texts that end a generation, and how long each may be, in bytes.
pub const STOP_MAX_TEXTS: usize = 8;
/// See [`STOP_MAX_TEXTS`].
pub const STOP_MAX_BYTES: usize = 128;

/// SHA-256 of a model's file: its name on disk, in the registry, in receipts and in the worker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelHash([u8; 32]);

impl ModelHash {
    /// The hash that these bytes are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ModelHash {
    /// 64 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ModelHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModelHash({self})")
    }
}

/// Not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a model hash has 64 hexadecimal digits")]
pub struct ModelHashError;

impl FromStr for ModelHash {
    type Err = ModelHashError;

    fn from_str(text: &str) -> Result<Self, ModelHashError> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(ModelHashError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16).ok_or(ModelHashError)?;
            let low = char::from(pair[1]).to_digit(16).ok_or(ModelHashError)?;
            *byte = u8::try_from(high * 16 + low).map_err(|_| ModelHashError)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for ModelHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for ModelHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            <[u8; 32]>::deserialize(deserializer).map(Self)
        }
    }
}

/// Who speaks in a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Speaker {
    /// The appliance's instructions.
    System,
    /// The person, and text from documents that is put before the model.
    User,
    /// The model.
    Assistant,
    /// What a tool gave back.
    Tool,
}

impl Speaker {
    /// Its name in chat templates.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// A tool that the model wants to use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Its name.
    pub name: String,
    /// Its arguments, a JSON object that fits the tool's schema.
    pub arguments: String,
}

/// One message of a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who speaks.
    pub speaker: Speaker,
    /// What is said.
    pub text: String,
    /// Tools that the assistant called in this message.
    pub tool_calls: Vec<ToolCall>,
    /// For [`Speaker::Tool`]: the tool whose result this is.
    pub tool_name: Option<String>,
}

impl ChatMessage {
    /// A message without tools.
    #[must_use]
    pub fn new(speaker: Speaker, text: impl Into<String>) -> Self {
        Self { speaker, text: text.into(), tool_calls: Vec::new(), tool_name: None }
    }
}

/// A tool that the model may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Its name: letters, digits, `_` and `-`.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// JSON schema of its arguments, an object.
    pub parameters: String,
}

/// Which tool the model must call, if any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToolChoice {
    /// It decides between a reply and a call.
    Auto,
    /// Some tool.
    Required,
    /// This one.
    Named(String),
}

/// The shape that the model's output is held to, token by token: it cannot come out otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputShape {
    /// Any text.
    Text,
    /// JSON that fits this schema.
    Json {
        /// The schema, JSON Schema 2020-12 as far as llguidance has it.
        schema: String,
    },
    /// A reply, or a call of one of these tools.
    Tools {
        /// The tools.
        tools: Vec<ToolSpec>,
        /// Whether one must be called.
        choice: ToolChoice,
    },
}

/// What is put before the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prompt {
    /// Messages, laid out by the model's own chat template.
    Chat(Vec<ChatMessage>),
    /// Text as it is.
    Raw(String),
}

/// How the next token is chosen. Applied in this order: penalties, `top_k`, `top_p`, `min_p`,
/// temperature, then a draw from `seed`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 takes the most probable token always.
    pub temperature: f32,
    /// Only this many of the most probable; 0 is all.
    pub top_k: u32,
    /// Only the most probable that have this probability together; 1 is all.
    pub top_p: f32,
    /// Only those at least this probable beside the most probable one; 0 is all.
    pub min_p: f32,
    /// Divides the logits of tokens among the last 64; 1 does nothing.
    pub repeat_penalty: f32,
    /// Taken off per occurrence; 0 does nothing.
    pub frequency_penalty: f32,
    /// Taken off once; 0 does nothing.
    pub presence_penalty: f32,
    /// Where the draws begin. Together with model, build and prompt it fixes the output.
    pub seed: u32,
}

impl Sampling {
    /// The most probable token always.
    pub const GREEDY: Self = Self {
        temperature: 0.0,
        top_k: 0,
        top_p: 1.0,
        min_p: 0.0,
        repeat_penalty: 1.0,
        frequency_penalty: 0.0,
        presence_penalty: 0.0,
        seed: 0,
    };

    /// With a temperature, and what is commonly set beside it.
    #[must_use]
    pub const fn warm(temperature: f32, seed: u32) -> Self {
        Self { temperature, top_k: 40, top_p: 0.95, min_p: 0.05, seed, ..Self::GREEDY }
    }

    fn check(&self) -> Result<(), LimitError> {
        let fields = [
            ("temperature", self.temperature, 0.0, 5.0),
            ("top_p", self.top_p, 0.0, 1.0),
            ("min_p", self.min_p, 0.0, 1.0),
            ("repeat_penalty", self.repeat_penalty, 0.5, 2.0),
            ("frequency_penalty", self.frequency_penalty, -2.0, 2.0),
            ("presence_penalty", self.presence_penalty, -2.0, 2.0),
        ];
        for (field, value, least, most) in fields {
            // Not a number is not inside either.
            if !(least..=most).contains(&value) {
                let reason = format!("{value} is not between {least} and {most}");
                return Err(LimitError { field: field.to_owned(), reason });
            }
        }
        Ok(())
    }
}

/// Whose texts may share what the model has computed already: a tenant. Never crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PrefixScope(pub [u8; 16]);

/// Who asks, for turns that are fair among people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FairShare(pub [u8; 16]);

/// One text to be generated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerateInput {
    /// What is put before the model.
    pub prompt: Prompt,
    /// The shape that its output is held to.
    pub output: OutputShape,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Most tokens to generate.
    pub max_tokens: u32,
    /// Texts that end it; they are not part of the output.
    pub stop: Vec<String>,
    /// Whose computed prefixes it may use.
    pub scope: PrefixScope,
    /// Who asks.
    pub share: FairShare,
}

impl GenerateInput {
    /// Checks the limits of this module; both ends do.
    ///
    /// # Errors
    /// [`LimitError`] names the first field that breaks one.
    pub fn check_limits(&self) -> Result<(), LimitError> {
        let refuse =
            |field: &str, reason: String| Err(LimitError { field: field.to_owned(), reason });
        let mut total_bytes = 0;
        match &self.prompt {
            Prompt::Raw(text) => total_bytes += text.len(),
            Prompt::Chat(messages) => {
                if messages.is_empty() || messages.len() > PROMPT_MAX_MESSAGES {
                    let reason = format!("{} messages, 1 to {PROMPT_MAX_MESSAGES}", messages.len());
                    return refuse("messages", reason);
                }
                for message in messages {
                    let calls = message.tool_calls.iter();
                    let calls = calls.map(|call| call.name.len() + call.arguments.len());
                    total_bytes += message.text.len() + calls.sum::<usize>();
                }
            }
        }
        match &self.output {
            OutputShape::Text => {}
            OutputShape::Json { schema } => check_schema("schema", schema)?,
            OutputShape::Tools { tools, choice } => {
                if tools.is_empty() || tools.len() > PROMPT_MAX_TOOLS {
                    return refuse("tools", format!("{}, 1 to {PROMPT_MAX_TOOLS}", tools.len()));
                }
                for (i, tool) in tools.iter().enumerate() {
                    check_tool_name(&format!("tools[{i}].name"), &tool.name)?;
                    check_schema(&format!("tools[{i}].parameters"), &tool.parameters)?;
                    total_bytes += tool.description.len() + tool.parameters.len();
                }
                if let ToolChoice::Named(name) = choice
                    && !tools.iter().any(|tool| tool.name == *name)
                {
                    return refuse("tool_choice", format!("there is no tool {name:?}"));
                }
            }
        }
        if total_bytes > PROMPT_MAX_BYTES {
            return refuse("messages", format!("{total_bytes} bytes, at most {PROMPT_MAX_BYTES}"));
        }
        self.sampling.check()?;
        if self.max_tokens == 0 || self.max_tokens > GENERATE_MAX_TOKENS {
            let reason = format!("{}, 1 to {GENERATE_MAX_TOKENS}", self.max_tokens);
            return refuse("max_tokens", reason);
        }
        if self.stop.len() > STOP_MAX_TEXTS {
            return refuse("stop", format!("{} texts, at most {STOP_MAX_TEXTS}", self.stop.len()));
        }
        if self.stop.iter().any(|text| text.is_empty() || text.len() > STOP_MAX_BYTES) {
            return refuse("stop", format!("each has 1 to {STOP_MAX_BYTES} bytes"));
        }
        Ok(())
    }
}

fn check_schema(field: &str, schema: &str) -> Result<(), LimitError> {
    if schema.len() <= SCHEMA_MAX_BYTES {
        return Ok(());
    }
    let reason = format!("{} bytes, at most {SCHEMA_MAX_BYTES}", schema.len());
    Err(LimitError { field: field.to_owned(), reason })
}

fn check_tool_name(field: &str, name: &str) -> Result<(), LimitError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if (1..=64).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    let reason = "1 to 64 letters, digits, \"_\" or \"-\"".to_owned();
    Err(LimitError { field: field.to_owned(), reason })
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model said that it is done, the shape was complete, or a stop text came.
    Stop,
    /// `max_tokens` were generated, or the model's window is full.
    Length,
    /// It wants to use a tool.
    ToolCalls,
}

/// What a generation has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens put before the model.
    pub prompt_tokens: u32,
    /// Those of them that were computed before, for an earlier prompt of the same tenant.
    pub cached_tokens: u32,
    /// Tokens generated.
    pub completion_tokens: u32,
}

/// A text that was generated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// The whole text; for [`OutputShape::Json`] the JSON, for a tool call empty.
    pub text: String,
    /// The tool call, if one was made.
    pub tool_calls: Vec<ToolCall>,
    /// Why it ended.
    pub finish: FinishReason,
    /// What it cost.
    pub usage: TokenUsage,
    /// The model that wrote it.
    pub model: ModelHash,
    /// From the call's arrival in the worker to its first token.
    pub first_token_ms: u32,
    /// From the first token to the last.
    pub generation_ms: u32,
}
