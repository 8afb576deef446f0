//! How large a tiny model is.

use super::error::TinyError;
use super::numbers::Q8_BLOCK;
use super::vocabulary;

/// Widest part of a model, and its longest context.
const MAX_WIDTH: u32 = 1 << 20;

/// Layers (`LLAMA_MAX_LAYERS` of llama.cpp).
const MAX_LAYERS: u32 = 512;

/// Where the last step, from the model's width to a number for each token, has its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// In a matrix of its own.
    Separate,
    /// In the embedding of the tokens.
    Tied,
}

/// The shape of a model of the architecture `llama`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TinyShape {
    /// Layers.
    pub layers: u32,
    /// Width of the model; a multiple of 32 and of the heads.
    pub width: u32,
    /// Heads of attention.
    pub heads: u32,
    /// Heads of keys and values, of which each serves the same number of heads.
    pub kv_heads: u32,
    /// Width of the feed-forward part; a multiple of 32.
    pub ffn_width: u32,
    /// Tokens of the vocabulary, 259 at least.
    pub vocabulary_tokens: u32,
    /// Tokens of context.
    pub context_tokens: u32,
    /// Where the weights of the last step are.
    pub output: Output,
}

impl TinyShape {
    /// What a worker proves itself with, and tests: about 120,000 parameters.
    #[must_use]
    pub const fn smallest() -> Self {
        Self {
            layers: 2,
            width: 64,
            heads: 4,
            kv_heads: 2,
            ffn_width: 128,
            vocabulary_tokens: 320,
            context_tokens: 2048,
            output: Output::Separate,
        }
    }

    /// What finds texts, in tests: small, but with vectors as wide as those that are kept.
    #[must_use]
    pub const fn encoder() -> Self {
        Self { width: 384, heads: 6, kv_heads: 6, ffn_width: 512, ..Self::smallest() }
    }

    /// The shape of a model of 135 million parameters (that of SmolLM2-135M).
    #[must_use]
    pub const fn m135() -> Self {
        Self {
            layers: 30,
            width: 576,
            heads: 9,
            kv_heads: 3,
            ffn_width: 1536,
            vocabulary_tokens: 49_152,
            context_tokens: 8192,
            output: Output::Tied,
        }
    }

    /// The shape of a model of half a billion parameters (that of Qwen2.5-0.5B, without its biases).
    #[must_use]
    pub const fn b05() -> Self {
        Self {
            layers: 24,
            width: 896,
            heads: 14,
            kv_heads: 2,
            ffn_width: 4864,
            vocabulary_tokens: 151_936,
            context_tokens: 32_768,
            output: Output::Tied,
        }
    }

    /// Width of a head.
    #[must_use]
    pub const fn head_width(&self) -> u32 {
        self.width / self.heads
    }

    /// Width of all heads of keys together.
    #[must_use]
    pub const fn kv_width(&self) -> u32 {
        self.head_width() * self.kv_heads
    }

    /// Weights of the model.
    #[must_use]
    pub const fn parameters(&self) -> u64 {
        let [width, kv_width] = [self.width as u64, self.kv_width() as u64];
        let attention = 2 * width * width + 2 * width * kv_width;
        let layer = attention + 3 * width * self.ffn_width as u64 + 2 * width;
        let vocabulary = self.vocabulary_tokens as u64 * width;
        let vocabularies = match self.output {
            Output::Separate => 2,
            Output::Tied => 1,
        };
        self.layers as u64 * layer + vocabularies * vocabulary + width
    }

    /// Fails unless all parts fit together.
    pub(super) fn check(&self) -> Result<(), TinyError> {
        let block = Q8_BLOCK as u32;
        let rules: [(&'static str, u32, bool, &'static str); 7] = [
            ("layers", self.layers, (1..=MAX_LAYERS).contains(&self.layers), "1 to 512"),
            (
                "width",
                self.width,
                (block..=MAX_WIDTH).contains(&self.width) && self.width.is_multiple_of(block),
                "a multiple of 32, up to 1048576",
            ),
            (
                "heads",
                self.heads,
                self.heads > 0
                    && self.width.is_multiple_of(self.heads)
                    && (self.width / self.heads).is_multiple_of(2),
                "the width divided by them must be even",
            ),
            (
                "kv_heads",
                self.kv_heads,
                self.kv_heads > 0 && self.heads.is_multiple_of(self.kv_heads),
                "the heads must be a multiple of them",
            ),
            (
                "ffn_width",
                self.ffn_width,
                (block..=MAX_WIDTH).contains(&self.ffn_width)
                    && self.ffn_width.is_multiple_of(block),
                "a multiple of 32, up to 1048576",
            ),
            (
                "vocabulary_tokens",
                self.vocabulary_tokens,
                (vocabulary::MIN_TOKENS..=vocabulary::MAX_TOKENS).contains(&self.vocabulary_tokens),
                "259 to 1000000",
            ),
            (
                "context_tokens",
                self.context_tokens,
                (1..=MAX_WIDTH).contains(&self.context_tokens),
                "1 to 1048576",
            ),
        ];
        for (field, found, holds, why) in rules {
            if !holds {
                return Err(TinyError::Shape { field, found, why });
            }
        }
        Ok(())
    }
}
