//! Models that find texts: they embed them, or say how well they answer a question.
//!
//! The built-in embedder always does its part; what is here does it better, as long as an administrator has
//! assigned it and it answers.

use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;

use crate::embedding::Embedding;
use crate::error::ModelError;
use crate::language::{BoxFuture, CallOptions, ModelDescription};
use crate::protocol::TextKind;

/// Something that turns texts into vectors, or says how well they answer a question: a model in the worker, or a
/// script in a test. Each is made for one of the two.
pub trait TextEncoder: Send + Sync {
    /// What it is.
    fn describe(&self) -> ModelDescription;

    /// The embedding of each text, in order, L2-normalised. Embeddings of other models can't be compared with
    /// them.
    ///
    /// # Errors
    /// [`ModelError`]; nothing is half-answered.
    fn embed(
        &self,
        texts: Vec<String>,
        kind: TextKind,
        options: CallOptions,
    ) -> BoxFuture<'_, Result<Vec<Embedding>, ModelError>>;

    /// How well each text answers `query`, in order: finite, the higher the better, comparable among the texts
    /// for one question alone.
    ///
    /// # Errors
    /// [`ModelError`]; nothing is half-answered.
    fn rerank(
        &self,
        query: String,
        texts: Vec<String>,
        options: CallOptions,
    ) -> BoxFuture<'_, Result<Vec<f32>, ModelError>>;
}

/// The models that are assigned to finding texts. Cheap to clone; all clones see the same ones.
#[derive(Clone)]
pub struct Encoders {
    assigned: Arc<RwLock<Assigned>>,
    changes: Arc<watch::Sender<u64>>,
}

#[derive(Clone, Default)]
struct Assigned {
    embedder: Option<Arc<dyn TextEncoder>>,
    reranker: Option<Arc<dyn TextEncoder>>,
}

impl Default for Encoders {
    fn default() -> Self {
        Self { assigned: Arc::default(), changes: Arc::new(watch::channel(0).0) }
    }
}

impl Encoders {
    /// The model whose embeddings are compared instead of the built-in ones.
    #[must_use]
    pub fn embedder(&self) -> Option<Arc<dyn TextEncoder>> {
        self.assigned.read().embedder.clone()
    }

    /// The model that puts what was found in order.
    #[must_use]
    pub fn reranker(&self) -> Option<Arc<dyn TextEncoder>> {
        self.assigned.read().reranker.clone()
    }

    /// Puts `embedder` in the place of the one that is assigned; none leaves the built-in one.
    pub fn set_embedder(&self, embedder: Option<Arc<dyn TextEncoder>>) {
        self.assigned.write().embedder = embedder;
        self.changes.send_modify(|count| *count += 1);
    }

    /// Puts `reranker` in the place of the one that is assigned.
    pub fn set_reranker(&self, reranker: Option<Arc<dyn TextEncoder>>) {
        self.assigned.write().reranker = reranker;
    }

    /// Sees every change of the embedder.
    #[must_use]
    pub fn embedder_changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
