//! What a file's header says of the model in it.

use std::collections::BTreeMap;

use models::protocol::ModelPurpose;

use super::error::{GgufError, shown};
use super::header::{self, GgufHeader};
use super::kinds::{TensorKind, file_type_name};
use super::value::Value;
use super::{TOKENS_KEY, limits};

/// Bytes of a number in the cache of keys and values, which is kept as f16.
const CACHE_NUMBER_BYTES: u64 = 2;

/// Architectures that read a text as a whole and write none.
const ENCODERS: &[&str] = &[
    "bert",
    "modern-bert",
    "nomic-bert",
    "nomic-bert-moe",
    "neo-bert",
    "eurobert",
    "jina-bert-v2",
    "jina-bert-v3",
    "gemma-embedding",
    "t5encoder",
];

/// The tensor that turns what a reranker has read into a number.
const RELEVANCE_TENSOR: &str = "cls.output.weight";

/// The bit of `general.file_type` that says that somebody guessed it (`LLAMA_FTYPE_GUESSED`).
const FILE_TYPE_GUESSED: u64 = 1024;

/// How what an encoder has read of the tokens becomes one vector (`llama_pooling_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The mean of all tokens' vectors.
    Mean,
    /// The vector of the first token.
    First,
    /// The vector of the last token.
    Last,
    /// A number that says how well one text answers another.
    Relevance,
}

/// The model of a file, as its header describes it. Nothing in it was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GgufSummary {
    /// For instance `llama`: lowercase letters, digits, `-`, `_` and `.`.
    pub architecture: String,
    /// The model's name, at most [`limits::MAX_LABEL_BYTES`] of it.
    pub name: Option<String>,
    /// Its licence, as it says itself; at most [`limits::MAX_LABEL_BYTES`] of it.
    pub licence: Option<String>,
    /// Elements of all tensors.
    pub parameters: u64,
    /// How most weights are stored, for instance `Q4_K_M`.
    pub quantisation: String,
    /// The kind of tensors that takes the most bytes.
    pub dominant_kind: TensorKind,
    /// Tokens of context it was trained for.
    pub context_tokens: u64,
    /// Width of the model.
    pub embedding_width: u64,
    /// Layers.
    pub layers: u64,
    /// Heads of attention, in the layer that has the most. Zero for models without attention.
    pub heads: u64,
    /// Heads of keys and values, in the layer that has the most.
    pub kv_heads: u64,
    /// Heads of keys and values, all layers together.
    pub kv_heads_all_layers: u64,
    /// Width of a key of one head.
    pub key_width: u64,
    /// Width of a value of one head.
    pub value_width: u64,
    /// Tokens of its vocabulary.
    pub vocabulary_tokens: u64,
    /// How a conversation becomes a prompt (Jinja), at most [`limits::MAX_TEMPLATE_BYTES`] long.
    pub chat_template: Option<String>,
    /// Size of all tensors.
    pub weights_bytes: u64,
    /// Kind of its tokenizer, for instance `gpt2` or `llama`.
    pub tokenizer_model: String,
    /// For models that don't write: how a text becomes a vector, or two a number.
    pub pooling: Option<Pooling>,
    /// How a question and a text become a reranker's prompt, with `{query}` and `{document}` in their places;
    /// at most [`limits::MAX_TEMPLATE_BYTES`] long.
    pub rerank_template: Option<String>,
}

impl GgufSummary {
    /// Memory that a token of context takes in the cache: keys and values of all layers, as f16.
    ///
    /// An upper bound for models whose layers look at a window of the context, or compress it.
    #[must_use]
    pub const fn kv_bytes_per_token(&self) -> u64 {
        self.kv_heads_all_layers
            .saturating_mul(self.key_width.saturating_add(self.value_width))
            .saturating_mul(CACHE_NUMBER_BYTES)
    }

    /// What the model is made for.
    #[must_use]
    pub const fn purpose(&self) -> ModelPurpose {
        match self.pooling {
            None => ModelPurpose::Generate,
            Some(Pooling::Relevance) => ModelPurpose::Rerank,
            Some(Pooling::Mean | Pooling::First | Pooling::Last) => ModelPurpose::Embed,
        }
    }

    /// Reads it from a header.
    pub(super) fn of(header: &GgufHeader) -> Result<Self, GgufError> {
        if let Some(parts @ 2..) = header.unsigned("split.count")? {
            return Err(GgufError::Split { parts });
        }
        let dominant_kind = dominant_kind(header).ok_or(GgufError::NoTensors)?;
        let architecture = architecture(header)?;
        let keys = Keys { header, architecture: &architecture };
        let layers = keys.required("block_count", 1..=limits::MAX_LAYERS)?;
        let embedding_width = keys.required("embedding_length", 1..=limits::MAX_SHAPE)?;
        let heads = keys
            .per_layer("attention.head_count", layers)?
            .ok_or_else(|| missing(&keys.name("attention.head_count")))?;
        let kv_heads =
            keys.per_layer("attention.head_count_kv", layers)?.unwrap_or_else(|| heads.clone());
        let most_heads = heads.iter().copied().max().unwrap_or(0);
        // As llama.cpp computes it where the file does not say it.
        let width = embedding_width.checked_div(heads.first().copied().unwrap_or(0)).unwrap_or(0);
        let head_width = |name| Ok::<_, GgufError>(keys.shape(name)?.unwrap_or(width));
        Ok(Self {
            name: label(header, "general.name")?,
            licence: label(header, "general.license")?,
            parameters: sum(header.tensors.iter().map(super::TensorInfo::elements)),
            quantisation: quantisation(header, dominant_kind)?,
            dominant_kind,
            context_tokens: keys.required("context_length", 1..=limits::MAX_SHAPE)?,
            embedding_width,
            layers,
            heads: most_heads,
            kv_heads: kv_heads.iter().copied().max().unwrap_or(0),
            kv_heads_all_layers: sum(kv_heads.iter().copied()),
            key_width: head_width("attention.key_length")?,
            value_width: head_width("attention.value_length")?,
            vocabulary_tokens: vocabulary_tokens(&keys)?,
            chat_template: template(header, "tokenizer.chat_template")?,
            pooling: pooling(&keys)?,
            rerank_template: template(header, "tokenizer.chat_template.rerank")?,
            weights_bytes: sum(header.tensors.iter().map(|tensor| tensor.size_bytes)),
            tokenizer_model: tokenizer_model(header)?,
            architecture,
        })
    }
}

/// Entries whose keys begin with the architecture.
struct Keys<'h> {
    header: &'h GgufHeader,
    architecture: &'h str,
}

impl Keys<'_> {
    fn name(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    /// A width or count that may be missing.
    fn shape(&self, name: &str) -> Result<Option<u64>, GgufError> {
        let key = self.name(name);
        let Some(found) = self.header.unsigned(&key)? else { return Ok(None) };
        in_range(&key, found, 0..=limits::MAX_SHAPE).map(Some)
    }

    fn required(
        &self,
        name: &str,
        allowed: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, GgufError> {
        let key = self.name(name);
        let found = self.header.unsigned(&key)?.ok_or_else(|| missing(&key))?;
        in_range(&key, found, allowed)
    }

    /// A number for each layer: one for all of them, or an array.
    fn per_layer(&self, name: &str, layers: u64) -> Result<Option<Vec<u64>>, GgufError> {
        let key = self.name(name);
        let allowed = 0..=limits::MAX_SHAPE;
        let Some(value) = self.header.get(&key) else { return Ok(None) };
        let Value::Array(array) = value else {
            let number = in_range(&key, header::unsigned(&key, value)?, allowed)?;
            return Ok(Some((0..layers).map(|_| number).collect()));
        };
        let elements = array.elements.as_deref().unwrap_or(&[]);
        if array.length != layers || elements.len() as u64 != layers {
            return Err(GgufError::OutOfRange {
                key,
                found: format!("an array of {}", array.length),
                allowed: format!("one number, or an array of one for each of {layers} layers"),
            });
        }
        let number = |value| in_range(&key, header::unsigned(&key, value)?, allowed.clone());
        elements.iter().map(number).collect::<Result<_, _>>().map(Some)
    }
}

fn architecture(header: &GgufHeader) -> Result<String, GgufError> {
    const KEY: &str = "general.architecture";
    let found = header.text(KEY)?.ok_or_else(|| missing(KEY))?;
    let allowed = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_.".contains(letter)
    };
    if found.is_empty()
        || found.len() > limits::MAX_ARCHITECTURE_BYTES
        || !found.chars().all(allowed)
    {
        return Err(GgufError::OutOfRange {
            key: KEY.to_owned(),
            found: shown(found),
            allowed: format!(
                "a name of 1 to {} of a-z, 0-9, '-', '_' and '.'",
                limits::MAX_ARCHITECTURE_BYTES
            ),
        });
    }
    Ok(found.to_owned())
}

/// The kind that takes the most bytes. Of equal ones the first.
fn dominant_kind(header: &GgufHeader) -> Option<TensorKind> {
    let mut bytes = BTreeMap::new();
    for tensor in &header.tensors {
        *bytes.entry(tensor.kind).or_insert(0_u64) += tensor.size_bytes;
    }
    let most = bytes.into_iter().rev().max_by_key(|(_, bytes)| *bytes);
    most.map(|(kind, _)| kind)
}

fn quantisation(header: &GgufHeader, dominant: TensorKind) -> Result<String, GgufError> {
    let said = header.unsigned("general.file_type")?;
    let name = said.and_then(|said| file_type_name(said & !FILE_TYPE_GUESSED));
    Ok(name.unwrap_or(dominant.name()).to_owned())
}

fn vocabulary_tokens(keys: &Keys<'_>) -> Result<u64, GgufError> {
    match keys.header.get(TOKENS_KEY) {
        Some(Value::Array(array)) => Ok(array.length),
        Some(value) => Err(header::wrong_kind(TOKENS_KEY, value, "an array of strings")),
        // Models that are fed with numbers have no tokens, and say how many there would be.
        None => keys.shape("vocab_size")?.ok_or_else(|| missing(TOKENS_KEY)),
    }
}

fn tokenizer_model(header: &GgufHeader) -> Result<String, GgufError> {
    const KEY: &str = "tokenizer.ggml.model";
    Ok(cut(header.text(KEY)?.ok_or_else(|| missing(KEY))?).to_owned())
}

fn pooling(keys: &Keys<'_>) -> Result<Option<Pooling>, GgufError> {
    let key = keys.name("pooling_type");
    if keys.header.tensors.iter().any(|tensor| tensor.name == RELEVANCE_TENSOR) {
        return Ok(Some(Pooling::Relevance));
    }
    match keys.header.unsigned(&key)? {
        Some(1) => Ok(Some(Pooling::Mean)),
        Some(2) => Ok(Some(Pooling::First)),
        Some(3) => Ok(Some(Pooling::Last)),
        Some(4) => Ok(Some(Pooling::Relevance)),
        // 0 says that there is none; what can't write has a mean all the same.
        None | Some(0) => Ok(ENCODERS.contains(&keys.architecture).then_some(Pooling::Mean)),
        Some(other) => in_range(&key, other, 0..=4).map(|_| None),
    }
}

fn template(header: &GgufHeader, key: &str) -> Result<Option<String>, GgufError> {
    let Some(template) = header.text(key)? else { return Ok(None) };
    if template.len() > limits::MAX_TEMPLATE_BYTES {
        return Err(GgufError::OutOfRange {
            key: key.to_owned(),
            found: format!("{} bytes long", template.len()),
            allowed: format!("at most {} bytes", limits::MAX_TEMPLATE_BYTES),
        });
    }
    Ok(Some(template.to_owned()))
}

fn label(header: &GgufHeader, key: &str) -> Result<Option<String>, GgufError> {
    Ok(header.text(key)?.map(|text| cut(text).to_owned()))
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(limits::MAX_LABEL_BYTES)]
}

fn missing(key: &str) -> GgufError {
    GgufError::Missing { key: key.to_owned() }
}

fn in_range(
    key: &str,
    found: u64,
    allowed: std::ops::RangeInclusive<u64>,
) -> Result<u64, GgufError> {
    if allowed.contains(&found) {
        return Ok(found);
    }
    Err(GgufError::OutOfRange {
        key: key.to_owned(),
        found: found.to_string(),
        allowed: format!("{} to {}", allowed.start(), allowed.end()),
    })
}

fn sum(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, u64::saturating_add)
}
