//! Second step: the pages' chunks, stored beside those that answer now, and their embeddings.

use audit::{Action, Event};
use models::{Embedding, Priority, TextKind};
use parse::Page;
use serde_json::json;
use store::job_progress;

use crate::KnowledgeError;
use crate::chunking;
use crate::patience::patiently;
use crate::store::{self as rows, By, ChunkText, NewChunk};

use super::Run;

const CHUNKS_STORED: Action = Action::new("revision.chunks_stored");
const CHUNKS_EMBEDDED: Action = Action::new("revision.chunks_embedded");

/// Chunks stored in one commit.
const CHUNK_BATCH: usize = 256;

/// What a run has made so far.
pub(super) struct Made {
    pub(super) pages: u32,
    pub(super) pages_without_text: u32,
    pub(super) chunks: u32,
}

impl Run<'_> {
    /// Cuts the pages and stores the chunks; those that an earlier run stored stay as they are.
    pub(super) async fn chunks(&self, pages: Vec<Page>) -> Result<Made, KnowledgeError> {
        self.check_cancelled()?;
        let without_text = pages.iter().filter(|page| page.state != parse::PageState::Text).count();
        let page_count = pages.len();
        let models = self.library.models();
        let timeout = self.library.settings().embed_timeout;
        let language = self.revision.language.clone();
        let chunks = chunking::chunks_of(pages, language, (models, timeout), self.cancel).await?;
        let made = Made {
            pages: u32::try_from(page_count).unwrap_or(u32::MAX),
            pages_without_text: u32::try_from(without_text).unwrap_or(u32::MAX),
            chunks: u32::try_from(chunks.len()).unwrap_or(u32::MAX),
        };
        let id = self.revision.id;
        let (chunks, stored) = self
            .ctx
            .read(move |tx| {
                let stored = rows::chunks_staged_count(tx, id, &chunks)?;
                Ok::<_, KnowledgeError>((chunks, stored))
            })
            .await?;
        // Another version of the program cut differently: what it left is of no use.
        if stored.is_none() {
            self.forget_staged().await?;
        }
        let mut rest = chunks;
        rest.drain(..stored.unwrap_or(0));
        while !rest.is_empty() {
            self.check_cancelled()?;
            let later = rest.split_off(rest.len().min(CHUNK_BATCH));
            self.store_chunks(std::mem::replace(&mut rest, later)).await?;
        }
        Ok(made)
    }

    async fn store_chunks(&self, batch: Vec<NewChunk>) -> Result<(), KnowledgeError> {
        let id = self.revision.id;
        self.write(move |tx| {
            for chunk in &batch {
                rows::chunk_insert(&tx, id, chunk)?;
            }
            let event = Event::new(CHUNKS_STORED)
                .object("revision", id)
                .detail(json!({ "chunks": batch.len() }));
            Ok(tx.commit(event, ())?)
        })
        .await
    }

    /// Embeds what has no embedding yet, one committed batch after the other.
    pub(super) async fn embed(&self, made: &Made) -> Result<(), KnowledgeError> {
        let size = self.library.settings().embed_batch_chunks.max(1);
        let id = self.revision.id;
        loop {
            self.check_cancelled()?;
            let (batch, left) = self
                .ctx
                .read(move |tx| {
                    let batch = rows::chunks_without_embedding(tx, id, size)?;
                    Ok::<_, KnowledgeError>((batch, rows::chunks_unembedded_count(tx, id)?))
                })
                .await?;
            if batch.is_empty() {
                return Ok(());
            }
            let embeddings = self.embed_batch(&batch).await?;
            let left = left.saturating_sub(u32::try_from(batch.len()).unwrap_or(u32::MAX));
            self.store_embeddings(batch, embeddings, made, left).await?;
        }
    }

    async fn embed_batch(&self, batch: &[ChunkText]) -> Result<Vec<Embedding>, KnowledgeError> {
        let timeout = self.library.settings().embed_timeout;
        let texts: Vec<String> = batch.iter().map(chunking::embedded_text).collect();
        let models = self.library.models();
        let embed = || models.embed(texts.clone(), TextKind::Passage, Priority::Ingest, timeout);
        patiently(self.cancel, embed).await
    }

    async fn store_embeddings(
        &self,
        batch: Vec<ChunkText>,
        embeddings: Vec<Embedding>,
        made: &Made,
        left: u32,
    ) -> Result<(), KnowledgeError> {
        let (id, job) = (self.revision.id, self.job);
        let pages = u64::from(made.pages);
        // The job counts pages: each once when it is read and once when it is embedded.
        let embedded = u64::from(made.chunks.saturating_sub(left));
        let done = pages + pages * embedded / u64::from(made.chunks.max(1));
        self.write(move |tx| {
            for (chunk, embedding) in batch.iter().zip(&embeddings) {
                rows::embedding_set(&tx, By::BuiltIn, chunk.id, embedding)?;
            }
            job_progress(&tx, job, done, Some(pages * 2))?;
            let event = Event::new(CHUNKS_EMBEDDED)
                .object("revision", id)
                .detail(json!({ "chunks": batch.len(), "left": left }));
            Ok(tx.commit(event, ())?)
        })
        .await
    }
}
