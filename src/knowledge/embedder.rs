//! Embeddings by a model that an administrator has assigned: a durable job in each tenant makes those that are
//! missing, and takes away those of a model that is assigned no more.
//!
//! The built-in embedder's stay beside them. They are what answers are checked by, and what is compared as long as
//! one chunk is missing here, or the model does not answer.

use std::sync::Arc;

use audit::{Action, Event};
use base::{ChunkId, Coded as _};
use models::{CallOptions, Embedding, ModelError, ModelHash, Priority, TextEncoder, TextKind};
use serde_json::{Value, json};
use store::{
    ApplianceScope, JobContext, JobFailure, JobHandler, NewJob, Store, StoreError, TenantCtx,
    WriteTx, job_enqueue, job_progress,
};

use crate::chunking::embedded_text;
use crate::patience::patiently;
use crate::store::{self as rows, By, ChunkText};
use crate::{KnowledgeError, Library, tenant_index};

/// The kind of jobs that embed with an assigned model.
pub const EMBED_JOB: &str = "embed";

/// What these jobs work on, as the jobs table names it.
const SUBJECT: &str = "embedder";

const EMBEDDER_CHANGED: Action = Action::new("embedder.changed");
const CHUNKS_EMBEDDED: Action = Action::new("embedder.chunks_embedded");

/// Chunks embedded per call and committed together: large models take seconds for each, and lose little when
/// they are cut off.
const BATCH_MAX_CHUNKS: usize = 16;

/// Has every tenant embed with the model that is assigned now, or forget the embeddings of one that was. Returns in
/// how many tenants that begins.
///
/// # Errors
/// The store's own.
pub async fn embedder_changed(
    store: &Store,
    scope: &ApplianceScope,
    request: base::RequestId,
) -> Result<u32, StoreError> {
    store.job_queue_everywhere(scope, request, EMBED_JOB, SUBJECT).await
}

/// Queues the job in the transaction that publishes new chunks, unless one waits already. One that runs may have
/// passed them.
pub(crate) fn embed_later(
    tx: &mut WriteTx<'_>,
    library: &Library,
    new: &NewJob,
) -> Result<(), KnowledgeError> {
    if library.encoders().embedder().is_none() || rows::job_waits(tx, SUBJECT)? {
        return Ok(());
    }
    match job_enqueue(tx, new) {
        // What is published next queues it; until then the built-in embeddings are compared.
        Ok(_) | Err(StoreError::QueueFull) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The job that [`embed_later`] queues.
pub(crate) fn embed_job(ctx: &TenantCtx) -> Result<NewJob, StoreError> {
    NewJob::new(ctx, EMBED_JOB, SUBJECT.to_owned(), Value::Null)
}

/// What works on these jobs.
#[must_use]
pub fn embed_handler(library: Library) -> JobHandler {
    Arc::new(move |job| {
        let library = library.clone();
        Box::pin(async move {
            let run = Run { library: &library, job: &job };
            run.carry_out().await.map_err(|error| JobFailure {
                code: error.code(),
                detail: error.to_string(),
                retry: error.retry(),
            })
        })
    })
}

struct Run<'a> {
    library: &'a Library,
    job: &'a JobContext,
}

impl Run<'_> {
    async fn carry_out(&self) -> Result<Value, KnowledgeError> {
        let embedder = self.library.encoders().embedder();
        let model = embedder.as_ref().map(|embedder| embedder.describe().hash);
        self.take(model).await?;
        let Some(embedder) = embedder else { return Ok(json!({ "model": null })) };
        let count = self.embed(&*embedder).await?;
        tenant_index::reread_model(&self.job.ctx).await?;
        Ok(json!({ "model": model.map(|model| model.to_string()), "chunks": count }))
    }

    /// Takes away the embeddings of another model.
    async fn take(&self, model: Option<ModelHash>) -> Result<(), KnowledgeError> {
        let ctx = &self.job.ctx;
        let before = ctx.read(|tx| Ok::<_, KnowledgeError>(rows::embedder(tx)?)).await?;
        if before == model {
            return Ok(());
        }
        let name =
            |model: Option<ModelHash>| json!({ "model": model.map(|hash| hash.to_string()) });
        ctx.write(move |tx| {
            rows::embedder_set(&tx, model)?;
            let event = Event::new(EMBEDDER_CHANGED).before(name(before)).after(name(model));
            Ok::<_, KnowledgeError>(tx.commit(event, ())?)
        })
        .await?;
        tenant_index::reread_model(ctx).await
    }

    /// Embeds what is missing, one committed batch after the other; returns how many chunks that were.
    async fn embed(&self, embedder: &dyn TextEncoder) -> Result<u64, KnowledgeError> {
        let (ctx, model) = (&self.job.ctx, embedder.describe().hash);
        let size = self.library.settings().embed_batch_chunks.clamp(1, BATCH_MAX_CHUNKS);
        let counted = ctx.read(|tx| Ok::<_, KnowledgeError>(rows::model_embedded_counts(tx)?));
        let (total, already) = counted.await?;
        let (mut after, mut count) = (ChunkId(0), 0);
        loop {
            self.check_cancelled()?;
            let next = ctx.read(move |tx| {
                let batch = rows::chunks_without_model_embedding(tx, after, size)?;
                Ok::<_, KnowledgeError>(batch)
            });
            let batch = next.await?;
            let Some(last) = batch.last() else { return Ok(count) };
            after = last.id;
            let embeddings = self.embed_batch(embedder, &batch).await?;
            let is_assigned = self.library.encoders().embedder().map(|now| now.describe().hash);
            if is_assigned != Some(model) {
                // The job of the change that came between does the rest.
                return Ok(count);
            }
            count += self.store(model, batch, embeddings, (already + count, total)).await?;
        }
    }

    async fn embed_batch(
        &self,
        embedder: &dyn TextEncoder,
        batch: &[ChunkText],
    ) -> Result<Vec<Embedding>, KnowledgeError> {
        let timeout = self.library.settings().embed_timeout;
        let options = CallOptions { priority: Priority::Ingest, timeout };
        let texts: Vec<String> = batch.iter().map(embedded_text).collect();
        let embed = || embedder.embed(texts.clone(), TextKind::Passage, options);
        let embeddings = patiently(&self.job.cancel, embed).await?;
        if embeddings.len() == batch.len() {
            Ok(embeddings)
        } else {
            Err(ModelError::Worker(None).into())
        }
    }

    fn check_cancelled(&self) -> Result<(), KnowledgeError> {
        if self.job.cancel.is_cancelled() { Err(KnowledgeError::Cancelled) } else { Ok(()) }
    }

    async fn store(
        &self,
        model: ModelHash,
        batch: Vec<ChunkText>,
        embeddings: Vec<Embedding>,
        (done, total): (u64, u64),
    ) -> Result<u64, KnowledgeError> {
        let job = self.job.job.id();
        self.job
            .ctx
            .write(move |tx| {
                let mut stored = 0_u64;
                // Another one may have taken its place; a chunk may have gone with its document.
                if rows::embedder(&tx)? == Some(model) {
                    for (chunk, embedding) in batch.iter().zip(&embeddings) {
                        if rows::chunk_exists(&tx, chunk.id)? {
                            rows::embedding_set(&tx, By::Model, chunk.id, embedding)?;
                            stored += 1;
                        }
                    }
                }
                job_progress(&tx, job, done + stored, Some(total.max(done + stored)))?;
                let event = Event::new(CHUNKS_EMBEDDED).object("model", model).detail(
                    json!({ "chunks": stored, "left": total.saturating_sub(done + stored) }),
                );
                Ok::<_, KnowledgeError>(tx.commit(event, stored)?)
            })
            .await
    }
}
