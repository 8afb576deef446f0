//! A question as embedders see it: the built-in one, and the one that is assigned.

use std::sync::Arc;

use models::{
    CallOptions, Embedding, ModelDescription, ModelError, ModelHash, Priority, TextKind,
    WorkerState,
};
use store::TenantCtx;

use crate::search::Degraded;
use crate::tenant_index::{self, Current};
use crate::vector::VectorIndex;
use crate::{KnowledgeError, Library};

/// A question as an assigned model sees it, and what it is compared with.
pub(crate) struct ByModel {
    pub(crate) model: ModelHash,
    pub(crate) name: String,
    pub(crate) embedding: Embedding,
    pub(crate) vectors: Arc<VectorIndex>,
}

/// The assigned embedder's part, as soon as it has embedded everything, and as long as it answers.
pub(crate) async fn by_model(
    ctx: &TenantCtx,
    library: &Library,
    current: &Current,
    question: &str,
) -> Result<Option<ByModel>, KnowledgeError> {
    let Some(embedder) = library.encoders().embedder() else { return Ok(None) };
    if question.trim().is_empty() {
        return Ok(None);
    }
    let ModelDescription { hash: model, name, .. } = embedder.describe();
    let Some(vectors) = tenant_index::vectors_by(ctx, &current.arms, model).await? else {
        return Ok(None);
    };
    let timeout = library.settings().query_timeout;
    let options = CallOptions { priority: Priority::Interactive, timeout };
    match embedder.embed(vec![question.to_owned()], TextKind::Query, options).await {
        Ok(mut embeddings) => {
            Ok(embeddings.pop().map(|embedding| ByModel { model, name, embedding, vectors }))
        }
        Err(error) => {
            tracing::warn!(
                model.hash = %model,
                error = &error as &dyn std::error::Error,
                "the assigned embedder does not answer; the built-in one does its work"
            );
            Ok(None)
        }
    }
}

/// The question's embedding, or why there is none. A line of conditions alone has none.
pub(crate) async fn embed(library: &Library, text: &str) -> Result<Option<Embedding>, Degraded> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let (models, settings) = (library.models(), library.settings());
    let timeout = match models.state() {
        WorkerState::NotStarted | WorkerState::Starting => settings.first_query_timeout,
        WorkerState::Ready { .. } | WorkerState::Failed { .. } => settings.query_timeout,
    };
    let texts = vec![text.to_owned()];
    let answer = models.embed(texts, TextKind::Query, Priority::Interactive, timeout);
    match answer.await {
        Ok(mut embeddings) => embeddings.pop().map(Some).ok_or(Degraded::ModelUnavailable),
        Err(ModelError::DeadlinePassed { .. } | ModelError::Busy { .. }) => {
            Err(Degraded::ModelSlow)
        }
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a question can't be embedded; the text arm answers alone"
            );
            Err(Degraded::ModelUnavailable)
        }
    }
}
