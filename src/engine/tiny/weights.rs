//! The tensors of a tiny model, row by row.

use std::io;

use super::numbers::{Q8_BLOCK, Q8Block, from_f16, to_f16};
use super::random::SplitMix64;
use super::shape::{Output, TinyShape};
use super::vocabulary::CONTROL_TOKENS;
use crate::gguf::TensorKind;

/// How the matrices are stored. Norms are always `f32`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeightKind {
    /// 32 bits a weight, exact.
    #[default]
    F32,
    /// 16 bits a weight.
    F16,
    /// 8 bits a weight, and a scale for each 32 of them.
    Q8_0,
}

impl WeightKind {
    pub(super) const fn tensor_kind(self) -> TensorKind {
        match self {
            Self::F32 => TensorKind::F32,
            Self::F16 => TensorKind::F16,
            Self::Q8_0 => TensorKind::Q8_0,
        }
    }

    /// The number of `general.file_type` (`enum llama_ftype` of `llama.h`).
    pub(super) const fn file_type(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q8_0 => 7,
        }
    }

    /// Replaces numbers by what is left of them when they are stored so.
    pub(super) fn round(self, row: &mut [f32]) {
        match self {
            Self::F32 => {}
            Self::F16 => row.iter_mut().for_each(|value| *value = from_f16(to_f16(*value))),
            Self::Q8_0 => {
                for block in row.as_chunks_mut::<Q8_BLOCK>().0 {
                    *block = Q8Block::of(block).values();
                }
            }
        }
    }

    /// Writes numbers as they are stored.
    pub(super) fn write(self, row: &[f32], out: &mut dyn io::Write) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(size_of_val(row));
        match self {
            Self::F32 => bytes.extend(row.iter().flat_map(|value| value.to_le_bytes())),
            Self::F16 => bytes.extend(row.iter().flat_map(|value| to_f16(*value).to_le_bytes())),
            Self::Q8_0 => {
                for block in row.as_chunks::<Q8_BLOCK>().0 {
                    let block = Q8Block::of(block);
                    bytes.extend(block.step.to_le_bytes());
                    bytes.extend(block.multiples.map(i8::cast_unsigned));
                }
            }
        }
        out.write_all(&bytes)
    }
}

/// Spread of the queries and keys that come out of normed input: scores of attention are then spread
/// by about two, so that heads look at few tokens.
const ATTENTION_GAIN: f32 = 1.4;

/// Spread of what a layer adds, about as large as what is there.
const GAIN: f32 = 1.5;

/// Spread of the logits: as in real models some tokens are likely and most are not.
const LOGIT_GAIN: f32 = 4.0;

/// How far norms are from 1 at most.
const NORM_SPREAD: f32 = 0.2;

/// What the logits of control tokens are scaled by, so that they are hardly ever the likeliest.
const CONTROL_FACTOR: f32 = 0.1;

/// Numbers that are spread evenly over ±1 have a spread (standard deviation) of 1/√3.
const SQRT_3: f32 = 1.732_050_8;

/// What a tensor's numbers are like.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    /// A matrix whose result is spread so.
    Matrix { gain: f32 },
    /// The scales of a norm.
    Norm,
    /// A row for each token, each number spread by 1; where it also gives the logits, as for them.
    Embedding,
    /// A row for each token, which gives its logit.
    Logits,
}

/// A tensor of a tiny model.
#[derive(Clone, Debug)]
pub(super) struct TinyTensor {
    pub(super) name: String,
    pub(super) row_width: u32,
    pub(super) rows: u32,
    role: Role,
    /// Its place in the list, which makes its numbers differ from the others'.
    index: u64,
    /// Whether its rows also give logits.
    tied: bool,
}

impl TinyTensor {
    /// How it is stored, where matrices are stored as `kind`.
    pub(super) const fn kind(&self, kind: WeightKind) -> WeightKind {
        if matches!(self.role, Role::Norm) { WeightKind::F32 } else { kind }
    }

    /// Its dimensions as the file has them.
    pub(super) fn dimensions(&self) -> Vec<u64> {
        match self.role {
            Role::Norm => vec![self.row_width.into()],
            _ => vec![self.row_width.into(), self.rows.into()],
        }
    }

    /// The numbers of a row, before they are stored.
    pub(super) fn row(&self, seed: u64, row: u32, out: &mut [f32]) {
        let mut random = SplitMix64::of_row(seed, self.index, row.into());
        let fan_in = SQRT_3 / (self.row_width as f32).sqrt();
        let logits = self.tied || self.role == Role::Logits;
        let control = logits && (row as usize) < CONTROL_TOKENS.len();
        let (middle, spread) = match self.role {
            Role::Matrix { gain } => (0.0, gain * fan_in),
            Role::Norm => (1.0, NORM_SPREAD),
            Role::Embedding if !self.tied => (0.0, SQRT_3),
            Role::Embedding | Role::Logits => (0.0, LOGIT_GAIN * fan_in),
        };
        let spread = if control { spread * CONTROL_FACTOR } else { spread };
        out.fill_with(|| middle + spread * random.even());
    }
}

/// All tensors of a model, in the order of the file.
pub(super) fn tensors(shape: &TinyShape) -> Vec<TinyTensor> {
    let mut list = Vec::new();
    let tied = shape.output == Output::Tied;
    let mut add = |name: String, row_width: u32, rows: u32, role| {
        let tied = tied && role == Role::Embedding;
        list.push(TinyTensor { name, row_width, rows, role, index: list.len() as u64, tied });
    };
    let (width, kv_width, ffn_width) = (shape.width, shape.kv_width(), shape.ffn_width);
    let tokens = shape.vocabulary_tokens;
    add("token_embd.weight".to_owned(), width, tokens, Role::Embedding);
    add("output_norm.weight".to_owned(), width, 1, Role::Norm);
    if !tied {
        add("output.weight".to_owned(), width, tokens, Role::Logits);
    }
    let attention = Role::Matrix { gain: ATTENTION_GAIN };
    let matrix = Role::Matrix { gain: GAIN };
    for layer in 0..shape.layers {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        add(name("attn_norm"), width, 1, Role::Norm);
        add(name("attn_q"), width, width, attention);
        add(name("attn_k"), width, kv_width, attention);
        add(name("attn_v"), width, kv_width, matrix);
        add(name("attn_output"), width, width, matrix);
        add(name("ffn_norm"), width, 1, Role::Norm);
        add(name("ffn_gate"), width, ffn_width, matrix);
        add(name("ffn_up"), width, ffn_width, matrix);
        add(name("ffn_down"), ffn_width, width, matrix);
    }
    list
}
