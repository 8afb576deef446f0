//! The embedder's weights, as they lie in the executable.
//!
//! all-MiniLM-L6-v2 (Apache-2.0): BERT with six layers. `build.rs` has verified the files against
//! `models/all-minilm-l6-v2/pins.json`. Tensors are read in place: the word table (47 MB) is paged
//! in from the executable as words are met, and never copied.

use safetensors::{Dtype, SafeTensors};
use sha2::{Digest as _, Sha256};

use crate::error::EngineError;

/// Width of a token's vector.
pub(crate) const HIDDEN: usize = base::limits::EMBEDDING_DIMENSIONS;
/// Transformer layers.
pub(crate) const LAYERS: usize = 6;
/// Attention heads.
pub(crate) const HEADS: usize = 12;
/// Width of one head.
pub(crate) const HEAD: usize = HIDDEN / HEADS;
/// Width of the feed-forward layer.
pub(crate) const FEED_FORWARD: usize = 4 * HIDDEN;
/// Entries of the word table.
pub(crate) const VOCABULARY: usize = 30_522;
/// Entries of the position table.
pub(crate) const POSITIONS: usize = 512;
/// Added to the variance in layer normalisation.
pub(crate) const NORM_EPSILON: f32 = 1e-12;

pub(crate) static MODEL: &[u8] = include_bytes!(env!("MILLWRIGHT_MINILM_MODEL"));
pub(crate) static TOKENIZER: &[u8] = include_bytes!(env!("MILLWRIGHT_MINILM_TOKENIZER"));
pub(crate) static CONFIG: &[u8] = include_bytes!(env!("MILLWRIGHT_MINILM_CONFIG"));

/// SHA-256 of the embedder's weights as pinned in `models/all-minilm-l6-v2/pins.json`, in hex.
pub const WEIGHTS_SHA256: &str = env!("MILLWRIGHT_MINILM_MODEL_SHA256");

/// Hashes the weights in this executable (about 0.3 s) and compares with the pin; returns the hash.
///
/// # Errors
/// [`EngineError::Weights`] when the executable is damaged.
pub fn verify_weights() -> Result<&'static str, EngineError> {
    let found: String = Sha256::digest(MODEL).iter().map(|byte| format!("{byte:02x}")).collect();
    if found == WEIGHTS_SHA256 {
        Ok(WEIGHTS_SHA256)
    } else {
        Err(EngineError::Weights(format!("SHA-256 is {found}, pinned is {WEIGHTS_SHA256}")))
    }
}

/// The tensors by name.
pub(crate) struct Weights {
    tensors: SafeTensors<'static>,
}

/// A table of `f32` that is read in place; its bytes have no alignment.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    bytes: &'static [u8],
    columns: usize,
}

impl Weights {
    /// Reads the header, and checks that the model has the shape the engine was written for.
    pub(crate) fn load() -> Result<Self, EngineError> {
        check_config()?;
        let tensors = SafeTensors::deserialize(MODEL)
            .map_err(|error| EngineError::Weights(error.to_string()))?;
        Ok(Self { tensors })
    }

    /// The matrix `name`, `[rows, columns]`.
    pub(crate) fn table(
        &self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Table, EngineError> {
        Ok(Table { bytes: self.bytes(name, &[rows, columns])?, columns })
    }

    /// A copy of the vector `name`, `[length]`.
    pub(crate) fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, EngineError> {
        let table = Table { bytes: self.bytes(name, &[length])?, columns: length };
        Ok(table.row(0).collect())
    }

    fn bytes(&self, name: &str, shape: &[usize]) -> Result<&'static [u8], EngineError> {
        let tensor = self
            .tensors
            .tensor(name)
            .map_err(|error| EngineError::Weights(format!("{name}: {error}")))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
            return Err(EngineError::Weights(format!(
                "{name} is {:?} {:?}, expected F32 {shape:?}",
                tensor.dtype(),
                tensor.shape()
            )));
        }
        Ok(tensor.data())
    }
}

impl Table {
    /// Row `index`; empty when there is no such row.
    pub(crate) fn row(self, index: usize) -> impl ExactSizeIterator<Item = f32> {
        let size_bytes = self.columns * 4;
        let start = index.saturating_mul(size_bytes);
        let bytes = self.bytes.get(start..start + size_bytes).unwrap_or_default();
        bytes.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word))
    }
}

fn check_config() -> Result<(), EngineError> {
    let config: serde_json::Value = serde_json::from_slice(CONFIG)
        .map_err(|error| EngineError::Weights(format!("config.json: {error}")))?;
    let expected = [
        ("hidden_size", HIDDEN),
        ("num_hidden_layers", LAYERS),
        ("num_attention_heads", HEADS),
        ("intermediate_size", FEED_FORWARD),
        ("vocab_size", VOCABULARY),
        ("max_position_embeddings", POSITIONS),
    ];
    for (key, wanted) in expected {
        if config[key].as_u64() != u64::try_from(wanted).ok() {
            return Err(EngineError::Weights(format!("{key} is {}, not {wanted}", config[key])));
        }
    }
    Ok(())
}
