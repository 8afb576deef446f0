//! What ingestion and retrieval need besides a tenant's context: the two workers and the limits.

use std::sync::Arc;
use std::time::Duration;

use models::{Encoders, ModelWorker};
use parse::ParseWorker;

/// Limits of ingestion and retrieval that an administrator may change.
#[derive(Clone, Debug, PartialEq)]
pub struct LibrarySettings {
    /// Chunks embedded per call and committed together. Small, so that a kill loses little and a
    /// person's question waits for one batch at most.
    pub embed_batch_chunks: usize,
    /// Time for one such batch.
    pub embed_timeout: Duration,
    /// Pages committed together.
    pub page_batch: usize,
    /// Time for the embedding of a question; after it the text arm answers alone.
    pub query_timeout: Duration,
    /// The same while the model worker still has to start, which unpacks and reads the weights.
    pub first_query_timeout: Duration,
    /// Time for putting what was found in order by the assigned model; after it the order stays.
    pub rerank_timeout: Duration,
}

impl Default for LibrarySettings {
    fn default() -> Self {
        Self {
            embed_batch_chunks: 32,
            embed_timeout: Duration::from_secs(300),
            page_batch: 16,
            query_timeout: Duration::from_secs(3),
            first_query_timeout: Duration::from_secs(15),
            rerank_timeout: Duration::from_secs(5),
        }
    }
}

/// What ingestion and retrieval work with. Cheap to clone.
#[derive(Clone)]
pub struct Library {
    inner: Arc<Inner>,
}

struct Inner {
    parser: ParseWorker,
    models: ModelWorker,
    encoders: Encoders,
    settings: LibrarySettings,
}

impl Library {
    /// A library over these workers; starts neither.
    #[must_use]
    pub fn new(
        parser: ParseWorker,
        models: ModelWorker,
        encoders: Encoders,
        settings: LibrarySettings,
    ) -> Self {
        Self { inner: Arc::new(Inner { parser, models, encoders, settings }) }
    }

    /// What reads foreign files.
    #[must_use]
    pub fn parser(&self) -> &ParseWorker {
        &self.inner.parser
    }

    /// What embeds texts.
    #[must_use]
    pub fn models(&self) -> &ModelWorker {
        &self.inner.models
    }

    /// The models that an administrator has assigned to finding texts.
    #[must_use]
    pub fn encoders(&self) -> &Encoders {
        &self.inner.encoders
    }

    /// The limits.
    #[must_use]
    pub fn settings(&self) -> &LibrarySettings {
        &self.inner.settings
    }
}
