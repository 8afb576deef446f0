//! From stored pages to chunks: the pure cutting of [`crate::chunk`] around calls of the model
//! worker that count tokens with the embedder's own tokenizer.

use std::time::Duration;

use models::{ModelWorker, Priority};
use parse::Page;
use tokio_util::sync::CancellationToken;

use crate::KnowledgeError;
use crate::chunk::{ChunkOptions, Pieces, embedding_text};
use crate::patience::patiently;
use crate::store::{ChunkText, NewChunk};

/// Pieces whose tokens are counted in one call.
const COUNT_BATCH: usize = 2048;

/// The chunks of a document. The same pages always give the same chunks.
pub(crate) async fn chunks_of(
    pages: Vec<Page>,
    language: Option<String>,
    (models, timeout): (&ModelWorker, Duration),
    cancel: &CancellationToken,
) -> Result<Vec<NewChunk>, KnowledgeError> {
    let cutting = tokio::task::spawn_blocking(move || {
        let pieces = Pieces::of_pages(&pages);
        let texts = pieces.texts();
        (pieces, texts)
    });
    let (pieces, texts) = cutting.await.map_err(|_| KnowledgeError::Panicked)?;
    let mut counts = Vec::with_capacity(texts.len());
    for batch in texts.chunks(COUNT_BATCH) {
        let count = || models.count_tokens(batch.to_vec(), Priority::Ingest, timeout);
        counts.extend(patiently(cancel, count).await?);
    }
    let assembling = tokio::task::spawn_blocking(move || {
        let drafts = pieces.assemble(&counts, language.as_deref(), ChunkOptions::default());
        let numbered = (0..).zip(drafts);
        let chunks = numbered.map(|(ordinal, draft)| NewChunk {
            ordinal,
            page_first: draft.page_first,
            page_last: draft.page_last,
            heading_path: draft.heading_path,
            kind: draft.kind,
            text: draft.text,
            token_count: draft.token_count,
            language: draft.language,
            lines: draft.lines,
        });
        chunks.collect()
    });
    assembling.await.map_err(|_| KnowledgeError::Panicked)
}

/// What the embedder is given for a stored chunk.
pub(crate) fn embedded_text(chunk: &ChunkText) -> String {
    embedding_text(&chunk.document_title, &chunk.heading_path, &chunk.text)
}
