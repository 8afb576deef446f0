//! Quote mode: the sentences of the documents that answer a question, word for word, or the
//! finding that there are none. Needs no language model.

mod candidates;
mod expected;
mod lexicon;
mod question;
mod score;
mod sentences;
mod synonyms;
mod talk;
pub(crate) mod terms;
mod weights;

use std::time::Duration;

use knowledge::{Passage, Retrieval};
use models::{Embedding, ModelWorker, Priority, TextKind};

use crate::AgentError;
use crate::model::Decision;

pub(crate) use candidates::Candidate;
use question::Question;
use score::Features;
use weights::{ANSWER_THRESHOLD, FOLLOWING_MARGIN, FURTHER_MARGIN};

/// Most sentences of an answer.
pub(crate) const QUOTES_MAX: usize = 3;

/// Most candidates that get an embedding of their own: the best by everything else.
const EMBEDDED_MAX: usize = 40;

/// Time for their embeddings; without them the words alone decide.
const EMBED_TIMEOUT: Duration = Duration::from_secs(5);

/// A candidate with what was measured of it.
#[derive(Clone, Debug)]
pub(crate) struct Weighed {
    pub(crate) candidate: Candidate,
    pub(crate) features: Features,
}

/// What is to be quoted.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    /// In reading order; empty when nothing answers.
    pub(crate) quotes: Vec<Weighed>,
    pub(crate) decision: Decision,
    /// Sentences that were weighed.
    pub(crate) candidates: usize,
}

/// Weighs every sentence that was found against the question, best first.
pub(crate) async fn weigh(
    question: &str,
    retrieval: &Retrieval,
    models: &ModelWorker,
) -> Result<Vec<Weighed>, AgentError> {
    let text = question.to_owned();
    let passages = retrieval.passages.clone();
    let measuring = tokio::task::spawn_blocking(move || measure(&text, &passages));
    let mut weighed = measuring.await.map_err(|_| AgentError::Panicked)?;
    if let Some(embedding) = &retrieval.query_embedding {
        add_dense(&mut weighed, embedding, &retrieval.passages, models).await;
        sort(&mut weighed);
    }
    Ok(weighed)
}

/// Decides, and picks up to [`QUOTES_MAX`] sentences in reading order.
pub(crate) fn choose(weighed: &[Weighed], passages: &[Passage]) -> Chosen {
    let candidates = weighed.len();
    let Some(best) = weighed.first() else {
        let decision = Decision { threshold: ANSWER_THRESHOLD, ..Decision::default() };
        return Chosen { quotes: Vec::new(), decision, candidates };
    };
    let score = best.features.probability();
    let answerable = score >= ANSWER_THRESHOLD;
    let decision = Decision {
        answerable,
        score,
        threshold: ANSWER_THRESHOLD,
        features: best.features.by_name(),
    };
    let mut quotes: Vec<Weighed> = Vec::new();
    if answerable {
        let top = best.features.rank();
        let document = passages[best.candidate.passage].document_id;
        let good = weighed.iter().filter(|other| {
            // What follows in the same paragraph belongs to it more than what stands elsewhere.
            let follows = other.candidate.passage == best.candidate.passage
                && other.candidate.before == best.candidate.quote;
            let margin = if follows { FOLLOWING_MARGIN } else { FURTHER_MARGIN };
            top - other.features.rank() <= margin
                && passages[other.candidate.passage].document_id == document
        });
        quotes = good.take(QUOTES_MAX).cloned().collect();
        quotes.sort_by_key(|quote| {
            let passage = &passages[quote.candidate.passage];
            let page = passage.page_of(quote.candidate.range.clone());
            (passage.revision_number, page, passage.chunk_id, quote.candidate.range.start)
        });
    }
    Chosen { quotes, decision, candidates }
}

fn measure(question: &str, passages: &[Passage]) -> Vec<Weighed> {
    let question = Question::new(question, passages);
    let mut weighed: Vec<Weighed> = candidates::candidates(passages)
        .into_iter()
        .map(|candidate| {
            let passage = &passages[candidate.passage];
            let features = Features::measure(&question, &candidate, passage);
            Weighed { candidate, features }
        })
        .collect();
    sort(&mut weighed);
    weighed
}

/// Best first; the order of the text decides between equals, so that the same question always gets
/// the same answer.
fn sort(weighed: &mut [Weighed]) {
    weighed.sort_by(|a, b| {
        b.features.rank().total_cmp(&a.features.rank()).then_with(|| {
            let place = |w: &Weighed| (w.candidate.passage, w.candidate.range.start);
            place(a).cmp(&place(b))
        })
    });
}

/// Embeds the best candidates. When the worker can't, their cosine stays 0, as for all the others.
async fn add_dense(
    weighed: &mut [Weighed],
    question: &Embedding,
    passages: &[Passage],
    models: &ModelWorker,
) {
    let count = weighed.len().min(EMBEDDED_MAX);
    let Some(best) = weighed.get_mut(..count) else { return };
    let texts = best.iter().map(|w| with_heading(&w.candidate, passages)).collect();
    let embedded =
        models.embed(texts, TextKind::Passage, Priority::Interactive, EMBED_TIMEOUT).await;
    match embedded {
        Ok(embeddings) => {
            for (weighed, embedding) in best.iter_mut().zip(&embeddings) {
                weighed.features.dense = question.dot(embedding);
            }
        }
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "sentences are weighed without their embeddings"
        ),
    }
}

fn with_heading(candidate: &Candidate, passages: &[Passage]) -> String {
    match passages[candidate.passage].heading_path.last() {
        Some(heading) => format!("{heading}: {}", candidate.quote),
        None => candidate.quote.clone(),
    }
}
