//! Models that are assigned to finding texts, beside the built-in embedder.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use base::RequestId;
use knowledge::{LibrarySettings, NewRevision, document_delete, document_reindex};
use models::{
    BoxFuture, CallOptions, Embedding, ModelDescription, ModelError, ModelHash, TextEncoder,
    TextKind,
};
use policy::authorize;
use store::TenantCtx;

use crate::plant::Plant;

const PUMP: &str = "# Pump\n\nTighten the flange bolts to 90 N·m.\n";
const CRANE: &str = "# Crane\n\nGrease the rope drum every month.\n";
const OVEN: &str = "# Oven\n\nWait for the door to cool before you open it.\n";

/// What a text is about, as the script sees it; no two texts share a word about it.
fn topic(text: &str) -> usize {
    let about = [
        ["90 N·m", "how hard must screws be turned"],
        ["rope drum", "when does the hoist get lubricant"],
        ["door to cool", "is it dangerous to look inside at once"],
    ];
    about.iter().position(|words| words.iter().any(|word| text.contains(word))).unwrap_or(9)
}

/// A model that knows what texts are about.
struct Script {
    hash: u8,
    answers: AtomicBool,
    read: AtomicUsize,
    pause: Duration,
}

impl Script {
    fn new(hash: u8) -> Arc<Self> {
        Self::slow(hash, Duration::ZERO)
    }

    fn slow(hash: u8, pause: Duration) -> Arc<Self> {
        Arc::new(Self { hash, answers: AtomicBool::new(true), read: AtomicUsize::new(0), pause })
    }

    fn refused() -> ModelError {
        // Of the kind that no other try mends.
        ModelError::Invalid(base::Violation::new("texts", "as told"))
    }
}

impl TextEncoder for Script {
    fn describe(&self) -> ModelDescription {
        ModelDescription {
            hash: ModelHash::from_bytes([self.hash; 32]),
            name: format!("script-{}", self.hash),
            context_tokens: 512,
        }
    }

    fn embed(
        &self,
        texts: Vec<String>,
        _: TextKind,
        _: CallOptions,
    ) -> BoxFuture<'_, Result<Vec<Embedding>, ModelError>> {
        Box::pin(async move {
            if !self.answers.load(Ordering::Relaxed) {
                return Err(Self::refused());
            }
            self.read.fetch_add(texts.len(), Ordering::Relaxed);
            let vector = |text: &String| {
                // As many models: all cosines are high.
                let mut values = [1.0; 384];
                values[topic(text)] += 12.0;
                Embedding::normalise(values).unwrap()
            };
            Ok(texts.iter().map(vector).collect())
        })
    }

    fn rerank(
        &self,
        query: String,
        texts: Vec<String>,
        options: CallOptions,
    ) -> BoxFuture<'_, Result<Vec<f32>, ModelError>> {
        Box::pin(async move {
            if !self.answers.load(Ordering::Relaxed) {
                return Err(Self::refused());
            }
            let pause = tokio::time::sleep(self.pause);
            if tokio::time::timeout(options.timeout, pause).await.is_err() {
                return Err(ModelError::DeadlinePassed { timeout: options.timeout });
            }
            self.read.fetch_add(texts.len(), Ordering::Relaxed);
            let relevance = |text: &String| if topic(text) == topic(&query) { 5.0 } else { -5.0 };
            Ok(texts.iter().map(relevance).collect())
        })
    }
}

/// Chunks, those with an embedding by a model, and those with the code of one.
async fn counts(ctx: &TenantCtx) -> (usize, usize, usize) {
    ctx.read(|tx| {
        let count = |sql: &str| tx.query_all(sql, [], |_| Ok(())).map(|rows| rows.len());
        Ok::<_, store::StoreError>((
            count("SELECT 1 FROM chunks")?,
            count("SELECT 1 FROM model_embeddings")?,
            count("SELECT 1 FROM model_embedding_codes")?,
        ))
    })
    .await
    .unwrap()
}

async fn assign(plant: &Plant, embedder: Option<Arc<Script>>) -> u32 {
    let embedder = embedder.map(|script| script as Arc<dyn TextEncoder>);
    plant.library.encoders().set_embedder(embedder);
    let request = RequestId::new(plant.store.now(), plant.store.entropy()).unwrap();
    let scope = plant.store.appliance_scope(&plant.operator);
    knowledge::embedder_changed(&plant.store, &scope, request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assigned_model_is_compared_by_as_soon_as_it_has_embedded_everything() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    plant.add(NewRevision::named("pump.md"), PUMP).await;
    plant.add(NewRevision::named("crane.md"), CRANE).await;
    let ctx = plant.console().await;
    let lubricant = "when does the hoist get lubricant";
    assert_eq!(plant.results(&ctx, lubricant).await.helped.embedder, None);

    let script = Script::new(1);
    assert_eq!(assign(&plant, Some(Arc::clone(&script))).await, 1);
    // The same again adds nothing to what waits.
    plant.work().await;
    let (chunks, embeddings, codes) = counts(&ctx).await;
    assert!(chunks >= 2);
    assert_eq!((embeddings, codes), (chunks, chunks));
    let found = plant.results(&ctx, lubricant).await;
    assert_eq!(found.helped.embedder.as_deref(), Some("script-1"));
    assert_eq!(found.passages[0].document_key, "crane", "{:?}", found.passages);
    // What answers are checked by stays the built-in embedder's.
    let built_in = plant.results(&ctx, "rope drum").await.passages[0].scores.vector;
    assert!((0.0..1.0).contains(&built_in));

    // What is brought in later is embedded by it too.
    plant.add(NewRevision::named("oven.md"), OVEN).await;
    let found = plant.results(&ctx, "is it dangerous to look inside at once").await;
    assert_eq!(found.helped.embedder.as_deref(), Some("script-1"));
    assert_eq!(found.passages[0].document_key, "oven");

    // As long as it does not answer, the built-in one does its work.
    script.answers.store(false, Ordering::Relaxed);
    let found = plant.results(&ctx, "rope drum").await;
    assert_eq!((found.helped.embedder, found.degraded), (None, None));
    assert_eq!(found.passages[0].document_key, "crane");
    let fourth = plant.add(NewRevision::named("gate.md"), "# Gate\n\nClose the gate.\n").await;
    let (chunks, embeddings, _) = counts(&ctx).await;
    assert!(embeddings < chunks, "{embeddings} of {chunks}");
    assert_eq!(plant.search(&ctx, "gate").await[0].document_key, "gate");

    // One chunk is missing: vectors of two models are not compared with one another.
    script.answers.store(true, Ordering::Relaxed);
    assert_eq!(plant.results(&ctx, lubricant).await.helped.embedder, None);
    assign(&plant, Some(Arc::clone(&script))).await;
    plant.work().await;
    assert!(plant.results(&ctx, lubricant).await.helped.embedder.is_some());

    // Another one begins anew; without any the rows go.
    let read = script.read.load(Ordering::Relaxed);
    let other = Script::new(2);
    assign(&plant, Some(Arc::clone(&other))).await;
    plant.work().await;
    assert!(other.read.load(Ordering::Relaxed) >= 4);
    assert_eq!(script.read.load(Ordering::Relaxed), read);
    let found = plant.results(&ctx, lubricant).await;
    assert_eq!(found.helped.embedder.as_deref(), Some("script-2"));
    document_reindex(authorize(&ctx).unwrap(), fourth.document_id).await.unwrap();
    plant.work().await;
    let (chunks, embeddings, codes) = counts(&ctx).await;
    assert_eq!((embeddings, codes), (chunks, chunks));
    document_delete(authorize(&ctx).unwrap(), fourth.document_id).await.unwrap();
    let found = plant.results(&ctx, lubricant).await;
    assert_eq!(found.helped.embedder.as_deref(), Some("script-2"));
    assign(&plant, None).await;
    plant.work().await;
    let (_, embeddings, codes) = counts(&ctx).await;
    assert_eq!((embeddings, codes), (0, 0));
    assert_eq!(plant.results(&ctx, "rope drum").await.passages[0].document_key, "crane");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_was_read_while_the_appliance_was_down_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    plant.add(NewRevision::named("pump.md"), PUMP).await;
    assign(&plant, Some(Script::new(1))).await;
    plant.work().await;
    plant.close().await;
    let plant = Plant::at(dir.path()).await;
    let script = Script::new(1);
    plant.library.encoders().set_embedder(Some(Arc::clone(&script) as Arc<dyn TextEncoder>));
    let ctx = plant.console().await;
    let found = plant.results(&ctx, "how hard must screws be turned").await;
    assert_eq!(found.helped.embedder.as_deref(), Some("script-1"));
    assert_eq!(script.read.load(Ordering::Relaxed), 1, "the question alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reranker_puts_the_best_in_order_as_far_as_its_time_goes() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    for (name, text) in [("pump.md", PUMP), ("crane.md", CRANE), ("oven.md", OVEN)] {
        plant.add(NewRevision::named(name), text).await;
    }
    let ctx = plant.console().await;
    // All three have words of it; what it is about stands in the last.
    let query = "bolts drum is it dangerous to look inside at once door";
    let before = plant.results(&ctx, query).await;
    assert_eq!(before.helped.reranker, None);
    assert!(before.passages.len() == 3 && before.passages[0].document_key != "oven");
    let script = Script::new(3);
    plant.library.encoders().set_reranker(Some(Arc::clone(&script) as Arc<dyn TextEncoder>));
    let after = plant.results(&ctx, query).await;
    assert_eq!(after.helped.reranker.as_deref(), Some("script-3"));
    assert_eq!(after.passages[0].document_key, "oven");
    // Scores stay what they are, whoever puts them in order.
    let scores = |found: &knowledge::SearchResults| {
        let mut scores: Vec<f32> = found.passages.iter().map(|p| p.scores.fused).collect();
        scores.sort_by(f32::total_cmp);
        scores
    };
    assert_eq!(scores(&after), scores(&before));
    // One that fails changes nothing.
    script.answers.store(false, Ordering::Relaxed);
    let keys = |found: &knowledge::SearchResults| -> Vec<String> {
        found.passages.iter().map(|p| p.document_key.clone()).collect()
    };
    let failed = plant.results(&ctx, query).await;
    assert_eq!((failed.helped.reranker.clone(), keys(&failed)), (None, keys(&before)));
    drop(ctx);
    plant.close().await;

    let hurry = LibrarySettings { rerank_timeout: Duration::from_millis(50), ..Default::default() };
    let plant = Plant::with(dir.path(), &[], hurry).await;
    let slow = Script::slow(4, Duration::from_secs(60));
    plant.library.encoders().set_reranker(Some(slow as Arc<dyn TextEncoder>));
    let ctx = plant.console().await;
    let late = plant.results(&ctx, query).await;
    assert_eq!((late.helped.reranker.clone(), keys(&late)), (None, keys(&before)));
}
