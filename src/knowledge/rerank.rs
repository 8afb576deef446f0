//! The best passages in the order of a model that reads each of them beside the question.
//!
//! Words and vectors are compared without reading the two together. A reranker does, which takes it tens of
//! milliseconds to seconds a passage; so it reads the best few, as many as its time has room for.

use std::time::Duration;

use models::{CallOptions, Priority, TextEncoder};
use tokio::time::Instant;

use crate::chunk::embedding_text;
use crate::passages::Passage;

/// Passages that are put in order at most.
pub(crate) const RERANK_CANDIDATES: usize = 24;

/// Passages that are read in one call: between two of them the clock is looked at.
const AT_ONCE: usize = 4;

/// A first passage that is ahead of the second by so much of the fused score stays the first, and nothing is read.
/// Scores are weighted sums of shares and cosines, so half of it is more than what one arm alone tells apart.
const CLEAR_MARGIN: f32 = 0.4;

/// Puts the best passages in the order that `reranker` sees. Those that it has no time for, and all of them where it
/// fails, stay as they are, behind the others. Says whether it had a part in the order.
pub(crate) async fn rerank(
    reranker: &dyn TextEncoder,
    question: String,
    passages: &mut Vec<Passage>,
    time: Duration,
) -> bool {
    let clear = match passages.as_slice() {
        [first, second, ..] => first.scores.fused - second.scores.fused >= CLEAR_MARGIN,
        _ => true,
    };
    if clear {
        return false;
    }
    let deadline = Instant::now() + time;
    let candidates = passages.len().min(RERANK_CANDIDATES);
    let mut relevances: Vec<f32> = Vec::with_capacity(candidates);
    while relevances.len() < candidates {
        let timeout = deadline.saturating_duration_since(Instant::now());
        if timeout.is_zero() {
            break;
        }
        let batch = &passages[relevances.len()..candidates.min(relevances.len() + AT_ONCE)];
        let texts = batch.iter().map(|passage| {
            embedding_text(&passage.document_title, &passage.heading_path, &passage.text)
        });
        let options = CallOptions { priority: Priority::Interactive, timeout };
        match reranker.rerank(question.clone(), texts.collect(), options).await {
            Ok(found) if found.len() == batch.len() => relevances.extend(found),
            Ok(_) => break,
            Err(error) => {
                tracing::warn!(
                    model.hash = %reranker.describe().hash,
                    read = relevances.len(),
                    error = &error as &dyn std::error::Error,
                    "the reranker has not read all of the best passages"
                );
                break;
            }
        }
    }
    // One alone has no order.
    if relevances.len() < 2 {
        return false;
    }
    let unread = passages.split_off(relevances.len());
    let mut read: Vec<_> = relevances.into_iter().zip(passages.drain(..)).collect();
    // Stable: of equally relevant ones the better found stays ahead.
    read.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    passages.extend(read.into_iter().map(|(_, passage)| passage));
    passages.extend(unread);
    true
}
