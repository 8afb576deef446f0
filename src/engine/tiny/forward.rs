//! What a model of the architecture `llama` computes, by plain loops over `f32`.
//!
//! An oracle, so it is written from the formulas and shares nothing with llama.cpp: RMS norm
//! (Zhang and Sennrich, 2019), rotary positions on neighbouring pairs (Su et al., 2021, as
//! `LLAMA_ROPE_TYPE_NORM`), grouped-query attention (Ainslie et al., 2023) and SwiGLU (Shazeer, 2020).

use super::error::TinyError;
use super::file::{NORM_EPSILON, ROPE_BASE, TinyModel};
use super::numbers::{from_f16, to_f16};
use super::shape::{Output, TinyShape};
use super::weights::WeightKind;

/// Parameters of the largest model that is computed here; each takes four bytes of memory.
pub const MAX_FORWARD_PARAMETERS: u64 = 200_000_000;

/// Sums are kept in this many parts, so that they need not wait for each other.
const LANES: usize = 8;

/// How numbers are rounded on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// Not at all: everything stays `f32`.
    #[default]
    None,
    /// As ggml rounds on processors: what goes into a matrix to the kind of its weights, queries,
    /// keys and values to `f16`.
    AsGgml,
}

/// A token that was the likeliest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The token.
    pub token: u32,
    /// By how much its logit is above the second best.
    pub margin: f32,
}

/// The weights of a model in memory, and what it remembers of the tokens so far.
#[derive(Clone, Debug)]
pub struct Forward {
    shape: TinyShape,
    weights: WeightKind,
    rounding: Rounding,
    embedding: Vec<f32>,
    output_norm: Vec<f32>,
    /// Without it the embedding is the output.
    output: Option<Vec<f32>>,
    layers: Vec<Layer>,
    /// Tokens so far.
    position: u32,
}

/// A layer's weights, and its keys and values: `[position, kv_width] f32`.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    attention_norm: Vec<f32>,
    pub(super) query: Vec<f32>,
    pub(super) key: Vec<f32>,
    pub(super) value: Vec<f32>,
    attention_output: Vec<f32>,
    ffn_norm: Vec<f32>,
    pub(super) gate: Vec<f32>,
    pub(super) up: Vec<f32>,
    down: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl Forward {
    /// Computes all weights of `model`, as its file has them.
    ///
    /// # Errors
    /// [`TinyError::TooLarge`] above [`MAX_FORWARD_PARAMETERS`].
    pub fn load(model: &TinyModel, rounding: Rounding) -> Result<Self, TinyError> {
        let shape = *model.shape();
        if shape.parameters() > MAX_FORWARD_PARAMETERS {
            return Err(TinyError::TooLarge {
                found: shape.parameters(),
                allowed: MAX_FORWARD_PARAMETERS,
            });
        }
        let list = model.tensors();
        let mut tensors = list.iter().map(|tensor| model.stored(tensor));
        // In the order of the list.
        let mut next = || tensors.next().unwrap_or_default();
        let (embedding, output_norm) = (next(), next());
        let output = (shape.output == Output::Separate).then(&mut next);
        let layer = |_| Layer {
            attention_norm: next(),
            query: next(),
            key: next(),
            value: next(),
            attention_output: next(),
            ffn_norm: next(),
            gate: next(),
            up: next(),
            down: next(),
            ..Layer::default()
        };
        let layers = (0..shape.layers).map(layer).collect();
        let weights = model.options().weights;
        Ok(Self { shape, weights, rounding, embedding, output_norm, output, layers, position: 0 })
    }

    /// Forgets all tokens.
    pub fn reset(&mut self) {
        self.position = 0;
        for layer in &mut self.layers {
            layer.keys.clear();
            layer.values.clear();
        }
    }

    /// Takes the next token; returns the logits of the one after it, `[vocabulary_tokens] f32`.
    ///
    /// # Errors
    /// [`TinyError::Token`] for one that is not in the vocabulary, [`TinyError::ContextFull`] after
    /// the last position.
    pub fn step(&mut self, token: u32) -> Result<Vec<f32>, TinyError> {
        let shape = self.shape;
        if token >= shape.vocabulary_tokens {
            return Err(TinyError::Token { token, vocabulary_tokens: shape.vocabulary_tokens });
        }
        if self.position >= shape.context_tokens {
            return Err(TinyError::ContextFull { context_tokens: shape.context_tokens });
        }
        let width = shape.width as usize;
        let begin = token as usize * width;
        let mut state = self.embedding[begin..begin + width].to_vec();
        let rotation = rotation(self.position, shape.head_width());
        let inner = Inner { shape, weights: self.weights, rounding: self.rounding };
        for layer in &mut self.layers {
            let normed = norm(&state, &layer.attention_norm);
            add(&mut state, &inner.attention(layer, &normed, &rotation));
            let normed = norm(&state, &layer.ffn_norm);
            add(&mut state, &inner.feed_forward(layer, &normed));
        }
        self.position += 1;
        let normed = norm(&state, &self.output_norm);
        Ok(inner.multiply(self.output.as_ref().unwrap_or(&self.embedding), &normed))
    }

    /// Takes a prompt and goes on with the likeliest token, `count` times.
    ///
    /// # Errors
    /// [`TinyError::NoPrompt`], and as [`Self::step`].
    pub fn greedy(&mut self, prompt: &[u32], count: usize) -> Result<Vec<Choice>, TinyError> {
        let mut logits = Err(TinyError::NoPrompt);
        for token in prompt {
            logits = Ok(self.step(*token)?);
        }
        let mut logits = logits?;
        let mut choices = Vec::new();
        while choices.len() < count {
            let choice = likeliest(&logits);
            choices.push(choice);
            if choices.len() < count {
                logits = self.step(choice.token)?;
            }
        }
        Ok(choices)
    }

    #[cfg(test)]
    pub(super) fn layers_mut(&mut self) -> &mut [Layer] {
        &mut self.layers
    }
}

/// The likeliest token.
fn likeliest(logits: &[f32]) -> Choice {
    let (mut best, mut second, mut token) = (f32::NEG_INFINITY, f32::NEG_INFINITY, 0);
    for (index, logit) in (0..).zip(logits) {
        if *logit > best {
            (best, second, token) = (*logit, best, index);
        } else if *logit > second {
            second = *logit;
        }
    }
    Choice { token, margin: best - second }
}

/// What all layers share.
struct Inner {
    shape: TinyShape,
    weights: WeightKind,
    rounding: Rounding,
}

impl Inner {
    fn attention(&self, layer: &mut Layer, input: &[f32], rotation: &[[f32; 2]]) -> Vec<f32> {
        let (head_width, kv_width) =
            (self.shape.head_width() as usize, self.shape.kv_width() as usize);
        let mut query = self.multiply(&layer.query, input);
        let mut key = self.multiply(&layer.key, input);
        let mut value = self.multiply(&layer.value, input);
        for head in query.chunks_exact_mut(head_width).chain(key.chunks_exact_mut(head_width)) {
            rotate(head, rotation);
        }
        for numbers in [&mut query, &mut key, &mut value] {
            self.round_half(numbers);
        }
        layer.keys.extend(key);
        layer.values.extend(value);
        let group = (self.shape.heads / self.shape.kv_heads) as usize;
        let scale = 1.0 / (head_width as f32).sqrt();
        let mut seen = Vec::with_capacity(query.len());
        for (head, query) in query.chunks_exact(head_width).enumerate() {
            // So many heads in a row share a head of keys and values.
            let begin = head / group * head_width;
            let part = |row: &[f32]| row[begin..begin + head_width].to_vec();
            let keys = layer.keys.chunks_exact(kv_width).map(part);
            let mut scores: Vec<f32> = keys.map(|key| dot(&key, query) * scale).collect();
            softmax(&mut scores);
            let mut sum = vec![0.0; head_width];
            for (score, value) in scores.iter().zip(layer.values.chunks_exact(kv_width).map(part)) {
                for (sum, value) in sum.iter_mut().zip(value) {
                    *sum += score * value;
                }
            }
            seen.extend(sum);
        }
        self.multiply(&layer.attention_output, &seen)
    }

    fn feed_forward(&self, layer: &Layer, input: &[f32]) -> Vec<f32> {
        let mut gated = self.multiply(&layer.gate, input);
        for (gate, up) in gated.iter_mut().zip(self.multiply(&layer.up, input)) {
            *gate = *gate / (1.0 + (-*gate).exp()) * up;
        }
        self.multiply(&layer.down, &gated)
    }

    /// `matrix` (`[rows, input.len()]`) times `input`.
    fn multiply(&self, matrix: &[f32], input: &[f32]) -> Vec<f32> {
        let mut rounded = input.to_vec();
        if self.rounding == Rounding::AsGgml {
            self.weights.round(&mut rounded);
        }
        matrix.chunks_exact(rounded.len()).map(|row| dot(row, &rounded)).collect()
    }

    fn round_half(&self, numbers: &mut [f32]) {
        if self.rounding == Rounding::AsGgml {
            numbers.iter_mut().for_each(|number| *number = from_f16(to_f16(*number)));
        }
    }
}

fn dot(left: &[f32], right: &[f32]) -> f32 {
    let (left, left_rest) = left.as_chunks::<LANES>();
    let (right, right_rest) = right.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (left, right) in left.iter().zip(right) {
        for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
            *sum += left * right;
        }
    }
    let rest = left_rest.iter().zip(right_rest).map(|(left, right)| left * right);
    sums.into_iter().chain(rest).sum()
}

fn add(state: &mut [f32], more: &[f32]) {
    for (state, more) in state.iter_mut().zip(more) {
        *state += more;
    }
}

/// `input` divided by its root mean square, times the scales.
fn norm(input: &[f32], scales: &[f32]) -> Vec<f32> {
    let mean_square = dot(input, input) / input.len() as f32;
    let factor = 1.0 / (mean_square + NORM_EPSILON).sqrt();
    input.iter().zip(scales).map(|(value, scale)| value * factor * scale).collect()
}

fn softmax(scores: &mut [f32]) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter_mut().for_each(|score| *score = (*score - largest).exp());
    let sum: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// Cosine and sine by which each pair of a head is turned at a position.
fn rotation(position: u32, head_width: u32) -> Vec<[f32; 2]> {
    let angle = |pair: u32| {
        let exponent = -2.0 * f64::from(pair) / f64::from(head_width);
        f64::from(position) * f64::from(ROPE_BASE).powf(exponent)
    };
    (0..head_width / 2).map(angle).map(|angle| [angle.cos() as f32, angle.sin() as f32]).collect()
}

fn rotate(head: &mut [f32], rotation: &[[f32; 2]]) {
    for (pair, [cosine, sine]) in head.as_chunks_mut::<2>().0.iter_mut().zip(rotation) {
        let [x, y] = *pair;
        *pair = [x * cosine - y * sine, x * sine + y * cosine];
    }
}
