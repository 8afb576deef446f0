//! What a model is and how it is loaded.

use serde::{Deserialize, Serialize};

/// How a model is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadOptions {
    /// Tokens of all running and remembered prompts together.
    pub context_tokens: u32,
    /// Texts generated at once.
    pub parallel: u32,
    /// Threads that compute; all cores when absent.
    pub threads: Option<u32>,
}

/// What a model is made for. Its file says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelPurpose {
    /// It writes texts.
    #[default]
    Generate,
    /// It turns texts into vectors.
    Embed,
    /// It says how well a text answers a question.
    Rerank,
}

impl ModelPurpose {
    /// The word used in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Embed => "embed",
            Self::Rerank => "rerank",
        }
    }
}

/// What a file says of the model in it; read by our own bounded reader, in the cage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// The architecture (`llama`, `qwen2`).
    pub architecture: String,
    /// The name, if it has one.
    pub name: Option<String>,
    /// The licence, if it names one.
    pub licence: Option<String>,
    /// Parameters, counted from the tensors.
    pub parameters: u64,
    /// How most weights are stored (`Q8_0`).
    pub quantisation: String,
    /// Tokens that it was trained to see.
    pub context_tokens: u32,
    /// Tokens that it knows.
    pub vocabulary_tokens: u32,
    /// Layers.
    pub layers: u32,
    /// Width of a token's vector.
    pub embedding_width: u32,
    /// Bytes of weights.
    pub weights_bytes: u64,
    /// Bytes of memory that one token of a prompt takes.
    pub kv_bytes_per_token: u64,
    /// Whether the file brings its own chat template.
    pub has_chat_template: bool,
    /// What it is made for. Models that were brought in before there was a choice write texts.
    #[serde(default)]
    pub purpose: ModelPurpose,
}

/// A model that is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedModel {
    /// Tokens of the context that was made.
    pub context_tokens: u32,
    /// Time that loading took.
    pub load_ms: u32,
    /// Its layers, the output counted as one.
    pub layers: u32,
    /// Those of them that graphics processors compute.
    pub gpu_layers: u32,
}
