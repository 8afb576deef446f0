//! What can go wrong inside the worker.

/// Why the engine could not load, or could not compute.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The embedded weights are not what the engine was written for.
    #[error("the embedded weights: {0}")]
    Weights(String),
    /// The embedded tokenizer failed.
    #[error("the tokenizer failed")]
    Tokenizer(#[source] tokenizers::Error),
    /// The reference implementation failed.
    #[error("the reference implementation failed")]
    Reference(#[from] candle_core::Error),
    /// The machine cannot compute this way.
    #[error("this machine cannot compute by {path:?}")]
    Unsupported {
        /// The way that was asked for.
        path: models::ComputePath,
    },
    /// The vectors computed this way are not the stored ones.
    #[error(
        "{path:?} failed its self-check: cosine {cosine:.4} to the stored vector, at least {floor} wanted"
    )]
    SelfCheck {
        /// The way that failed.
        path: models::ComputePath,
        /// Smallest cosine to a stored vector.
        cosine: f32,
        /// Smallest cosine that passes.
        floor: f32,
    },
    /// No way to compute passed its self-check.
    #[error("no way to compute passed its self-check: {0}")]
    NoPath(String),
    /// The result is no unit vector.
    #[error("the model gave no usable vector")]
    Result(#[from] models::EmbeddingError),
}
