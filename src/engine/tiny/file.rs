//! A tiny model as a file.

use std::io::{BufWriter, Write};

use models::protocol::ModelPurpose;

use super::error::TinyError;
use super::proof;
use super::shape::TinyShape;
use super::vocabulary::{END_OF_MESSAGE, END_OF_TEXT, listed};
use super::weights::{self, TinyTensor, WeightKind};
use crate::gguf::{Array, GgufWriter, Value, ValueKind};

/// The epsilon of the norms.
pub(super) const NORM_EPSILON: f32 = 1e-5;

/// Base of the rotations that tell positions.
pub(super) const ROPE_BASE: f32 = 10_000.0;

/// How a conversation becomes a prompt in ChatML, as Jinja.
pub const CHATML: &str = "{% for message in messages %}\
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}\
{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/// Written to the file at once.
const BUFFER_BYTES: usize = 1024 * 1024;

/// What a tiny model is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TinyOptions {
    /// How its matrices are stored.
    pub weights: WeightKind,
    /// What its numbers follow from.
    pub seed: u64,
    /// Its name in the file.
    pub name: String,
    /// Its licence in the file.
    pub licence: String,
    /// Its chat template in the file, if it has one.
    pub chat_template: Option<String>,
    /// What it says that it is made for. What it gives is as random as its weights.
    pub purpose: ModelPurpose,
}

impl Default for TinyOptions {
    /// `f32`, the seed of the proof, and [`CHATML`]; it writes.
    fn default() -> Self {
        Self {
            weights: WeightKind::F32,
            seed: proof::SEED,
            name: "Millwright tiny".to_owned(),
            licence: "apache-2.0".to_owned(),
            chat_template: Some(CHATML.to_owned()),
            purpose: ModelPurpose::Generate,
        }
    }
}

/// A model of random weights, of the architecture `llama`.
#[derive(Clone, Debug)]
pub struct TinyModel {
    shape: TinyShape,
    options: TinyOptions,
}

impl TinyModel {
    /// A model of this shape. Nothing is computed yet.
    ///
    /// # Errors
    /// [`TinyError::Shape`] when the parts of the shape do not fit together.
    pub fn new(shape: TinyShape, options: TinyOptions) -> Result<Self, TinyError> {
        shape.check()?;
        Ok(Self { shape, options })
    }

    /// The model that a worker proves itself with, its matrices stored as `weights`.
    #[must_use]
    pub fn for_proof(weights: WeightKind) -> Self {
        let options = TinyOptions { weights, ..TinyOptions::default() };
        Self { shape: TinyShape::smallest(), options }
    }

    /// Its shape.
    #[must_use]
    pub const fn shape(&self) -> &TinyShape {
        &self.shape
    }

    /// What it is made with.
    #[must_use]
    pub const fn options(&self) -> &TinyOptions {
        &self.options
    }

    /// Writes it as a GGUF file; returns the file's size in bytes.
    ///
    /// Holds a row of a tensor and a buffer of a megabyte. Blocks for about a second per 100
    /// million parameters.
    ///
    /// # Errors
    /// [`TinyError::File`] when `out` fails.
    pub fn write(&self, out: impl Write) -> Result<u64, TinyError> {
        let tensors = self.tensors();
        let plan = self.plan(&tensors)?;
        let mut next = tensors.iter();
        let out = BufWriter::with_capacity(BUFFER_BYTES, out);
        let size_bytes = plan.write(out, |info, out| {
            // Both lists are in one order.
            let Some(tensor) = next.next().filter(|tensor| tensor.name == info.name) else {
                return Err(std::io::Error::other("the tensors are in another order"));
            };
            let mut row = vec![0.0; tensor.row_width as usize];
            for index in 0..tensor.rows {
                tensor.row(self.options.seed, index, &mut row);
                tensor.kind(self.options.weights).write(&row, out)?;
            }
            Ok(())
        })?;
        Ok(size_bytes)
    }

    pub(super) fn tensors(&self) -> Vec<TinyTensor> {
        weights::tensors(&self.shape)
    }

    /// The numbers of a tensor as they are in the file, `[rows, row_width] f32`.
    pub(super) fn stored(&self, tensor: &TinyTensor) -> Vec<f32> {
        let width = tensor.row_width as usize;
        let mut numbers = vec![0.0; width * tensor.rows as usize];
        for (index, row) in (0..).zip(numbers.chunks_exact_mut(width)) {
            tensor.row(self.options.seed, index, row);
            tensor.kind(self.options.weights).round(row);
        }
        numbers
    }

    fn plan(&self, tensors: &[TinyTensor]) -> Result<GgufWriter, TinyError> {
        let (shape, options) = (&self.shape, &self.options);
        let mut plan = GgufWriter::new();
        plan.metadata("general.architecture", "llama")?;
        plan.metadata("general.type", "model")?;
        plan.metadata("general.name", options.name.as_str())?;
        plan.metadata("general.license", options.licence.as_str())?;
        plan.metadata("general.file_type", options.weights.file_type())?;
        plan.metadata("general.quantization_version", 2_u32)?;
        plan.metadata("llama.vocab_size", shape.vocabulary_tokens)?;
        plan.metadata("llama.context_length", shape.context_tokens)?;
        plan.metadata("llama.embedding_length", shape.width)?;
        plan.metadata("llama.block_count", shape.layers)?;
        plan.metadata("llama.feed_forward_length", shape.ffn_width)?;
        plan.metadata("llama.attention.head_count", shape.heads)?;
        plan.metadata("llama.attention.head_count_kv", shape.kv_heads)?;
        plan.metadata("llama.attention.layer_norm_rms_epsilon", NORM_EPSILON)?;
        plan.metadata("llama.rope.dimension_count", shape.head_width())?;
        plan.metadata("llama.rope.freq_base", ROPE_BASE)?;
        // `llama_pooling_type`: the mean of all tokens, or a number for each pair of texts.
        match options.purpose {
            ModelPurpose::Generate => {}
            ModelPurpose::Embed => plan.metadata("llama.pooling_type", 1_u32)?,
            ModelPurpose::Rerank => plan.metadata("llama.pooling_type", 4_u32)?,
        }
        self.plan_tokenizer(&mut plan)?;
        for tensor in tensors {
            let kind = tensor.kind(options.weights).tensor_kind();
            plan.tensor(&tensor.name, tensor.dimensions(), kind)?;
        }
        Ok(plan)
    }

    fn plan_tokenizer(&self, plan: &mut GgufWriter) -> Result<(), TinyError> {
        let (texts, types): (Vec<_>, Vec<_>) = (0..self.shape.vocabulary_tokens)
            .map(listed)
            .map(|(text, kind)| (Value::String(text), Value::I32(kind)))
            .unzip();
        plan.metadata("tokenizer.ggml.model", "gpt2")?;
        // Among the pre-tokenizers that llama.cpp knows, one that leaves spaces as they are when
        // tokens become text.
        plan.metadata("tokenizer.ggml.pre", "qwen2")?;
        plan.metadata("tokenizer.ggml.tokens", Array::of(ValueKind::String, texts))?;
        plan.metadata("tokenizer.ggml.token_type", Array::of(ValueKind::I32, types))?;
        plan.metadata("tokenizer.ggml.merges", Array::of(ValueKind::String, Vec::new()))?;
        plan.metadata("tokenizer.ggml.bos_token_id", END_OF_TEXT)?;
        plan.metadata("tokenizer.ggml.eos_token_id", END_OF_MESSAGE)?;
        plan.metadata("tokenizer.ggml.padding_token_id", END_OF_TEXT)?;
        plan.metadata("tokenizer.ggml.add_bos_token", false)?;
        plan.metadata("tokenizer.ggml.add_eos_token", false)?;
        if let Some(template) = &self.options.chat_template {
            plan.metadata("tokenizer.chat_template", template.as_str())?;
        }
        Ok(())
    }
}
