//! The reference: candle's BERT in `f32`, one sequence at a time, mean pooling, unit length.
//!
//! Slow and plain on purpose. The fast path is tested against it, and takes its place when the
//! self-check fails.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use models::Embedding;

use crate::error::EngineError;
use crate::tokens::Sequence;
use crate::weights::{self, HIDDEN};

pub(crate) struct Reference {
    model: BertModel,
}

impl Reference {
    /// Copies the weights into candle's tensors (about 91 MB).
    pub(crate) fn load() -> Result<Self, EngineError> {
        let config: Config = serde_json::from_slice(weights::CONFIG)
            .map_err(|error| EngineError::Weights(format!("config.json: {error}")))?;
        let tensors =
            VarBuilder::from_slice_safetensors(weights::model()?, DType::F32, &Device::Cpu)?;
        Ok(Self { model: BertModel::load(tensors, &config)? })
    }

    /// The embedding of one sequence.
    pub(crate) fn embed(&self, sequence: &Sequence) -> Result<Embedding, EngineError> {
        let ids = Tensor::new(sequence.ids(), &Device::Cpu)?.unsqueeze(0)?;
        let hidden = self.model.forward(&ids, &ids.zeros_like()?, None)?;
        let mean = hidden.mean(1)?.squeeze(0)?.to_vec1::<f32>()?;
        let mean: [f32; HIDDEN] = mean
            .try_into()
            .map_err(|_| EngineError::Weights("the reference gave another width".to_owned()))?;
        Ok(Embedding::normalise(mean)?)
    }
}
