//! Inside of the model worker: the embedder.
